//! A random rectangle of the mean colour, or of noise, in some of the pictures.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    Region, check_range, check_value,
    region::{ATTEMPTS, sides},
};
use crate::{
    Result,
    random::{Purpose, position, stream, uniform},
};

/// Erases, with some probability, a rectangle whose share of the area and ratio of height to width are drawn.
///
/// Zhong et al., *Random erasing data augmentation* (AAAI 2020), with the parameters and the rule of torchvision's
/// `RandomErasing`: an area evenly spread within `scale`, a ratio whose logarithm is evenly spread within `ratio` (the paper
/// spreads the ratio itself), sides rounded half to even and smaller than the picture's, an even place; if ten such
/// rectangles do not fit, nothing is erased.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RandomErasing {
    /// How likely it is that a picture is changed at all.
    pub probability: f64,
    /// Least and largest share of the picture's area.
    pub scale: [f64; 2],
    /// Least and largest height : width.
    pub ratio: [f64; 2],
    /// What is put there.
    pub fill: Fill,
}

/// What replaces erased pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// 0 after normalisation, the mean colour: torchvision's default behind `Normalize`, the paper's RE-M.
    #[default]
    Mean,
    /// For each pixel and channel an even byte, normalised like the picture: the paper's RE-R. (torchvision's `random` draws
    /// normal numbers instead.)
    Noise,
}

impl Default for RandomErasing {
    /// As in torchvision: half of the pictures, 2 to 33 % of the area, 0.3 to 3.3.
    fn default() -> Self {
        Self { probability: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3], fill: Fill::Mean }
    }
}

impl RandomErasing {
    pub(super) fn check(&self) -> Result<()> {
        check_value("augmentation.erasing.probability", self.probability, [0.0, 1.0])?;
        check_range("augmentation.erasing.scale", self.scale, [1e-4, 1.0])?;
        check_range("augmentation.erasing.ratio", self.ratio, [0.01, 100.0])
    }

    /// What is erased of sample `index` in `epoch`, if anything, in a picture of these rows and columns.
    ///
    /// Drawn are whether, the place down, the place across, then area and ratio of each attempt: at most 23 numbers.
    pub fn draw(&self, seed: u64, epoch: u64, index: usize, [rows, columns]: [usize; 2]) -> Option<Region> {
        let mut generator = stream(seed, Purpose::Erasing { epoch }, index as u64);
        if uniform(&mut generator) >= self.probability {
            return None;
        }
        let [down, across] = [(); 2].map(|()| generator.next_u64());
        let area = (rows * columns) as f64;
        (0..ATTEMPTS).find_map(|_| {
            let [height, width] = sides(&mut generator, area, self.scale, self.ratio)
                .map(|side| side.round_ties_even() as usize);
            let fits = height < rows && width < columns;
            fits.then(|| {
                let (top, left) = (position(down, rows - height + 1), position(across, columns - width + 1));
                Region { top, left, height, width }
            })
        })
    }

    /// Erases `region` of a normalised picture of planes of `area` pixels and rows of `width`; noise goes through `tables`.
    pub(super) fn fill(
        &self,
        region: Region,
        pixels: &mut [f32],
        [area, width]: [usize; 2],
        tables: &[[f32; 256]],
        [seed, epoch, index]: [u64; 3],
    ) {
        let mut noise = stream(seed, Purpose::ErasingFill { epoch }, index);
        for (plane, table) in pixels.chunks_exact_mut(area).zip(tables) {
            for row in region.rows(plane, width) {
                match self.fill {
                    Fill::Mean => row.fill(0.0),
                    Fill::Noise => row.fill_with(|| table[(noise.next_u32() >> 24) as usize]),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_erased_is_inside_and_of_the_wanted_size(
            rows in 1usize..100,
            columns in 1usize..100,
            seed: u64,
            index in 0usize..100,
        ) {
            let erasing = RandomErasing { probability: 1.0, ..RandomErasing::default() };
            if let Some(region) = erasing.draw(seed, 1, index, [rows, columns]) {
                prop_assert!(region.height < rows && region.width < columns);
                prop_assert!(region.top + region.height <= rows && region.left + region.width <= columns);
                // Sides are rounded by at most a half each.
                let area = (region.height as f64 + 0.5) * (region.width as f64 + 0.5);
                prop_assert!(area >= 0.02 * (rows * columns) as f64);
            }
        }
    }

    /// Of 10,000 pictures, 2,500 on average with a deviation of 43, and six of those.
    #[test]
    fn so_many_pictures_are_changed() {
        let erasing = RandomErasing { probability: 0.25, ..RandomErasing::default() };
        let count = (0..10_000).filter(|&index| erasing.draw(3, 0, index, [32, 32]).is_some()).count();
        assert!(count.abs_diff(2500) < 260, "{count}");
        let never = RandomErasing { probability: 0.0, ..erasing };
        assert!((0..1000).all(|index| never.draw(3, 0, index, [32, 32]).is_none()));
    }
}
