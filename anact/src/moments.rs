//! What a batch says about a function: the moments that the factor is made of.

use autograd::kernels::moments::Moments;
use autograd::kernels::reduce;
use autograd::kernels::source::{Source, write_blocks};
use autograd::{Elementwise, Result, Scalar, Slices, Tensor};
use serde::{Deserialize, Serialize};

use crate::factor::Ratios;
use crate::groups::{BLOCK, Granularity, Groups};

/// Which forward moment ρ compares with Var\[z\].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardMoment {
    /// E\[f²\]: the default, as in the public re-implementation of the paper.
    #[default]
    Raw,
    /// E\[(f − μ)²\]: the ratio of what the node really outputs once μ is subtracted (our own variant).
    Centered,
}

/// ρ and ρ′ outside of this range count as degenerate: λ and its derivative, which goes like ρ^(−3/2), would leave the
/// range of `f32`.
pub const RATIO_RANGE: (f64, f64) = (1e-20, 1e20);

/// The moments of one group of N elements.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BatchMoments<S> {
    /// N.
    pub count: usize,
    /// m₁, the mean of f(z).
    pub m1: S,
    /// m₂, the mean of f(z)².
    pub m2: S,
    /// The mean of (f(z) − m₁)², computed without the cancellation of m₂ − m₁².
    pub f_var: S,
    /// d₂, the mean of f′(z)².
    pub d2: S,
    /// z̄, the mean of z.
    pub z_mean: S,
    /// v, the mean of (z − z̄)².
    pub z_var: S,
}

impl<S: Scalar> BatchMoments<S> {
    /// E\[f²\] or E\[(f − μ)²\].
    pub fn forward(&self, moment: ForwardMoment) -> S {
        match moment {
            ForwardMoment::Raw => self.m2,
            ForwardMoment::Centered => self.f_var,
        }
    }

    /// ρ = forward moment / v and ρ′ = d₂.
    ///
    /// `None` for a degenerate batch: v = 0 (a constant batch, or one element), ρ or ρ′ = 0 (a dead layer) or
    /// outside of [`RATIO_RANGE`], NaN or ∞ anywhere (in z, or from overflow).
    pub fn ratios(&self, moment: ForwardMoment) -> Option<Ratios<S>> {
        let sound = |x: S| x.is_finite() && x > S::ZERO;
        let in_range = |x: S| RATIO_RANGE.0 <= x.to_f64() && x.to_f64() <= RATIO_RANGE.1;
        let forward = self.forward(moment);
        if !(sound(self.z_var)
            && sound(forward)
            && sound(self.d2)
            && self.m1.is_finite()
            && self.m2.is_finite())
        {
            return None;
        }
        let ratios = Ratios { forward: forward / self.z_var, backward: self.d2 };
        (in_range(ratios.forward) && in_range(ratios.backward)).then_some(ratios)
    }

    /// The same as `f64`; tangents are dropped.
    pub fn to_f64(&self) -> BatchMoments<f64> {
        BatchMoments {
            count: self.count,
            m1: self.m1.to_f64(),
            m2: self.m2.to_f64(),
            f_var: self.f_var.to_f64(),
            d2: self.d2.to_f64(),
            z_mean: self.z_mean.to_f64(),
            z_var: self.z_var.to_f64(),
        }
    }
}

/// The moments of every group of `z`: one for the layer, or one for each channel.
///
/// One pass over memory, f and f′ evaluated once per element, in parallel, the same bits on any number of threads.
///
/// # Errors
/// Channels asked of a tensor with less than two axes.
pub fn measure<E: Elementwise, S: Scalar>(
    function: &E,
    z: &Tensor<S>,
    granularity: Granularity,
) -> Result<Vec<BatchMoments<S>>> {
    Ok(measure_groups(function, &z.data(), Groups::of("measure", z.shape(), granularity)?))
}

