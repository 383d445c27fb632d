//! E\[f\], E\[f²\] and E\[f′²\] for z ~ N(m, s²), by quadrature that splits at the kinks.
//!
//! With z = m + s·ε, each is an integral against the standard normal density over ε in ±12 (the mass outside is
//! 4·10⁻³³). The line is cut into panels at f's kinks, at whole standard deviations, and at
//! z = 0, ±4^k, where the activation functions have their features whatever s is. A panel on which the Gauss–Legendre
//! rules with 15 and 31 nodes disagree is halved, and so on: nothing is assumed about smoothness between kinks. What
//! the rules disagree by in the end, summed, is the reported error: a bound in practice, since the finer rule is used.
//!
//! Source: own derivation; the functions are the very `f` and `df` of the tape.

use std::f64::consts::TAU;

use autograd::ops::activation::{Visitor, with_activation};
use autograd::{Elementwise, Error, Result};

use super::legendre::Rule;
use crate::factor::Ratios;
use crate::moments::ForwardMoment;

/// Standard deviations to each side.
const REACH: f64 = 12.0;
/// Disagreement of the two rules at which a panel is accepted, relative to the whole integral.
const TOLERANCE: f64 = 1e-16;
/// At most this many halvings, whatever the function does: a millisecond or two.
const HALVINGS: usize = 4096;

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
    /// E\[z² f′²\].
    pub z2_df2: f64,
    /// E\[f² f′²\].
    pub f2_df2: f64,
    /// Estimated error of the worst of E\[f²\], Var\[f\] and E\[f′²\], relative to its value, and of E\[f\] relative to
    /// √E\[f²\]. The rounding of f itself is not in it.
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

    /// The moments of `function`, by quadrature.
    ///
    /// # Errors
    /// A mean that is not finite, or a standard deviation that is not positive and finite.
    pub fn quadrature<E: Elementwise>(function: &E, mean: f64, std: f64) -> Result<Self> {
        if !(mean.is_finite() && std.is_finite() && std > 0.0) {
            return Err(Error::Argument {
                op: "Gaussian moments",
                what: format!("mean {mean} and standard deviation {std} given"),
                legal: "a finite mean and a positive, finite standard deviation".into(),
            });
        }
        // Variance is measured from f(m), which is near E[f] where the variance is small against it.
        let pivot = function.f(mean);
        // z itself is rounded: to that share of s, its function values cannot agree with anything.
        let tolerance = TOLERANCE.max(f64::EPSILON * mean.abs() / std);
        let integrand = |e: f64| {
            let z = mean + std * e;
            let density = (-0.5 * e * e).exp() / TAU.sqrt();
            let y = function.f(z);
            let (slope, d) = (function.df(z, y), y - pivot);
            let both = y * slope;
            [y, y * y, slope, slope * slope, d, d * d, z * both, (z * slope).powi(2), both * both]
                .map(|x| x * density)
        };
        let [f, f2, df, df2, d, d2, z_f_df, z2_df2, f2_df2] =
            integrate(&panels(&function.kinks(), mean, std), tolerance, &integrand);
        let f_var = d2.value - d.value * d.value;
        let relative = |e: f64, size: f64| if size > 0.0 { e / size } else { e };
        let errors = [
            relative(f.error, f2.value.sqrt()),
            relative(f2.error, f2.value),
            relative(df2.error, df2.value),
            relative(d2.error + 2.0 * d.value.abs() * d.error, f_var),
        ];
        let error = errors.into_iter().fold(0.0, |a: f64, e| if e.is_nan() { e } else { a.max(e) });
        Ok(Self {
            mean,
            std,
            f: f.value,
            f2: f2.value,
            f_var,
            df: df.value,
            df2: df2.value,
            z_f_df: z_f_df.value,
            z2_df2: z2_df2.value,
            f2_df2: f2_df2.value,
            error,
        })
    }
}

