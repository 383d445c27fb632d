//! How often each class was taken for each, as a picture.

use super::canvas::{Canvas, Colour};
use super::{BLUE, FAINT, INK, MARGIN, NAMES, PAPER, Png, SMALL, TEXT, TITLE, font, spoken};

/// Samples by class and prediction.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    /// The first line.
    pub title: &'a str,
    /// The second one.
    pub subtitle: &'a str,
    /// The classes, in the order of their numbers.
    pub classes: &'a [String],
    /// `counts[label][predicted]`.
    pub counts: &'a [Vec<u64>],
}

/// The side that all cells together come near to.
const SIDE: usize = 640;
/// Sides of one cell.
const CELLS: [usize; 2] = [3, 44];
/// A cell of this side has room for its number.
const ROOMY: usize = 30;

impl Matrix<'_> {
    /// The matrix as a PNG file: a row for each class, its cells the darker the larger their share of the row.
    pub fn png(&self) -> Png {
        self.draw().png()
    }

    fn draw(&self) -> Canvas {
        let classes = self.counts.len().max(1);
        let cell = (SIDE / classes).clamp(CELLS[0], CELLS[1]);
        let names: Vec<String> =
            self.classes.iter().enumerate().map(|(i, class)| format!("{} {i}", spoken(class))).collect();
        let room = names.iter().map(|name| font::width(name, SMALL)).max().unwrap_or(0).min(NAMES);
        let (top, left) = (MARGIN + TITLE + 8 + TEXT + 22 + SMALL + 6, MARGIN + room + 8);
        let head = font::width(self.title, TITLE).max(font::width(self.subtitle, TEXT));
        let width = (left + classes * cell).max(MARGIN + head) + MARGIN;
        let mut canvas = Canvas::new(width, top + classes * cell + MARGIN, PAPER);
        canvas.text(MARGIN, MARGIN, self.title, TITLE, INK);
        canvas.text(MARGIN, MARGIN + TITLE + 8, self.subtitle, TEXT, FAINT);
        // Every nth class has a name at its row and its number over its column.
        let every = (SMALL + 6).div_ceil(cell);
        for (i, name) in names.iter().enumerate().step_by(every) {
            let name = font::shortened(name, SMALL, room);
            let indent = room - font::width(&name, SMALL).min(room);
            canvas.text(MARGIN + indent, top + i * cell + middle(cell, SMALL), &name, SMALL, INK);
            let number = i.to_string();
            let x = left + i * cell + middle(cell, font::width(&number, SMALL));
            canvas.text(x, top - SMALL - 6, &number, SMALL, INK);
        }
        for (i, row) in self.counts.iter().enumerate() {
            let samples = row.iter().sum::<u64>().max(1) as f64;
            for (j, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = count as f64 / samples;
                let at = [top + i * cell, left + j * cell];
                canvas.fill(at, [cell - 1; 2], blend(share));
                if cell < ROOMY {
                    continue;
                }
                let number = count.to_string();
                let wide = font::width(&number, SMALL);
                if wide < cell {
                    let ink = if share > 0.5 { PAPER } else { INK };
                    canvas.text(at[1] + middle(cell, wide), at[0] + middle(cell, SMALL), &number, SMALL, ink);
                }
            }
        }
        canvas
    }
}

/// Where something of this size begins in the middle of a cell.
fn middle(cell: usize, size: usize) -> usize {
    cell.saturating_sub(size) / 2
}

/// From nearly paper to blue; the root lets rare confusions be seen.
fn blend(share: f64) -> Colour {
    let weight = 0.08 + 0.92 * share.sqrt();
    let mix = |(paper, blue): (u8, u8)| {
        (f64::from(paper) + (f64::from(blue) - f64::from(paper)) * weight).round() as u8
    };
    [0, 1, 2].map(|i| mix((PAPER[i], BLUE[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(classes: &[String], counts: &[Vec<u64>]) -> Canvas {
        Matrix { title: "t", subtitle: "s", classes, counts }.draw()
    }

    #[test]
    fn a_row_is_a_class_and_a_column_what_it_was_taken_for() {
        let classes = ["a", "b"].map(String::from);
        let canvas = matrix(&classes, &[vec![4, 0], vec![1, 3]]);
        let top = MARGIN + TITLE + 8 + TEXT + 22 + SMALL + 6;
        let left = MARGIN + font::width("b 1", SMALL).max(font::width("a 0", SMALL)) + 8;
        // The corners of cells have no digits.
        let at = |i: usize, j: usize| canvas.at(top + i * CELLS[1] + 1, left + j * CELLS[1] + 1);
        assert_eq!([at(0, 0), at(0, 1)], [BLUE, PAPER]);
        assert_eq!([at(1, 0), at(1, 1)], [blend(0.25), blend(0.75)]);
    }

    #[test]
    fn matrices_of_any_size_are_pictures() {
        for classes in [0, 1, 10, 200] {
            let names: Vec<String> = (0..classes).map(|i| format!("class {i}")).collect();
            let counts = vec![vec![1_000_000; classes]; classes];
            let Png { bytes, size } =
                Matrix { title: "title", subtitle: "", classes: &names, counts: &counts }.png();
            let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let info = reader.info();
            assert_eq!(size, [info.height as usize, info.width as usize]);
        }
    }
}
