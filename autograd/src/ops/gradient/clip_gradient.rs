//! A gradient kept within a limit on its way back.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::{map, reduce};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GradientLimit {
    /// Every entry, to the interval from −limit to limit.
    Value(f64),
    /// ‖g‖₂ of the whole tensor: g·min(1, limit/‖g‖). Source: Pascanu, Mikolov and Bengio (2013), *On the difficulty of
    /// training recurrent neural networks*.
    Norm(f64),
}

/// y = x; ∂L/∂x = g where it is within the limit, else the nearest to it in direction (norm) or entry by entry (value).
///
/// Shapes: any. By value a NaN stays NaN and ±∞ becomes the limit; by norm a NaN makes all of g NaN, and ∞ makes itself NaN
/// and the rest 0, as in PyTorch. The norm is m·r with m the largest entry and r = ‖g/m‖, so that no square overflows or
/// vanishes; the factor is limit/r/m, and where that is too small for a number of full precision, (g/m)·(limit/r) is taken.
/// So every number of full precision in the result has all its digits, however large the norm and small the limit, also
/// where the norm is beyond the largest number. Nothing saved; y shares x's data. Errors: a limit that is not positive.
#[derive(Debug, Clone, Copy)]
pub struct ClipGradient {
    /// What is limited, and to what.
    pub limit: GradientLimit,
}

pub(super) const NAME: &str = "clip_gradient";

impl<S: Scalar> Op<S> for ClipGradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        let (GradientLimit::Value(limit) | GradientLimit::Norm(limit)) = self.limit;
        if !(limit > 0.0) {
            let what = format!("limit is {limit}");
            return Err(Error::Argument { op: NAME, what, legal: "a positive number".into() });
        }
        Ok(Forward::of(x.clone()))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let clipped = || match self.limit {
            GradientLimit::Value(limit) => by_value(cx.upstream, S::from_f64(limit)),
            GradientLimit::Norm(limit) => by_norm(cx.upstream, S::from_f64(limit)),
        };
        vec![cx.needs[0].then(clipped)]
    }

    fn has_linear_backward(&self) -> bool {
        false
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples
    }
}

fn by_value<S: Scalar>(g: &Tensor<S>, limit: S) -> Tensor<S> {
    let clip = |g: S| {
        if g > limit {
            limit
        } else if g < -limit {
            -limit
        } else {
            g
        }
    };
    Tensor::filled(g.shape(), map::map(g.data(), clip))
}

fn by_norm<S: Scalar>(g: &Tensor<S>, limit: S) -> Tensor<S> {
    let g_data = g.data();
    let times = |share: S| Tensor::filled(g.shape(), map::map(g_data, |g| g * share));
    let largest = g_data.iter().fold(S::ZERO, |m, g| if g.abs() > m { g.abs() } else { m });
    // Only a NaN cannot be compared with itself.
    let nan = || g_data.iter().copied().find(|g| g.partial_cmp(g).is_none());
    if !(largest > S::ZERO) {
        return nan().map_or_else(|| g.clone(), times);
    }
    let relative = reduce::sum_of(g_data.len(), |i| (g_data[i] / largest) * (g_data[i] / largest)).sqrt();
    if relative.partial_cmp(&relative).is_none() {
        // A NaN, or ∞/∞.
        return times(nan().unwrap_or(S::ZERO));
    }
    if largest * relative <= limit {
        return g.clone();
    }
    let share = limit / relative;
    let factor = share / largest;
    if factor >= S::from_f64(S::MIN_POSITIVE) {
        return times(factor);
    }
    // The factor has few digits or none. `share` is below 4 here, so what is small in g / largest is so in the result.
    Tensor::filled(g.shape(), map::map(g_data, |g| g / largest * share))
}

impl<S: Scalar> Var<'_, S> {
    /// The same value; the gradient is kept within `limit` on its way back.
    ///
    /// # Errors
    /// A limit that is not positive.
    pub fn clip_gradient(self, limit: GradientLimit) -> Result<Self> {
        self.tape().apply(ClipGradient { limit }, &[self])
    }
}

