//! e^x.

use crate::elementwise::Elementwise;
use crate::scalar::Scalar;
use crate::tape::Var;

/// y = e^x; y′ = y; y″ = y. Any shape; overflows to ∞ as IEEE 754 has it. Nothing saved. Cannot fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exp;

impl Elementwise for Exp {
    const NAME: &'static str = "exp";
    const FORMULA: &'static str = "e^x";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.exp()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, y: S) -> S {
        y
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, y: S) -> S {
        y
    }
}

impl<S: Scalar> Var<'_, S> {
    /// e^x of every element.
    pub fn exp(self) -> Self {
        self.map(Exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value() {
        assert_eq!(Exp.f(1.0f64), std::f64::consts::E);
        assert_eq!(Exp.f(f64::NEG_INFINITY), 0.0);
    }
}
