//! What was said last.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::Pen;
use crate::dashboard::state::State;

/// The newest at the bottom.
pub(in crate::dashboard) fn draw(state: &State, area: Rect, pen: &mut Pen<'_>) {
    let inner = pen.title(area, vec![Span::styled("messages", pen.palette.strong)]);
    let shown = state.messages.len().min(inner.height.into());
    let newest = state.messages.iter().skip(state.messages.len() - shown);
    for (row, message) in (0..).zip(newest) {
        pen.text(inner, row, message, Style::new());
    }
}
