//! A square of the mean colour somewhere in the picture.

use serde::{Deserialize, Serialize};

use super::{Region, refuse};
use crate::{
    Result,
    random::{Purpose, below, stream},
};

/// Erases a square whose centre is an even place in the picture; what lies beyond the edges of it is lost.
///
/// DeVries and Taylor, *Improved regularization of convolutional neural networks with cutout* (2017), section 3.2: the mask
/// is applied after normalisation, where 0 is the mean colour, and its centre may be near an edge. Their sizes are 16 for
/// CIFAR-10 and 8 for CIFAR-100. The centre is pixel (y, x), the square has rows y − ⌊size/2⌋ to y − ⌊size/2⌋ + size − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cutout {
    /// The square's side in pixels.
    pub size: usize,
}

impl Cutout {
    pub(super) fn check(&self, [height, width]: [usize; 2]) -> Result<()> {
        // A larger square would hide the picture wherever it lies.
        let most = (2 * height.max(width)).saturating_sub(2).max(1);
        if (1..=most).contains(&self.size) {
            return Ok(());
        }
        refuse("augmentation.cutout.size", self.size, format!("from 1 to {most}"))
    }

    /// What is erased of sample `index` in `epoch`, in a picture of these rows and columns. Drawn are y, then x.
    pub fn draw(&self, seed: u64, epoch: u64, index: usize, [rows, columns]: [usize; 2]) -> Region {
        let mut generator = stream(seed, Purpose::Cutout { epoch }, index as u64);
        let mut side = |length: usize| {
            let centre = below(&mut generator, length as u64) as usize;
            let end = (centre + self.size - self.size / 2).min(length);
            (centre.saturating_sub(self.size / 2), end)
        };
        let ((top, bottom), (left, right)) = (side(rows), side(columns));
        Region { top, left, height: bottom - top, width: right - left }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_square_is_inside_and_around_its_centre(
            rows in 1usize..70,
            columns in 1usize..70,
            size in 1usize..150,
            seed: u64,
        ) {
            let region = Cutout { size }.draw(seed, 0, 3, [rows, columns]);
            prop_assert!((1..=size).contains(&region.height) && (1..=size).contains(&region.width));
            prop_assert!(region.top + region.height <= rows && region.left + region.width <= columns);
            // One pixel is its own centre.
            let centre = Cutout { size: 1 }.draw(seed, 0, 3, [rows, columns]);
            let top = centre.top as isize - size as isize / 2;
            prop_assert_eq!(region.top as isize, top.max(0));
            prop_assert_eq!(region.top + region.height, (top + size as isize).min(rows as isize) as usize);
        }
    }
}