/// The same of numbers that need not be stored, and of which only f's moments are wanted.
pub(crate) fn measure_groups<S: Scalar>(
    f: &dyn Slices<S>,
    z: &dyn Source<S>,
    groups: Groups,
) -> Vec<BatchMoments<S>> {
    let leaf = |group, positions: std::ops::Range<usize>| {
        let (mut scratch, mut values, mut slopes) = ([S::ZERO; BLOCK], [S::ZERO; BLOCK], [S::ZERO; BLOCK]);
        let z = groups.read(z, group, positions, &mut scratch);
        Partial::of(f, z, &mut values[..z.len()], &mut slopes[..z.len()])
    };
    groups.reduce(&leaf, &Partial::merge).iter().map(Partial::finish).collect()
}

/// The moments of all numbers of `z`, which are one group, and f of each in `y`: with the bits of [`measure_groups`].
pub(crate) fn measure_and_write<S: Scalar>(
    f: &dyn Slices<S>,
    z: &dyn Source<S>,
    y: &mut [S],
) -> BatchMoments<S> {
    let mut partial = write_blocks(z, BLOCK, y, &|block| Partial::of(f, block.z, block.out, block.scratch));
    reduce::merge_tree(&mut partial, Partial::merge).unwrap_or_default().finish()
}

/// Sums over part of a group: means and centred sums of z and f, plain sums of f² and f′².
#[derive(Debug, Clone, Copy, Default)]
struct Partial<S> {
    z: Moments<S>,
    f: Moments<S>,
    f2: S,
    df2: S,
}

impl<S: Scalar> Partial<S> {
    /// One block, at most `BLOCK` elements: [`Moments::of_block`] of z and of f, and the sums of squares, all side by side;
    /// and f and f′ themselves. The block is in the first-level cache when it is read again.
    fn of(function: &dyn Slices<S>, z: &[S], f: &mut [S], df: &mut [S]) -> Self {
        function.values_and_slopes(z, f, df);
        let (f, df) = (&*f, &*df);
        let (Some(&z_first), Some(&f_first)) = (z.first(), f.first()) else { return Self::default() };
        let [z_sum, f_sum, f2, df2] =
            reduce::block_sums([z, f, df], |[z, f, df]| [z - z_first, f - f_first, f * f, df * df]);
        let (count, n) = (z.len(), S::from_f64(z.len() as f64));
        let (z_mean, f_mean) = (z_first + z_sum / n, f_first + f_sum / n);
        let [z_m2, f_m2] =
            reduce::block_sums([z, f], |[z, f]| [(z - z_mean) * (z - z_mean), (f - f_mean) * (f - f_mean)]);
        Self {
            z: Moments { count, mean: z_mean, m2: z_m2 },
            f: Moments { count, mean: f_mean, m2: f_m2 },
            f2,
            df2,
        }
    }

    fn merge(a: Self, b: Self) -> Self {
        Self { z: a.z.merge(b.z), f: a.f.merge(b.f), f2: a.f2 + b.f2, df2: a.df2 + b.df2 }
    }

