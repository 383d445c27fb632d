//! Comparisons as pictures: learning curves and gradients by layer of a group, and all differences side by side.

use super::comparison::Comparison;
use super::group::Group;
use super::metric::Metric;
use super::run_record::RunRecord;
use crate::error::Result;
use crate::plot::{Chart, Series, stacked};
use crate::run::{EpochMetrics, LayersLine, WEIGHT_GRADIENT};
use crate::statistics::mean_and_error;

/// File names and SVG texts of `groups`; differences from `baseline` or from the plain twins.
///
/// # Errors
/// A baseline that a group does not have.
pub fn figures(groups: &[Group], baseline: Option<&str>) -> Result<Vec<(String, String)>> {
    let mut made = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let name = file_name(index + 1, &group.settings.model, &group.settings.dataset);
        made.push((format!("{name}-curves.svg"), curves(group)));
        made.extend(gradients(group).map(|svg| (format!("{name}-gradients.svg"), svg)));
    }
    made.extend(differences(groups, baseline)?.map(|svg| ("differences.svg".to_string(), svg)));
    Ok(made)
}

/// A group's number, since groups may differ in settings that no file name could hold, model and data set.
fn file_name(number: usize, model: &str, dataset: &str) -> String {
    format!("{number}-{model}-{dataset}")
}

/// A colour for an activation and its normalized twin; the plain one is dashed.
fn drawn(group: &Group, activation: &str, series: Series) -> Series {
    let family = |activation: &str| group.twin(activation).unwrap_or(activation).to_string();
    let mut families = Vec::new();
    for activation in &group.activations {
        let family = family(activation);
        if !families.contains(&family) {
            families.push(family);
        }
    }
    let own = family(activation);
    let number = families.iter().position(|family| *family == own).unwrap_or_default();
    let is_plain = group.activations.iter().any(|other| group.twin(other) == Some(activation));
    let series = series.colour(number);
    if is_plain { series.dashed() } else { series }
}

/// Runs that are finished: of others there is no whole course.
fn finished<'a>(group: &'a Group, activation: &'a str) -> Vec<&'a RunRecord> {
    group.of(activation).filter(|run| run.is_finished()).collect()
}

/// Means over seeds by epoch, with a band from the least to the greatest.
fn curves(group: &Group) -> String {
    let chart = |title: &str, label: &str, read: &dyn Fn(&EpochMetrics) -> Option<f64>| {
        let mut chart = Chart::new(format!("{}: {title}", group.name())).x_label("epoch").y_label(label);
        for activation in &group.activations {
            let runs = finished(group, activation);
            let epochs = runs.iter().map(|run| run.epochs.len()).min().unwrap_or(0);
            let at = |i: usize| runs.iter().filter_map(|run| read(&run.epochs[i])).collect::<Vec<f64>>();
            let all: Vec<Vec<f64>> = (0..epochs).map(at).collect();
            let points = all.iter().enumerate().map(|(i, values)| ((i + 1) as f64, mean_and_error(values).0));
            let ends = |pick: fn(f64, f64) -> f64| {
                all.iter().map(|values| values.iter().copied().fold(f64::NAN, pick)).collect::<Vec<f64>>()
            };
            let line = Series::line(activation.as_str(), points).band(ends(f64::min), ends(f64::max));
            chart = chart.series(drawn(group, activation, line));
        }
        chart.plot_height(280.0)
    };
    let accuracy = |e: &EpochMetrics| Some(100.0 * e.validation?.accuracy);
    let loss = |e: &EpochMetrics| Some(e.train.loss);
    let charts = [
        chart("validation accuracy, mean and range over seeds", "accuracy (%)", &accuracy),
        chart("training loss, mean and range over seeds", "loss (nats)", &loss).log_y(),
    ];
    let has_validation = group.runs.iter().any(|run| run.best.is_some());
    stacked(if has_validation { &charts } else { &charts[1..] })
}

/// The measured E\[(∂L/∂w)²\] of every layer before and after training, geometric means over seeds; `None` if nobody looked.
fn gradients(group: &Group) -> Option<String> {
    let look = |run: &RunRecord, when: &str| -> Option<LayersLine> {
        run.layers.iter().find(|line| line.when == when).cloned()
    };
    let first = group.runs.iter().find_map(|run| look(run, "start"))?;
    let layers: Vec<&str> = first.rows.iter().map(|row| row.layer.as_str()).collect();
    let chart = |when: &str, words: &str| {
        let title = format!("{}: {} by layer {words}", group.name(), WEIGHT_GRADIENT.heading);
        let mut chart = Chart::by_category(title, layers.iter().copied())
            .y_label(WEIGHT_GRADIENT.heading)
            .log_y()
            .plot_height(260.0);
        for activation in &group.activations {
            let looks: Vec<LayersLine> =
                finished(group, activation).iter().filter_map(|run| look(run, when)).collect();
            if looks.is_empty() {
                continue;
            }
            let of_layer = |i: usize| {
                let read = |line: &LayersLine| line.rows.get(i)?.measured.weight_gradient;
                mean_and_error(&looks.iter().filter_map(read).map(f64::ln).collect::<Vec<f64>>()).0.exp()
            };
            let line = Series::line_by_category(activation.as_str(), (0..layers.len()).map(of_layer));
            chart = chart.series(drawn(group, activation, line));
        }
        chart
    };
    Some(stacked(&[chart("start", "before training"), chart("end", "after training")]))
}

/// Every paired difference of test accuracy with its t interval; `None` if there is none.
fn differences(groups: &[Group], baseline: Option<&str>) -> Result<Option<String>> {
    let (mut names, mut means, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in groups {
        for row in Comparison::of(group, Metric::Accuracy, baseline)?.rows {
            let Some((difference, summary)) = row.difference.and_then(|d| Some((d.against, d.summary?)))
            else {
                continue;
            };
            names.push(format!("{}, {} − {difference}", group.name(), row.activation));
            means.push(summary.mean);
            let (from, to) = summary.t_interval.unwrap_or((f64::NAN, f64::NAN));
            low.push(from);
            high.push(to);
        }
    }
    let chart = Chart::by_category("Paired differences of test accuracy, 95 % t intervals", names.clone())
        .y_label("points")
        .reference("no difference", 0.0)
        .series(Series::points_by_category("", means).band(low, high));
    Ok((!names.is_empty()).then(|| chart.to_svg()))
}
