//! The normalization factor λ as a function of the two ratios, and its derivative.
//!
//! A layer z ↦ f(z) multiplies the forward second moment by ρ = E\[f(z)²\]/Var\[z\] and the backward one by
//! ρ′ = E\[f′(z)²\]. Scaling f by λ turns both into λ²ρ and λ²ρ′, so no single λ makes both 1 unless ρ = ρ′.
//!
//! Source: ρ, ρ′ and a factor built from both are of *ANAct* (arXiv 2208.13315). The closed form of λ as the
//! least-squares compromise, and the facts below, are our own derivation:
//!
//! - min over s = λ² of (s − 1/ρ)² + (s − 1/ρ′)² lies at the mean of the two exact answers 1/ρ and 1/ρ′;
//! - 1/λ² is the harmonic mean of ρ and ρ′, so min(ρ, ρ′) ≤ 1/λ² ≤ max(ρ, ρ′);
//! - λ(c·f) = λ(f)/|c|, and f(z) = c·z has λ = 1/|c|;
//! - ReLU on any zero-mean symmetric distribution has ρ = ρ′ = ½ and λ = √2, He initialisation's factor;
//! - consecutive layers' weight-gradient variances differ by ρ/ρ′, whatever λ is: a scale alone cannot balance
//!   forward against backward. Subtracting a mean can, because it changes ρ and not ρ′; for Gaussian z the
//!   centred ρ never exceeds ρ′ (the Gaussian Poincaré inequality Var\[f\] ≤ Var\[z\]·E\[f′²\]).

use autograd::Scalar;
use serde::{Deserialize, Serialize};

/// How a layer's function changes second moments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratios<S> {
    /// ρ, the forward ratio.
    pub forward: S,
    /// ρ′, the backward ratio.
    pub backward: S,
}

impl<S: Scalar> Ratios<S> {
    /// λ, see [`factor`].
    pub fn factor(&self) -> Option<S> {
        factor(self.forward, self.backward)
    }

    /// What they are once f is scaled by `lambda`: λ²ρ and λ²ρ′, both 1 for a layer that keeps variances.
    #[must_use]
    pub fn scaled(&self, lambda: S) -> Self {
        Self { forward: lambda * lambda * self.forward, backward: lambda * lambda * self.backward }
    }
}

fn is_positive<S: Scalar>(x: S) -> bool {
    x > S::ZERO && x.is_finite()
}

/// `x` if it is a positive, finite number.
fn positive<S: Scalar>(x: S) -> Option<S> {
    is_positive(x).then_some(x)
}

/// λ = √(½(1/ρ + 1/ρ′)) = √((ρ + ρ′)/(2ρρ′)); `None` unless ρ, ρ′ and λ are positive and finite.
pub fn factor<S: Scalar>(rho: S, rho_prime: S) -> Option<S> {
    let (rho, rho_prime) = (positive(rho)?, positive(rho_prime)?);
    // The sum of inverses cannot underflow where the product ρρ′ would.
    positive((S::from_f64(0.5) * (S::ONE / rho + S::ONE / rho_prime)).sqrt())
}

/// (∂λ/∂ρ, ∂λ/∂ρ′) = (−1/(4λρ²), −1/(4λρ′²)); `None` where [`factor`] is.
pub fn factor_gradient<S: Scalar>(rho: S, rho_prime: S) -> Option<(S, S)> {
    let four_lambda = S::from_f64(4.0) * factor(rho, rho_prime)?;
    let slope = |r: S| -(S::ONE / r / r / four_lambda);
    Some((slope(rho), slope(rho_prime)))
}

/// 1/√ρ, which keeps the forward moment exactly and ignores the backward one.
pub fn forward_factor<S: Scalar>(rho: S) -> Option<S> {
    positive(S::ONE / positive(rho)?.sqrt())
}

