//! −x.

use crate::elementwise::Elementwise;
use crate::scalar::Scalar;
use crate::tape::Var;

/// y = −x; y′ = −1; y″ = 0. Any shape. Nothing saved. Cannot fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Neg;

impl Elementwise for Neg {
    const NAME: &'static str = "neg";
    const FORMULA: &'static str = "−x";
    const LINEAR: bool = true;

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        -x
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, _y: S) -> S {
        -S::ONE
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

impl<S: Scalar> std::ops::Neg for Var<'_, S> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(Neg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value() {
        assert_eq!(Neg.f(3.0f64), -3.0);
    }
}
