//! Random geometries of convolution, pooling and batch normalization: values against the definition, gradients by
//! every route of [`autograd::check`]. Strides leave remainders, kernels hang over edges, sides are unequal.

use autograd::check::random::{Channels, Geometry, Kind, Window};
use autograd::ops::activation::ACTIVATIONS;
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
    (pair(1..=9), pair(1..=4), pair(1..=4), pair(0..=2))
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
    [1..=2usize, 1..=3]
}

/// Any number of position axes.
fn dims(longest: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..=longest, 2..=5)
        .prop_filter("too many elements", |d| d.iter().product::<usize>() <= Geometry::MAX_ELEMENTS)
}

fn channels() -> impl Strategy<Value = Channels> {
    let parts = (1..=3usize, 1..=3usize, 1..=3usize, 1..=3usize);
    parts.prop_map(|(samples, groups, inputs, outputs)| Channels { samples, groups, inputs, outputs })
}

proptest! {
    #![proptest_config(config())]

    /// Small images, where every partial derivative is checked, and larger ones, which are cut into tiles.
    #[test]
    fn convolutions(
        window in prop_oneof![3 => windows(6), 1 => windows(24)], channels in channels(), bias: bool, seed: u64
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
    fn global_average_pools(dims in [1..=3usize, 1..=4, 1..=7, 1..=7], seed: u64) {
        accepted(Kind::GlobalAveragePool { dims }, seed)?;
    }

    #[test]
    fn batch_norms(dims in dims(5), eps in 1e-5..1e-3f64, seed: u64) {
        accepted(Kind::BatchNorm { dims, eps }, seed)?;
    }

    #[test]
    fn batch_norms_with_given_statistics(dims in dims(4), eps in 1e-5..0.1f64, seed: u64) {
        accepted(Kind::BatchNormInference { dims, eps }, seed)?;
    }

    #[test]
    fn batch_norms_with_functions(
        dims in dims(4), eps in 1e-5..1e-3f64, activation in 0..ACTIVATIONS.len(), seed: u64
    ) {
        accepted(Kind::BatchNormMap { dims, eps, activation }, seed)?;
    }
}
