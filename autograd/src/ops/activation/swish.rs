//! Swish, also called SiLU.

use super::damped;
use super::sigmoid::{logistic, logistic_pair};
use crate::elementwise::{Elementwise, Parameter};
use crate::jet::Jet;
use crate::scalar::Scalar;

/// x·σ(βx) with σ(t) = 1/(1 + e^{−t}). With s = σ(βx):
/// f′ = s + βy(1 − s) = s·(1 + βx(1 − s)); f″ = βs(1 − s)·(2 + βx(1 − 2s)). Smooth. Any shape.
///
/// 1 − s is computed as σ(−βx), without cancellation. For β = 0 the function is x/2, and ±∞ gives NaN.
///
/// Source: Ramachandran, Zoph and Le, *Searching for activation functions* (2017); β = 1 is the SiLU of Elfwing,
/// Uchibe and Doya (2018).
#[derive(Debug, Clone, Copy)]
pub struct Swish {
    /// β.
    pub beta: f64,
}

impl Default for Swish {
    fn default() -> Self {
        Self { beta: 1.0 }
    }
}

impl Elementwise for Swish {
    const NAME: &'static str = "swish";
    const FORMULA: &'static str = "x·σ(βx)";
    const ALIASES: &'static [&'static str] = &["silu"];
    const PARAMETER: Option<Parameter> =
        Some(Parameter { name: "β", default: 1.0, min: -1e6, max: 1e6 });

    fn with_parameter(value: f64) -> Self {
        Self { beta: value }
    }
    fn parameter(&self) -> Option<f64> {
        Some(self.beta)
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        damped(x, logistic(S::from_f64(self.beta) * x))
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let t = S::from_f64(self.beta) * x;
        let (s, rest) = logistic_pair(t);
        damped(S::ONE + damped(t, rest), s)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let beta = S::from_f64(self.beta);
        let t = beta * x;
        let (s, rest) = logistic_pair(t);
        damped(beta * (S::from_f64(2.0) + t * (rest - s)), s * rest)
    }
    fn jet(&self, x: f64) -> Jet {
        let t = self.beta * x;
        let (s, rest) = logistic_pair(t);
        let d2f = self.beta * (2.0 + t * (rest - s));
        Jet::new(damped(x, s), damped(1.0 + damped(t, rest), s), damped(d2f, s * rest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// Python's `math` module: x/(1 + exp(−βx)).
    #[test]
    fn values() {
        let close = |got: f64, want: f64| assert!((got - want).abs() <= 2e-16 * want.abs(), "{got} {want}");
        close(Swish::default().f(1.0), 0.7310585786300049);
        close(Swish::default().f(-2.0), -0.2384058440442351);
        close(Swish { beta: 1.702 }.f(1.0), 0.8457957659328212);
    }

    /// mpmath, 30 digits.
    #[test]
    fn tails() {
        assert_at(
            Swish::default(),
            -20.0,
            [-4.122307236380407e-8, -3.9161918660646786e-8, -3.710076488101912e-8],
        );
        assert_at(Swish::default(), 20.0, [19.99999995877693, 1.0000000391619186, -3.710076488101912e-8]);
    }
}
