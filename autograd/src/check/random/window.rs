//! A window that slides over an image, by its definition.

use crate::random::Stream;

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
    /// One as convolutions want it, over an image of up to `side` pixels either way.
    pub fn drawn(stream: &mut Stream, side: usize) -> Self {
        loop {
            let mut pair = |low, high| [0; 2].map(|_| within(stream, low, high));
            let (image, kernel) = (pair(1, side), pair(1, 4));
            let window =
                Self { image, kernel, stride: pair(1, 3), padding: pair(0, 3), dilation: pair(1, 3) };
            if window.fits() {
                return window;
            }
        }
    }

    /// One as pooling wants it, see [`Window::pooling`].
    pub fn pooling_drawn(stream: &mut Stream) -> Self {
        loop {
            let mut pair = |low, high| [0; 2].map(|_| within(stream, low, high));
            let window = Self::pooling(pair(1, 9), pair(1, 4), pair(1, 4), pair(0, 2));
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

/// A whole number from `low` to `high`.
pub(super) fn within(stream: &mut Stream, low: usize, high: usize) -> usize {
    low + stream.below((high - low + 1) as u64) as usize
}
