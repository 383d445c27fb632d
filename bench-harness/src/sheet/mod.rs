//! Contact sheets: pictures in a grid with their classes below, and how often each class occurs beside them. Confusion
//! matrices.

mod canvas;
mod font;
mod matrix;

use canvas::{Canvas, Colour};
use datasets::{Batch, Normalisation};

pub use matrix::Matrix;

/// A PNG file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Png {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Height and width in pixels.
    pub size: [usize; 2],
}

/// A picture to show: bytes in planes, one or three of them.
#[derive(Debug, Clone)]
pub struct Tile {
    /// C, H, W.
    pub pixels: Vec<u8>,
    /// C, H, W.
    pub shape: [usize; 3],
    /// Its class, or what else stands below.
    pub label: String,
}

impl Tile {
    /// Picture `row` of a batch, with its colours before normalisation.
    ///
    /// # Panics
    /// If the batch has no such picture.
    pub fn of(batch: &Batch, row: usize, normalisation: &Normalisation, label: String) -> Self {
        let [_, channels, height, width] = batch.shape;
        let size = channels * height * width;
        let planes = batch.images[row * size..][..size].chunks_exact(height * width);
        let colours = normalisation.mean().iter().zip(normalisation.deviation());
        let pixels = planes.zip(colours).flat_map(|(plane, (mean, deviation))| {
            plane.iter().map(move |x| ((f64::from(*x) * deviation + mean) * 255.0).round() as u8)
        });
        Self { pixels: pixels.collect(), shape: [channels, height, width], label }
    }
}

/// How often a class occurs.
#[derive(Debug, Clone)]
pub struct Bar {
    /// The class.
    pub label: String,
    /// How often.
    pub count: usize,
}

/// All that is on a sheet.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The first line.
    pub title: String,
    /// The second one.
    pub subtitle: String,
    /// Row by row.
    pub tiles: Vec<Tile>,
    /// How many pictures stand in a row.
    pub columns: usize,
    /// What stands over the bars.
    pub bars_title: String,
    /// The classes, in the order of their numbers.
    pub bars: Vec<Bar>,
}

const PAPER: Colour = [252, 252, 250];
const INK: Colour = [34, 34, 34];
const FAINT: Colour = [120, 120, 120];
const EDGE: Colour = [222, 222, 218];
/// Okabe and Ito's blue, as the charts have it first.
const BLUE: Colour = [0, 114, 178];

const MARGIN: usize = 28;
const GAP: usize = 14;
const TITLE: usize = 28;
const TEXT: usize = 16;
const SMALL: usize = 14;
/// The side that pictures are enlarged to, as far as whole factors get without passing it.
const SIDE: usize = 128;
const BAR: usize = 150;
/// The longest names of classes beside the bars, in pixels.
const NAMES: usize = 190;

impl Sheet {
    /// The sheet as a PNG file. Tiny pictures are enlarged by whole factors, so that every pixel is a square.
    pub fn png(&self) -> Png {
        self.draw().png()
    }

    fn draw(&self) -> Canvas {
        let cell = self
            .tiles
            .iter()
            .map(|tile| shown(tile.shape))
            .fold([0, 0], |[a, b], [c, d]| [a.max(c), b.max(d)]);
        let (cell_height, cell_width) = (cell[0].max(1), cell[1].max(64));
        let (columns, rows) = (self.columns.max(1), self.tiles.len().div_ceil(self.columns.max(1)).max(1));
        let step = [cell_height + 6 + TEXT + GAP, cell_width + GAP];
        let top = MARGIN + TITLE + 8 + TEXT + 22;
        let grid = [rows * step[0] - GAP, columns * step[1] - GAP];
        let names = self.bars.iter().map(|bar| font::width(&bar.label, SMALL)).max().unwrap_or(0).min(NAMES);
        let largest = self.bars.iter().map(|bar| bar.count).max().unwrap_or(0);
        let counts = font::width(&grouped(largest), SMALL);
        let panel =
            [names + 10, BAR + 8, counts].iter().sum::<usize>().max(font::width(&self.bars_title, TEXT));
        let head = font::width(&self.title, TITLE).max(font::width(&self.subtitle, TEXT));
        let left = MARGIN + grid[1] + 2 * MARGIN;
        let width = (left + panel + MARGIN).max(head + 2 * MARGIN);
        // A few rows of pictures must leave room for some bars with their names.
        let bars_height = grid[0].max((TEXT + 12) + self.bars.len().min(10) * (SMALL + 6));
        let mut canvas = Canvas::new(width, top + bars_height + MARGIN, PAPER);
        canvas.text(MARGIN, MARGIN, &self.title, TITLE, INK);
        canvas.text(MARGIN, MARGIN + TITLE + 8, &self.subtitle, TEXT, FAINT);
        for (place, tile) in self.tiles.iter().enumerate() {
            let y = top + place / columns * step[0];
            let x = MARGIN + place % columns * step[1];
            self.tile(&mut canvas, tile, [y, x], [cell_height, cell_width]);
        }
        self.draw_bars(&mut canvas, [top, left], [bars_height, names], largest);
        canvas
    }

