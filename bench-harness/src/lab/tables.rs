//! Comparisons as tables: for the terminal and Markdown, and as CSV.

use super::comparison::{Comparison, Row};
use super::difference::Difference;
use super::group::Group;
use crate::error::Result;
use crate::record::{Cell, Csv};
use crate::table::Table;

impl Comparison {
    /// For people.
    pub fn table(&self) -> Table {
        let entry = self.metric.entry();
        let decimals = entry.decimals;
        let mut table = Table::new()
            .text("activation")
            .number("seeds")
            .number(format!("{}{}", entry.title, entry.unit))
            .number("± s.e.")
            .text("against")
            .number("pairs")
            .number("difference")
            .number("95 % (t)")
            .number("95 % (bootstrap)")
            .number("won/tied/lost");
        for row in &self.rows {
            let number = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.decimals$}"));
            let mut cells = vec![
                row.activation.clone(),
                row.seeds_in_words(),
                number(row.summary.map(|s| s.mean)),
                number(row.summary.and_then(|s| s.standard_error)),
            ];
            match &row.difference {
                Some(d) => cells.extend(d.cells(decimals)),
                None => cells.extend([(); 6].map(|()| String::new())),
            }
            table.row(cells);
        }
        table
    }

    /// The same for programs: every number to its last digit.
    ///
    /// # Errors
    /// Never for a table of that making.
    pub fn append_to(&self, csv: &mut Csv, group: &Group) -> Result<()> {
        for row in &self.rows {
            let d = row.difference.as_ref();
            let summary = d.and_then(|d| d.summary);
            let interval = |pair: Option<(f64, f64)>| [pair.map(|p| p.0), pair.map(|p| p.1)].map(Cell::from);
            let head = [
                Cell::from(group.settings.dataset.as_str()),
                Cell::from(group.settings.model.as_str()),
                Cell::from(group.apart()),
                Cell::from(self.metric.entry().id),
                Cell::from(row.activation.as_str()),
                Cell::from(row.seeds()),
                Cell::from(row.diverged),
                Cell::from(row.unfinished),
                Cell::from(row.without_value),
                Cell::from(row.summary.map(|s| s.mean)),
                Cell::from(row.summary.and_then(|s| s.standard_error)),
                Cell::from(d.map(|d| d.against.as_str())),
                Cell::from(d.map(Difference::pairs)),
                Cell::from(summary.map(|s| s.mean)),
                Cell::from(summary.and_then(|s| s.standard_error)),
            ];
            let intervals = [summary.and_then(|s| s.t_interval), d.and_then(|d| d.bootstrap_interval)];
            let counts = [
                d.map(|d| d.wins),
                d.map(|d| d.ties),
                d.map(|d| d.losses),
                d.map(|d| d.only_this),
                d.map(|d| d.only_other),
                d.map(|d| d.diverged_alone),
                d.map(|d| d.other_diverged_alone),
            ]
            .map(Cell::from);
            let verdict = Cell::from(d.map(|d| d.verdict.name()));
            let intervals = intervals.into_iter().flat_map(interval);
            csv.row(head.into_iter().chain(intervals).chain(counts).chain([verdict]))?;
        }
        Ok(())
    }

    /// An empty CSV table for comparisons. Accuracies are in per cent, their differences in points of one.
    pub fn csv() -> Csv {
        Csv::new([
            "dataset",
            "model",
            "settings_that_differ",
            "metric",
            "activation",
            "seeds",
            "diverged",
            "unfinished",
            "without_value",
            "mean",
            "standard_error",
            "against",
            "pairs",
            "difference",
            "difference_standard_error",
            "t_low",
            "t_high",
            "bootstrap_low",
            "bootstrap_high",
            "wins",
            "ties",
            "losses",
            "only_this",
            "only_other",
            "diverged_alone",
            "other_diverged_alone",
            "verdict",
        ])
    }
}

impl Row {
    /// How many runs are in the mean, and how many are not.
    pub(super) fn seeds_in_words(&self) -> String {
        let more = |n: usize, what: &str| if n == 0 { String::new() } else { format!(" (+{n} {what})") };
        [
            self.seeds().to_string(),
            more(self.diverged, "diverged"),
            more(self.unfinished, "unfinished"),
            more(self.without_value, "without a value"),
        ]
        .concat()
    }
}

