//! The sine's moments from the characteristic function E[e^{itz}] = e^{itm − t²s²/2}.

use super::{GaussianMoments, Route};

/// Below this s, ∂ρ/∂s cancels and quadrature has more digits; above, quadrature runs out of panels in the end.
pub(super) const FROM: f64 = 0.5;

/// sin² = ½(1 − cos 2z), sin·cos = ½ sin 2z; powers of z under e^{2iz} are those of a normal variable of mean m + 2is².
pub(super) fn moments(m: f64, s: f64) -> GaussianMoments {
    let v = s * s;
    let (sine, cosine) = (2.0 * m).sin_cos();
    // E[e^{iz}], its square and E[e^{2iz}], apart from the phase.
    let (one, q, two) = ((-0.5 * v).exp(), (-v).exp(), (-2.0 * v).exp());
    let f2 = 0.5 * (2.0 * m.sin().powi(2) - (-2.0 * v).exp_m1() * cosine);
    let f_var = -0.5 * (-v).exp_m1() * (1.0 + q * cosine);
    let tilted =
        if two == 0.0 { 0.0 } else { two * (cosine * (m * m + v - 4.0 * v * v) - sine * 4.0 * m * v) };
    let of_square = |by_m: f64, by_s: f64, moment: f64| [by_m / v, (by_s - 2.0 * moment / s) / v];
    GaussianMoments {
        mean: m,
        std: s,
        f: one * m.sin(),
        f2,
        f_var,
        df: one * m.cos(),
        df2: 0.5 * (1.0 + two * cosine),
        z_f_df: two * (0.5 * m * sine + v * cosine),
        f_d2f: -f2,
        z2_df2: 0.5 * (m * m + v + tilted),
        f2_df2: 0.125 * (2.0 * sine * sine - (-8.0 * v).exp_m1() * (4.0 * m).cos()),
        rho_gradient: of_square(two * sine, 2.0 * s * two * cosine, f2),
        rho_centered_gradient: of_square(
            q * (-v).exp_m1() * sine,
            s * q * (1.0 + 2.0 * q * cosine - cosine),
            f_var,
        ),
        rho_prime_gradient: [-two * sine, -2.0 * s * two * cosine],
        route: Route::ClosedForm,
        // 2m is exact, so what is left is the rounding of a few operations on numbers of the results' size.
        error: 16.0 * f64::EPSILON,
    }
}
