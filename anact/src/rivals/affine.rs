//! y = a·f(c·x + d) + b, and a function whose type has been forgotten.

use autograd::{Dual, Elementwise, Jet, Piece, Result, Scalar};
use serde::Serialize;

use super::RivalEntry;
use crate::theory::GaussianMoments;

/// The four numbers of a·f(c·x + d) + b.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coefficients {
    /// a, which multiplies the output.
    pub a: f64,
    /// b, which is added to the output.
    pub b: f64,
    /// c, which multiplies the input.
    pub c: f64,
    /// d, which is added to the input.
    pub d: f64,
    /// The function's own parameter, where the rival chooses that too instead of taking it from the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<f64>,
}

impl Coefficients {
    /// f itself.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 1.0, d: 0.0, parameter: None };

    /// a·f.
    pub fn scale(a: f64) -> Self {
        Self { a, ..Self::IDENTITY }
    }
}

/// y = a·f(c·x + d) + b with frozen a, b, c and d: the form of every rival. Any shape.
///
/// ∂y/∂x = a·c·f′(u), ∂²y/∂x² = a·c²·f″(u) with u = c·x + d. f(u) is computed again rather than recovered from y as
/// (y − b)/a, which would cancel. Kinks of f at u lie at x = (u − d)/c. f must be defined on the whole line.
///
/// On a tape its op is called `affine` whatever f is, and its text is the label, such as `gp-tanh`.
#[derive(Debug, Clone, Copy)]
pub struct Affine<E> {
    function: E,
    coefficients: Coefficients,
    rival: Option<(&'static RivalEntry, Option<f64>)>,
}

impl<E: Elementwise> Affine<E> {
    /// a·f(c·x + d) + b; where the coefficients hold a parameter, of that member of f's family.
    pub fn new(function: E, coefficients: Coefficients) -> Self {
        let function = coefficients.parameter.map_or(function, E::with_parameter);
        Self { function, coefficients, rival: None }
    }

    /// The rival with these coefficients and with this parameter of its own.
    pub(super) fn of(
        function: E,
        coefficients: Coefficients,
        rival: &'static RivalEntry,
        parameter: Option<f64>,
    ) -> Self {
        Self { rival: Some((rival, parameter)), ..Self::new(function, coefficients) }
    }

    fn inner<S: Scalar>(&self, x: S) -> S {
        S::from_f64(self.coefficients.c) * x + S::from_f64(self.coefficients.d)
    }
}

impl<E: Elementwise> Default for Affine<E> {
    fn default() -> Self {
        Self::new(E::default(), Coefficients::IDENTITY)
    }
}

impl<E: Elementwise> Elementwise for Affine<E> {
    const NAME: &'static str = super::NAME;
    const FORMULA: &'static str = super::FORMULA;

    fn kinks(&self) -> Vec<f64> {
        let Coefficients { c, d, .. } = self.coefficients;
        self.function.kinks().into_iter().map(|u| (u - d) / c).collect()
    }

    /// f's pieces, moved and scaled; for c > 0, since they come in ascending order.
    fn pieces(&self) -> Option<Vec<Piece>> {
        let Coefficients { a, b, c, d, .. } = self.coefficients;
        let moved = |p: Piece| {
            let [c0, c1, c2] = p.polynomial;
            Piece {
                to: (p.to - d) / c,
                origin: (p.origin - d) / c,
                polynomial: [a * c0 + b, a * c * c1, a * c * c * c2],
                amplitude: a * p.amplitude,
                rate: c * p.rate,
            }
        };
        (c > 0.0).then_some(())?;
        Some(self.function.pieces()?.into_iter().map(moved).collect())
    }

    fn jet(&self, x: f64) -> Jet {
        let Coefficients { a, b, c, .. } = self.coefficients;
        let Jet { limit, rest, df, d2f } = self.function.jet(self.inner(x));
        Jet { limit: a * limit + b, rest: a * rest, df: a * c * df, d2f: a * c * c * d2f }
    }

    fn label(&self) -> String {
        let Some((rival, parameter)) = self.rival else {
            return format!("affine({})", self.function.label());
        };
        let own = parameter.map_or_else(String::new, |p| format!("({p})"));
        let function = match self.coefficients.parameter {
            Some(_) => E::NAME.to_string(),
            None => self.function.label(),
        };
        format!("{}{own}-{function}", rival.prefix)
    }

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        S::from_f64(self.coefficients.a) * self.function.f(self.inner(x)) + S::from_f64(self.coefficients.b)
    }

    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let u = self.inner(x);
        S::from_f64(self.coefficients.a * self.coefficients.c) * self.function.df(u, self.function.f(u))
    }

    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let Coefficients { a, c, .. } = self.coefficients;
        let u = self.inner(x);
        S::from_f64(a * c * c) * self.function.d2f(u, self.function.f(u))
    }
}

