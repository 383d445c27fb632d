//! Every kernel over slices of every short length that begin anywhere.
//!
//! The slices end where their allocation ends and begin after a few NaN, so a kernel that reads past either end is caught: behind, by
//! AddressSanitizer or valgrind (docs/UNSAFE.md has the commands), before, by its result. With every instruction set of the machine
//! the result is that of [`plain`], the same loops one number at a time, to the bit; convolutions, whose sums fuse and transform,
//! are compared with the definition. Where a slice lies must not change a bit.

mod plain;

use std::iter;

use super::channels::Channels;
use super::conv::{self, Geometry, Settings};
use super::moments::Moments;
use super::pool::{self, Window};
use super::simd::{Level, held};
use super::strided::{self, Layout};
use super::window::Axis;
use super::{Gemm, Matrix, MatrixMut, axes, gemm, map, packed, product, reduce, rows};
use crate::ops::activation::Swish;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::slices::Slices;

/// Longer than four rows of the widest vectors, so that every remainder of them occurs.
const LONGEST: usize = 67;

/// Numbers that lie `offset` elements after the start of an allocation and end with it.
struct Placed<S> {
    all: Vec<S>,
    offset: usize,
}

impl<S: Scalar> Placed<S> {
    fn new(offset: usize, n: usize, number: impl Fn(usize) -> S) -> Self {
        let before = iter::repeat_n(S::from_f64(f64::NAN), offset);
        let mut all = Vec::with_capacity(offset + n);
        all.extend(before.chain((0..n).map(number)));
        Self { all, offset }
    }

    fn get(&self) -> &[S] {
        &self.all[self.offset..]
    }

    fn get_mut(&mut self) -> &mut [S] {
        &mut self.all[self.offset..]
    }

    /// What has been written, and nothing before it.
    fn written(&self) -> Vec<S> {
        assert!(self.all[..self.offset].iter().all(|x| x.to_f64().is_nan()), "written before the slice");
        self.get().to_vec()
    }
}

fn number<S: Scalar>(i: usize, salt: usize) -> S {
    S::from_f64(((i * 7919 + salt * 104_729) % 1013) as f64 / 500.0 - 1.0)
}

/// What kernels make of slices of `n` numbers at `offset`. [`plain::elementwise`] has the same list.
fn elementwise<S: Scalar>(offset: usize, n: usize) -> Results<S> {
    let input = |salt| Placed::<S>::new(offset, n, |i| number(i, salt));
    let (x, y, z) = (input(1), input(2), input(3));
    let (x, y, z) = (x.get(), y.get(), z.get());
    let filled = |f: &dyn Fn(&mut [S])| {
        let mut out = input(4);
        f(out.get_mut());
        out.written()
    };
    let moments = Moments::of_block(x);
    let whole = Channels { samples: 1, channels: 1, positions: n };
    let every_second = Layout::new([(n.div_ceil(2), 2)]);
    let mut all = vec![
        ("map", map::map(x, |x: S| x * x)),
        ("map2", map::map2(x, y, |x, y| x * y)),
        ("map3", map::map3(x, y, z, |x, y, z| x * y + z)),
        ("add_assign", filled(&|out| map::add_assign(out, x))),
        ("sum", vec![reduce::sum(x), reduce::dot(x, y)]),
        ("block_sums", reduce::block_sums([x, y, z], |[x, y, z]| [x * y, y + z, x]).to_vec()),
        ("moments", vec![moments.mean, moments.m2]),
        ("channel sums", whole.sums(x)),
        ("sum over an axis", axes::sum_over(x, Shape::from([1, n]), |axis| axis == 0, |_, x| x)),
        ("gather", strided::gather(x, every_second, 0)),
        ("scatter", filled(&|out| strided::scatter(out, every_second, 0, &x[..n.div_ceil(2)]))),
        ("values", filled(&|out| Swish::default().values(x, out))),
        ("gradients", filled(&|out| Swish::default().gradients(x, y, z, out))),
        (
            "values and slopes",
            filled(&|out| {
                let mut slope = input(5);
                Swish::default().values_and_slopes(x, out, slope.get_mut());
                out.iter_mut().zip(slope.written()).for_each(|(y, slope)| *y += slope);
            }),
        ),
    ];
    if n > 0 {
        all.push(("softmax", rows::softmax(x, n)));
        all.push(("log-softmax", rows::log_softmax(x, n)));
    }
    all
}

