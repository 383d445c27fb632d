//! Deep kernel shaping.

use autograd::{Error, Parameter, Result};

use super::{Coefficients, Curve, RivalEntry, positive};
use crate::theory::GaussianMoments;

/// ζ, the slope at 1 of the correlation map of a whole network.
const ZETA: f64 = 1.5;
/// The shifts among which the first approximation looks for its zeros, and how far apart: where activation functions
/// have their features.
const REACH: f64 = 4.0;
const STEP: f64 = 0.01;
/// What every condition must hold to in the end.
const RESIDUAL: f64 = 1e-11;
/// Newton's steps and halvings of one; from a start that leads somewhere it needs six steps.
const STEPS: usize = 30;
const HALVINGS: usize = 8;

/// h(x) = γ·(f(αx + β) + δ): input and output scaled and shifted so that a network of depth D keeps kernels in shape.
///
/// For x, y standard normal with correlation c, Q(q) = E\[h(√q·x)²\] maps second moments and C(c) = E\[h(x)h(y)\]
/// correlations. Four conditions at q = 1 fix the four numbers, ψ = ζ^(1/D) with ζ = 1.5:
///
/// - Q(1) = E\[h²\] = 1 and C(0) = E\[h\]² = 0: δ = −E\[f(αx + β)\] and γ = 1/√Var\[f(αx + β)\];
/// - Q′(1) = E\[x h h′\] = 1, since d√q/dq = ½ at 1: the logarithmic slope is 1, samples' norms do not drift apart;
/// - C′(1) = E\[h′²\] = ψ by Stein's lemma, so that D layers have ζ: nearly linear, but not quite.
///
/// The last two are solved for α and β by Newton's method with halved steps. Its starts come from the expansion for
/// small α: with f′, f″, f‴ at β, h = x + (αf″/2f′)(x² − 1) + (α²f‴/6f′)(x³ − 3x) + …, whence
/// Q′(1) − 1 = α²(f‴f′ + ½f″²)/f′² and C′(1) − 1 = α²f″²/(2f′²) up to O(α⁴): β from a zero of f‴f′ + ½f″² in ±4, and
/// α = √(2(ψ − 1))·|f′/f″|. Zeros nearest 0 are tried first (the positive one of a pair), then a few fixed shifts, which
/// serve functions that meet the conditions only across a kink (ELU, softsign). The first solution counts; all four
/// conditions are verified on it to 1e-11. Others may exist: an odd function has (α, −β) besides (α, β).
///
/// A function for which no start leads to a solution is an error. Positively homogeneous ones, ReLU and leaky ReLU, have
/// none: α and β enter h only as β/α, one number for two conditions (the rectifier's tailoring is `tat`). So has a
/// linear one, whose C′(1) is 1, and so may have any at small D, which asks for strong curvature.
///
/// Source: Martens, Ballard, Desjardins, Swirszcz, Dalibard, Sohl-Dickstein and Schoenholz, *Rapid training of deep
/// neural networks without skip connections or normalization layers using deep kernel shaping* (2021), for a network
/// whose every path has D activations.
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "dks",
    aliases: &[],
    about: "deep kernel shaping γ(f(αx + β) + δ) for depth D: dks(50)-tanh",
    source: "Martens et al. 2021",
    parameter: Some(Parameter { name: "D", default: 20.0, min: 1.0, max: 1e6 }),
    build,
};

fn build(f: &dyn Curve, depth: Option<f64>) -> Result<Coefficients> {
    let depth = super::whole_depth("dks", depth.unwrap_or(20.0))?;
    positive("dks", f, "Var[f]", f.moments(Coefficients::IDENTITY)?.f_var)?;
    let psi = ZETA.powf(1.0 / f64::from(depth));
    solve(f, psi)?.ok_or_else(|| Error::Argument {
        op: "dks",
        what: format!("no scale and shift found with which {} meets the four conditions for {depth} layers", f.label()),
        legal: "a function with curvature whose norm map can be balanced, such as tanh, softplus, gelu or swish, or \
                another depth; for leaky_relu there is tat"
            .into(),
    })
}

/// The four numbers for C′(1) = ψ; `None` where no start leads to a solution.
fn solve(f: &dyn Curve, psi: f64) -> Result<Option<Coefficients>> {
    for start in starts(f, psi) {
        let Some(point) = newton(f, psi, start)? else { continue };
        let (coefficients, moments) = shaped(f, point)?;
        if residuals(&moments, psi).into_iter().all(|r| r.abs() <= RESIDUAL) {
            return Ok(Some(coefficients));
        }
    }
    Ok(None)
}

