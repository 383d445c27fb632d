//! Brightness, contrast, saturation and hue.

use serde::{Deserialize, Serialize};

use super::{check_value, refuse};
use crate::{
    Result,
    random::{Purpose, below, between, stream},
};

/// How far each property of a picture's colour may be changed; 0 leaves it as it is.
///
/// As torchvision's `ColorJitter`: factors for brightness, contrast and saturation are evenly spread between max(0, 1 − x)
/// and 1 + x, the turn of the hue between −x and x, and the four changes follow each other **in a random order**, drawn for
/// each picture.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ColourJitter {
    /// Largest change of the factor of all values.
    pub brightness: f64,
    /// Largest change of the factor of the distance to the mean gray.
    pub contrast: f64,
    /// Largest change of the factor of the distance to each pixel's gray.
    pub saturation: f64,
    /// Largest turn of the hue, in whole turns, at most ½.
    pub hue: f64,
}

/// One change of colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Every value times a factor.
    Brightness(f64),
    /// Every value's distance to the picture's mean gray times a factor.
    Contrast(f64),
    /// Every value's distance to its pixel's gray times a factor.
    Saturation(f64),
    /// The hue plus so many turns.
    Hue(f64),
}

/// What is done to one picture, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(pub [Change; 4]);

impl ColourJitter {
    pub(super) fn check(&self, channels: usize) -> Result<()> {
        check_value("augmentation.jitter.brightness", self.brightness, [0.0, 10.0])?;
        check_value("augmentation.jitter.contrast", self.contrast, [0.0, 10.0])?;
        check_value("augmentation.jitter.saturation", self.saturation, [0.0, 10.0])?;
        check_value("augmentation.jitter.hue", self.hue, [0.0, 0.5])?;
        if channels != 1 && channels != 3 {
            return refuse("augmentation.jitter", format!("for {channels} channels"), "for 1 or 3 channels");
        }
        let colour =
            [("augmentation.jitter.saturation", self.saturation), ("augmentation.jitter.hue", self.hue)];
        for (option, value) in colour {
            if channels == 1 && value != 0.0 {
                return refuse(option, value, "0 for images without colour");
            }
        }
        Ok(())
    }

    /// The changes of sample `index` in `epoch`.
    ///
    /// Drawn are the order (as [`permutation`](crate::random::permutation) does), then brightness, contrast, saturation and
    /// hue, always all of them.
    pub fn draw(&self, seed: u64, epoch: u64, index: usize) -> Jitter {
        let mut generator = stream(seed, Purpose::Jitter { epoch }, index as u64);
        let mut order = [0, 1, 2, 3];
        for last in (1..4).rev() {
            order.swap(last, below(&mut generator, last as u64 + 1) as usize);
        }
        let mut factor = |x: f64| between(&mut generator, [(1.0 - x).max(0.0), 1.0 + x]);
        let factors = [self.brightness, self.contrast, self.saturation].map(&mut factor);
        let turn = between(&mut generator, [-self.hue, self.hue]);
        let changes = [
            Change::Brightness(factors[0]),
            Change::Contrast(factors[1]),
            Change::Saturation(factors[2]),
            Change::Hue(turn),
        ];
        Jitter(order.map(|which: usize| changes[which]))
    }
}

impl Jitter {
    /// Changes a picture of one or three planes on the 0 to 1 scale, which it does not leave.
    pub fn apply(&self, pixels: &mut [f32], channels: usize) {
        self.0.iter().for_each(|change| change.apply(pixels, channels));
    }
}

impl Change {
    /// Changes a picture of one or three planes on the 0 to 1 scale. A plane of its own has neither saturation nor hue.
    ///
    /// Gray is 0.2989 R + 0.587 G + 0.114 B, and results are cut to 0 to 1, all as torchvision's functions on floats.
    pub fn apply(self, pixels: &mut [f32], channels: usize) {
        match (self, split(pixels, channels)) {
            (Self::Brightness(factor), _) => blend(pixels, factor, 0.0),
            (Self::Contrast(factor), planes) => {
                let mean = match planes {
                    Some(planes) => mean_gray(planes),
                    None => mean(pixels.iter().copied()),
                };
                blend(pixels, factor, mean);
            }
            (Self::Saturation(factor), Some(planes)) => saturate(planes, factor),
            (Self::Hue(turn), Some(planes)) if turn != 0.0 => turn_hue(planes, turn),
            (Self::Saturation(_) | Self::Hue(_), _) => {}
        }
    }
}

/// Red, green and blue, if there are three planes.
fn split(pixels: &mut [f32], channels: usize) -> Option<[&mut [f32]; 3]> {
    if channels != 3 {
        return None;
    }
    let (red, others) = pixels.split_at_mut(pixels.len() / 3);
    let (green, blue) = others.split_at_mut(red.len());
    Some([red, green, blue])
}

