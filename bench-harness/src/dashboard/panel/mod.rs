//! The parts of the picture, one file each. A part is given what it shows, its place and a pen, and draws nothing outside of the
//! place; it knows of no terminal.

pub(super) mod curve;
pub(super) mod factors;
pub(super) mod footer;
pub(super) mod gradients;
pub(super) mod header;
pub(super) mod help;
pub(super) mod messages;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::palette::Palette;

/// What a panel draws with.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) palette: &'a Palette,
}

impl Pen<'_> {
    /// A line of text in row `row` of `area`, cut off at its end.
    fn line(&mut self, area: Rect, row: u16, line: &Line<'_>) {
        if row < area.height && area.width > 0 {
            self.buffer.set_line(area.x, area.y + row, line, area.width);
        }
    }

    /// A text of one style.
    fn text(&mut self, area: Rect, row: u16, text: &str, style: Style) {
        self.line(area, row, &Line::from(Span::styled(text, style)));
    }

    /// The same at the right end of the row.
    fn text_on_the_right(&mut self, area: Rect, row: u16, text: &str, style: Style) {
        let line = Line::from(Span::styled(text, style));
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width);
        self.line(Rect { x: area.right() - width, width, ..area }, row, &line);
    }

    /// A panel's first row: its title on a rule. What is below it is for the panel's content.
    fn title(&mut self, area: Rect, title: Vec<Span<'_>>) -> Rect {
        // A piece of the rule on both sides, and blanks between. Not one over the other: a rule's faintness would stay.
        let mut end = area.x;
        if area.height > 0 && area.width > 4 {
            self.text(area, 0, "─", self.palette.faint);
            let line = Line::from([vec![Span::raw(" ")], title].concat());
            end = self.buffer.set_line(area.x + 1, area.y, &line, area.width - 2).0 + 1;
        }
        let rest = Rect { x: end, width: area.right().saturating_sub(end), ..area };
        self.text(rest, 0, &"─".repeat(rest.width.into()), self.palette.faint);
        let used = area.height.min(1);
        Rect { y: area.y + used, height: area.height - used, ..area }
    }

    /// Sentences instead of a picture.
    fn words(&mut self, area: Rect, text: &str) {
        let lines = wrapped(text, area.width.into());
        for (row, line) in (0..area.height).zip(&lines) {
            self.text(area, row, line, self.palette.faint);
        }
    }
}

/// Breaks a text at blanks into lines of at most `width` characters where words allow.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// Of parts in the order of their importance those that fit into `width`, two blanks apart.
fn fitting(parts: &[String], width: usize) -> String {
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let between = if text.is_empty() { "" } else { "  " };
        if text.chars().count() + between.len() + part.chars().count() <= width {
            text.push_str(between);
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_where_they_can() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), [""; 0]);
        let parts = ["abc", "", "defgh", "ij"].map(String::from);
        assert_eq!(fitting(&parts, 8), "abc  ij");
        assert_eq!(fitting(&parts, 14), "abc  defgh  ij");
        assert_eq!(fitting(&parts, 1), "");
    }
}
