//! c · x with a constant c.

use crate::elementwise::{Elementwise, Parameter};
use crate::scalar::Scalar;
use crate::tape::Var;

/// y = c·x; y′ = c; y″ = 0. Any shape. Nothing saved. Cannot fail.
#[derive(Debug, Clone, Copy)]
pub struct Scale(pub f64);

impl Default for Scale {
    fn default() -> Self {
        Self(2.0)
    }
}

impl Elementwise for Scale {
    const NAME: &'static str = "scale";
    const FORMULA: &'static str = "c·x";
    const LINEAR: bool = true;
    const PARAMETER: Option<Parameter> =
        Some(Parameter { name: "c", default: 2.0, min: f64::NEG_INFINITY, max: f64::INFINITY });

    fn with_parameter(value: f64) -> Self {
        Self(value)
    }
    fn parameter(&self) -> Option<f64> {
        Some(self.0)
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        S::from_f64(self.0) * x
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::from_f64(self.0)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

impl<S: Scalar> Var<'_, S> {
    /// `c` times every element.
    pub fn scale(self, c: f64) -> Self {
        self.map(Scale(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value() {
        assert_eq!(Scale(-1.5).f(3.0f64), -4.5);
    }

    #[test]
    fn its_label_has_the_factor_unless_it_is_the_default() {
        let labels = [2.0, -1.5].map(|c| Scale::with_parameter(c).label());
        assert_eq!(labels, ["scale", "scale(-1.5)"]);
    }
}
