//! From the integrals to the moments, and which route each activation takes.

use std::any::Any;
use std::f64::consts::TAU;

use autograd::ops::activation::Sin;
use autograd::{Elementwise, Error, Jet, Result};

use super::integrands::{COUNT, Integrals, place};
use super::quadrature::{Integrand, NARROW, Quadrature};
use super::rounded::{self, UNIT};
use super::{GaussianMoments, Route, closed, sine};

/// A closed form whose terms cancel beyond this, relative to the result's scale, is left for quadrature.
const CANCELLATION: f64 = 1e-13;

/// Refuses what is no normal distribution.
fn checked(mean: f64, std: f64) -> Result<()> {
    if mean.is_finite() && std.is_finite() && std > 0.0 {
        return Ok(());
    }
    Err(Error::Argument {
        op: "Gaussian moments",
        what: format!("mean {mean} and standard deviation {std} given"),
        legal: "a finite mean and a positive, finite standard deviation".into(),
    })
}

/// By quadrature alone.
pub(super) fn quadrature<E: Elementwise>(function: &E, mean: f64, std: f64) -> Result<GaussianMoments> {
    checked(mean, std)?;
    let quadrature = Quadrature::new(function, mean, std);
    let integrals = quadrature.over(f64::NEG_INFINITY, f64::INFINITY);
    assemble(function, mean, std, quadrature.pivot, &integrals, Route::Quadrature)
}

fn is_sine<E: Elementwise>(function: &E) -> bool {
    (function as &dyn Any).is::<Sin>()
}

/// Whether there is a closed form at all.
pub(super) fn is_closed<E: Elementwise>(function: &E) -> bool {
    is_sine(function) || function.pieces().is_some()
}

/// In closed form where the function states its pieces and their terms do not cancel; else by quadrature.
pub(super) fn best<E: Elementwise>(function: &E, mean: f64, std: f64) -> Result<GaussianMoments> {
    if is_sine(function) && std >= sine::FROM {
        checked(mean, std)?;
        return Ok(sine::moments(mean, std));
    }
    let Some(pieces) = function.pieces() else { return quadrature(function, mean, std) };
    checked(mean, std)?;
    let starts = std::iter::once(f64::NEG_INFINITY).chain(pieces.iter().map(|p| p.to));
    let own =
        pieces.iter().find(|p| mean <= p.to).map_or(Jet::new(f64::NAN, f64::NAN, f64::NAN), |p| p.jet(mean));
    let mut parts: Vec<(f64, f64, Integrals)> = pieces
        .iter()
        .zip(starts)
        .map(|(p, from)| (from, p.to, closed::piece(p, from, mean, std, own)))
        .collect();
    let sum = |parts: &[(f64, f64, Integrals)]| {
        parts.iter().fold(Integrals::ZERO, |mut total, part| {
            total.add(&part.2);
            total
        })
    };
    let scales = sum(&parts).scales();
    // What the coefficients of the polynomial around m are rounded by, where they nearly cancel as at a root.
    let coefficients = pieces.iter().find(|p| mean <= p.to && p.amplitude == 0.0).map_or(0.0, |p| {
        let [value, slope] = p.sizes(mean);
        let of = |size: f64, of: f64| if size > 0.0 { size / of } else { 0.0 };
        2.0 * UNIT * (of(value, scales[place::FF].sqrt()) + of(slope, scales[place::PP].sqrt()))
    });
    let mut route = Route::ClosedForm;
    let mut numeric = None;
    for (from, to, part) in &mut parts {
        let is_own = *from < mean && mean <= *to;
        let cancels = (is_own && coefficients > CANCELLATION)
            || (0..COUNT).any(|k| !(part.error[k] <= CANCELLATION * scales[k] || part.error[k] < 1e-300));
        if cancels {
            route = Route::Quadrature;
            *part = numeric
                .get_or_insert_with(|| {
                    let mut quadrature = Quadrature::new(function, mean, std);
                    // At a kink f′(m) is that of either side, but the same in all parts.
                    (quadrature.pivot.df, quadrature.pivot.d2f) = (own.df, own.d2f);
                    quadrature
                })
                .over(*from, *to);
        } else if is_own {
            (0..COUNT).for_each(|k| part.noise[k] += coefficients * scales[k]);
        }
    }
    // Differences from f(m) by quadrature are from its own value there, which may differ by a rounding.
    assemble(function, mean, std, own, &sum(&parts), route)
}

