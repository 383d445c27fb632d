//! What the most used keys do.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pen;
use crate::dashboard::keys::{Action, BINDINGS};
use crate::dashboard::state::State;

/// In one row, as many keys as fit.
pub(in crate::dashboard) fn draw(state: &State, area: Rect, pen: &mut Pen<'_>) {
    let mut spans = Vec::new();
    let mut width = 0;
    for binding in BINDINGS.iter().filter(|binding| !binding.short.is_empty()) {
        let short = match binding.action {
            Action::Pause if state.asked_to_pause => "go on",
            _ => binding.short,
        };
        width += binding.name.len() + 1 + short.len();
        if width > usize::from(area.width) {
            break;
        }
        spans.push(Span::styled(binding.name, pen.palette.strong));
        spans.push(Span::styled(format!(" {short}  "), pen.palette.faint));
        width += 2;
    }
    pen.line(area, 0, &Line::from(spans));
}
