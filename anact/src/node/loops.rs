//! The loops over elements that know the function; everything else of the node and of the measurement does not.
//!
//! Behind this object-safe trait the node's logic is compiled once per scalar type instead of once per function and
//! scalar type, which takes minutes off the build. A call is made per block of elements.

use autograd::kernels::vector::Loop;
use autograd::{Elementwise, Scalar, Slices};

use super::FullSlopes;

/// What the node does with f over slices.
pub(crate) trait Loops<S>: Slices<S> {
    /// y = κ·(f(z) − μ).
    fn normalized(&self, kappa: S, mu: S, z: &[S], y: &mut [S]);
    /// The gradient with λ and μ as constants: g·κ·f′(z), and f(z) in `values`.
    fn detached(&self, kappa: S, z: &[S], g: &[S], out: &mut [S], values: &mut [S]);
    /// The gradient through the statistics.
    fn full(&self, kappa: S, full: &FullSlopes<S>, z: &[S], g: &[S], out: &mut [S]);
}

impl<E: Elementwise, S: Scalar> Loops<S> for E {
    fn normalized(&self, kappa: S, mu: S, z: &[S], y: &mut [S]) {
        S::vectorized(Normalized { function: *self, kappa, mu, z, y });
    }

    fn detached(&self, kappa: S, z: &[S], g: &[S], out: &mut [S], values: &mut [S]) {
        S::vectorized(Detached { function: *self, kappa, z, g, out, values });
    }

    fn full(&self, kappa: S, full: &FullSlopes<S>, z: &[S], g: &[S], out: &mut [S]) {
        S::vectorized(Full { function: *self, kappa, full: *full, z, g, out });
    }
}

struct Normalized<'a, E, S> {
    function: E,
    kappa: S,
    mu: S,
    z: &'a [S],
    y: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for Normalized<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, kappa, mu, z, y } = self;
        for (y, &z) in y.iter_mut().zip(z) {
            *y = kappa * (function.f(z) - mu);
        }
    }
}

/// Turns f(z) in place into y.
pub(super) struct Shifted<'a, S> {
    pub(super) kappa: S,
    pub(super) mu: S,
    pub(super) y: &'a mut [S],
}

impl<S: Scalar> Loop for Shifted<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { kappa, mu, y } = self;
        for y in y {
            *y = kappa * (*y - mu);
        }
    }
}

struct Detached<'a, E, S> {
    function: E,
    kappa: S,
    z: &'a [S],
    g: &'a [S],
    out: &'a mut [S],
    values: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for Detached<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, kappa, z, g, out, values } = self;
        for ((out, value), (&z, &g)) in out.iter_mut().zip(values).zip(z.iter().zip(g)) {
            let y = function.f(z);
            *out = g * kappa * function.df(z, y);
            *value = y;
        }
    }
}

struct Full<'a, E, S> {
    function: E,
    kappa: S,
    full: FullSlopes<S>,
    z: &'a [S],
    g: &'a [S],
    out: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for Full<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, kappa, full, z, g, out } = self;
        for (out, (&z, &g)) in out.iter_mut().zip(z.iter().zip(g)) {
            let y = function.f(z);
            let (slope, curvature) = (function.df(z, y), function.d2f(z, y));
            *out = kappa * slope * (g - full.g_mean) + full.z_scale * (z - full.z_mean)
                - full.f_scale * (y - full.h_shift) * slope
                - full.slope_scale * slope * curvature;
        }
    }
}