/// What the four conditions miss.
fn residuals(h: &GaussianMoments, psi: f64) -> [f64; 4] {
    [h.f2 - 1.0, h.f, h.z_f_df - 1.0, h.df2 - psi]
}

/// Input scale α and shift β.
#[derive(Debug, Clone, Copy)]
struct Point {
    alpha: f64,
    beta: f64,
}

/// h for these α and β, with γ and δ from the first two conditions, and its moments.
fn shaped(f: &dyn Curve, Point { alpha, beta }: Point) -> Result<(Coefficients, GaussianMoments)> {
    let moved = Coefficients { c: alpha, d: beta, ..Coefficients::IDENTITY };
    let m = f.moments(moved)?;
    let gamma = 1.0 / m.f_var.sqrt();
    let h = Coefficients { a: gamma, b: -gamma * m.f, ..moved };
    Ok((h, f.moments(h)?))
}

/// Q′(1) − 1 and C′(1) − ψ.
fn conditions(f: &dyn Curve, psi: f64, point: Point) -> Result<[f64; 2]> {
    let Point { alpha, beta } = point;
    let moved = Coefficients { c: alpha, d: beta, ..Coefficients::IDENTITY };
    // Where f does not vary, no factor gives it unit variance; the search goes elsewhere.
    if f.moments(moved)?.f_var < f64::MIN_POSITIVE {
        return Ok([f64::INFINITY; 2]);
    }
    let [_, _, q, c] = residuals(&shaped(f, point)?.1, psi);
    Ok([q, c])
}

fn largest(r: [f64; 2]) -> f64 {
    // NaN, from a variance of 0, is no improvement on anything.
    if r.iter().all(|x| x.is_finite()) { r[0].abs().max(r[1].abs()) } else { f64::INFINITY }
}

/// Newton's method in α and β with central differences for derivatives; `None` where it comes to a halt.
fn newton(f: &dyn Curve, psi: f64, start: Point) -> Result<Option<Point>> {
    let mut at = start;
    let mut here = conditions(f, psi, at)?;
    for _ in 0..STEPS {
        if largest(here) <= 0.1 * RESIDUAL {
            return Ok(Some(at));
        }
        let (h_alpha, h_beta) = (1e-5 * at.alpha, 1e-5 * at.beta.abs().max(at.alpha));
        let difference = |up: Point, down: Point, h: f64| -> Result<[f64; 2]> {
            let (up, down) = (conditions(f, psi, up)?, conditions(f, psi, down)?);
            Ok([0, 1].map(|i| (up[i] - down[i]) / (2.0 * h)))
        };
        let alpha = |alpha| Point { alpha, ..at };
        let beta = |beta| Point { beta, ..at };
        let by_alpha = difference(alpha(at.alpha + h_alpha), alpha(at.alpha - h_alpha), h_alpha)?;
        let by_beta = difference(beta(at.beta + h_beta), beta(at.beta - h_beta), h_beta)?;
        let determinant = by_alpha[0] * by_beta[1] - by_beta[0] * by_alpha[1];
        let step = [
            (by_beta[0] * here[1] - by_beta[1] * here[0]) / determinant,
            (by_alpha[1] * here[0] - by_alpha[0] * here[1]) / determinant,
        ];
        if !(step[0].is_finite() && step[1].is_finite()) {
            return Ok(None);
        }
        let mut share = 1.0;
        let mut better = None;
        for _ in 0..HALVINGS {
            let there = Point { alpha: at.alpha + share * step[0], beta: at.beta + share * step[1] };
            if there.alpha > 0.0 {
                let r = conditions(f, psi, there)?;
                if largest(r) < largest(here) {
                    better = Some((there, r));
                    break;
                }
            }
            share *= 0.5;
        }
        let Some(next) = better else {
            // As good as rounding lets it be, or stuck: the caller's verification tells.
            return Ok((largest(here) <= RESIDUAL).then_some(at));
        };
        (at, here) = next;
    }
    Ok(None)
}