/// The moments from the integrals. What is not continuous at a kink adds its jump times the density there.
fn assemble(
    function: &dyn Integrand,
    mean: f64,
    std: f64,
    pivot: Jet,
    integrals: &Integrals,
    route: Route,
) -> Result<GaussianMoments> {
    use place::{
        D, D_P_MOVED, DD, DR, E_P_MOVED, EPQ, F, FF, FFPP, FP, FQ, FR, P, P_MOVED, PP, PQ, R, ZFP, ZZPP,
    };
    let v = integrals.value;
    if let Some(bad) = v.iter().find(|x| !x.is_finite()) {
        return Err(Error::Argument {
            op: "Gaussian moments",
            what: format!("an expectation at mean {mean} and standard deviation {std} is {bad}"),
            legal: "numbers whose fourth powers are finite, and a function that is finite around the mean"
                .into(),
        });
    }
    let error = |k: usize| integrals.error[k] + integrals.noise[k];
    let (mut f_d2f, mut by_mean, mut by_std) = (v[FQ], 2.0 * v[PQ], 2.0 * v[EPQ]);
    let mut f_d2f_error = error(FQ);
    for k in function.kinks() {
        let [left, right] = [k.next_down(), k.next_up()].map(|z| function.at(z).df);
        let e = (k - mean) / std;
        let density = (-0.5 * e * e).exp() / TAU.sqrt() / std;
        let point = function.at(k).f() * (right - left) * density;
        f_d2f += point;
        f_d2f_error += UNIT * rounded::of_density(e) * point.abs();
        let jump = (right - left) * (right + left) * density;
        by_mean += jump;
        by_std += e * jump;
    }
    let f_var = (v[DD] - v[D] * v[D]).max(0.0);
    // s·∂/∂s of E[f²]/s² is 2E[f(f′h − f)]/s², and f′h − f = r − f(m).
    let square = std * std;
    let (mut f_df, mut z_f_df) = (v[FP], v[ZFP]);
    if std <= NARROW {
        // E[f f′] with f = f(m) + d and f′ = f′(m) + p̃, where E[d] = E[h p̃] − E[r]: what is odd around m is gone.
        let mean_d = std * v[E_P_MOVED] - v[R];
        f_df = pivot.f() * v[P] + pivot.df * mean_d + v[D_P_MOVED];
        if mean.abs() <= std {
            z_f_df = mean * f_df + square * (v[PP] + f_d2f);
        }
    }
    let raw = [2.0 * f_df / square, 2.0 * (v[FR] - pivot.f() * v[F]) / square / std];
    // Cov(f, f′), and of Var[f]/s² with f′h − (f − E f) = r + E[d]: E[(f − E f)(r + E[d])] = E[d r] − E[d]·E[r].
    let remainder = v[DR] - v[D] * v[R];
    let centered = [2.0 * (v[D_P_MOVED] - v[D] * v[P_MOVED]) / square, 2.0 * remainder / square / std];
    // Below the smallest number of full precision nothing is known of a result but that it is tiny.
    let tiny = f64::MIN_POSITIVE;
    let of_lambda =
        [(error(FF), v[FF]), (error(DD) + 2.0 * v[D].abs() * error(D), f_var), (error(PP), v[PP])]
            .map(|(error, value)| if value < tiny { 1.0 } else { error / value });
    let [f, p] = [v[FF], v[PP]].map(f64::sqrt);
    let others = [
        // The roots are no less than the moments themselves, except where a square underflows.
        (error(F), f.max(v[F].abs())),
        (error(P), p.max(v[P].abs())),
        (error(ZFP), (f * v[ZZPP].sqrt()).max(z_f_df.abs())),
        (f_d2f_error, f_d2f.abs().max(v[PP])),
        (error(ZZPP), v[ZZPP]),
        (error(FFPP), v[FFPP]),
    ]
    .map(|(error, scale)| error / scale.max(tiny));
    let error = of_lambda.into_iter().chain(others).fold(f64::EPSILON, f64::max).min(1.0);
    Ok(GaussianMoments {
        mean,
        std,
        f: v[F],
        f2: v[FF],
        f_var,
        df: v[P],
        df2: v[PP],
        z_f_df,
        f_d2f,
        z2_df2: v[ZZPP],
        f2_df2: v[FFPP],
        rho_gradient: raw,
        rho_centered_gradient: centered,
        rho_prime_gradient: [by_mean, by_std],
        route,
        error,
    })
}
