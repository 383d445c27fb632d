//! Random geometries of convolution, pooling and batch normalization: values against the definition, gradients by
//! every route of [`autograd::check`]. Strides leave remainders, kernels hang over edges, sides are unequal.

use autograd::check::{self, Case};
use autograd::ops::{AvgPool2d, BatchNorm, BatchNormInference, Conv2d, GlobalAvgPool, MaxPool2d};
use autograd::{Op, Tensor};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Few of them without optimisation, which makes them far slower.
const GEOMETRIES: u32 = if cfg!(debug_assertions) { 32 } else { 1024 };

/// The same geometries in every run.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: GEOMETRIES,
        rng_seed: RngSeed::Fixed(0x5EED),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A window sliding over an image; pairs are (height, width).
#[derive(Debug, Clone, Copy)]
struct Window {
    image: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
}

impl Window {
    fn fits(&self) -> bool {
        (0..2).all(|a| self.dilation[a] * (self.kernel[a] - 1) < self.image[a] + 2 * self.padding[a])
    }

    /// The number of places along each axis, from the formula of Dumoulin and Visin (2016), relationship 15.
    fn places(&self) -> [usize; 2] {
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
    fn slide(&self, planes: usize, value: impl Fn(usize, Vec<(usize, usize)>) -> f64) -> Vec<f64> {
        let [rows, columns] = self.places();
        let places = move |plane| (0..rows).flat_map(move |i| (0..columns).map(move |j| (plane, [i, j])));
        (0..planes).flat_map(places).map(|(plane, place)| value(plane, self.seen(place))).collect()
    }
}

fn pair(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

/// Windows that fit, with images of up to `side` pixels.
fn windows(side: usize) -> impl Strategy<Value = Window> {
    (pair(1..=side), pair(1..=4), pair(1..=3), pair(0..=3), pair(1..=3))
        .prop_map(|(image, kernel, stride, padding, dilation)| Window {
            image,
            kernel,
            stride,
            padding,
            dilation,
        })
        .prop_filter("the kernel must fit", Window::fits)
}

/// Windows as pooling wants them: no dilation, padding at most half the kernel.
fn pool_windows() -> impl Strategy<Value = Window> {
    let clip = |w: Window| Window {
        padding: [0, 1].map(|a| w.padding[a].min(w.kernel[a] / 2)),
        dilation: [1; 2],
        ..w
    };
    (pair(1..=9), pair(1..=4), pair(1..=4), pair(0..=2))
        .prop_map(|(image, kernel, stride, padding)| Window {
            image,
            kernel,
            stride,
            padding,
            dilation: [1; 2],
        })
        .prop_map(clip)
        .prop_filter("the kernel must fit", Window::fits)
}

/// The gradient of the case is right.
fn accepted(case: &Case) -> Result<(), TestCaseError> {
    let report = check::run(case).map_err(|e| TestCaseError::fail(format!("{}: {e}", case.name())))?;
    prop_assert!(report.failures.is_empty(), "{}:\n{}", case.name(), report.failures.join("\n"));
    Ok(())
}

/// The op's value on the case's inputs is `want`, to a rounding error of a sum of numbers of size 1.
fn valued(op: &impl Op<f64>, case: &Case, shape: &[usize], want: &[f64]) -> Result<(), TestCaseError> {
    let inputs: Vec<_> = case.inputs().iter().collect();
    let got = op.forward(&inputs).map_err(|e| TestCaseError::fail(e.to_string()))?.output;
    prop_assert_eq!(got.dims(), shape);
    for (i, (got, want)) in got.data().iter().zip(want).enumerate() {
        prop_assert!((got - want).abs() < 1e-12 * want.abs().max(10.0), "element {}: {} {}", i, got, want);
    }
    Ok(())
}

/// Samples, groups, channels in and out of each group.
#[derive(Debug, Clone, Copy)]
struct Channels {
    samples: usize,
    groups: usize,
    inputs: usize,
    outputs: usize,
}

fn channels() -> impl Strategy<Value = Channels> {
    let parts = (1..=3usize, 1..=3usize, 1..=3usize, 1..=3usize);
    parts.prop_map(|(samples, groups, inputs, outputs)| Channels { samples, groups, inputs, outputs })
}

/// y[n, o, place] = b[o] + Σ w[o, c, tap]·x[n, c₀ + c, pixel], word by word.
fn convolution(window: &Window, c: Channels, inputs: &[Tensor<f64>]) -> Vec<f64> {
    let (x, w) = (inputs[0].data(), inputs[1].data());
    let (all, taps) = (c.groups * c.outputs, window.kernel[0] * window.kernel[1]);
    let pixels = window.image[0] * window.image[1];
    window.slide(c.samples * all, |plane, seen| {
        let (n, o) = (plane / all, plane % all);
        let first = n * c.groups * c.inputs + o / c.outputs * c.inputs;
        let bias = inputs.get(2).map_or(0.0, |b| b.data()[o]);
        let products = (0..c.inputs).flat_map(|i| seen.iter().map(move |&(tap, pixel)| (i, tap, pixel)));
        bias + products
            .map(|(i, tap, pixel)| w[(o * c.inputs + i) * taps + tap] * x[(first + i) * pixels + pixel])
            .sum::<f64>()
    })
}

proptest! {
    #![proptest_config(config())]

    /// Small images, where every partial derivative is checked, and larger ones, which are cut into tiles.
    #[test]
    fn convolutions(window in prop_oneof![3 => windows(6), 1 => windows(24)], c in channels(), bias: bool) {
        let Window { image, kernel, stride, padding, dilation } = window;
        let conv = Conv2d { stride, padding, dilation, groups: c.groups, exact: false };
        let outputs = c.groups * c.outputs;
        let mut case = Case::op("random geometry", conv)
            .normal([c.samples, c.groups * c.inputs, image[0], image[1]])
            .normal([outputs, c.inputs, kernel[0], kernel[1]])
            .bilinear();
        if bias {
            case = case.normal([outputs]);
        }
        let [rows, columns] = window.places();
        valued(&conv, &case, &[c.samples, outputs, rows, columns], &convolution(&window, c, case.inputs()))?;
        accepted(&case)?;
    }

    /// Numbers are 0.05 apart: no maximum is a near tie, and a finite difference stays on one side.
    #[test]
    fn max_pools(window in pool_windows(), samples in 1..=2usize, channels in 1..=3usize) {
        let Window { image, kernel, stride, padding, .. } = window;
        let pool = MaxPool2d { kernel, stride, padding };
        let case = Case::op("random geometry", pool).distinct([samples, channels, image[0], image[1]]);
        let (x, pixels) = (case.inputs()[0].data(), image[0] * image[1]);
        let want = window.slide(samples * channels, |plane, seen| {
            seen.iter().map(|&(_, pixel)| x[plane * pixels + pixel]).fold(f64::NEG_INFINITY, f64::max)
        });
        let [rows, columns] = window.places();
        valued(&pool, &case, &[samples, channels, rows, columns], &want)?;
        accepted(&case)?;
    }

    #[test]
    fn average_pools(window in pool_windows(), samples in 1..=2usize, channels in 1..=3usize, count_include_pad: bool) {
        let Window { image, kernel, stride, padding, .. } = window;
        let pool = AvgPool2d { kernel, stride, padding, count_include_pad };
        let case = Case::op("random geometry", pool).normal([samples, channels, image[0], image[1]]).bilinear();
        let (x, pixels) = (case.inputs()[0].data(), image[0] * image[1]);
        let want = window.slide(samples * channels, |plane, seen| {
            let count = if count_include_pad { kernel[0] * kernel[1] } else { seen.len() };
            seen.iter().map(|&(_, pixel)| x[plane * pixels + pixel]).sum::<f64>() / count as f64
        });
        let [rows, columns] = window.places();
        valued(&pool, &case, &[samples, channels, rows, columns], &want)?;
        accepted(&case)?;
    }

    #[test]
    fn global_average_pools(dims in [1..=3usize, 1..=4, 1..=7, 1..=7]) {
        let case = Case::op("random geometry", GlobalAvgPool).normal(dims).bilinear();
        let pixels = dims[2] * dims[3];
        let means = case.inputs()[0].data().chunks(pixels).map(|c| c.iter().sum::<f64>() / pixels as f64);
        valued(&GlobalAvgPool, &case, &dims[..2], &means.collect::<Vec<_>>())?;
        accepted(&case)?;
    }

    /// Any number of position axes. ε is large where a channel has few elements: two of them are normalized to ±1
    /// whatever they are, and the gradient is then nothing but the rounding error of a difference.
    #[test]
    fn batch_norms(dims in prop::collection::vec(1..=5usize, 2..=5), small in 1e-5..1e-3f64) {
        prop_assume!(dims.iter().product::<usize>() <= 400);
        let (elements, channels) = (dims.iter().product::<usize>(), dims[1]);
        let eps = if elements / channels < 5 { 0.5 } else { small };
        let shape = autograd::Shape::new(&dims).expect("few axes");
        let norm = BatchNorm { eps };
        // The gradients of γ and β are sums over the batch that may cancel; f32 is held to what it can then do.
        let case = Case::op("random geometry", norm).single_tolerance(1e-3);
        let case = case.normal(shape).normal([channels]).normal([channels]);
        let [x, gamma, beta] = case.inputs() else { unreachable!() };
        let inner: usize = dims[2..].iter().product();
        let channel = |i: usize| i / inner % channels;
        let moment = |c: usize, f: &dyn Fn(f64) -> f64| {
            let of_channel = x.data().iter().enumerate().filter(|(i, _)| channel(*i) == c);
            of_channel.map(|(_, x)| f(*x)).sum::<f64>() / (elements / channels) as f64
        };
        let want: Vec<f64> = x.data().iter().enumerate().map(|(i, x)| {
            let c = channel(i);
            let mean = moment(c, &|x| x);
            let variance = moment(c, &|x| (x - mean) * (x - mean));
            gamma.data()[c] * (x - mean) / (variance + eps).sqrt() + beta.data()[c]
        }).collect();
        valued(&norm, &case, &dims, &want)?;
        accepted(&case)?;
    }

    #[test]
    fn batch_norms_with_given_statistics(dims in prop::collection::vec(1..=4usize, 2..=5), eps in 1e-5..0.1f64) {
        let channels = [dims[1]];
        let shape = autograd::Shape::new(&dims).expect("few axes");
        let case = Case::op("random geometry", BatchNormInference { eps }).single_tolerance(1e-3);
        let case = case.normal(shape).normal(channels).normal(channels).normal(channels).positive(channels);
        accepted(&case)?;
    }
}
