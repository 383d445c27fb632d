//! Random geometries of convolution, pooling and batch normalization: values against the definition, gradients by
//! every route of [`autograd::check`]. Strides leave remainders, kernels hang over edges, sides are unequal.

use std::ops::RangeInclusive;

use autograd::check::campaign::{Channels, Geometry, Kind, Ranges, Window};
use autograd::ops::activation::ACTIVATIONS;
use proptest::prelude::*;
use proptest::strategy::Union;
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

fn pair(range: RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

/// Windows that fit, as a campaign draws them; but these can be shrunk, as all that follows.
fn windows(ranges: Ranges) -> impl Strategy<Value = Window> {
    let Ranges { image, kernel, stride, padding, dilation } = ranges;
    (pair(image), pair(kernel), pair(stride), pair(padding), pair(dilation))
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
    let Ranges { image, kernel, stride, padding, .. } = Ranges::POOLS;
    (pair(image), pair(kernel), pair(stride), pair(padding))
        .prop_map(|(image, kernel, stride, padding)| Window::pooling(image, kernel, stride, padding))
        .prop_filter("the kernel must fit", Window::fits)
}

/// Value and gradient are right.
fn accepted(kind: Kind, seed: u64) -> Result<(), TestCaseError> {
    let geometry = Geometry { kind, seed };
    prop_assume!(!geometry.cancels());
    let report = geometry.check().map_err(|e| TestCaseError::fail(format!("{geometry:?}: {e}")))?;
    prop_assert!(report.failures.is_empty(), "{:?}:\n{}", geometry, report.failures.join("\n"));
    Ok(())
}

fn planes() -> impl Strategy<Value = [usize; 2]> {
    Geometry::PLANES
}

/// Any number of position axes.
fn dims(lengths: RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(lengths, Geometry::AXES)
        .prop_filter("too many elements", |d| d.iter().product::<usize>() <= Geometry::MAX_ELEMENTS)
}

fn channels() -> impl Strategy<Value = Channels> {
    let parts = [Channels::COUNTS; 4];
    parts.prop_map(|[samples, groups, inputs, outputs]| Channels { samples, groups, inputs, outputs })
}

proptest! {
    #![proptest_config(config())]

    /// Small images, where every partial derivative is checked, and larger ones, which are cut into tiles.
    #[test]
    fn convolutions(
        window in Union::new(Ranges::CONVOLUTIONS.map(windows)), channels in channels(), bias: bool, seed: u64
    ) {
        accepted(Kind::Convolution { window, channels, bias }, seed)?;
    }

    #[test]
    fn max_pools(window in pool_windows(), planes in planes(), seed: u64) {
        accepted(Kind::MaxPool { window, planes }, seed)?;
    }

    #[test]
    fn average_pools(window in pool_windows(), planes in planes(), count_include_pad: bool, seed: u64) {
        accepted(Kind::AveragePool { window, planes, count_include_pad }, seed)?;
    }

    #[test]
    fn global_average_pools(dims in Geometry::GLOBAL, seed: u64) {
        accepted(Kind::GlobalAveragePool { dims }, seed)?;
    }

    #[test]
    fn batch_norms(dims in dims(Geometry::LENGTHS), eps in Geometry::EPS, seed: u64) {
        accepted(Kind::BatchNorm { dims, eps }, seed)?;
    }

    #[test]
    fn batch_norms_with_given_statistics(
        dims in dims(Geometry::SHORT_LENGTHS), eps in Geometry::INFERENCE_EPS, seed: u64
    ) {
        accepted(Kind::BatchNormInference { dims, eps }, seed)?;
    }

    #[test]
    fn batch_norms_with_functions(
        dims in dims(Geometry::SHORT_LENGTHS), eps in Geometry::EPS, activation in 0..ACTIVATIONS.len(), seed: u64
    ) {
        accepted(Kind::BatchNormMap { dims, eps, activation }, seed)?;
    }
}