/// 1/√ρ′, which keeps the backward moment exactly and ignores the forward one.
pub fn backward_factor<S: Scalar>(rho_prime: S) -> Option<S> {
    forward_factor(rho_prime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::Dual;
    use proptest::prelude::*;

    fn ratio() -> impl Strategy<Value = f64> {
        (-20.0..20.0f64).prop_map(f64::exp)
    }

    proptest! {
        #[test]
        fn the_inverse_square_is_the_harmonic_mean(rho in ratio(), rho_prime in ratio()) {
            let lambda = factor(rho, rho_prime).unwrap();
            let harmonic = 2.0 * rho * rho_prime / (rho + rho_prime);
            prop_assert!((lambda.powi(-2) / harmonic - 1.0).abs() < 1e-14);
            prop_assert!(lambda.powi(-2) >= rho.min(rho_prime) * (1.0 - 1e-14));
            prop_assert!(lambda.powi(-2) <= rho.max(rho_prime) * (1.0 + 1e-14));
            // The compromise lies between the two one-sided answers, and is their root mean square.
            let (f, b) = (forward_factor(rho).unwrap(), backward_factor(rho_prime).unwrap());
            prop_assert!(lambda >= f.min(b) * (1.0 - 1e-14) && lambda <= f.max(b) * (1.0 + 1e-14));
            prop_assert!((((f * f + b * b) / 2.0).sqrt() / lambda - 1.0).abs() < 1e-14);
        }

        /// Scaling f by c scales both ratios by c².
        #[test]
        fn scaling_the_function_divides_the_factor(rho in ratio(), rho_prime in ratio(), c in -50.0..50.0f64) {
            prop_assume!(c.abs() > 1e-3);
            let scaled = factor(c * c * rho, c * c * rho_prime).unwrap();
            prop_assert!((scaled * c.abs() / factor(rho, rho_prime).unwrap() - 1.0).abs() < 1e-14);
        }

        /// No other λ² has a smaller squared error, and the optimum is strict.
        #[test]
        fn the_factor_is_the_least_squares_answer(rho in 0.05..20.0f64, rho_prime in 0.05..20.0f64, d in -0.5..0.5f64) {
            let loss = |s: f64| (s - 1.0 / rho).powi(2) + (s - 1.0 / rho_prime).powi(2);
            let best = factor(rho, rho_prime).unwrap().powi(2);
            prop_assert!(loss(best) <= loss(best * (1.0 + d)) * (1.0 + 1e-12));
        }

        /// The derivative by dual numbers, which know nothing of the closed form.
        #[test]
        fn the_gradient_is_that_of_the_factor(rho in ratio(), rho_prime in ratio()) {
            let (by_rho, by_rho_prime) = factor_gradient(rho, rho_prime).unwrap();
            let along = |a, b| factor(Dual::new(rho, a), Dual::new(rho_prime, b)).unwrap().tangent;
            prop_assert!((along(1.0, 0.0) / by_rho - 1.0).abs() < 1e-13);
            prop_assert!((along(0.0, 1.0) / by_rho_prime - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn balanced_ratios_are_met_exactly() {
        // ReLU on N(0, s²): ρ = ρ′ = ½.
        assert_eq!(factor(0.5, 0.5), Some(std::f64::consts::SQRT_2));
        let scaled = Ratios { forward: 0.25f64, backward: 0.25 }.scaled(2.0);
        assert_eq!(scaled, Ratios { forward: 1.0, backward: 1.0 });
    }

    #[test]
    fn there_is_no_factor_without_two_positive_numbers() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(factor(bad, 1.0), None);
            assert_eq!(factor(1.0, bad), None);
            assert_eq!(factor_gradient(1.0, bad), None);
            assert_eq!(forward_factor(bad), None);
        }
        // 1/ρ overflows.
        assert_eq!(factor(1e-310, 1.0), None);
        // ρρ′ underflows, λ does not.
        assert!((factor(1e-200, 1e-200).unwrap() / 1e100 - 1.0).abs() < 1e-14);
    }
}
