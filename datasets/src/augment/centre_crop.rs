//! The centre of a picture of any size in the wanted size, for evaluation.

use serde::{Deserialize, Serialize};

use super::{Region, check_value};
use crate::Result;

/// Resizes a picture so that its shorter side is 1 / `share` of the wanted one, and takes the centre.
///
/// For a square output this is torchvision's `Resize(n)`, `CenterCrop(m)` with share = m / n: 0.875 is the customary 224 of
/// 256. The longer side is rounded down and the place of the centre half to even, as there. For an oblong output the side
/// that binds takes the part of the shorter one. With share 1, a picture that has the wanted size stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CentreCrop {
    /// How much of the binding side is seen, above 0 up to 1.
    pub share: f64,
}

impl Default for CentreCrop {
    /// As much of the picture as fits.
    fn default() -> Self {
        Self { share: 1.0 }
    }
}

impl CentreCrop {
    pub(crate) fn check(&self) -> Result<()> {
        check_value("centre-crop.share", self.share, [0.05, 1.0])
    }

    /// The size to which a picture of `from` = [H, W] is resized, and the region of that which is the output of size `to`.
    pub fn place(&self, from: [usize; 2], to: [usize; 2]) -> ([usize; 2], Region) {
        // The side that has to be enlarged more, or shrunk less, binds; of equal ones the shorter side of the picture.
        let binding = if to[0] * from[1] >= to[1] * from[0] { 0 } else { 1 };
        let other = 1 - binding;
        let mut size = [0; 2];
        size[binding] = (to[binding] as f64 / self.share).round_ties_even() as usize;
        size[other] = (size[binding] as u128 * from[other] as u128 / from[binding] as u128) as usize;
        size[other] = size[other].max(to[other]);
        let first = |side: usize| ((size[side] - to[side]) as f64 / 2.0).round_ties_even() as usize;
        (size, Region { top: first(0), left: first(1), height: to[0], width: to[1] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision's numbers for a picture of 375 rows and 500 columns: Resize(256) makes 256 × 341, CenterCrop(224) starts
    /// at row 16 and at column int(round(58.5)) = 58.
    #[test]
    fn as_torchvision_resizes_and_crops() {
        let crop = CentreCrop { share: 0.875 };
        let (size, window) = crop.place([375, 500], [224, 224]);
        assert_eq!((size, window), ([256, 341], Region { top: 16, left: 58, height: 224, width: 224 }));
        let (size, window) = crop.place([500, 375], [224, 224]);
        assert_eq!((size, window), ([341, 256], Region { top: 58, left: 16, height: 224, width: 224 }));
    }

    #[test]
    fn the_wanted_size_stays_as_it_is() {
        assert_eq!(CentreCrop::default().place([28, 40], [28, 40]), ([28, 40], Region::whole([28, 40])));
    }

    #[test]
    fn the_window_is_inside() {
        for (from, to) in [([1, 999], [5, 3]), ([7, 3], [2, 90]), ([33, 34], [32, 32]), ([1, 1], [64, 64])] {
            for share in [0.05, 0.875, 1.0] {
                let (size, window) = CentreCrop { share }.place(from, to);
                assert!(window.top + window.height <= size[0] && window.left + window.width <= size[1]);
                assert_eq!([window.height, window.width], to);
            }
        }
    }
}
