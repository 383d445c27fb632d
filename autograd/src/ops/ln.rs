//! ln x.

use crate::elementwise::Elementwise;
use crate::scalar::Scalar;
use crate::tape::Var;

/// y = ln x; y′ = 1/x; y″ = −1/x². Any shape; −∞ at 0 and NaN below, as IEEE 754 has it. Nothing saved.
/// Cannot fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ln;

impl Elementwise for Ln {
    const NAME: &'static str = "ln";
    const FORMULA: &'static str = "ln x";
    const DOMAIN: (f64, f64) = (0.0, f64::INFINITY);

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.ln()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        S::ONE / x
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        -S::ONE / (x * x)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// ln x of every element.
    pub fn ln(self) -> Self {
        self.map(Ln)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value() {
        assert_eq!(Ln.f(10.0f64), std::f64::consts::LN_10);
        assert!(Ln.f(-1.0f64).is_nan());
    }
}
