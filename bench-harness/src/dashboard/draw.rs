//! The whole picture: which panels have room where, and each drawn by its own file.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::palette::Palette;
use super::panel::{Pen, curve, factors, footer, gradients, header, help, messages};
use super::state::{Panel, State};

/// Columns between two panels.
const GAP: u16 = 2;
/// The least rows and columns of a panel.
const LEAST: (u16, u16) = (4, 12);

/// Where everything is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) header: Rect,
    pub(super) panels: Vec<(Panel, Rect)>,
    pub(super) footer: Rect,
}

/// Draws the state as it is at `now` into `area` of a buffer that is empty there.
pub(super) fn draw(state: &State, now: Duration, palette: &Palette, area: Rect, buffer: &mut Buffer) {
    let placement = placement(area, state.front);
    let mut pen = Pen { buffer, palette };
    header::draw(state, now, placement.header, &mut pen);
    for (panel, area) in placement.panels {
        match panel {
            Panel::Loss => curve::loss(state, area, &mut pen),
            Panel::Accuracy => curve::accuracy(state, area, &mut pen),
            Panel::Gradients => gradients::draw(&state.layers, area, &mut pen),
            Panel::Factors => factors::draw(&state.layers, area, &mut pen),
            Panel::Messages => messages::draw(state, area, &mut pen),
        }
    }
    footer::draw(state, placement.footer, &mut pen);
    if state.shows_help {
        help::draw(area, &mut pen);
    }
}

/// Shares a terminal out: `front` has its place wherever any panel has one.
pub(super) fn placement(area: Rect, front: Panel) -> Placement {
    let footer = u16::from(area.height >= 4);
    let header = match area.height {
        24.. => 3,
        8.. => 2,
        _ => area.height - footer,
    };
    let rows = |from: u16, height: u16| Rect::new(area.x, area.y + from, area.width, height);
    let body = rows(header, area.height - header - footer);
    let panels = if area.height >= 8 && area.width >= LEAST.1 { panels(body, front) } else { Vec::new() };
    Placement { header: rows(0, header), panels, footer: rows(area.height - footer, footer) }
}

fn panels(body: Rect, front: Panel) -> Vec<(Panel, Rect)> {
    let words = match body.height {
        24.. => 6,
        16.. => 4,
        12.. => 3,
        _ => 0,
    };
    let (pictures, words) = split_rows(body, body.height - words);
    let mut placed =
        if pictures.width >= 56 { in_two_columns(pictures, front) } else { stacked(pictures, front) };
    if words.height > 0 {
        placed.push((Panel::Messages, words));
    } else if front == Panel::Messages {
        placed = vec![(front, body)];
    }
    placed
}

/// The upper `height` rows, and the rest.
fn split_rows(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let upper = Rect { height, ..area };
    (upper, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// Curves above layers; one of the two where there is no room for both.
fn in_two_columns(area: Rect, front: Panel) -> Vec<(Panel, Rect)> {
    let curves = [Panel::Loss, Panel::Accuracy];
    let layers = [Panel::Gradients, Panel::Factors];
    let side_by_side = |area: Rect, panels: [Panel; 2]| {
        let width = (area.width - GAP) / 2;
        let left = Rect { width, ..area };
        let right = Rect { x: area.x + width + GAP, width: area.width - width - GAP, ..area };
        [(panels[0], left), (panels[1], right)]
    };
    if area.height >= 3 * LEAST.0 {
        let (above, below) = split_rows(area, area.height - area.height * 9 / 20);
        return [side_by_side(above, curves), side_by_side(below, layers)].concat();
    }
    side_by_side(area, if layers.contains(&front) { layers } else { curves }).to_vec()
}

/// As many as have room, one above the other, the one in front first.
fn stacked(area: Rect, front: Panel) -> Vec<(Panel, Rect)> {
    let all = [Panel::Loss, Panel::Accuracy, Panel::Gradients, Panel::Factors];
    let first = all.iter().position(|&panel| panel == front).unwrap_or(0);
    let count = (area.height / (LEAST.0 + 2)).clamp(1, 4);
    let order = all.iter().cycle().skip(first).take(count.into());
    let mut rest = area;
    let mut placed = Vec::new();
    for (&panel, left) in order.zip((1..=count).rev()) {
        let (own, below) = split_rows(rest, rest.height / left);
        placed.push((panel, own));
        rest = below;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every size: nothing outside, nothing on top of another, and what is in front is there.
    #[test]
    fn panels_keep_apart_and_inside() {
        for (width, height) in (0..130).flat_map(|w| (0..60).map(move |h| (w, h))) {
            let area = Rect::new(0, 0, width, height);
            for front in Panel::ALL {
                let placement = placement(area, front);
                let all: Vec<Rect> = placement.panels.iter().map(|(_, area)| *area).collect();
                let all = [all, vec![placement.header, placement.footer]].concat();
                for (i, one) in all.iter().enumerate() {
                    assert_eq!(one.intersection(area).area(), one.area(), "{width}x{height} {one:?}");
                    for other in &all[..i] {
                        assert_eq!(one.intersection(*other).area(), 0, "{width}x{height} {one:?} {other:?}");
                    }
                }
                let has_front = placement.panels.iter().any(|(panel, _)| *panel == front);
                assert!(has_front || placement.panels.is_empty(), "{width}x{height} {front:?}");
                assert!(
                    placement.panels.iter().all(|(_, area)| area.height >= 3),
                    "{width}x{height} {placement:?}"
                );
            }
        }
    }

    #[test]
    fn a_large_terminal_has_everything_at_once() {
        let placement = placement(Rect::new(0, 0, 100, 30), Panel::Loss);
        let panels: Vec<Panel> = placement.panels.iter().map(|(panel, _)| *panel).collect();
        assert_eq!(panels, Panel::ALL);
    }
}