impl Difference {
    fn cells(&self, decimals: usize) -> [String; 6] {
        let interval = |pair: Option<(f64, f64)>| {
            pair.map_or("–".into(), |(low, high)| format!("{low:+.decimals$} to {high:+.decimals$}"))
        };
        [
            self.against.clone(),
            self.pairs().to_string(),
            self.summary.map_or("–".into(), |s| format!("{:+.decimals$}", s.mean)),
            interval(self.summary.and_then(|s| s.t_interval)),
            interval(self.bootstrap_interval),
            format!("{}/{}/{}", self.wins, self.ties, self.losses),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::group::groups;
    use super::super::metric::Metric;
    use super::super::run_record::tests::finished;
    use super::*;
    use crate::run::Status;

    #[test]
    fn who_diverged_alone_stands_in_files() {
        let mut runs: Vec<_> =
            (1..=3).flat_map(|seed| [finished("relu", seed, 0.5), finished("nrelu", seed, 0.6)]).collect();
        // relu with seed 1, nrelu with seeds 2 and 3.
        for place in [0, 3, 5] {
            runs[place].status = Status::Diverged;
        }
        let group = groups(runs).unwrap().remove(0);
        let comparison = Comparison::of(&group, Metric::Accuracy, None).unwrap();
        let mut csv = Comparison::csv();
        comparison.append_to(&mut csv, &group).unwrap();
        let text = csv.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let json = serde_json::to_value(&comparison.rows[1].difference).unwrap();
        for (name, want) in [("diverged_alone", 2), ("other_diverged_alone", 1)] {
            let place = lines[0].iter().position(|head| *head == name).unwrap();
            assert_eq!(
                (lines[2][place], json[name].as_u64()),
                (want.to_string().as_str(), Some(want)),
                "{name}"
            );
        }
    }

    /// The mean of 51, 52, 54 and 53 is 52.5; all other numbers are those of the tests of differences.
    #[test]
    fn the_same_numbers_stand_in_every_table() {
        let mut runs: Vec<_> = (1..)
            .zip([1.0, 2.0, 4.0, 3.0])
            .flat_map(|(seed, point)| {
                [finished("relu", seed, 0.5), finished("nrelu", seed, 0.5 + point / 100.0)]
            })
            .collect();
        runs.push(finished("nrelu", 5, 0.5));
        runs[8].status = Status::Failed;
        let group = groups(runs).unwrap().remove(0);
        let comparison = Comparison::of(&group, Metric::Accuracy, None).unwrap();
        let text = comparison.table().to_string();
        let row = text.lines().find(|line| line.starts_with("nrelu")).unwrap();
        let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let bootstrap = cells[8];
        assert_eq!(
            cells,
            [
                "nrelu",
                "4 (+1 unfinished)",
                "52.50",
                "0.65",
                "relu",
                "4",
                "+2.50",
                "+0.45 to +4.55",
                bootstrap,
                "4/0/0"
            ]
        );
        let mut csv = Comparison::csv();
        comparison.append_to(&mut csv, &group).unwrap();
        let text = csv.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let cell = |name: &str| lines[2][lines[0].iter().position(|head| *head == name).unwrap()];
        let words =
            ["dataset", "model", "settings_that_differ", "metric", "activation", "seeds", "unfinished"]
                .map(cell);
        assert_eq!(words, ["fashion-mnist-5k", "resnet20", "\"\"", "accuracy", "nrelu", "4", "1"]);
        let counts = ["pairs", "wins", "losses", "only_this", "only_other", "verdict"].map(cell);
        assert_eq!(counts, ["4", "4", "0", "0", "0", "better"]);
        for (name, want) in
            [("difference", 2.5), ("t_low", 0.445_739_743_239_478_07), ("t_high", 4.554_260_256_760_521)]
        {
            assert!((cell(name).parse::<f64>().unwrap() - want).abs() < 1e-10, "{name} is {}", cell(name));
        }
    }
}
