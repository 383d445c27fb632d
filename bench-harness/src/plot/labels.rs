//! Names beside points, kept apart from marks and from each other.

use super::layout::Layout;
use super::style::{TICK_SIZE, text_width};
use super::svg::{Px, Svg};

/// A point with its name.
pub(super) struct Named<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) name: &'a str,
}

/// Something in the way, or a text: left, top, right, bottom.
#[derive(Clone, Copy)]
struct Area([f64; 4]);

/// Room that a mark takes to each side.
const MARK: f64 = 5.0;
/// Distances at which places are tried; from the second one on a line leads to the point.
const DISTANCES: [f64; 6] = [8.0, 15.0, 24.0, 36.0, 52.0, 70.0];
/// Directions, the more usual first.
const DIRECTIONS: [(f64, f64); 8] =
    [(1.0, 0.0), (-1.0, 0.0), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7), (0.0, -1.0), (0.0, 1.0)];
/// A square pixel of text over text is as bad as so many pixels of distance.
const OVERLAP: f64 = 3.0;
/// Outside the frame likewise.
const OUTSIDE: f64 = 30.0;

impl Area {
    fn overlap(self, other: Self) -> f64 {
        let (Self([l, t, r, b]), Self([ol, ot, or, ob])) = (self, other);
        (r.min(or) - l.max(ol)).max(0.0) * (b.min(ob) - t.max(ot)).max(0.0)
    }

    fn size(self) -> f64 {
        let Self([l, t, r, b]) = self;
        (r - l) * (b - t)
    }
}

/// Writes every name where it costs least: near its point, clear of marks and of the names before it, inside the frame.
pub(super) fn draw(svg: &mut Svg, layout: &Layout, named: &[Named<'_>]) {
    let around = |p: &Named<'_>| Area([p.x - MARK, p.y - MARK, p.x + MARK, p.y + MARK]);
    let mut taken: Vec<Area> = named.iter().map(around).collect();
    let frame = Area([layout.left + 2.0, layout.top + 2.0, layout.right - 2.0, layout.bottom - 2.0]);
    for point in named {
        let width = text_width(point.name, TICK_SIZE);
        let places = DISTANCES.iter().flat_map(|&distance| {
            DIRECTIONS.iter().map(move |&(dx, dy)| {
                let (x, y) = (point.x + dx * distance, point.y + dy * distance);
                let left = if dx > 0.0 {
                    x
                } else if dx < 0.0 {
                    x - width
                } else {
                    x - width / 2.0
                };
                (distance, (x, y), Area([left, y - TICK_SIZE / 2.0, left + width, y + TICK_SIZE / 2.0]))
            })
        });
        let cost = |&(distance, _, area): &(f64, (f64, f64), Area)| {
            let outside = area.size() - area.overlap(frame);
            distance + OVERLAP * taken.iter().map(|t| area.overlap(*t)).sum::<f64>() + OUTSIDE * outside
        };
        let Some((distance, (to_x, to_y), area)) = places.min_by(|a, b| cost(a).total_cmp(&cost(b))) else {
            continue;
        };
        if distance > DISTANCES[0] {
            let path = format_args!(
                "class=\"leader\" d=\"M{} {}L{} {}\"",
                Px(point.x),
                Px(point.y),
                Px(to_x),
                Px(to_y)
            );
            svg.empty("path", path);
        }
        let Area([left, _, right, bottom]) = area;
        // Text is narrower than estimated: it is set from its middle, or from the end that faces the point.
        let (x, anchor) = if to_x <= left {
            (left, "start")
        } else if to_x >= right {
            (right, "end")
        } else {
            (f64::midpoint(left, right), "middle")
        };
        let (x, y) = (Px(x), Px(bottom - TICK_SIZE * 0.15));
        svg.text(
            "text",
            format_args!("class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\""),
            point.name,
        );
        taken.push(area);
    }
}
