//! √x.

use crate::elementwise::Elementwise;
use crate::scalar::Scalar;
use crate::tape::Var;

/// y = √x; y′ = 1/(2y), ∞ at 0; y″ = −1/(4xy). Any shape; NaN below 0. Nothing saved. Cannot fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sqrt;

impl Elementwise for Sqrt {
    const NAME: &'static str = "sqrt";
    const FORMULA: &'static str = "√x";
    const DOMAIN: (f64, f64) = (0.0, f64::INFINITY);

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.sqrt()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, y: S) -> S {
        S::from_f64(0.5) / y
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, y: S) -> S {
        S::from_f64(-0.25) / (x * y)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// √x of every element.
    pub fn sqrt(self) -> Self {
        self.map(Sqrt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value() {
        assert_eq!(Sqrt.f(9.0f64), 3.0);
        assert!(Sqrt.f(-1.0f64).is_nan());
        assert_eq!(Sqrt.df(0.0f64, 0.0), f64::INFINITY);
    }
}