/// The convolution of images `n` wide, by Winograd's algorithm or by sums.
fn geometry((channels, exact): (usize, bool), n: usize) -> Geometry {
    let settings = Settings { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, exact };
    let (image, weight) = ([1, channels, 4, n], [channels, channels, 3, 3]);
    Geometry::new("conv2d", &settings, Shape::from(image), Shape::from(weight), None).unwrap()
}

/// Channels of a convolution, and whether it is by sums.
const CONVOLUTIONS: [(usize, bool); 2] = [(16, false), (2, true)];

/// The window of pools over images `n` wide.
fn pool_window(n: usize) -> Window {
    let axis = |n| Axis::new(n, 3, 2, 1, 1).unwrap();
    Window { height: axis(5), width: axis(n) }
}

/// Convolutions of images `n` wide: value, gradient of the input, gradient of the weight. [`plain::convolutions`] has the same list.
fn convolutions<S: Scalar>(offset: usize, n: usize) -> Results<S> {
    let mut all = Vec::new();
    for (channels, exact) in CONVOLUTIONS {
        let g = geometry((channels, exact), n);
        let input = |salt, n| Placed::<S>::new(offset, n, |i| number(i, salt));
        let (x, dy) = (input(1, channels * 4 * n), input(2, channels * 4 * n));
        let (w, bias) = (input(3, channels * channels * 9), input(4, channels));
        let (mut y, mut dx) = (input(5, x.get().len()), input(6, x.get().len()));
        conv::forward(&g, x.get(), w.get(), Some(bias.get()), y.get_mut());
        conv::input_gradient(&g, w.get(), dy.get(), dx.get_mut());
        all.push(("convolution", y.written()));
        all.push(("its input gradient", dx.written()));
        all.push(("its weight gradient", conv::weight_gradient(&g, x.get(), dy.get())));
    }
    all
}

/// Pooling of images `n` wide. [`plain::pools`] has the same list.
fn pools<S: Scalar>(offset: usize, n: usize) -> Results<S> {
    let window = pool_window(n);
    let out = window.height.output * window.width.output;
    let x = Placed::<S>::new(offset, 5 * n, |i| number(i, 1));
    let dy = Placed::<S>::new(offset, out, |i| number(i, 2));
    let filled = |n, before: S, f: &dyn Fn(&mut [S])| {
        let mut out = Placed::<S>::new(offset, n, |_| before);
        f(out.get_mut());
        out.written()
    };
    let (x, dy) = (x.get(), dy.get());
    // Values are written over what is there; gradients are added to zeros.
    let value = |f: &dyn Fn(&mut [S])| filled(out, S::ONE, f);
    let gradient = |f: &dyn Fn(&mut [S])| filled(5 * n, S::ZERO, f);
    vec![
        ("maximum", value(&|y| pool::maximum(&window, x, y))),
        ("its gradient", gradient(&|dx| pool::maximum_gradient(&window, x, dy, dx))),
        ("mean", value(&|y| pool::mean(&window, false, x, y))),
        ("its gradient", gradient(&|dx| pool::mean_gradient(&window, false, dy, dx))),
    ]
}

/// Where slices lie: at the start of an allocation, and where no offset is a multiple of a vector.
const OFFSETS: [usize; 3] = [0, 1, 7];

