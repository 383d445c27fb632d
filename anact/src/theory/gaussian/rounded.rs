//! Numbers that know how far rounding may have moved them.

use std::ops::Mul;

/// What one rounding is counted as, relative: 4 units in the last place, since constants are left out of the bounds below
/// and functions are rounded more than once.
pub(super) const UNIT: f64 = 4.0 * f64::EPSILON;

/// A number, and a bound on its rounding error to first order.
#[derive(Clone, Copy)]
pub(super) struct Rounded {
    pub(super) value: f64,
    pub(super) noise: f64,
}

impl Rounded {
    /// Noise in units of [`UNIT`].
    pub(super) fn new(value: f64, units: f64) -> Self {
        Self { value, noise: UNIT * units }
    }
}

impl Mul for Rounded {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let noise = self.value.abs() * other.noise + self.noise * (other.value.abs() + other.noise);
        Self { value: self.value * other.value, noise }
    }
}

/// How far a rounding of e moves e^{−e²/2}, relative and in units of [`UNIT`].
pub(super) fn of_density(e: f64) -> f64 {
    1.0 + e * e
}
