//! What all keys do.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pen;
use crate::dashboard::keys::BINDINGS;

/// Over the middle of everything else.
pub(in crate::dashboard) fn draw(area: Rect, pen: &mut Pen<'_>) {
    let columns = |text: &str| u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
    let keys = BINDINGS.iter().map(|b| columns(b.name)).max().unwrap_or(0);
    let texts = BINDINGS.iter().map(|b| columns(b.long)).max().unwrap_or(0);
    let width = (keys + texts + 6).min(area.width);
    let height = (BINDINGS.len() as u16 + 2).min(area.height);
    let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
    let own = Rect::new(x, y, width, height);
    for (x, y) in (own.left()..own.right()).flat_map(|x| (own.top()..own.bottom()).map(move |y| (x, y))) {
        pen.buffer[(x, y)].reset();
    }
    // Where there is not room for everything, the keys come before the frame.
    let is_framed = own.height > BINDINGS.len() as u16 + 1;
    let below = if is_framed { pen.title(own, vec![Span::styled("keys", pen.palette.strong)]) } else { own };
    let inner = Rect { x: below.x + below.width.min(2), width: below.width.saturating_sub(4), ..below };
    for (row, binding) in (0..).zip(BINDINGS) {
        let key = format!("{:<width$}", binding.name, width = usize::from(keys) + 2);
        let spans = vec![Span::styled(key, pen.palette.strong), Span::raw(binding.long)];
        pen.line(inner, row, &Line::from(spans));
    }
    if is_framed {
        pen.text(own, own.height - 1, &"─".repeat(own.width.into()), pen.palette.faint);
    }
}
