//! Pooling: the maximum or the mean of a window that slides over each plane of an array.

use std::ops::Range;

use rayon::prelude::*;

use super::vector::Loop;
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

    /// By what the mean at (oh, ow) divides: the window's size, or the part of it inside the image.
    fn divisor(&self, oh: usize, ow: usize, count_padding: bool) -> f64 {
        let count = if count_padding {
            self.height.kernel * self.width.kernel
        } else {
            self.height.covered(oh).len() * self.width.covered(ow).len()
        };
        count as f64
    }

    /// Where the row `row` of the input meets windows, tap by tap: the output columns, and the place that the first of
    /// them reads. The next ones are `stride` apart.
    fn taps(&self, row: usize) -> impl DoubleEndedIterator<Item = (Range<usize>, usize)> {
        let Axis { input, kernel, stride, padding, .. } = self.width;
        let inside = (0..kernel).map(move |tap| (self.width.inside(tap), tap));
        let inside = inside.filter(|(columns, _)| !columns.is_empty());
        inside.map(move |(columns, tap)| {
            let first = row * input + columns.start * stride + tap - padding;
            (columns, first)
        })
    }

    /// The first place that the window at (oh, ow) covers.
    fn first_place(&self, oh: usize, ow: usize) -> usize {
        self.height.covered(oh).start * self.width.input + self.width.covered(ow).start
    }
}

/// Whether `x` takes the place of `best`, which comes before it: it is larger, or the first NaN.
#[inline(always)]
fn wins<S: Scalar>(x: S, best: S) -> bool {
    // Only a NaN cannot be compared with itself.
    let is_nan = |x: S| x.partial_cmp(&x).is_none();
    x > best || (is_nan(x) && !is_nan(best))
}

/// Calls `f(output, input)` for every output of a tap, whose inputs are `stride` apart.
#[inline(always)]
fn along<A, B>(outputs: &mut [A], inputs: &[B], stride: usize, mut f: impl FnMut(&mut A, &B)) {
    // A loop with a step known to be 1 is one over vectors.
    match stride {
        1 => outputs.iter_mut().zip(inputs).for_each(|(a, b)| f(a, b)),
        _ => outputs.iter_mut().zip(inputs.iter().step_by(stride)).for_each(|(a, b)| f(a, b)),
    }
}

/// y = maximum of each window: the first NaN if there is one, else the largest. Padding never wins.
pub fn maximum<S: Scalar>(window: &Window, x: &[S], y: &mut [S]) {
    each_plane(window.output(), y, window.input(), x, |y, x| S::vectorized(Maximum { window, x, y }));
}

/// [`maximum`] of one plane: row by row of windows, all columns of a tap together.
struct Maximum<'a, S> {
    window: &'a Window,
    x: &'a [S],
    y: &'a mut [S],
}

impl<S: Scalar> Loop for Maximum<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { window, x, y } = self;
        for (oh, y) in y.chunks_exact_mut(window.width.output).enumerate() {
            y.iter_mut().enumerate().for_each(|(ow, y)| *y = x[window.first_place(oh, ow)]);
            for (columns, first) in window.height.covered(oh).flat_map(|row| window.taps(row)) {
                along(&mut y[columns], &x[first..], window.width.stride, |best, &x| {
                    *best = if wins(x, *best) { x } else { *best };
                });
            }
        }
    }
}

/// dx of [`maximum`]: the first of the largest gets the window's whole gradient. `dx` starts at 0.
pub fn maximum_gradient<S: Scalar>(window: &Window, x: &[S], dy: &[S], dx: &mut [S]) {
    each_plane_of_two(window, x, dy, dx, |x, dy, dx| {
        S::vectorized(MaximumGradient { window, x, dy, dx });
    });
}

/// [`maximum_gradient`] of one plane, as [`Maximum`]; the places of the maxima so far go along.
struct MaximumGradient<'a, S> {
    window: &'a Window,
    x: &'a [S],
    dy: &'a [S],
    dx: &'a mut [S],
}

impl<S: Scalar> Loop for MaximumGradient<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { window, x, dy, dx } = self;
        let width = window.width.output;
        let mut best = vec![(S::ZERO, 0); width];
        for (oh, dy) in dy.chunks_exact(width).enumerate() {
            for (ow, best) in best.iter_mut().enumerate() {
                let place = window.first_place(oh, ow);
                *best = (x[place], place);
            }
            for (columns, first) in window.height.covered(oh).flat_map(|row| window.taps(row)) {
                let stride = window.width.stride;
                let mut place = first;
                along(&mut best[columns], &x[first..], stride, |best, &x| {
                    if wins(x, best.0) {
                        *best = (x, place);
                    }
                    // Behind the last one it may be beyond counting, and is not read.
                    place = place.wrapping_add(stride);
                });
            }
            best.iter().zip(dy).for_each(|((_, place), &dy)| dx[*place] += dy);
        }
    }
}

/// y = mean of each window.
pub fn mean<S: Scalar>(window: &Window, count_padding: bool, x: &[S], y: &mut [S]) {
    each_plane(window.output(), y, window.input(), x, |y, x| {
        S::vectorized(Mean { window, count_padding, x, y });
    });
}

/// [`mean`] of one plane, as [`Maximum`].
struct Mean<'a, S> {
    window: &'a Window,
    count_padding: bool,
    x: &'a [S],
    y: &'a mut [S],
}

