//! Pixels to draw on.

use super::{Png, font};

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// Fills a rectangle, as far as it is inside.
    pub(super) fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: Colour) {
        for y in top..(top + height).min(self.height) {
            let end = (left + width).min(self.width);
            if left < end {
                self.pixels[y * self.width..][left..end].fill(colour);
            }
        }
    }

    /// A picture of planes, each of its pixels repeated or left out as it comes to the size.
    pub(super) fn picture(
        &mut self,
        [top, left]: [usize; 2],
        [height, width]: [usize; 2],
        pixels: &[u8],
        [channels, rows, columns]: [usize; 3],
    ) {
        let plane = |channel: usize| if channels == 3 { channel * rows * columns } else { 0 };
        for y in 0..height {
            for x in 0..width {
                let at = y * rows / height * columns + x * columns / width;
                let colour = [0, 1, 2].map(|channel| pixels[plane(channel) + at]);
                self.fill([top + y, left + x], [1, 1], colour);
            }
        }
    }

    /// A line of text whose letters are `size` high, its upper left corner at x, y.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str, size: usize, colour: Colour) {
        let mut left = x;
        for letter in text.chars() {
            let glyph = font::glyph(letter, size);
            for (row, cover) in glyph.cover.chunks_exact(glyph.width.max(1)).enumerate() {
                for (column, &cover) in cover.iter().enumerate() {
                    self.blend([y + row, left + column], colour, cover);
                }
            }
            left += glyph.width + font::space(size);
        }
    }

    fn blend(&mut self, [y, x]: [usize; 2], colour: Colour, cover: f32) {
        if y < self.height && x < self.width {
            let pixel = &mut self.pixels[y * self.width + x];
            for (below, above) in pixel.iter_mut().zip(colour) {
                let (a, b) = (f32::from(*below), f32::from(above));
                *below = (a + (b - a) * cover).round() as u8;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn at(&self, y: usize, x: usize) -> Colour {
        self.pixels[y * self.width + x]
    }

    /// As a PNG file.
    pub(super) fn png(&self) -> Png {
        let mut file = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let written =
            encoder.write_header().and_then(|mut writer| writer.write_image_data(self.pixels.as_flattened()));
        written.expect("a canvas is neither empty nor larger than memory, and memory takes every byte");
        Png { bytes: file, size: [self.height, self.width] }
    }
}
