//! λ of every layer, now and over the steps that were looked at.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pen;
use crate::dashboard::axes::{linear, share};
use crate::dashboard::layers::{LayerNow, Layers};
use crate::run::FACTOR;
use crate::statistics::evenly;
use crate::table::sig;

/// From low to high.
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Columns of a number such as 1.234 or −0.0123, and the least of a course that can be read.
const NUMBER: usize = 7;
const COURSE: usize = 6;

/// Name, λ and its course, a row each; all courses on one scale, which the title names.
pub(in crate::dashboard) fn draw(layers: &Layers, area: Rect, pen: &mut Pen<'_>) {
    let palette = *pen.palette;
    let all = layers.with_factor();
    let rows = area.height.saturating_sub(1);
    let shown: Vec<&LayerNow> = evenly(all.len(), rows.into()).into_iter().map(|i| all[i]).collect();
    let courses: Vec<Vec<f64>> =
        shown.iter().map(|row| row.factors.points().into_iter().map(|(_, y)| y).collect()).collect();
    let ends = linear(courses.iter().flatten().copied());
    let mut title = vec![Span::styled(FACTOR.heading, palette.strong)];
    if !all.is_empty() {
        let count = match shown.len() {
            count if count < all.len() => format!("{count} of {} layers", all.len()),
            _ => "by layer".to_string(),
        };
        let range = format!(" {count}, {} to {}", sig(ends[0], 3), sig(ends[1], 3));
        let has_room = range.chars().count() + 5 <= usize::from(area.width);
        title.push(Span::styled(if has_room { range } else { format!(" {count}") }, palette.faint));
    }
    let inner = pen.title(area, title);
    if let Some(words) = layers.absence() {
        return pen.words(inner, words);
    }
    if all.is_empty() {
        return pen.words(inner, "no layer has an activation behind it");
    }
    let width = usize::from(inner.width);
    let longest = shown.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    // The name has what the number leaves, and gives some of it to the course.
    let names = longest.min(width.saturating_sub(NUMBER + 1 + COURSE)).max(longest.min(width / 3));
    for ((number, row), course) in (0..).zip(&shown).zip(&courses) {
        let value = row.factor.map_or(String::new(), |factor| sig(factor, 4));
        let room = width.saturating_sub(names + NUMBER + 2);
        let line = Line::from(vec![
            Span::styled(format!("{:<names$}", shortened(&row.name, names)), Style::new()),
            Span::styled(format!("{value:>NUMBER$} "), palette.strong),
            Span::styled(levels(course, room, ends), palette.factor),
        ]);
        pen.line(inner, number, &line);
    }
}

/// The end of a name that is too long: layers differ there.
fn shortened(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_string();
    }
    let end: String = name.chars().skip(length + 1 - width.max(1)).collect();
    if width == 0 { String::new() } else { format!("…{end}") }
}

/// Numbers as a row of at most `width` bars.
fn levels(values: &[f64], width: usize, ends: [f64; 2]) -> String {
    let level = |i: usize| LEVELS[((share(values[i], ends) * 8.0) as usize).min(7)];
    evenly(values.len(), width).into_iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_end() {
        assert_eq!(shortened("layer1.0.conv1", 20), "layer1.0.conv1");
        assert_eq!(shortened("layer1.0.conv1", 6), "…conv1");
        assert_eq!(shortened("layer", 1), "…");
        assert_eq!(shortened("layer", 0), "");
    }

    #[test]
    fn levels_are_shares_of_the_scale() {
        assert_eq!(levels(&[0.0, 0.5, 1.0, 2.0, f64::NAN], 9, [0.0, 1.0]), "▁▅██▁");
        assert_eq!(levels(&[0.0, 0.0, 1.0], 2, [0.0, 1.0]), "▁█");
        assert_eq!(levels(&[], 3, [0.0, 1.0]), "");
    }
}
