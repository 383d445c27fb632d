//! Dual numbers a + b·ε with ε² = 0: forward-mode differentiation by arithmetic.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Scalar;
use crate::kernels::gemm::{self, Gemm};

/// `value + tangent · ε`, ε² = 0. A function evaluated at `x + v·ε` returns `f(x) + f′(x)·v·ε`.
///
/// Source: W. K. Clifford, *Preliminary sketch of biquaternions* (1873); forward mode as in Griewank and
/// Walther, *Evaluating Derivatives* (2008), chapter 3.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dual<S> {
    /// f(x).
    pub value: S,
    /// f′(x)·v.
    pub tangent: S,
}

impl<S: Scalar> Dual<S> {
    /// `value + tangent · ε`.
    pub fn new(value: S, tangent: S) -> Self {
        Self { value, tangent }
    }

    /// The chain rule: f(x) with f′(x) given.
    fn chain(self, value: S, slope: S) -> Self {
        Self { value, tangent: slope * self.tangent }
    }
}

// Tangents take no part in comparisons: branches are decided by values.
impl<S: Scalar> PartialEq for Dual<S> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<S: Scalar> PartialOrd for Dual<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<S: Scalar> Add for Dual<S> {
    type Output = Self;
    #[inline]
    fn add(self, o: Self) -> Self {
        Self::new(self.value + o.value, self.tangent + o.tangent)
    }
}

impl<S: Scalar> Sub for Dual<S> {
    type Output = Self;
    #[inline]
    fn sub(self, o: Self) -> Self {
        Self::new(self.value - o.value, self.tangent - o.tangent)
    }
}

impl<S: Scalar> Mul for Dual<S> {
    type Output = Self;
    #[inline]
    fn mul(self, o: Self) -> Self {
        Self::new(self.value * o.value, self.tangent * o.value + self.value * o.tangent)
    }
}

impl<S: Scalar> Div for Dual<S> {
    type Output = Self;
    #[inline]
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        Self::new(value, (self.tangent - value * o.tangent) / o.value)
    }
}

impl<S: Scalar> Neg for Dual<S> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::new(-self.value, -self.tangent)
    }
}

impl<S: Scalar> AddAssign for Dual<S> {
    #[inline]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

impl<S: Scalar> SubAssign for Dual<S> {
    #[inline]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}

impl<S: Scalar> MulAssign for Dual<S> {
    #[inline]
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}

impl<S: Scalar> Scalar for Dual<S> {
    const ZERO: Self = Self { value: S::ZERO, tangent: S::ZERO };
    const ONE: Self = Self { value: S::ONE, tangent: S::ZERO };
    const MIN_POSITIVE: f64 = S::MIN_POSITIVE;

    fn from_f64(x: f64) -> Self {
        Self::new(S::from_f64(x), S::ZERO)
    }
    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.tangent.is_finite()
    }
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }
    fn ln(self) -> Self {
        self.chain(self.value.ln(), S::ONE / self.value)
    }
    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), S::ONE / (S::ONE + self.value))
    }
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, S::from_f64(0.5) / y)
    }
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, S::ONE - y * y)
    }
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    fn erf(self) -> Self {
        self.chain(self.value.erf(), erf_slope(self.value))
    }
    fn erfc(self) -> Self {
        self.chain(self.value.erfc(), -erf_slope(self.value))
    }
    fn powf(self, y: Self) -> Self {
        let value = self.value.powf(y.value);
        let by_base = if y.value == S::ZERO { S::ZERO } else { y.value * self.value.powf(y.value - S::ONE) };
        let by_exponent = if self.value == S::ZERO { S::ZERO } else { value * self.value.ln() };
        Self::new(value, by_base * self.tangent + by_exponent * y.tangent)
    }
    fn gemm(job: Gemm<'_, Self>) {
        gemm::dual(job);
    }
}

/// erf′(x) = 2/√π · e^{−x²}.
fn erf_slope<S: Scalar>(x: S) -> S {
    S::from_f64(std::f64::consts::FRAC_2_SQRT_PI) * (-(x * x)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected slopes are the closed forms at x = 0.7, computed with Python's `math` module.
    #[test]
    fn elementary_functions_carry_their_derivatives() {
        let x = Dual::new(0.7f64, 1.0);
        let close =
            |got: f64, want: f64| assert!((got - want).abs() < 1e-15 * want.abs().max(1.0), "{got} {want}");
        close(x.exp().tangent, 2.0137527074704766);
        close(x.exp_m1().tangent, 2.0137527074704766);
        close(x.ln().tangent, 1.4285714285714286);
        close(x.ln_1p().tangent, 0.5882352941176471);
        close(x.sqrt().tangent, 0.5976143046671968);
        close(x.tanh().tangent, 0.6347395899824584);
        close(x.sin().tangent, 0.7648421872844885);
        close(x.cos().tangent, -0.644217687237691);
        close(x.erf().tangent, 0.6912748604105386);
        close(x.erfc().tangent, -0.6912748604105386);
        close(x.powf(Dual::new(3.0, 0.0)).tangent, 1.4699999999999998);
        close((x / (x * x)).tangent, -2.0408163265306123);
    }

    /// d²/dx² x³ at 2 is 12, through a dual number of dual numbers.
    #[test]
    fn duals_nest() {
        let x = Dual::new(Dual::new(2.0f64, 1.0), Dual::new(1.0, 0.0));
        let y = x * x * x;
        assert_eq!(y.tangent.tangent, 12.0);
    }

    #[test]
    fn a_tangent_never_decides_a_branch() {
        assert_eq!(Dual::new(1.0, 5.0), Dual::new(1.0, -5.0));
        assert_eq!(Dual::new(0.0f64, 3.0).abs().tangent, 0.0);
        assert_eq!(Dual::new(-2.0f64, 3.0).abs().tangent, -3.0);
    }
}
