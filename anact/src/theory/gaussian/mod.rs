//! Moments of f(z) and f′(z) for z ~ N(m, s²), with the derivatives of λ by m and s.
//!
//! Two routes. A function that states its [pieces](Elementwise::pieces), polynomials and exponentials, is integrated in
//! closed form piece by piece (`closed.rs`); everything else by quadrature (`quadrature.rs`): the trapezoidal rule, or panels
//! that end at the kinks. A closed form whose terms would cancel is left for quadrature on that piece, and
//! [`GaussianMoments::route`] tells which route was taken. Both yield the same integrals (`integrands.rs`), from which the
//! moments and derivatives follow in one place (`route.rs`).
//!
//! f″ is the distributional one: where f′ jumps at a kink k, it holds the jump times a point mass at k. So Stein's
//! E\[z f f′\] = m·E\[f f′\] + s²(E\[f′²\] + E\[f f″\]) holds for every activation, and likewise
//! ∂E\[f′²\]/∂m = 2E\[f′f″\] + Σ_k (f′(k+)² − f′(k−)²)·n(k), with n the density of z and f″ now between kinks only.
//!
//! erf and GELU have closed forms of E\[f²\] and E\[f′²\] for m = 0 alone. They are tests, not a route: all moments come from
//! one pass over the nodes, and two of them by another formula would save nothing and jump in the last digits at m = 0.
//!
//! Source: own derivation; the functions are the `f`, `df` and `d2f` of the tape, as [jets](Elementwise::jet): σ′ and tanh′
//! on a tape come from y and lose their digits beyond |x| = 20, which an integral over a tail cannot.

mod closed;
mod integrands;
mod panels;
mod quadrature;
mod rounded;
mod route;
mod rules;
mod sine;
mod tail;
mod trapezoid;

use autograd::ops::activation::{Visitor, with_activation};
use autograd::{Elementwise, Result};
use serde::Serialize;

use crate::factor::Ratios;
use crate::moments::ForwardMoment;

/// How moments were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Exactly, up to rounding, from the function's pieces.
    ClosedForm,
    /// By quadrature, on all pieces or on those whose closed form cancels.
    Quadrature,
}

/// The moments of f(z) and f′(z) for z ~ N(m, s²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianMoments {
    /// m.
    pub mean: f64,
    /// s.
    pub std: f64,
    /// E\[f\].
    pub f: f64,
    /// E\[f²\].
    pub f2: f64,
    /// Var\[f\], without the cancellation of E\[f²\] − E\[f\]².
    pub f_var: f64,
    /// E\[f′\].
    pub df: f64,
    /// E\[f′²\].
    pub df2: f64,
    /// E\[z f f′\].
    pub z_f_df: f64,
    /// E\[f f″\], where f″ has a point mass wherever f′ jumps.
    pub f_d2f: f64,
    /// E\[z² f′²\].
    pub z2_df2: f64,
    /// E\[f² f′²\].
    pub f2_df2: f64,
    /// ∂ρ/∂m and ∂ρ/∂s of ρ = E\[f²\]/s².
    pub rho_gradient: [f64; 2],
    /// ∂/∂m and ∂/∂s of Var\[f\]/s².
    pub rho_centered_gradient: [f64; 2],
    /// ∂ρ′/∂m and ∂ρ′/∂s of ρ′ = E\[f′²\].
    pub rho_prime_gradient: [f64; 2],
    /// How they were computed.
    pub route: Route,
    /// A bound on the error of the worst moment, quadrature's and rounding's, each rounding counted fourfold: relative to
    /// its value, but of E\[f\] to √E\[f²\], of E\[f′\] to √E\[f′²\], of E\[z f f′\] to √(E\[f²\]E\[z²f′²\]) and of
    /// E\[f f″\] to itself or E\[f′²\], whichever is greater. It grows like ε² units in the last place where what counts
    /// is ε standard deviations from the mean. 1 where E\[f²\], Var\[f\] or E\[f′²\] is below the smallest number that
    /// has full precision; moments of four factors may be as small, and are then right to that number.
    pub error: f64,
}

impl GaussianMoments {
    /// ρ = E\[f²\]/s².
    pub fn rho(&self) -> f64 {
        self.f2 / (self.std * self.std)
    }

    /// Var\[f\]/s². At most ρ′, by the Gaussian Poincaré inequality.
    pub fn rho_centered(&self) -> f64 {
        self.f_var / (self.std * self.std)
    }

    /// ρ′ = E\[f′²\].
    pub fn rho_prime(&self) -> f64 {
        self.df2
    }

    /// a = E\[z f f′\]/E\[f²\], the logarithmic slope of the map of second moments s² ↦ E\[f(sε)²\] for m = 0: 1 for a
    /// function that is homogeneous, more where differences between samples grow.
    pub fn slope(&self) -> f64 {
        self.z_f_df / self.f2
    }