/// A function of one number whose type has been forgotten: all that a rival needs to know of it.
pub(crate) trait Curve {
    /// Its name, with its parameter where that is not the default.
    fn label(&self) -> String;
    /// Its name alone.
    fn name(&self) -> &'static str;
    /// Its family's parameter, if it has one.
    fn parameter(&self) -> Option<f64>;
    /// The moments of a·f(c·z + d) + b for standard normal z.
    ///
    /// # Errors
    /// As [`GaussianMoments::of`].
    fn moments(&self, coefficients: Coefficients) -> Result<GaussianMoments>;
    /// f′, f″ and f‴ at x, the last by a dual number; not to be asked for at a kink.
    fn derivatives(&self, x: f64) -> [f64; 3];
}

impl<E: Elementwise> Curve for E {
    fn label(&self) -> String {
        Elementwise::label(self)
    }

    fn name(&self) -> &'static str {
        E::NAME
    }

    fn parameter(&self) -> Option<f64> {
        Elementwise::parameter(self)
    }

    fn moments(&self, coefficients: Coefficients) -> Result<GaussianMoments> {
        GaussianMoments::of(&Affine::new(*self, coefficients), 0.0, 1.0)
    }

    fn derivatives(&self, x: f64) -> [f64; 3] {
        let y = self.f(x);
        let x_dual = Dual::new(x, 1.0);
        let third = self.d2f(x_dual, self.f(x_dual)).tangent;
        [self.df(x, y), self.d2f(x, y), third]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::ops::Scale;
    use autograd::ops::activation::{HardTanh, LeakyRelu, Swish, Tanh};
    use proptest::prelude::*;

    use crate::moments::ForwardMoment;

    fn with(a: f64, b: f64, c: f64, d: f64) -> Coefficients {
        Coefficients { a, b, c, d, parameter: None }
    }

    /// By hand: u = −0.5·4 + 1 = −1, 2·(3u) + 0.5 = −5.5, slope 2·3·(−0.5) = −3.
    #[test]
    fn values_and_moved_kinks() {
        let f = Affine::new(Scale(3.0), with(2.0, 0.5, -0.5, 1.0));
        assert_eq!((f.f(4.0), f.df(4.0, 0.0), f.d2f(4.0, 0.0)), (-5.5, -3.0, 0.0));
        // Kinks of hard tanh at u = ±1: x = (±1 − 1)/(−0.5) = 0 and 4.
        let mut kinks = Affine::new(HardTanh, with(1.0, 0.0, -0.5, 1.0)).kinks();
        kinks.sort_by(f64::total_cmp);
        assert_eq!(kinks, [0.0, 4.0]);
        // mpmath, 30 digits: 1.5·tanh(0.5x + 0.25) − 0.1 and its derivatives at x = 0.7.
        let g = Affine::new(Tanh, with(1.5, -0.1, 0.5, 0.25));
        let got = [g.f(0.7), g.df(0.7, g.f(0.7)), g.d2f(0.7, g.f(0.7))];
        let want = [0.7055743504970529, 0.5336833219404171, -0.2866143969621741];
        for (got, want) in got.into_iter().zip(want) {
            assert!((got - want).abs() < 1e-15, "{got} {want}");
        }
    }

    #[test]
    fn a_label_tells_the_function_and_a_chosen_parameter_replaces_its_own() {
        let chosen = Coefficients { parameter: Some(0.25), ..Coefficients::IDENTITY };
        let f = Affine::new(LeakyRelu { slope: 0.5 }, chosen);
        assert_eq!((f.f(-2.0), Elementwise::label(&f).as_str()), (-0.5, "affine(leaky_relu(0.25))"));
    }

    proptest! {
        /// λ(a·f) = λ(f)/|a|, by the quadrature of both.
        #[test]
        fn the_factor_is_scale_equivariant(
            a in prop_oneof![-9.0..-0.1f64, 0.1..9.0f64],
            mean in -1.0..1.0f64,
            std in 0.3..3.0f64,
        ) {
            for moment in [ForwardMoment::Raw, ForwardMoment::Centered] {
                let plain = GaussianMoments::quadrature(&Swish::default(), mean, std).unwrap();
                let scaled = Affine::new(Swish::default(), Coefficients::scale(a));
                let scaled = GaussianMoments::quadrature(&scaled, mean, std).unwrap();
                let ratio = scaled.lambda(moment).unwrap() * a.abs() / plain.lambda(moment).unwrap();
                prop_assert!((ratio - 1.0).abs() < 1e-13, "{}", ratio);
            }
        }

        /// Moving the input is moving the distribution: f(c·z + d) for z ~ N(0, 1) is f(u) for u ~ N(d, c²).
        #[test]
        fn moving_the_input_moves_the_distribution(c in 0.1..3.0f64, d in -2.0..2.0f64) {
            let moved = Tanh.moments(with(1.0, 0.0, c, d)).unwrap();
            let there = GaussianMoments::quadrature(&Tanh, d, c).unwrap();
            for (got, want) in [(moved.f, there.f), (moved.f2, there.f2), (moved.df2, c * c * there.df2)] {
                prop_assert!((got - want).abs() < 1e-13, "{} {}", got, want);
            }
        }
    }
}
