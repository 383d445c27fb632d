//! The loops over elements that know the function; everything else of the node and of the measurement does not.
//!
//! Behind this object-safe trait the node's logic is compiled once per scalar type instead of once per function and
//! scalar type, which takes minutes off the build. A call is made per block of elements.

use autograd::{Elementwise, Scalar, Slices};

use super::FullSlopes;

/// What the node does with f over slices.
pub(crate) trait Loops<S>: Slices<S> {
    /// y = κ·(f(z) − μ).
    fn normalized(&self, kappa: S, mu: S, z: &[S], y: &mut [S]);
    /// The gradient with λ and μ as constants: g·κ·f′(z).
    fn detached(&self, kappa: S, z: &[S], g: &[S], out: &mut [S]);
    /// The gradient through the statistics.
    fn full(&self, kappa: S, full: &FullSlopes<S>, z: &[S], g: &[S], out: &mut [S]);
}

impl<E: Elementwise, S: Scalar> Loops<S> for E {
    fn normalized(&self, kappa: S, mu: S, z: &[S], y: &mut [S]) {
        y.iter_mut().zip(z).for_each(|(y, &z)| *y = kappa * (self.f(z) - mu));
    }

    fn detached(&self, kappa: S, z: &[S], g: &[S], out: &mut [S]) {
        for (out, (&z, &g)) in out.iter_mut().zip(z.iter().zip(g)) {
            *out = g * kappa * self.df(z, self.f(z));
        }
    }

    fn full(&self, kappa: S, full: &FullSlopes<S>, z: &[S], g: &[S], out: &mut [S]) {
        for (out, (&z, &g)) in out.iter_mut().zip(z.iter().zip(g)) {
            let y = self.f(z);
            let (slope, curvature) = (self.df(z, y), self.d2f(z, y));
            *out = kappa * slope * (g - full.g_mean) + full.z_scale * (z - full.z_mean)
                - full.f_scale * (y - full.h_shift) * slope
                - full.slope_scale * slope * curvature;
        }
    }
}