/// Each value `x` becomes `factor x + (1 - factor) other`, cut to 0 to 1.
fn blend(pixels: &mut [f32], factor: f64, other: f64) {
    let (factor, offset) = (factor as f32, ((1.0 - factor) * other) as f32);
    for x in pixels {
        *x = (*x * factor + offset).clamp(0.0, 1.0);
    }
}

fn gray(red: f32, green: f32, blue: f32) -> f32 {
    0.2989 * red + 0.587 * green + 0.114 * blue
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f64 {
    let count = values.len() as f64;
    values.map(f64::from).sum::<f64>() / count
}

fn mean_gray([red, green, blue]: [&mut [f32]; 3]) -> f64 {
    mean((0..red.len()).map(|i| gray(red[i], green[i], blue[i])))
}

fn saturate([red, green, blue]: [&mut [f32]; 3], factor: f64) {
    let (factor, rest) = (factor as f32, (1.0 - factor) as f32);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let offset = rest * gray(*red, *green, *blue);
        for x in [red, green, blue] {
            *x = (*x * factor + offset).clamp(0.0, 1.0);
        }
    }
}

/// By way of hue, saturation and value. With the chroma c = max − min and the hue h in sixths of a turn, each channel is
/// max − c · clamp(min(k, 4 − k), 0, 1) for k = (n + h) mod 6 with n = 5, 3, 1: the six cases of the usual definition in one.
fn turn_hue([red, green, blue]: [&mut [f32]; 3], turn: f64) {
    let turn = (6.0 * turn) as f32;
    // Branches would be as random as the picture: all three cases are computed, and one is taken.
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (r, g, b) = (*red, *green, *blue);
        let most = r.max(g).max(b);
        let chroma = most - r.min(g).min(b);
        let inverse = if chroma > 0.0 { 1.0 / chroma } else { 0.0 };
        let (of_red, of_green, of_blue) =
            ((g - b) * inverse, 2.0 + (b - r) * inverse, 4.0 + (r - g) * inverse);
        let hue = if most == r {
            of_red
        } else if most == g {
            of_green
        } else {
            of_blue
        };
        // Between -1 and 5, plus at most half a turn either way: k lies between -3 and 13.
        let hue = hue + turn;
        let channel = |n: f32| {
            let k = n + hue;
            let k = if k < 0.0 { k + 6.0 } else { k };
            let k = if k >= 6.0 { k - 6.0 } else { k };
            let k = if k >= 6.0 { k - 6.0 } else { k };
            most - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        (*red, *green, *blue) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(0u8..=255, 30)
            .prop_map(|bytes| bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect())
    }

    proptest! {
        #[test]
        fn no_change_is_the_same_picture(before in picture()) {
            for change in [Change::Brightness(1.0), Change::Contrast(1.0), Change::Saturation(1.0), Change::Hue(0.0)] {
                for channels in [1, 3] {
                    let mut after = before.clone();
                    change.apply(&mut after, channels);
                    prop_assert_eq!(&after, &before, "{:?}", change);
                }
            }
        }

        #[test]
        fn half_a_turn_is_the_same_both_ways_and_twice_none(before in picture()) {
            let (mut left, mut right) = (before.clone(), before.clone());
            Change::Hue(0.5).apply(&mut left, 3);
            Change::Hue(-0.5).apply(&mut right, 3);
            for (a, b) in left.iter().zip(&right) {
                prop_assert!((a - b).abs() < 1e-6);
            }
            Change::Hue(0.5).apply(&mut left, 3);
            for (a, b) in left.iter().zip(&before) {
                prop_assert!((a - b).abs() < 4e-6);
            }
        }

        #[test]
        fn nothing_leaves_the_scale(before in picture(), seed: u64, strength in 0.0f64..10.0) {
            let jitter = ColourJitter { brightness: strength, contrast: strength, saturation: strength, hue: 0.5 };
            let mut after = before;
            jitter.draw(seed, 0, 0).apply(&mut after, 3);
            prop_assert!(after.iter().all(|x| (-1e-6..=1.0).contains(x)));
        }
    }

    /// Each of the 24 orders 1,000 times in 24,000 draws on average, with a deviation of 31: six of those.
    #[test]
    fn all_orders_are_equally_likely() {
        let jitter = ColourJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 };
        let mut counts = std::collections::BTreeMap::new();
        for index in 0..24_000 {
            let order = jitter.draw(5, 1, index).0.map(|change| match change {
                Change::Brightness(_) => 'b',
                Change::Contrast(_) => 'c',
                Change::Saturation(_) => 's',
                Change::Hue(_) => 'h',
            });
            *counts.entry(order).or_insert(0i32) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|count| (count - 1000).abs() < 190), "{counts:?}");
    }
}
