//! A window that slides over an image, by its definition.

use std::ops::RangeInclusive;

use crate::random::Stream;

/// What the sizes of a window are drawn from, height and width alike.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// Of [`Window::image`].
    pub image: RangeInclusive<usize>,
    /// Of [`Window::kernel`].
    pub kernel: RangeInclusive<usize>,
    /// Of [`Window::stride`].
    pub stride: RangeInclusive<usize>,
    /// Of [`Window::padding`].
    pub padding: RangeInclusive<usize>,
    /// Of [`Window::dilation`].
    pub dilation: RangeInclusive<usize>,
}

impl Ranges {
    /// Of convolutions over small images, where every partial derivative is checked.
    pub const SMALL: Self =
        Self { image: 1..=6, kernel: 1..=4, stride: 1..=3, padding: 0..=3, dilation: 1..=3 };
    /// Of convolutions over larger images, which are cut into tiles.
    pub const LARGE: Self = Self { image: 1..=24, ..Self::SMALL };
    /// Of convolutions: each as often as the others.
    pub const CONVOLUTIONS: [Self; 4] = [Self::SMALL, Self::SMALL, Self::SMALL, Self::LARGE];
    /// Of pools, see [`Window::pooling`].
    pub const POOLS: Self =
        Self { image: 1..=9, kernel: 1..=4, stride: 1..=4, padding: 0..=2, dilation: 1..=1 };
}

/// A window sliding over an image; pairs are (height, width).
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Rows and columns of the image.
    pub image: [usize; 2],
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// How far apart its places are.
    pub stride: [usize; 2],
    /// How many pixels are added on every side.
    pub padding: [usize; 2],
    /// How far apart its taps are.
    pub dilation: [usize; 2],
}

impl Window {
    /// One as convolutions want it.
    pub fn drawn(stream: &mut Stream) -> Self {
        let ranges = one_of(stream, Ranges::CONVOLUTIONS);
        loop {
            let mut pair = |range: &RangeInclusive<usize>| [0; 2].map(|_| within(stream, range.clone()));
            let window = Self {
                image: pair(&ranges.image),
                kernel: pair(&ranges.kernel),
                stride: pair(&ranges.stride),
                padding: pair(&ranges.padding),
                dilation: pair(&ranges.dilation),
            };
            if window.fits() {
                return window;
            }
        }
    }

    /// One as pooling wants it, see [`Window::pooling`].
    pub fn pooling_drawn(stream: &mut Stream) -> Self {
        let Ranges { image, kernel, stride, padding, .. } = Ranges::POOLS;
        loop {
            let mut pair = |range: &RangeInclusive<usize>| [0; 2].map(|_| within(stream, range.clone()));
            let window = Self::pooling(pair(&image), pair(&kernel), pair(&stride), pair(&padding));
            if window.fits() {
                return window;
            }
        }
    }

    /// A window without dilation, whose padding is cut to half the kernel.
    pub fn pooling(image: [usize; 2], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        let padding = [0, 1].map(|a| padding[a].min(kernel[a] / 2));
        Self { image, kernel, stride, padding, dilation: [1; 2] }
    }

    /// Whether the kernel fits into the image with its padding.
    pub fn fits(&self) -> bool {
        (0..2).all(|a| self.dilation[a] * (self.kernel[a] - 1) < self.image[a] + 2 * self.padding[a])
    }

    /// The number of places along each axis, from the formula of Dumoulin and Visin (2016), relationship 15.
    pub(super) fn places(&self) -> [usize; 2] {
        [0, 1].map(|a| {
            let reach = self.dilation[a] * (self.kernel[a] - 1) + 1;
            (self.image[a] + 2 * self.padding[a] - reach) / self.stride[a] + 1
        })
    }

    /// The pixels that the window at `place` sees, as (tap, pixel), padding left out.
    fn seen(&self, place: [usize; 2]) -> Vec<(usize, usize)> {
        let at = |axis: usize, tap: usize| {
            let position = place[axis] * self.stride[axis] + tap * self.dilation[axis];
            position.checked_sub(self.padding[axis]).filter(|&p| p < self.image[axis])
        };
        let taps = (0..self.kernel[0]).flat_map(|k| (0..self.kernel[1]).map(move |l| (k, l)));
        taps.filter_map(|(k, l)| Some((k * self.kernel[1] + l, at(0, k)? * self.image[1] + at(1, l)?)))
            .collect()
    }

    /// `value(plane, pixels seen)` for every place of each of `planes` planes.
    pub(super) fn slide(&self, planes: usize, value: impl Fn(usize, Vec<(usize, usize)>) -> f64) -> Vec<f64> {
        let [rows, columns] = self.places();
        let places = move |plane| (0..rows).flat_map(move |i| (0..columns).map(move |j| (plane, [i, j])));
        (0..planes).flat_map(places).map(|(plane, place)| value(plane, self.seen(place))).collect()
    }
}

/// A whole number of `range`.
pub(super) fn within(stream: &mut Stream, range: RangeInclusive<usize>) -> usize {
    range.start() + stream.below((range.end() - range.start() + 1) as u64) as usize
}

/// Any of `choices`.
pub(super) fn one_of<T, const N: usize>(stream: &mut Stream, choices: [T; N]) -> T {
    let chosen = within(stream, 0..=N - 1);
    choices.into_iter().nth(chosen).expect("one of them")
}
