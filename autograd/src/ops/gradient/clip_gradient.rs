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
/// and the rest 0, as in PyTorch. The norm is taken of g divided by its largest entry, so that it cannot overflow; where it
/// is beyond the largest number all the same, g is divided first. Nothing saved; y shares x's data. Errors: a limit that is
/// not positive.
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
    let norm = largest * relative;
    if norm <= limit {
        return g.clone();
    }
    if norm.is_finite() {
        return times(limit / norm);
    }
    if let Some(nan) = nan() {
        return times(nan);
    }
    if !largest.is_finite() {
        return times(S::ZERO);
    }
    let share = limit / relative;
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