    /// The forward ratio of `moment`, and ρ′.
    pub fn ratios(&self, moment: ForwardMoment) -> Ratios<f64> {
        let forward = match moment {
            ForwardMoment::Raw => self.rho(),
            ForwardMoment::Centered => self.rho_centered(),
        };
        Ratios { forward, backward: self.rho_prime() }
    }

    /// λ; `None` where a ratio is 0, such as f constant.
    pub fn lambda(&self, moment: ForwardMoment) -> Option<f64> {
        self.ratios(moment).factor()
    }

    /// (∂λ/∂m, ∂λ/∂s); `None` where [`lambda`](Self::lambda) is. Accurate to about 10⁻¹⁴ of λ for a change of m or s by
    /// s or by 1, the width of the activations' features, whichever is greater.
    pub fn lambda_gradient(&self, moment: ForwardMoment) -> Option<(f64, f64)> {
        let Ratios { forward, backward } = self.ratios(moment);
        let lambda = self.lambda(moment)?;
        let rho = match moment {
            ForwardMoment::Raw => self.rho_gradient,
            ForwardMoment::Centered => self.rho_centered_gradient,
        };
        // As `factor_gradient` times these, in an order in which tiny ratios do not overflow.
        let along = |i: usize| {
            -0.25
                * (rho[i] / forward / forward / lambda
                    + self.rho_prime_gradient[i] / backward / backward / lambda)
        };
        Some((along(0), along(1)))
    }

    /// The moments of `function`, in closed form where it has one.
    ///
    /// # Errors
    /// A mean that is not finite, a standard deviation that is not positive and finite, or an expectation that is not
    /// finite.
    pub fn of<E: Elementwise>(function: &E, mean: f64, std: f64) -> Result<Self> {
        route::best(function, mean, std)
    }

    /// The moments of `function`, by quadrature whether or not there is a closed form.
    ///
    /// # Errors
    /// As [`GaussianMoments::of`].
    pub fn quadrature<E: Elementwise>(function: &E, mean: f64, std: f64) -> Result<Self> {
        route::quadrature(function, mean, std)
    }
}

/// Whether the registered activation `name` has closed forms for all its moments: `Some` pieces, or the sine.
///
/// # Errors
/// An unknown name.
pub fn has_closed_form(name: &str) -> Result<bool> {
    struct Ask;
    impl Visitor for Ask {
        type Output = bool;
        fn visit<E: Elementwise>(self, activation: E) -> bool {
            route::is_closed(&activation)
        }
    }
    with_activation(name, Ask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::ops::Scale;
    use autograd::ops::activation::Relu;

    /// f(z) = c·z, by hand: E[f] = cm, E[f²] = c²(m² + s²), Var[f] = c²s², E[f′²] = c².
    #[test]
    fn a_linear_function_at_any_scale() {
        for (m, s) in [(0.0, 1.0), (3.0, 1e-6), (-2.0, 1e6), (1e3, 0.1)] {
            let g = GaussianMoments::quadrature(&Scale(-1.5), m, s).unwrap();
            let close =
                |got: f64, want: f64| assert!((got - want).abs() <= 1e-14 * want.abs(), "{got} {want}");
            close(g.f2, 2.25 * (m * m + s * s));
            close(g.df2, 2.25);
            // Var[f] is exact up to the rounding of z = m + s·ε itself.
            assert!((g.f_var / (2.25 * s * s) - 1.0).abs() <= 1e-14 + 1e-15 * m.abs() / s);
            assert!((g.f + 1.5 * m).abs() <= 1e-14 * g.f2.sqrt());
        }
    }

    /// Half of everything, at any scale: ρ = ρ′ = ½ and λ = √2.
    #[test]
    fn relu_has_the_he_factor_at_any_scale() {
        for s in [1e-8, 0.3, 1.0, 7.0, 1e8] {
            for g in [GaussianMoments::of(&Relu, 0.0, s), GaussianMoments::quadrature(&Relu, 0.0, s)] {
                let lambda = g.unwrap().lambda(ForwardMoment::Raw).unwrap();
                assert!((lambda / std::f64::consts::SQRT_2 - 1.0).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_spread_that_is_not_positive_is_refused() {
        for (m, s) in [(0.0, 0.0), (0.0, -1.0), (0.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert!(GaussianMoments::quadrature(&Relu, m, s).is_err());
            assert!(GaussianMoments::of(&Relu, m, s).is_err());
        }
        assert!(GaussianMoments::of(&Relu, 1e200, 1.0).unwrap_err().to_string().contains("finite"));
        assert!(crate::theory::gaussian_moments("rleu", 0.0, 1.0).unwrap_err().to_string().contains("relu"));
    }
}