    fn finish(&self) -> BatchMoments<S> {
        if self.z.count == 0 {
            return BatchMoments::default();
        }
        let n = S::from_f64(self.z.count as f64);
        BatchMoments {
            count: self.z.count,
            m1: self.f.mean,
            m2: self.f2 / n,
            f_var: self.f.biased_variance(),
            d2: self.df2 / n,
            z_mean: self.z.mean,
            z_var: self.z.biased_variance(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::ops::Scale;
    use autograd::ops::activation::{Relu, Swish};
    use proptest::prelude::*;

    fn layer<E: Elementwise>(f: &E, z: Vec<f64>) -> BatchMoments<f64> {
        measure(f, &Tensor::vector(z), Granularity::Layer).unwrap()[0]
    }

    proptest! {
        /// ReLU sees exactly half of the second moment and half of the slopes of a symmetric sample.
        #[test]
        fn relu_on_symmetric_samples_has_the_he_factor(x in prop::collection::vec(0.001..1e3f64, 1..3000)) {
            let z: Vec<f64> = x.iter().flat_map(|&x| [x, -x]).collect();
            let lambda = layer(&Relu, z).ratios(ForwardMoment::Raw).unwrap().factor().unwrap();
            prop_assert!((lambda / std::f64::consts::SQRT_2 - 1.0).abs() < 1e-13);
        }

        /// f(z) = c·z, measured: λ = 1/|c| with the centred moment, for any z that is not constant.
        #[test]
        fn a_linear_function_has_the_factor_of_its_slope(
            z in prop::collection::vec(-5.0..5.0f64, 3..50),
            c in prop_oneof![-9.0..-0.1f64, 0.1..9.0f64],
        ) {
            prop_assume!(z[0] != z[1]);
            let lambda = layer(&Scale(c), z).ratios(ForwardMoment::Centered).unwrap().factor().unwrap();
            prop_assert!((lambda * c.abs() - 1.0).abs() < 1e-11);
        }

        /// Against the textbook two-pass formulas in one running sum each.
        #[test]
        fn blocks_and_merging_change_nothing(n in 2usize..5000, shift in -100.0..100.0f64) {
            let z: Vec<f64> = (0..n).map(|i| shift + ((i * 7919) % 1009) as f64 * 0.01 - 5.0).collect();
            let got = layer(&Swish::default(), z.clone());
            let mean = |g: &dyn Fn(f64) -> f64| z.iter().map(|&z| g(z)).sum::<f64>() / n as f64;
            let f = |z: f64| z / (1.0 + (-z).exp());
            let df = |z: f64| { let s = 1.0 / (1.0 + (-z).exp()); s + z * s * (1.0 - s) };
            let (m1, z_mean) = (mean(&f), mean(&|z| z));
            let want = [m1, mean(&|z| f(z) * f(z)), mean(&|z| (f(z) - m1).powi(2)), mean(&|z| df(z).powi(2)),
                z_mean, mean(&|z| (z - z_mean).powi(2))];
            let got = [got.m1, got.m2, got.f_var, got.d2, got.z_mean, got.z_var];
            for (got, want) in got.iter().zip(want) {
                prop_assert!((got - want).abs() <= 1e-11 * want.abs() + 1e-13 * shift.abs(), "{} {}", got, want);
            }
        }
    }

    proptest! {
        /// One pass or two, the same bits; and f is written beside.
        #[test]
        fn measuring_and_writing_is_both(n in 0usize..40_000, shift in -3.0..3.0f32) {
            let z: Vec<f32> = (0..n).map(|i| shift + ((i * 7919) % 1009) as f32 * 0.01 - 5.0).collect();
            let (f, mut y) = (Swish::default(), vec![f32::NAN; n]);
            let got = measure_and_write(&f, &z.as_slice(), &mut y);
            let want = measure(&f, &Tensor::vector(z.clone()), Granularity::Layer).unwrap()[0];
            prop_assert_eq!(format!("{got:?}"), format!("{want:?}"));
            prop_assert!(y.iter().zip(&z).all(|(y, &z)| y.to_bits() == f.f(z).to_bits()));
        }
    }

    /// 0.1 is not a binary number: a sum of many rounds, but the variance of equal numbers is still exactly 0.
    #[test]
    fn a_constant_batch_has_exactly_no_variance() {
        for n in [2, 1000, 5000, 40_000] {
            let m = layer(&Swish::default(), vec![0.1; n]);
            assert_eq!((m.count, m.z_mean, m.z_var, m.f_var), (n, 0.1, 0.0, 0.0));
            assert_eq!(m.ratios(ForwardMoment::Raw), None);
        }
    }

    /// m₂ − m₁² would have no correct digit in f32 here: m₁² = 10⁸, variance 0.0834, f32 resolution at 10⁸ is 8.
    #[test]
    fn a_large_mean_costs_no_accuracy() {
        let z: Vec<f32> = (0..4096).map(|i| 1e4 + ((i * 5) % 1024) as f32 / 1024.0).collect();
        let m = measure(&Relu, &Tensor::vector(z), Granularity::Layer).unwrap()[0];
        let want = (1.0 - 1.0 / (1024.0f64 * 1024.0)) / 12.0;
        assert!((f64::from(m.f_var) / want - 1.0).abs() < 1e-4, "{}", m.f_var);
        assert!((f64::from(m.z_var) / want - 1.0).abs() < 1e-4, "{}", m.z_var);
    }

    #[test]
    fn nothing_measured_is_degenerate() {
        let m = layer(&Relu, vec![]);
        assert_eq!((m.count, m.ratios(ForwardMoment::Raw)), (0, None));
    }
}