/// What each kernel, by its name, wrote.
type Results<S> = Vec<(&'static str, Vec<S>)>;

fn bits<S: Scalar>(x: &[S]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// `kernels(offset, n)` with the vectors of `level` has the bits of `want`, wherever the slices lie.
fn agree<S: Scalar>(level: Level, n: usize, kernels: fn(usize, usize) -> Results<S>, want: &Results<S>) {
    for offset in OFFSETS {
        let got = held::to(level, || kernels(offset, n));
        assert_eq!(got.len(), want.len(), "as many kernels as plain ones");
        for ((name, got), (plain, want)) in got.iter().zip(want) {
            assert_eq!(name, plain, "the lists of kernels have one order");
            assert!(got.iter().all(|x| x.is_finite()), "{name} of {n} numbers at {offset}: {got:?}");
            assert_eq!(bits(got), bits(want), "{name} of {n} numbers at {offset} by {level:?}");
        }
    }
}

/// Convolutions of `S` with the vectors of `level` are near the definition and have the same bits wherever the slices lie.
fn convolve<S: Scalar>(level: Level, n: usize, epsilon: f64, want: &plain::Near) {
    let first = held::to(level, || convolutions::<S>(0, n));
    assert_eq!(first.len(), want.len(), "as many results as the definition gives");
    for ((name, got), (plain, want, size)) in first.iter().zip(want) {
        assert_eq!(name, plain, "the lists of kernels have one order");
        let squares = got.iter().zip(want).map(|(got, want)| (got.to_f64() - want).powi(2)).sum::<f64>();
        let error = (squares / want.len() as f64).sqrt();
        // The bound of `conv/tests.rs`.
        assert!(error <= 16.0 * epsilon * size, "{name} {n} wide by {level:?}: {error:e} of {size:e}");
    }
    agree(level, n, convolutions, &first);
}

#[test]
fn kernels_take_slices_of_any_length_anywhere() {
    for n in 0..=LONGEST {
        let want = plain::elementwise(n);
        Level::available().for_each(|level| agree::<f32>(level, n, elementwise, &want));
        agree::<f64>(Level::widest(), n, elementwise, &plain::elementwise(n));
    }
}

#[test]
fn images_of_any_width_may_lie_anywhere() {
    for n in 1..=LONGEST {
        let (want, near) = (plain::pools(n), plain::convolutions::<f32>(n));
        for level in Level::available() {
            agree::<f32>(level, n, pools, &want);
            convolve::<f32>(level, n, f64::from(f32::EPSILON), &near);
        }
        if n % 8 < 2 {
            agree::<f64>(Level::widest(), n, pools, &plain::pools(n));
            convolve::<f64>(Level::widest(), n, f64::EPSILON, &plain::convolutions::<f64>(n));
        }
    }
}

/// C of m × n from A of m × 5, in each order of both factors; whole numbers make every order of summation exact.
fn products<S: Scalar>(kernel: impl Fn(Gemm<'_, S>), offset: usize, (m, n): (usize, usize)) {
    let k = 5;
    let whole = |salt: usize| move |i: usize| S::from_f64(((i * 7919 + salt * 104_729) % 11) as f64 - 5.0);
    let (a, b) = (Placed::new(offset, m * k, whole(1)), Placed::new(offset, k * n, whole(2)));
    for (a_row, a_column, b_row, b_column) in [(k, 1, n, 1), (1, m, n, 1), (k, 1, 1, k), (1, m, 1, k)] {
        for accumulate in [false, true] {
            let run = |multiply: &dyn Fn(Gemm<'_, S>)| {
                let mut c = Placed::new(offset, m * n, whole(3));
                let a = Matrix { data: a.get(), row: a_row, column: a_column };
                let b = Matrix { data: b.get(), row: b_row, column: b_column };
                multiply(Gemm { m, k, n, a, b, c: MatrixMut { data: c.get_mut(), row: n }, accumulate });
                c.written()
            };
            assert!(run(&kernel) == run(&gemm::reference::<S>), "{m} × {k} × {n} at {offset}");
        }
    }
}

#[test]
fn products_of_any_size_may_lie_anywhere() {
    let sizes = (0..=LONGEST).flat_map(|n| [(n, 3), (3, n), (n, n)]);
    for size in sizes {
        for offset in OFFSETS {
            for level in Level::available() {
                products::<f32>(|job| packed::gemm_at(level, job), offset, size);
            }
            products::<f64>(f64::gemm, offset, size);
        }
    }
    let a = Placed::new(1, 67 * 67, |i| number::<f32>(i, 1));
    let a = Matrix { data: a.get(), row: 67, column: 1 };
    let b = Placed::new(0, 67 * 67, |i| number::<f32>(i, 1));
    let b = Matrix { data: b.get(), row: 67, column: 1 };
    let size = (67, 67, 67);
    assert_eq!(product::product(size, a, a), product::product(size, b, b));
}
