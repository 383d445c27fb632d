//! A random region of the picture in the wanted size.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    Region, check_range,
    region::{ATTEMPTS, sides},
};
use crate::{
    Result,
    random::{Purpose, position, stream},
};

/// Cuts out a region whose share of the area and whose ratio of width to height are drawn, and resizes it to the wanted size.
///
/// The definition is that of torchvision's `RandomResizedCrop` (after Szegedy et al., *Going deeper with convolutions*, 2015):
/// an area evenly spread within `scale`, a ratio whose logarithm is evenly spread within `ratio`, sides rounded half to even,
/// and an even place. If ten such rectangles do not fit, the largest centred region with a legal ratio is taken. Resizing is
/// [`Resize`](super::Resize): bilinear with antialiasing, of the region alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResizedCrop {
    /// Least and largest share of the picture's area.
    pub scale: [f64; 2],
    /// Least and largest width : height.
    pub ratio: [f64; 2],
}

impl Default for ResizedCrop {
    /// As in torchvision: 8 to 100 % of the area, 3 : 4 to 4 : 3.
    fn default() -> Self {
        Self { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] }
    }
}

impl ResizedCrop {
    pub(super) fn check(&self) -> Result<()> {
        check_range("augmentation.resized-crop.scale", self.scale, [1e-4, 1.0])?;
        check_range("augmentation.resized-crop.ratio", self.ratio, [0.01, 100.0])
    }

    /// The region of sample `index` in `epoch`, of a picture of these rows and columns.
    ///
    /// Drawn are the place down, the place across, then area and ratio of each attempt: at most 22 numbers.
    pub fn draw(&self, seed: u64, epoch: u64, index: usize, [rows, columns]: [usize; 2]) -> Region {
        let mut generator = stream(seed, Purpose::ResizedCrop { epoch }, index as u64);
        let [down, across] = [(); 2].map(|()| generator.next_u64());
        let area = (rows * columns) as f64;
        for _ in 0..ATTEMPTS {
            let [width, height] = sides(&mut generator, area, self.scale, self.ratio);
            let [width, height] = [width, height].map(|side| side.round_ties_even() as usize);
            if (1..=columns).contains(&width) && (1..=rows).contains(&height) {
                let (top, left) = (position(down, rows - height + 1), position(across, columns - width + 1));
                return Region { top, left, height, width };
            }
        }
        self.fallback(rows, columns)
    }

    /// The largest centred region whose ratio is legal.
    fn fallback(&self, rows: usize, columns: usize) -> Region {
        let ratio = columns as f64 / rows as f64;
        let [least, most] = self.ratio;
        let round = |side: f64, limit: usize| (side.round_ties_even() as usize).clamp(1, limit);
        let (height, width) = if ratio < least {
            (round(columns as f64 / least, rows), columns)
        } else if ratio > most {
            (rows, round(rows as f64 * most, columns))
        } else {
            (rows, columns)
        };
        Region { top: (rows - height) / 2, left: (columns - width) / 2, height, width }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_region_is_inside(
            rows in 1usize..300,
            columns in 1usize..300,
            seed: u64,
            index in 0usize..1000,
            scale in 0.0001f64..1.0,
            ratio in 0.01f64..100.0,
            wider in 1.0f64..3.0,
        ) {
            let ratio = [ratio, (ratio * wider).min(100.0)];
            let crop = ResizedCrop { scale: [scale, 1.0], ratio };
            crop.check().unwrap();
            let region = crop.draw(seed, 3, index, [rows, columns]);
            prop_assert!(region.height >= 1 && region.width >= 1);
            prop_assert!(region.top + region.height <= rows && region.left + region.width <= columns);
        }
    }

    /// By hand, from torchvision's rule: 10 rows of 100 columns allow no region of half the area with a ratio up to 2, since
    /// its width would be at most 20; the fallback is 20 columns in the middle.
    #[test]
    fn what_never_fits_is_centred() {
        let crop = ResizedCrop { scale: [0.5, 1.0], ratio: [0.5, 2.0] };
        let region = crop.draw(1, 0, 0, [10, 100]);
        assert_eq!(region, Region { top: 0, left: 40, height: 10, width: 20 });
        let region = crop.draw(1, 0, 0, [100, 10]);
        assert_eq!(region, Region { top: 40, left: 0, height: 20, width: 10 });
    }

    #[test]
    fn all_of_the_area_of_a_square_is_all_of_it() {
        let crop = ResizedCrop { scale: [1.0, 1.0], ratio: [1.0, 1.0] };
        assert_eq!(crop.draw(9, 1, 5, [64, 64]), Region::whole([64, 64]));
    }
}