    /// A picture in the middle of its cell, and its label below.
    fn tile(&self, canvas: &mut Canvas, tile: &Tile, [y, x]: [usize; 2], [height, width]: [usize; 2]) {
        let size = shown(tile.shape);
        let (top, left) = (y + (height - size[0]) / 2, x + (width - size[1]) / 2);
        canvas.fill([top - 1, left - 1], [size[0] + 2, size[1] + 2], EDGE);
        canvas.picture([top, left], size, &tile.pixels, tile.shape);
        let label = font::shortened(&tile.label, TEXT, width);
        let indent = (width - font::width(&label, TEXT).min(width)) / 2;
        canvas.text(x + indent, y + height + 6, &label, TEXT, INK);
    }

    /// The classes from top to bottom; where there are too many for their names, some have one.
    fn draw_bars(
        &self,
        canvas: &mut Canvas,
        [top, left]: [usize; 2],
        [height, names]: [usize; 2],
        largest: usize,
    ) {
        canvas.text(left, top, &self.bars_title, TEXT, INK);
        let (top, height) = (top + TEXT + 12, height - TEXT - 12);
        let classes = self.bars.len().max(1);
        let row = (height as f64 / classes as f64).min((SMALL + 9) as f64);
        // Every nth class has a name.
        let every = ((SMALL + 4) as f64 / row).ceil().max(1.0) as usize;
        for (class, bar) in self.bars.iter().enumerate() {
            let (from, to) = (class as f64 * row, (class + 1) as f64 * row);
            let (y, next) = (top + from.round() as usize, top + to.round() as usize);
            // Thin bars with gaps would shimmer.
            let gap = if next - y < 6 { 0 } else { ((next - y) / 4).min(4) };
            let length = (bar.count * BAR).checked_div(largest).unwrap_or(0);
            let length = if bar.count > 0 { length.max(1) } else { 0 };
            let x = left + names + 10;
            canvas.fill([y + gap / 2, x], [(next - y).saturating_sub(gap).max(1), length], BLUE);
            if class % every == 0 {
                let middle = top + ((from + to) / 2.0) as usize;
                let label = font::shortened(&bar.label, SMALL, names);
                let y = middle.saturating_sub(SMALL / 2);
                let indent = names - font::width(&label, SMALL).min(names);
                canvas.text(left + indent, y, &label, SMALL, INK);
                canvas.text(x + BAR + 8, y, &grouped(bar.count), SMALL, FAINT);
            }
        }
    }
}

/// Height and width that a picture is shown in: enlarged by a whole factor, or if it is too large shrunk by one.
fn shown([_, height, width]: [usize; 3]) -> [usize; 2] {
    let side = height.max(width).max(1);
    if side <= SIDE {
        let factor = SIDE / side;
        return [height * factor, width * factor];
    }
    let factor = side.div_ceil(2 * SIDE);
    [(height / factor).max(1), (width / factor).max(1)]
}

/// The name of a class as it is said: without a WordNet id before it and without the synonyms behind it.
pub fn spoken(class: &str) -> &str {
    let is_id = |word: &str| {
        word.len() == 9 && word.starts_with('n') && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let name = class.split_once(' ').filter(|(first, _)| is_id(first)).map_or(class, |(_, name)| name);
    name.split_once(',').map_or(name, |(first, _)| first)
}

/// A count with its thousands apart.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(tiles: usize, classes: usize) -> Sheet {
        let tile = |i: usize| Tile {
            pixels: vec![10, 20, 30, 40, 50, 60 + i as u8],
            shape: [1, 2, 3],
            label: format!("a class with a long name {i}"),
        };
        Sheet {
            title: "title".into(),
            subtitle: "subtitle".into(),
            tiles: (0..tiles).map(tile).collect(),
            columns: 4,
            bars_title: "classes".into(),
            bars: (0..classes).map(|class| Bar { label: format!("class {class}"), count: class }).collect(),
        }
    }

    #[test]
    fn every_pixel_of_a_picture_is_a_square() {
        let canvas = sheet(1, 3).draw();
        // 128 / 3 = 42 times as large, in the middle of a cell as high and wide as itself.
        let (top, left) = (MARGIN + TITLE + 8 + TEXT + 22, MARGIN);
        for (i, value) in [10, 20, 30, 40, 50, 60].into_iter().enumerate() {
            for (y, x) in [(0, 0), (41, 41), (18, 5)] {
                let at = canvas.at(top + i / 3 * 42 + y, left + i % 3 * 42 + x);
                assert_eq!(at, [value; 3], "pixel {i}");
            }
        }
    }

    #[test]
    fn sheets_of_any_size_are_pictures() {
        for (tiles, classes) in [(0, 0), (1, 1), (5, 200), (9, 2000)] {
            let Png { bytes, size } = sheet(tiles, classes).png();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert!(info.width > 100 && info.height > 50);
            assert_eq!(size, [info.height as usize, info.width as usize]);
        }
        let large = Tile { pixels: vec![0; 3 * 700 * 300], shape: [3, 700, 300], label: String::new() };
        assert_eq!(shown(large.shape), [233, 100]);
    }

    #[test]
    fn classes_are_called_by_their_first_name() {
        assert_eq!(spoken("n02123045 tabby, tabby cat"), "tabby");
        assert_eq!((spoken("n02123045"), spoken("Ankle boot"), spoken("")), ("n02123045", "Ankle boot", ""));
        assert_eq!(spoken("nonsense word"), "nonsense word");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [0, 999, 1000, 50_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "50,000", "1,234,567"]
        );
    }
}
