//! What is run, how far it is, and its numbers now.

use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Pen, fitting};
use crate::dashboard::state::{Phase, State};
use crate::dashboard::time_left::words;
use crate::run::Metrics;
use crate::table::sig;

/// Cells of the bar.
const BAR: usize = 20;

/// In one row the place; in two or three the name before it and the numbers behind; in more the numbers one by one.
pub(in crate::dashboard) fn draw(state: &State, now: Duration, area: Rect, pen: &mut Pen<'_>) {
    if area.is_empty() {
        return;
    }
    let width = usize::from(area.width);
    let numbers = numbers(state);
    if area.height == 1 {
        let place = fitting(&[place(state, width), share(state), left(state, now)], width);
        return pen.text(area, 0, &place, pen.palette.strong);
    }
    name(state, area, pen);
    if area.height == 2 {
        let all = [vec![place(state, width), left(state, now), share(state)], numbers].concat();
        return pen.text(area, 1, &fitting(&all, width), Style::new());
    }
    let mut progress = [place(state, width), share(state), left(state, now)];
    let plain = fitting(&progress, width);
    if plain.chars().count() + BAR + 4 <= width {
        progress[1] = format!("{} {}", bar(fraction(state), BAR), progress[1]);
    }
    pen.text(area, 1, &fitting(&progress, width), pen.palette.strong);
    if area.height == 3 {
        return pen.text(area, 2, &fitting(&numbers, width), Style::new());
    }
    for (row, number) in (2..area.height).zip(&numbers) {
        pen.text(area, row, number, Style::new());
    }
}

/// The run's name on the left and what it does on the right.
fn name(state: &State, area: Rect, pen: &mut Pen<'_>) {
    let (phase, is_unusual) = phase(state.phase());
    let style = if is_unusual { pen.palette.warning } else { pen.palette.strong };
    pen.text_on_the_right(area, 0, phase, style);
    let room = usize::from(area.width).saturating_sub(phase.len() + 2);
    let full = format!("{} on {}", state.label, state.dataset);
    let name = [&full, &state.label].into_iter().find(|name| name.chars().count() <= room);
    let name = name.unwrap_or(&state.label);
    let own = Rect { width: u16::try_from(room).unwrap_or(u16::MAX).min(area.width), ..area };
    pen.line(own, 0, &Line::from(Span::styled(name.as_str(), pen.palette.strong)));
}

fn phase(phase: Phase) -> (&'static str, bool) {
    match phase {
        Phase::Training => ("training", false),
        Phase::Validating => ("validating", false),
        Phase::Testing => ("testing", false),
        Phase::Pausing => ("pausing", true),
        Phase::Paused => ("paused", true),
        Phase::Stopping => ("stopping", true),
    }
}

/// The epoch and the step, in as many words as have room.
fn place(state: &State, width: usize) -> String {
    let (epoch, step) = state.place();
    let (epochs, steps) = (state.epochs, state.steps_per_epoch);
    let long = format!("epoch {epoch}/{epochs}, step {step}/{steps}");
    if long.len() <= width { long } else { format!("epoch {epoch}/{epochs}") }
}

fn left(state: &State, now: Duration) -> String {
    match (state.phase(), state.time_left.left(now)) {
        (Phase::Training | Phase::Validating | Phase::Pausing, Some(left)) => format!("{} left", words(left)),
        _ => String::new(),
    }
}

/// The share of the run's steps that is taken.
fn fraction(state: &State) -> f64 {
    let total = state.total();
    if total == 0 { 0.0 } else { (state.steps as f64 / total as f64).min(1.0) }
}

fn share(state: &State) -> String {
    // A run is at 100 % when it is, not half a percent before.
    format!("{} %", (100.0 * fraction(state)) as u64)
}

/// A bar of `width` cells, an eighth of a cell exact.
fn bar(fraction: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (fraction * 8.0 * width as f64) as usize;
    let (whole, part) = (eighths / 8, PARTS[eighths % 8]);
    let filled = whole + usize::from(!part.is_empty());
    format!("▕{}{part}{}▏", "█".repeat(whole), " ".repeat(width.saturating_sub(filled)))
}

/// The numbers of now, the most important first.
fn numbers(state: &State) -> Vec<String> {
    let so_far = |text: fn(&Metrics) -> String| state.so_far.as_ref().map_or(String::new(), text);
    vec![
        so_far(|m| format!("loss {}", sig(m.loss, 3))),
        so_far(|m| format!("accuracy {:.1} %", 100.0 * m.accuracy)),
        if state.images_per_s > 0.0 { format!("{:.0} images/s", state.images_per_s) } else { String::new() },
        state.rate.map_or(String::new(), |rate| format!("learning rate {}", sig(rate, 3))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_exact_to_an_eighth() {
        assert_eq!(bar(0.0, 2), "▕  ▏");
        assert_eq!(bar(0.5, 2), "▕█ ▏");
        assert_eq!(bar(3.0 / 16.0, 2), "▕▍ ▏");
        assert_eq!(bar(1.0, 2), "▕██▏");
        assert_eq!(bar(f64::NAN, 1), "▕ ▏");
    }
}
