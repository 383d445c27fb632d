//! A rectangle of a picture, and how random ones are drawn.

use rand::Rng;

use crate::random::between;

/// Rows `top..top + height` and columns `left..left + width` of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// How many rows.
    pub height: usize,
    /// How many columns.
    pub width: usize,
}

impl Region {
    /// The whole of a picture of these rows and columns.
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// Every row of this region in a plane of `width` columns.
    pub(super) fn rows<'a>(&self, plane: &'a mut [f32], width: usize) -> impl Iterator<Item = &'a mut [f32]> {
        let columns = self.left..self.left + self.width;
        plane
            .chunks_exact_mut(width)
            .skip(self.top)
            .take(self.height)
            .map(move |row| &mut row[columns.clone()])
    }
}

/// How often a rectangle is drawn that does not fit before another rule takes over, as in torchvision.
pub(super) const ATTEMPTS: usize = 10;

/// Two sides √(a r) and √(a / r): the area a is evenly spread between `scale` of `area`, and the logarithm of the ratio r
/// between those of `ratio`. Two draws.
pub(super) fn sides(generator: &mut impl Rng, area: f64, scale: [f64; 2], ratio: [f64; 2]) -> [f64; 2] {
    let area = area * between(generator, scale);
    let ratio = libm::exp(between(generator, ratio.map(libm::log)));
    [(area * ratio).sqrt(), (area / ratio).sqrt()]
}