/// Where Newton's method may begin, the most promising first.
fn starts(f: &dyn Curve, psi: f64) -> Vec<Point> {
    let size = (2.0 * (psi - 1.0)).sqrt();
    let balance = |beta: f64| {
        let [d1, d2, d3] = f.derivatives(beta);
        d3 * d1 + 0.5 * d2 * d2
    };
    let count = (REACH / STEP).round() as i32;
    let grid: Vec<f64> = (-count..count).map(|i| (f64::from(i) + 0.5) * STEP).collect();
    let mut starts: Vec<Point> = grid
        .windows(2)
        .filter(|b| balance(b[0]) * balance(b[1]) < 0.0)
        .filter_map(|b| {
            let beta = 0.5 * (b[0] + b[1]);
            let [d1, d2, _] = f.derivatives(beta);
            let alpha = size * (d1 / d2).abs();
            (alpha.is_finite() && alpha > 0.0).then_some(Point { alpha, beta })
        })
        .collect();
    starts.sort_by(|x, y| x.beta.abs().total_cmp(&y.beta.abs()).then(y.beta.total_cmp(&x.beta)));
    starts.extend([0.5, -0.5, 1.0, -1.0].map(|s| Point { alpha: size, beta: s * size }));
    starts.extend([0.5, -0.5].map(|beta| Point { alpha: 0.5, beta }));
    starts
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;
    use super::*;
    use autograd::ops::activation::{Softplus, Tanh};

    /// All four conditions, by the quadrature of h itself.
    #[test]
    fn every_condition_holds() {
        let mut worst = 0.0f64;
        for (name, depth) in
            [("tanh", 20), ("tanh", 1), ("softplus", 50), ("swish", 20), ("mish", 3), ("elu", 10)]
        {
            let c = coefficients(&format!("dks({depth})-{name}")).unwrap();
            let h = autograd::ops::activation::with_activation(name, Moments(c)).unwrap();
            for r in residuals(&h, 1.5f64.powf(1.0 / f64::from(depth))) {
                assert!(r.abs() < 1e-10, "{name} for {depth} layers: {r:e}");
                worst = worst.max(r.abs());
            }
        }
        println!("worst residual {worst:.1e}");
    }

    struct Moments(Coefficients);
    impl autograd::ops::activation::Visitor for Moments {
        type Output = GaussianMoments;
        fn visit<E: autograd::Elementwise>(self, f: E) -> GaussianMoments {
            f.moments(self.0).unwrap()
        }
    }

    /// The test suite of the authors' library has these numbers (input scale and shift, output shift and scale; its
    /// own test compares 7 decimals) for ζ = 1.2 in a network of 33 residual blocks of weights 0.36 and 0.64. Its ψ is
    /// not among them but follows: a slope map multiplies by ψ, so that of the network is a polynomial in ψ.
    #[test]
    fn the_authors_numbers() {
        let network = |psi: f64| {
            let mut slope = 1.0;
            for blocks in [3, 4, 23, 3] {
                for j in 0..blocks {
                    let shortcut = if j == 0 { psi * slope } else { slope };
                    slope = 0.36 * shortcut + 0.64 * psi.powi(3) * slope;
                }
            }
            psi * slope
        };
        let (mut low, mut high) = (1.0, 1.2);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if network(middle) < 1.2 { low = middle } else { high = middle }
        }
        let softplus = [0.18761008168267976, 0.40688063442262007, -0.9213466151411376, 8.878672543665223];
        let tanh = [0.07461073057540868, 0.5566915199964182, -0.5034378768692127, 18.002635964442558];
        for (f, want) in [(&Softplus as &dyn Curve, softplus), (&Tanh, tanh)] {
            let h = solve(f, low).unwrap().unwrap();
            let got = [h.c, h.d, h.b / h.a, h.a];
            for (got, want) in got.into_iter().zip(want) {
                // Theirs is a plain rule with 10⁵ nodes and a solver of its own tolerance.
                assert!((got - want).abs() < 1e-6 * want.abs(), "{}: {got} {want}", f.label());
            }
        }
    }

    #[test]
    fn what_has_no_solution_is_refused() {
        for name in ["dks-relu", "dks-leaky_relu", "dks-identity", "dks-hard_tanh", "dks(1)-softplus"] {
            let text = coefficients(name).unwrap_err().to_string();
            assert!(text.contains("four conditions"), "{name}: {text}");
        }
        assert!(coefficients("dks(1e9)-tanh").unwrap_err().to_string().contains("from 1 to"));
    }
}
