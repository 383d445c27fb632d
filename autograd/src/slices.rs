//! Elementwise functions over slices, in wide vectors.
//!
//! The loops are plain `for`: the closure of a `for_each` may stay a function of its own, compiled for narrow vectors.

use crate::elementwise::Elementwise;
use crate::kernels::vector::Loop;
use crate::scalar::Scalar;

/// An [`Elementwise`] function over slices, its type forgotten: the only loops that know it. What calls them, a
/// block of elements at a time, is compiled once per scalar type instead of once per function and scalar type.
pub trait Slices<S>: Sync {
    /// y = f(x).
    fn values(&self, x: &[S], y: &mut [S]);
    /// y = f(x) and slope = f′(x) at once: what both want, such as an exponential, is computed once.
    fn values_and_slopes(&self, x: &[S], y: &mut [S], slope: &mut [S]);
    /// out = g·f′(x), where y = f(x) is given.
    fn gradients(&self, x: &[S], y: &[S], g: &[S], out: &mut [S]);
}

impl<E: Elementwise, S: Scalar> Slices<S> for E {
    fn values(&self, x: &[S], y: &mut [S]) {
        S::vectorized(Values { function: *self, x, y });
    }

    fn values_and_slopes(&self, x: &[S], y: &mut [S], slope: &mut [S]) {
        S::vectorized(ValuesAndSlopes { function: *self, x, y, slope });
    }

    fn gradients(&self, x: &[S], y: &[S], g: &[S], out: &mut [S]) {
        S::vectorized(GradientsOf { function: *self, x, y, g, out });
    }
}

struct Values<'a, E, S> {
    function: E,
    x: &'a [S],
    y: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for Values<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, x, y } = self;
        for (y, &x) in y.iter_mut().zip(x) {
            *y = function.f(x);
        }
    }
}

struct ValuesAndSlopes<'a, E, S> {
    function: E,
    x: &'a [S],
    y: &'a mut [S],
    slope: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for ValuesAndSlopes<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, x, y, slope } = self;
        for ((y, slope), &x) in y.iter_mut().zip(slope).zip(x) {
            let value = function.f(x);
            *y = value;
            *slope = function.df(x, value);
        }
    }
}

struct GradientsOf<'a, E, S> {
    function: E,
    x: &'a [S],
    y: &'a [S],
    g: &'a [S],
    out: &'a mut [S],
}

impl<E: Elementwise, S: Scalar> Loop for GradientsOf<'_, E, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { function, x, y, g, out } = self;
        for (out, ((&x, &y), &g)) in out.iter_mut().zip(x.iter().zip(y).zip(g)) {
            *out = g * function.df(x, y);
        }
    }
}