impl<S: Scalar> Loop for Mean<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { window, count_padding, x, y } = self;
        for (oh, y) in y.chunks_exact_mut(window.width.output).enumerate() {
            y.fill(S::ZERO);
            for (columns, first) in window.height.covered(oh).flat_map(|row| window.taps(row)) {
                along(&mut y[columns], &x[first..], window.width.stride, |sum, &x| *sum += x);
            }
            for (ow, y) in y.iter_mut().enumerate() {
                *y = *y / S::from_f64(window.divisor(oh, ow, count_padding));
            }
        }
    }
}

/// dx of [`mean`]: every element gets its share of the gradients of the windows over it. `dx` starts at 0.
pub fn mean_gradient<S: Scalar>(window: &Window, count_padding: bool, dy: &[S], dx: &mut [S]) {
    each_plane(window.input(), dx, window.output(), dy, |dx, dy| {
        S::vectorized(MeanGradient { window, count_padding, dy, dx });
    });
}

/// [`mean_gradient`] of one plane, as [`Maximum`].
struct MeanGradient<'a, S> {
    window: &'a Window,
    count_padding: bool,
    dy: &'a [S],
    dx: &'a mut [S],
}

impl<S: Scalar> Loop for MeanGradient<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { window, count_padding, dy, dx } = self;
        let width = window.width.output;
        let mut shares = vec![S::ZERO; width];
        for (oh, dy) in dy.chunks_exact(width).enumerate() {
            for (ow, (share, &dy)) in shares.iter_mut().zip(dy).enumerate() {
                *share = dy / S::from_f64(window.divisor(oh, ow, count_padding));
            }
            // The last tap first, so that an element gets its shares in the order of the windows.
            for (columns, first) in window.height.covered(oh).flat_map(|row| window.taps(row).rev()) {
                let shares = &shares[columns];
                match window.width.stride {
                    1 => dx[first..].iter_mut().zip(shares).for_each(|(dx, &share)| *dx += share),
                    stride => {
                        let dx = dx[first..].iter_mut().step_by(stride);
                        dx.zip(shares).for_each(|(dx, &share)| *dx += share);
                    }
                }
            }
        }
    }
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The places in the plane of what the window at (oh, ow) covers, row-major.
    fn covered(window: &Window, oh: usize, ow: usize) -> Vec<usize> {
        let (rows, columns) = (window.height.covered(oh), window.width.covered(ow));
        rows.flat_map(|row| columns.clone().map(move |column| row * window.width.input + column)).collect()
    }

    /// Everything by its definition, window by window: maxima, their gradient, means, their gradient.
    pub(in crate::kernels) fn by_definition<S: Scalar>(
        window: &Window,
        counts: bool,
        x: &[S],
        dy: &[S],
    ) -> [Vec<S>; 4] {
        let (mut maxima, mut means) = (dy.to_vec(), dy.to_vec());
        let (mut to_maxima, mut to_means) = (vec![S::ZERO; x.len()], vec![S::ZERO; x.len()]);
        for plane in 0..x.len() / window.input() {
            for at in 0..window.output() {
                let (oh, ow, out) =
                    (at / window.width.output, at % window.width.output, plane * window.output() + at);
                let places: Vec<usize> =
                    covered(window, oh, ow).iter().map(|p| plane * window.input() + p).collect();
                let nan = places.iter().copied().find(|&p| x[p].to_f64().is_nan());
                let larger = |best: usize, &p: &usize| if x[p] > x[best] { p } else { best };
                let best = nan.unwrap_or_else(|| places.iter().fold(places[0], larger));
                maxima[out] = x[best];
                to_maxima[best] += dy[out];
                let divisor = S::from_f64(window.divisor(oh, ow, counts));
                means[out] = places.iter().fold(S::ZERO, |sum, &p| sum + x[p]) / divisor;
                places.iter().for_each(|&p| to_means[p] += dy[out] / divisor);
            }
        }
        [maxima, to_maxima, means, to_means]
    }

    proptest! {
        /// Few different numbers, so that there are ties and NaNs; sums must agree to the last bit.
        #[test]
        fn rows_of_windows_are_windows_one_by_one(
            (height, width, kernel) in (1usize..9, 1usize..40, (1usize..5, 1usize..5)),
            stride in (1usize..4, 1usize..4),
            padding in (0usize..3, 0usize..3),
            counts: bool,
            numbers in prop::collection::vec(0u8..8, 3 * 9 * 40),
        ) {
            let axis = |input, kernel: usize, stride, padding: usize| Axis::new(input, kernel, stride, padding.min(kernel / 2), 1);
            let height = axis(height, kernel.0, stride.0, padding.0);
            let width = axis(width, kernel.1, stride.1, padding.1);
            prop_assume!(height.is_some() && width.is_some());
            let window = Window { height: height.unwrap(), width: width.unwrap() };
            let number = |&n: &u8| if n == 0 { f32::NAN } else { f32::from(n) * 0.7 - 3.1 };
            let x: Vec<f32> = numbers[..3 * window.input()].iter().map(number).collect();
            let dy: Vec<f32> = (0..3 * window.output()).map(|i| (i as f32 * 0.37).sin()).collect();
            let (mut maxima, mut means) = (dy.clone(), dy.clone());
            let (mut to_maxima, mut to_means) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            maximum(&window, &x, &mut maxima);
            maximum_gradient(&window, &x, &dy, &mut to_maxima);
            mean(&window, counts, &x, &mut means);
            mean_gradient(&window, counts, &dy, &mut to_means);
            let want = by_definition(&window, counts, &x, &dy);
            // One NaN is as good as another.
            let bits = |x: &Vec<f32>| x.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>();
            prop_assert_eq!([maxima, to_maxima, means, to_means].map(|x| bits(&x)), want.map(|x| bits(&x)));
        }
    }
}
