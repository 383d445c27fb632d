//! Comparisons for papers.

use super::comparison::{Comparison, Row};
use super::difference::Verdict;
use super::group::Group;

/// Comparisons of several groups as one `tabular` for LaTeX with `booktabs`. Bold is a difference of which a verdict is known,
/// better or worse.
pub fn latex(groups: &[(&Group, &Comparison)]) -> String {
    let mut lines = vec![
        "% \\usepackage{booktabs}".to_string(),
        "% s.e.: standard error of the mean. Intervals: 95 %, Student's t and percentile bootstrap, over paired seeds.".into(),
        "% Bold: better, or worse where the sign says so; not bold: open. W/T/L: seeds won, tied and lost.".into(),
        "\\begin{tabular}{lrrlrllr}".into(),
        "\\toprule".into(),
        "activation & seeds & mean $\\pm$ s.e. & paired difference & pairs & 95\\,\\% interval ($t$) & 95\\,\\% interval (bootstrap) & W/T/L \\\\".into(),
    ];
    for (group, comparison) in groups {
        let entry = comparison.metric.entry();
        let unit = match entry.unit.trim() {
            "" => String::new(),
            unit => format!(" ({unit}, differences in{})", entry.difference_unit),
        };
        lines.push("\\midrule".into());
        let title = format!("{}, {}{unit}", group.name(), entry.title);
        lines.push(format!("\\multicolumn{{8}}{{l}}{{\\emph{{{}}}}} \\\\", escape(&title)));
        lines.extend(comparison.rows.iter().map(|row| line(row, entry.decimals)));
    }
    lines.push("\\bottomrule".into());
    lines.push("\\end{tabular}\n".into());
    lines.join("\n")
}

fn line(row: &Row, decimals: usize) -> String {
    let mean = row.summary.map_or("--".into(), |s| match s.standard_error {
        Some(error) => format!("${:.decimals$} \\pm {error:.decimals$}$", s.mean),
        None => format!("${:.decimals$}$", s.mean),
    });
    let interval = |pair: Option<(f64, f64)>| {
        pair.map_or("--".into(), |(low, high)| format!("$[{low:+.decimals$}, {high:+.decimals$}]$"))
    };
    let difference = match &row.difference {
        None => " & & & &".into(),
        Some(d) => {
            let number =
                d.summary.map_or("--".into(), |s| match (format!("{:+.decimals$}", s.mean), d.verdict) {
                    (number, Verdict::Open) => format!("${number}$"),
                    (number, _) => format!("$\\mathbf{{{number}}}$"),
                });
            format!(
                "{number} vs {} & {} & {} & {} & {}/{}/{}",
                escape(&d.against),
                d.pairs(),
                interval(d.summary.and_then(|s| s.t_interval)),
                interval(d.bootstrap_interval),
                d.wins,
                d.ties,
                d.losses
            )
        }
    };
    format!("{} & {} & {mean} & {difference} \\\\", escape(&row.activation), row.seeds_in_words())
}

/// Text for LaTeX.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '–' => escaped.push_str("--"),
            '{' | '}' | '#' | '$' | '%' | '&' | '_' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::group::groups;
    use super::super::metric::Metric;
    use super::super::run_record::tests::finished;
    use super::*;
    use crate::run::Status;

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            escape("a_b\\{}#$%&^~"),
            "a\\_b\\textbackslash{}\\{\\}\\#\\$\\%\\&\\textasciicircum{}\\textasciitilde{}"
        );
    }

    /// The numbers are those of the tests of differences.
    #[test]
    fn a_table_says_all_that_the_others_say() {
        let mut runs: Vec<_> = (1..)
            .zip([1.0, 2.0, 4.0, 3.0])
            .flat_map(|(seed, point)| {
                [finished("leaky_relu", seed, 0.5), finished("nleaky_relu", seed, 0.5 + point / 100.0)]
            })
            .collect();
        runs.push(finished("leaky_relu", 5, 0.5));
        (runs[8].status, runs[8].test) = (Status::Diverged, None);
        let group = groups(runs).unwrap().remove(0);
        let of = |metric| Comparison::of(&group, metric, None).unwrap();
        let text = latex(&[(&group, &of(Metric::Accuracy)), (&group, &of(Metric::Loss))]);
        for part in [
            "\\emph{resnet20 on fashion-mnist-5k, test accuracy (\\%, differences in points)}",
            "\\emph{resnet20 on fashion-mnist-5k, test loss}",
            "leaky\\_relu & 4 (+1 diverged) & $50.00 \\pm 0.00$ &  & & & & \\\\",
            "nleaky\\_relu & 4 & $52.50 \\pm 0.65$ & $\\mathbf{+2.50}$ vs leaky\\_relu & 4 & $[+0.45, +4.55]$ & $[",
            " & 4/0/0 \\\\",
            "$\\mathbf{-0.0250}$ vs leaky\\_relu",
            "95\\,\\% interval ($t$)",
        ] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
        // As many cells as columns.
        let rows = text.lines().filter(|line| line.ends_with("\\\\") && !line.contains("multicolumn"));
        assert!(rows.clone().all(|row| row.matches(" &").count() == 7), "{text}");
    }
}