/// The moments of the registered activation `name`, which may carry its parameter as in `swish(1.702)`.
///
/// # Errors
/// An unknown name, or as [`GaussianMoments::quadrature`].
pub fn gaussian_moments(name: &str, mean: f64, std: f64) -> Result<GaussianMoments> {
    struct Integrate(f64, f64);
    impl Visitor for Integrate {
        type Output = Result<GaussianMoments>;
        fn visit<E: Elementwise>(self, activation: E) -> Self::Output {
            GaussianMoments::quadrature(&activation, self.0, self.1)
        }
    }
    with_activation(name, Integrate(mean, std))?
}

/// The ends of the panels in units of ε, ascending.
fn panels(kinks: &[f64], mean: f64, std: f64) -> Vec<f64> {
    let whole = (-12..=12).map(f64::from);
    let powers = (-2..=20).flat_map(|k| [4f64.powi(k), -(4f64.powi(k))]).chain([0.0]);
    let marks = powers.chain(kinks.iter().copied()).map(|z| (z - mean) / std);
    let mut ends: Vec<f64> = whole.chain(marks).filter(|e| e.abs() <= REACH).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    ends
}

/// An integral and what the two rules disagree by.
#[derive(Debug, Clone, Copy, Default)]
struct Estimate {
    value: f64,
    error: f64,
    /// What rounding lost from `value` so far.
    lost: f64,
}

impl Estimate {
    /// Neumaier's compensated sum: hundreds of panels cost no digit.
    fn add(&mut self, value: f64, error: f64) {
        let sum = self.value + value;
        let (large, small) =
            if self.value.abs() >= value.abs() { (self.value, value) } else { (value, self.value) };
        self.lost += (large - sum) + small;
        self.value = sum;
        self.error += error;
    }
}

/// K integrals at once over the panels between `ends`, each panel halved until both rules agree on all.
fn integrate<const K: usize>(ends: &[f64], tolerance: f64, f: &dyn Fn(f64) -> [f64; K]) -> [Estimate; K] {
    let (coarse, fine) = (Rule::new(15), Rule::new(31));
    let mut size = [0.0; K];
    for panel in ends.windows(2) {
        let values = fine.integrate(panel[0], panel[1], f);
        (0..K).for_each(|k| size[k] += values[k].abs());
    }
    let mut total = [Estimate::default(); K];
    let mut open: Vec<(f64, f64)> = ends.windows(2).rev().map(|p| (p[0], p[1])).collect();
    let mut halvings = 0;
    while let Some((a, b)) = open.pop() {
        let (rough, value) = (coarse.integrate(a, b, f), fine.integrate(a, b, f));
        let error = |k: usize| (rough[k] - value[k]).abs();
        // Two rules never agree better than their terms round. NaN counts as agreement, or nothing would end it.
        let disagree = |k: usize| error(k) > (tolerance * size[k]).max(4.0 * f64::EPSILON * value[k].abs());
        let middle = 0.5 * (a + b);
        if halvings < HALVINGS && a < middle && middle < b && (0..K).any(disagree) {
            halvings += 1;
            open.extend([(middle, b), (a, middle)]);
        } else {
            (0..K).for_each(|k| total[k].add(value[k], error(k)));
        }
    }
    total.map(|t| Estimate { value: t.value + t.lost, ..t })
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
            let lambda =
                GaussianMoments::quadrature(&Relu, 0.0, s).unwrap().lambda(ForwardMoment::Raw).unwrap();
            assert!((lambda / std::f64::consts::SQRT_2 - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn a_spread_that_is_not_positive_is_refused() {
        for (m, s) in [(0.0, 0.0), (0.0, -1.0), (0.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert!(GaussianMoments::quadrature(&Relu, m, s).is_err());
        }
        assert!(gaussian_moments("rleu", 0.0, 1.0).unwrap_err().to_string().contains("relu"));
    }
}
