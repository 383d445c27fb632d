//! Pooling: the maximum or the mean of a window that slides over each plane of an array.

use rayon::prelude::*;

use super::window::Axis;
use crate::scalar::Scalar;

/// Elements per task at least.
const TASK: usize = 8 * 1024;

/// The window over one plane. There is no dilation, and every window covers part of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows.
    pub height: Axis,
    /// Columns.
    pub width: Axis,
}

impl Window {
    fn input(&self) -> usize {
        self.height.input * self.width.input
    }

    fn output(&self) -> usize {
        self.height.output * self.width.output
    }

    /// The places in the plane of what the window at (oh, ow) covers, row-major.
    fn covered(&self, oh: usize, ow: usize) -> impl Iterator<Item = usize> {
        let (columns, width) = (self.width.covered(ow), self.width.input);
        self.height.covered(oh).flat_map(move |row| columns.clone().map(move |column| row * width + column))
    }

    /// By what the mean at (oh, ow) divides: the window's size, or the part of it inside the image.
    fn divisor(&self, oh: usize, ow: usize, count_padding: bool) -> f64 {
        let count = if count_padding {
            self.height.kernel * self.width.kernel
        } else {
            self.height.covered(oh).len() * self.width.covered(ow).len()
        };
        count as f64
    }

    /// The place of the window's maximum: the first NaN if there is one, else the first of the largest.
    fn first_maximum<S: Scalar>(&self, x: &[S], oh: usize, ow: usize) -> usize {
        let mut places = self.covered(oh, ow);
        let mut best = places.next().expect("a window covers part of the image");
        for place in places {
            // Only a NaN cannot be compared with itself.
            let is_nan = |x: S| x.partial_cmp(&x).is_none();
            if x[place] > x[best] || (is_nan(x[place]) && !is_nan(x[best])) {
                best = place;
            }
        }
        best
    }

    /// Calls `f(oh, ow, output)` for every output position of a plane.
    fn for_each<T>(&self, outputs: impl Iterator<Item = T>, mut f: impl FnMut(usize, usize, T)) {
        let width = self.width.output;
        outputs.enumerate().for_each(|(i, output)| f(i / width, i % width, output));
    }
}

/// y = maximum of each window. Padding never wins; NaN does.
pub fn maximum<S: Scalar>(window: &Window, x: &[S], y: &mut [S]) {
    each_plane(window.output(), y, window.input(), x, |y, x| {
        window.for_each(y.iter_mut(), |oh, ow, y| *y = x[window.first_maximum(x, oh, ow)]);
    });
}

/// dx of [`maximum`]: the first of the largest gets the window's whole gradient. `dx` starts at 0.
pub fn maximum_gradient<S: Scalar>(window: &Window, x: &[S], dy: &[S], dx: &mut [S]) {
    each_plane_of_two(window, x, dy, dx, |x, dy, dx| {
        window.for_each(dy.iter(), |oh, ow, dy| dx[window.first_maximum(x, oh, ow)] += *dy);
    });
}

/// y = mean of each window.
pub fn mean<S: Scalar>(window: &Window, count_padding: bool, x: &[S], y: &mut [S]) {
    each_plane(window.output(), y, window.input(), x, |y, x| {
        window.for_each(y.iter_mut(), |oh, ow, y| {
            let mut sum = S::ZERO;
            window.covered(oh, ow).for_each(|place| sum += x[place]);
            *y = sum / S::from_f64(window.divisor(oh, ow, count_padding));
        });
    });
}

/// dx of [`mean`]: every element gets its share of the gradients of the windows over it. `dx` starts at 0.
pub fn mean_gradient<S: Scalar>(window: &Window, count_padding: bool, dy: &[S], dx: &mut [S]) {
    each_plane(window.input(), dx, window.output(), dy, |dx, dy| {
        window.for_each(dy.iter(), |oh, ow, dy| {
            let share = *dy / S::from_f64(window.divisor(oh, ow, count_padding));
            window.covered(oh, ow).for_each(|place| dx[place] += share);
        });
    });
}

/// Calls `f` for every plane of `written` and of `read`, in parallel.
fn each_plane<S: Scalar>(
    written_plane: usize,
    written: &mut [S],
    read_plane: usize,
    read: &[S],
    f: impl Fn(&mut [S], &[S]) + Sync + Send,
) {
    written
        .par_chunks_mut(written_plane)
        .zip(read.par_chunks(read_plane))
        .with_min_len(TASK.div_ceil(written_plane.max(read_plane)))
        .for_each(|(written, read)| f(written, read));
}

/// The same with a second array to read, of the input's shape.
fn each_plane_of_two<S: Scalar>(
    window: &Window,
    x: &[S],
    dy: &[S],
    dx: &mut [S],
    f: impl Fn(&[S], &[S], &mut [S]) + Sync + Send,
) {
    dx.par_chunks_mut(window.input())
        .zip(x.par_chunks(window.input()))
        .zip(dy.par_chunks(window.output()))
        .with_min_len(TASK.div_ceil(window.input()))
        .for_each(|((dx, x), dy)| f(x, dy, dx));
}
