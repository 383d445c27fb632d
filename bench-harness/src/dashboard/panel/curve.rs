//! Loss and accuracy over the epochs: training step by step, validation after each epoch.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Span;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use super::Pen;
use crate::dashboard::axes::{LARGEST, linear};
use crate::dashboard::state::{Curves, State};
use crate::table::sig;

/// The mark of an epoch's validation, and those of training's line.
const VALIDATION: (Marker, &str) = (Marker::Custom('●'), "●");
const BRAILLE: (Marker, &str) = (Marker::Braille, "⠒");
const DOTS: (Marker, &str) = (Marker::Custom('·'), "·");

/// Cross-entropy in nats.
pub(in crate::dashboard) fn loss(state: &State, area: Rect, pen: &mut Pen<'_>) {
    draw("loss", state, (&state.loss, 1.0, f64::INFINITY), |y| sig(y, 3), area, pen);
}

/// Accuracy in percent.
pub(in crate::dashboard) fn accuracy(state: &State, area: Rect, pen: &mut Pen<'_>) {
    draw("accuracy %", state, (&state.accuracy, 100.0, 100.0), |y| format!("{y:.1}"), area, pen);
}

/// Curves times a unit, which are at least 0 and at most so much.
fn draw(
    name: &str,
    state: &State,
    (curves, unit, most): (&Curves, f64, f64),
    text: fn(f64) -> String,
    area: Rect,
    pen: &mut Pen<'_>,
) {
    let in_units = |points: Vec<(f64, f64)>| {
        points.into_iter().map(|(x, y)| (x, (unit * y).clamp(-LARGEST, LARGEST))).collect()
    };
    let training: Vec<(f64, f64)> = in_units(curves.training.points());
    let validation: Vec<(f64, f64)> = in_units(curves.validation.points());
    let (marker, mark) = if state.draws_bullets { DOTS } else { BRAILLE };
    let palette = *pen.palette;
    let of = |points: &[(f64, f64)], mark: &str, what: &str, style| {
        let now = points.last().map(|&(_, y)| text(y));
        now.map(|now| Span::styled(format!("  {mark} {what}{now}"), style))
    };
    let title = |words: [&str; 2]| -> Vec<Span<'_>> {
        let training = of(&training, mark, words[0], palette.training);
        let validation = of(&validation, VALIDATION.1, words[1], palette.validation);
        std::iter::once(Span::styled(name, palette.strong)).chain(training).chain(validation).collect()
    };
    let (long, short) = (title(["training ", "validation "]), title(["", ""]));
    // Without words where there is no room for them: the marks say which is which.
    let has_room = long.iter().map(Span::width).sum::<usize>() + 4 <= usize::from(area.width);
    let title = if has_room { long } else { short };
    let inner = pen.title(area, title);
    if training.is_empty() && validation.is_empty() {
        return pen.words(inner, "no step is taken yet");
    }
    if inner.width < 12 || inner.height < 3 {
        return;
    }
    let (epoch, _) = state.place();
    let [low, high] = linear(training.iter().chain(&validation).map(|&(_, y)| y));
    let y = [low.max(0.0), high.min(most)];
    // The ends of the epochs, and of what there is to see.
    let reach = training.iter().chain(&validation).map(|&(x, _)| x).fold(epoch.max(1) as f64, f64::max);
    let chart = Chart::new(vec![
        curve(&training, marker, palette.training).graph_type(GraphType::Line),
        curve(&validation, VALIDATION.0, palette.validation),
    ])
    .legend_position(None)
    .x_axis(
        Axis::default()
            .bounds([0.0, reach])
            .labels(["0".to_string(), format!("epoch {reach:.0}")])
            .style(palette.faint),
    )
    .y_axis(Axis::default().bounds(y).labels(y.map(text)).style(palette.faint));
    chart.render(inner, pen.buffer);
}

fn curve(points: &[(f64, f64)], marker: Marker, style: Style) -> Dataset<'_> {
    Dataset::default().data(points).marker(marker).style(style).graph_type(GraphType::Scatter)
}