/// The cases on which its value and what it does to samples are checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("by value", ClipGradient { limit: GradientLimit::Value(0.5) }).normal([3, 4]),
        Case::op("by norm", ClipGradient { limit: GradientLimit::Norm(0.5) }).normal([3, 4]),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Keep, Tape};

    fn clipped(limit: GradientLimit, g: &[f64]) -> Vec<f64> {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([g.len()]));
        let y = x.clip_gradient(limit).unwrap();
        tape.backward_from(y, Tensor::vector(g.to_vec()), Keep::Leaves)
            .unwrap()
            .wrt(x)
            .unwrap()
            .data()
            .to_vec()
    }

    /// By hand: 3-4-5.
    #[test]
    fn entries_or_the_norm_are_limited() {
        assert_eq!(clipped(GradientLimit::Value(2.0), &[1.0, -3.0, 2.0]), [1.0, -2.0, 2.0]);
        let short = clipped(GradientLimit::Norm(1.0), &[3.0, -4.0]);
        assert!((short[0] - 0.6).abs() < 1e-15 && (short[1] + 0.8).abs() < 1e-15, "{short:?}");
        assert_eq!(clipped(GradientLimit::Norm(5.0), &[3.0, -4.0]), [3.0, -4.0]);
        assert_eq!(clipped(GradientLimit::Norm(5.0), &[0.0, 0.0]), [0.0, 0.0]);
        assert!(clipped(GradientLimit::Value(1.0), &[f64::NAN])[0].is_nan());
        let huge = clipped(GradientLimit::Norm(1.0), &[3e300, -4e300]);
        assert!((huge[0] - 0.6).abs() < 1e-15 && (huge[1] + 0.8).abs() < 1e-15, "{huge:?}");
        // The norm itself, 2e308, is beyond f64.
        let beyond = clipped(GradientLimit::Norm(2.0), &[1e308, -1e308, 1e308, 1e308]);
        assert_eq!(beyond, [1.0, -1.0, 1.0, 1.0]);
    }

    /// As `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_` leave them; see tests/golden/edges.json.
    #[test]
    fn what_is_not_finite_shows() {
        let nan = clipped(GradientLimit::Norm(1.0), &[f64::NAN, 1e9, 0.0]);
        assert!(nan.iter().all(|g| g.is_nan()), "{nan:?}");
        let infinite = clipped(GradientLimit::Norm(1.0), &[f64::INFINITY, 1e9, -1.0]);
        assert!(infinite[0].is_nan(), "{infinite:?}");
        assert_eq!(infinite[1..], [0.0, 0.0]);
        let by_value = clipped(GradientLimit::Value(1.0), &[f64::INFINITY, f64::NEG_INFINITY, 0.5]);
        assert_eq!(by_value, [1.0, -1.0, 0.5]);
    }

    /// By the definition in f64, where nothing of this overflows: norms up to the largest f32 times √n, limits far below and
    /// beside them, entries of one size and of all sizes. Five roundings, and as many of the smallest f32.
    #[test]
    fn f32_keeps_its_digits_at_every_norm_and_limit() {
        let mixed = |n: usize, top: f64| -> Vec<f32> {
            let size =
                |i: usize| top * 10f64.powi(-(7 * (i % 11) as i32)) * (0.3 + 0.7 * (i as f64).sin().abs());
            (0..n).map(|i| (if i % 3 == 0 { -size(i) } else { size(i) }) as f32).collect()
        };
        let even = |n: usize, top: f32| vec![top; n];
        let mut gradients = vec![vec![f32::MAX, -f32::MAX], vec![f32::MIN_POSITIVE; 3], vec![1e-44, -3e-45]];
        for n in [1, 2, 300, 3000] {
            gradients.extend([even(n, f32::MAX), even(n, -1e30), even(n, 1e-30)]);
            gradients.extend([1.0, 1e20, 3e38].map(|top| mixed(n, top)));
        }
        for g in gradients {
            let norm = g.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
            for limit in [1e-30, 1e-20, 3e-8, 1.0, 1e10, 1e30, 3e38].map(|limit: f64| f64::from(limit as f32))
            {
                let tape = Tape::<f32>::new();
                let x = tape.variable(Tensor::zeros([g.len()]));
                let y = x.clip_gradient(GradientLimit::Norm(limit)).unwrap();
                let of_y = Tensor::vector(g.clone());
                let got = tape.backward_from(y, of_y, Keep::Leaves).unwrap().wrt(x).unwrap();
                for (&got, &g) in got.data().iter().zip(&g) {
                    let want = f64::from(g) * (limit / norm).min(1.0);
                    let allowed =
                        5.0 * f64::from(f32::EPSILON) * want.abs() + 5.0 * f64::from(f32::from_bits(1));
                    let error = (f64::from(got) - want).abs();
                    assert!(error <= allowed, "{g:e}, norm {norm:e}, limit {limit:e}: {got:e} for {want:e}");
                }
            }
        }
    }

    #[test]
    fn a_limit_must_be_positive() {
        let tape = Tape::<f32>::new();
        let x = tape.variable(Tensor::scalar(1.0));
        for limit in [0.0, -1.0, f64::NAN] {
            assert!(x.clip_gradient(GradientLimit::Norm(limit)).is_err());
            assert!(x.clip_gradient(GradientLimit::Value(limit)).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_clipped_gradient_is_within_and_keeps_its_direction(
            g in prop::collection::vec(-1e3f64..1e3, 1..20),
            limit in 1e-3f64..1e4,
        ) {
            let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let c = clipped(GradientLimit::Norm(limit), &g);
            prop_assert!(norm(&c) <= limit * (1.0 + 1e-12) || c == g);
            let inner: f64 = c.iter().zip(&g).map(|(c, g)| c * g).sum();
            prop_assert!((inner - norm(&c) * norm(&g)).abs() <= 1e-9 * norm(&c) * norm(&g) + 1e-300);
        }
    }
}
