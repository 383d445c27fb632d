//! The variance of every layer's gradients, from input to output, as bars on a logarithmic scale.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::Pen;
use crate::dashboard::axes::{decades, share};
use crate::dashboard::layers::{LayerNow, Layers};
use crate::run::{DELTA, WEIGHT_GRADIENT};
use crate::statistics::evenly;

/// Heights of a cell's filling, in eighths.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Columns of a bar, at most.
const WIDEST: u16 = 4;
/// Where there is no number, and where it is infinite or NaN.
const MISSING: &str = "·";
const NOT_FINITE: &str = "!";

/// E\[δ²\] or E\[(∂L/∂w)²\] of the step that was looked at last.
pub(in crate::dashboard) fn draw(layers: &Layers, area: Rect, pen: &mut Pen<'_>) {
    let palette = *pen.palette;
    let quantity = if layers.shows_weights { WEIGHT_GRADIENT } else { DELTA };
    let mut title = vec![Span::styled(quantity.heading, palette.strong)];
    if let Some(step) = layers.step {
        title.push(Span::styled(format!(" by layer, step {step}"), palette.faint));
    }
    let inner = pen.title(area, title);
    if let Some(words) = layers.absence() {
        return pen.words(inner, words);
    }
    let all = layers.gradients();
    let Some([low, high]) = decades(all.iter().flatten().copied()) else {
        return pen.words(inner, "no layer has a gradient that is positive and finite");
    };
    let labels = [high, low].map(|exponent| format!("1e{exponent}"));
    let margin = labels.iter().map(String::len).max().unwrap_or(0) as u16 + 1;
    if inner.width < margin + 4 || inner.height < 2 {
        return;
    }
    // The last row has the layers' names.
    let bars = Rect { x: inner.x + margin, width: inner.width - margin, height: inner.height - 1, ..inner };
    pen.text(inner, 0, &labels[0], palette.faint);
    if bars.height > 1 {
        pen.text(inner, bars.height - 1, &labels[1], palette.faint);
    }
    let shown = evenly(all.len(), bars.width.into());
    let width = (bars.width / shown.len().max(1) as u16).clamp(1, WIDEST);
    let ends = [f64::from(low), f64::from(high)];
    for (number, &layer) in (0..).zip(&shown) {
        // A blank between bars that are wide enough to do without one column.
        let own = Rect { x: bars.x + number * width, width: width - u16::from(width > 2), ..bars };
        bar(all[layer], ends, own, pen);
    }
    let used = Rect { width: width * shown.len() as u16, ..bars };
    let names = Rect { y: bars.bottom(), height: 1, ..bars };
    name_ends(&layers.rows[..all.len()], (shown.len(), used.width), names, pen);
}

/// One bar; the smallest is an eighth of a row, so that it can be told from none.
fn bar(value: Option<f64>, ends: [f64; 2], area: Rect, pen: &mut Pen<'_>) {
    let palette = *pen.palette;
    let bottom = area.height - 1;
    let value = match value {
        None => return pen.text(area, bottom, MISSING, palette.faint),
        Some(value) if !value.is_finite() => return pen.text(area, bottom, NOT_FINITE, palette.warning),
        Some(value) => value,
    };
    let rows = usize::from(area.height);
    let eighths = (share(value.log10(), ends) * 8.0 * rows as f64).round() as usize;
    let eighths = if value > 0.0 { eighths.max(1) } else { 0 };
    for row in 0..area.height {
        let above = 8 * usize::from(bottom - row);
        let filling = EIGHTHS[eighths.saturating_sub(above).min(8)];
        pen.text(area, row, &filling.repeat(area.width.into()), palette.gradient);
    }
    if eighths == 0 {
        pen.text(area, bottom, "0", palette.warning);
    }
}

/// The first and the last layer's names below their bars, and how many of them are shown if not all.
fn name_ends(rows: &[LayerNow], (shown, width): (usize, u16), area: Rect, pen: &mut Pen<'_>) {
    let faint = pen.palette.faint;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    let count =
        if shown < rows.len() { format!(" ({shown} of {} layers)", rows.len()) } else { String::new() };
    let text = match rows.len() {
        1 => first.name.clone(),
        _ => format!("{} to {}{count}", first.name, last.name),
    };
    let between = usize::from(width).saturating_sub(first.name.chars().count() + last.name.chars().count());
    if count.is_empty() && rows.len() > 1 && between >= 2 {
        let below = Rect { width, ..area };
        pen.text(below, 0, &first.name, faint);
        return pen.text_on_the_right(below, 0, &last.name, faint);
    }
    pen.text(area, 0, &text, faint);
}
