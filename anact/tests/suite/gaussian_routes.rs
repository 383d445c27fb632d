//! Closed form, quadrature and a sample on a real tape: three routes to the same moments; and what must hold of them.

use anact::ForwardMoment::{Centered, Raw};
use anact::theory::{GaussianMoments, Route, gaussian_moments, has_closed_form};
use autograd::ops::activation::{ACTIVATIONS, Visitor, with_activation};
use autograd::random::{Purpose, Stream};
use autograd::{Elementwise, Keep, Tape, Tensor};
use proptest::prelude::*;

/// The same by quadrature alone.
fn by_quadrature(name: &str, mean: f64, std: f64) -> GaussianMoments {
    struct Integrate(f64, f64);
    impl Visitor for Integrate {
        type Output = GaussianMoments;
        fn visit<E: Elementwise>(self, activation: E) -> GaussianMoments {
            GaussianMoments::quadrature(&activation, self.0, self.1).unwrap()
        }
    }
    with_activation(name, Integrate(mean, std)).unwrap()
}

const PIECEWISE: [&str; 13] = [
    "identity",
    "relu",
    "leaky_relu(-0.3)",
    "leaky_relu(3)",
    "relu6",
    "elu(0.5)",
    "elu(1.7)",
    "selu",
    "celu(0.4)",
    "celu(3)",
    "hard_tanh",
    "hard_sigmoid",
    "hard_swish",
];

/// The piecewise functions say so, and pieces are f and df: at random points, and continuous at their ends, which are the
/// kinks.
#[test]
fn pieces_are_the_function() {
    struct Compare;
    impl Visitor for Compare {
        type Output = usize;
        fn visit<E: Elementwise>(self, function: E) -> usize {
            let Some(pieces) = function.pieces() else { return 0 };
            let ends: Vec<f64> = pieces.iter().map(|p| p.to).collect();
            assert_eq!(ends.last(), Some(&f64::INFINITY), "{function:?}");
            assert_eq!(ends[..ends.len() - 1], function.kinks(), "{function:?}");
            for pair in pieces.windows(2) {
                let (left, right) = (pair[0].at(pair[0].to).0, pair[1].at(pair[0].to).0);
                assert!((left - right).abs() < 1e-14, "{function:?}: {left} {right}");
            }
            let mut stream = Stream::new(5, Purpose::Probe, 0);
            for _ in 0..500 {
                let x = 4.0 * stream.normal();
                let (value, slope) = pieces.iter().find(|p| x <= p.to).unwrap().at(x);
                let y = function.f(x);
                assert!((value - y).abs() < 4e-15 * (1.0 + y.abs()), "{function:?} at {x}: {value} {y}");
                let want = function.df(x, y);
                assert!(
                    (slope - want).abs() < 4e-15 * (1.0 + want.abs()),
                    "{function:?} at {x}: {slope} {want}"
                );
            }
            1
        }
    }
    let count: usize = PIECEWISE.iter().map(|name| with_activation(name, Compare).unwrap()).sum();
    assert_eq!(count, PIECEWISE.len());
    for a in ACTIVATIONS {
        let is_known = PIECEWISE.iter().any(|p| p.split('(').next() == Some(a.name));
        assert_eq!(has_closed_form(a.name).unwrap(), is_known || a.name == "sin", "{}", a.name);
        assert_eq!(with_activation(a.name, Compare).unwrap() == 1, is_known, "{}", a.name);
    }
}

fn all(g: &GaussianMoments) -> [(&'static str, f64, f64); 9] {
    let (f, p) = (g.f2.sqrt(), g.df2.sqrt());
    [
        ("f", g.f, f),
        ("f2", g.f2, g.f2),
        ("f_var", g.f_var, g.f_var),
        ("df", g.df, p),
        ("df2", g.df2, g.df2),
        ("z_f_df", g.z_f_df, (g.f2 * g.z2_df2).sqrt()),
        ("f_d2f", g.f_d2f, g.df2),
        ("z2_df2", g.z2_df2, g.z2_df2),
        ("f2_df2", g.f2_df2, g.f2_df2),
    ]
}

/// Where nothing is extreme the piecewise functions take the closed form, and both routes agree.
#[test]
fn closed_forms_agree_with_quadrature() {
    for name in PIECEWISE {
        for (m, s) in [(0.0, 1.0), (0.7, 0.6), (-1.3, 1.1), (-4.0, 2.0), (2.5, 1.5)] {
            let (closed, numeric) = (gaussian_moments(name, m, s).unwrap(), by_quadrature(name, m, s));
            // Far out on the left hard swish is where its middle's powers cancel.
            assert!(
                closed.route == Route::ClosedForm || (name, m) == ("hard_swish", -4.0),
                "{name} at {m}, {s}"
            );
            assert_eq!(numeric.route, Route::Quadrature);
            for ((key, a, scale), (_, b, _)) in all(&closed).into_iter().zip(all(&numeric)) {
                assert!((a - b).abs() <= 1e-13 * scale, "{name} at {m}, {s}, {key}: {a} {b}");
            }
            for moment in [Raw, Centered] {
                let (a, b) =
                    (closed.lambda_gradient(moment).unwrap(), numeric.lambda_gradient(moment).unwrap());
                let scale = closed.lambda(moment).unwrap();
                assert!(
                    (a.0 - b.0).abs() <= 1e-13 * scale && (a.1 - b.1).abs() <= 1e-13 * scale,
                    "{name}: {a:?} {b:?}"
                );
            }
        }
    }
}

/// f² and f′² averaged over z drawn at random, f′ taken from the tape's gradient: within five standard errors.
#[test]
fn a_sample_on_a_tape_agrees() {
    const N: usize = 40_000;
    let mut stream = Stream::new(11, Purpose::Probe, 0);
    let e: Vec<f64> = (0..N).map(|_| stream.normal()).collect();
    for activation in ACTIVATIONS {
        let (m, s) = (-0.4, 1.3);
        let tape = Tape::new();
        let z = tape.variable(Tensor::vector(e.iter().map(|e| m + s * e).collect()));
        let y = z.activation(activation.name).unwrap();
        let ones = Tensor::vector(vec![1.0; N]);
        let slopes = tape.backward_from(y, ones, Keep::Leaves).unwrap().wrt(z).unwrap().clone();
        let g = gaussian_moments(activation.name, m, s).unwrap();
        let (y, z) = (y.value(), z.value());
        let columns: [(&str, f64, Vec<f64>); 5] = [
            ("f2", g.f2, y.data().iter().map(|y| y * y).collect()),
            ("df2", g.df2, slopes.data().iter().map(|d| d * d).collect()),
            ("z_f_df", g.z_f_df, (0..N).map(|i| z.data()[i] * y.data()[i] * slopes.data()[i]).collect()),
            ("z2_df2", g.z2_df2, (0..N).map(|i| (z.data()[i] * slopes.data()[i]).powi(2)).collect()),
            ("f2_df2", g.f2_df2, (0..N).map(|i| (y.data()[i] * slopes.data()[i]).powi(2)).collect()),
        ];
        for (key, want, sample) in columns {
            let mean = sample.iter().sum::<f64>() / N as f64;
            let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / N as f64;
            let error = (variance / N as f64).sqrt();
            assert!(
                (mean - want).abs() <= 5.0 * error + 1e-12,
                "{} {key}: {mean} {want} ± {error}",
                activation.name
            );
        }
    }
}

/// ∂λ/∂m and ∂λ/∂s against differences of λ of fourth order. Without the jumps of f′² at kinks they are far off.
#[test]
fn gradients_of_the_factor_are_its_differences() {
    let names = ACTIVATIONS.iter().map(|a| a.name).chain(["elu(0.5)", "leaky_relu(-0.3)", "celu(0.4)"]);
    for name in names {
        for (m, s) in [(0.3, 0.8), (-1.2, 1.7), (2.0, 0.5)] {
            for moment in [Raw, Centered] {
                let lambda = |m: f64, s: f64| gaussian_moments(name, m, s).unwrap().lambda(moment).unwrap();
                let difference = |f: &dyn Fn(f64) -> f64| {
                    let h = 1e-3;
                    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
                };
                let got = gaussian_moments(name, m, s).unwrap().lambda_gradient(moment).unwrap();
                let want = (difference(&|h| lambda(m + h, s)), difference(&|h| lambda(m, s + h)));
                for (got, want) in [(got.0, want.0), (got.1, want.1)] {
                    assert!(
                        (got - want).abs() <= 1e-8 * (1.0 + want.abs()),
                        "{name} at {m}, {s}: {got} {want}"
                    );
                }
            }
        }
    }
}

/// Closed forms that hold for m = 0, where functions without pieces have some. E[erf²], E[gelu²] and their derivatives'
/// by orthant probabilities (arcsine law); the rest by Stein's identity and completing squares.
#[test]
fn erf_and_gelu_meet_their_closed_forms() {
    use std::f64::consts::{PI, TAU};
    for s in [0.01, 0.3, 1.0, 2.0, 7.0, 50.0] {
        let v: f64 = s * s;
        let close = |what: &str, got: f64, want: f64| {
            assert!((got / want - 1.0).abs() < 1e-12, "{what} at s = {s}: {got} {want}");
        };
        let g = gaussian_moments("erf", 0.0, s).unwrap();
        close("erf²", g.f2, 2.0 / PI * (2.0 * v / (1.0 + 2.0 * v)).asin());
        close("erf′", g.df, 2.0 / PI.sqrt() / (1.0 + 2.0 * v).sqrt());
        close("erf′²", g.df2, 4.0 / PI / (1.0 + 4.0 * v).sqrt());
        let tilted = v / (1.0 + 4.0 * v);
        close("z² erf′²", g.z2_df2, 4.0 / PI / (1.0 + 4.0 * v).sqrt() * tilted);
        let square = 2.0 / PI * (2.0 * tilted / (1.0 + 2.0 * tilted)).asin();
        close("erf² erf′²", g.f2_df2, 4.0 / PI / (1.0 + 4.0 * v).sqrt() * square);
        let g = gaussian_moments("gelu", 0.0, s).unwrap();
        let (arc, root) = ((v / (1.0 + v)).asin(), (1.0 + 2.0 * v).sqrt());
        close("gelu", g.f, v / (TAU * (1.0 + v)).sqrt());
        close("gelu²", g.f2, v / 4.0 + v / TAU * (arc + 2.0 * v / ((1.0 + v) * root)));
        let slope = 0.25 + arc / TAU + v / (PI * (1.0 + v) * root) + v / (TAU * root.powi(3));
        close("gelu′²", g.df2, slope);
    }
}

/// The sine's are its characteristic function's: E[e^{itz}] = e^{itm − t²s²/2}.
#[test]
fn the_sine_meets_its_closed_form() {
    // A random phase: half of everything, at once.
    for s in [1e3, 1e6] {
        let g = gaussian_moments("sin", 0.3 * s, s).unwrap();
        let pairs = [(g.f, 0.0), (g.f2, 0.5), (g.f_var, 0.5), (g.df2, 0.5), (g.f2_df2, 0.125)];
        assert!(pairs.iter().all(|(got, want)| (got - want).abs() < 1e-15), "{pairs:?}");
        assert!((g.z2_df2 / (0.5 * 1.09 * s * s) - 1.0).abs() < 1e-15);
    }
    // Both routes meet where they change over.
    for m in [0.4, -1.0, 2.0] {
        let (closed, numeric) = (gaussian_moments("sin", m, 0.8).unwrap(), by_quadrature("sin", m, 0.8));
        assert_eq!((closed.route, numeric.route), (Route::ClosedForm, Route::Quadrature));
        for ((key, a, scale), (_, b, _)) in all(&closed).into_iter().zip(all(&numeric)) {
            assert!((a - b).abs() <= 1e-13 * scale, "{key} at {m}: {a} {b}");
        }
    }
    for (m, s) in [(0.4f64, 0.01f64), (0.4, 0.5), (-1.0, 1.3), (2.0, 4.0)] {
        let g = gaussian_moments("sin", m, s).unwrap();
        let (one, two) = ((-0.5 * s * s).exp(), (-2.0 * s * s).exp());
        assert!((g.f - one * m.sin()).abs() < 1e-14);
        assert!((g.f2 - 0.5 * (1.0 - two * (2.0 * m).cos())).abs() < 1e-14);
        assert!((g.df2 - 0.5 * (1.0 + two * (2.0 * m).cos())).abs() < 1e-14);
        assert!((g.f2_df2 - (1.0 - (-8.0 * s * s).exp() * (4.0 * m).cos()) / 8.0).abs() < 1e-14);
    }
}

proptest! {
    /// Both routes; Poincaré; λ between its one-sided answers; Stein with the distributional f″.
    #[test]
    fn what_must_hold_at_any_place(
        i in 0..PIECEWISE.len() + ACTIVATIONS.len(),
        e in -4.0..4.0f64,
        log_s in -5.0..5.0f64,
    ) {
        let name = if i < PIECEWISE.len() { PIECEWISE[i] } else { ACTIVATIONS[i - PIECEWISE.len()].name };
        // The sine oscillates too often for quadrature beyond.
        let s = log_s.exp();
        let m = e * s;
        let g = gaussian_moments(name, m, s).unwrap();
        if i < PIECEWISE.len() {
            for ((key, a, scale), (_, b, _)) in all(&g).into_iter().zip(all(&by_quadrature(name, m, s))) {
                prop_assert!((a - b).abs() <= 1e-12 * scale, "{name} at {m}, {s}, {key}: {a} {b}");
            }
        }
        // A bound, which counts every rounding fourfold: far out it may be ten times what the routes differ by at most.
        prop_assert!(g.error < 1e-11, "{name} at {m}, {s}: {:e}", g.error);
        prop_assert!(g.rho_centered() <= g.rho_prime() * (1.0 + 1e-12), "{name} at {m}, {s}: {g:?}");
        prop_assert!(g.rho_centered() <= g.rho() * (1.0 + 1e-12));
        for moment in [Raw, Centered] {
            let ratios = g.ratios(moment);
            let inverse = g.lambda(moment).unwrap().powi(-2);
            prop_assert!(inverse >= ratios.forward.min(ratios.backward) * (1.0 - 1e-12));
            prop_assert!(inverse <= ratios.forward.max(ratios.backward) * (1.0 + 1e-12));
        }
        // ∂ρ/∂m = 2E[f f′]/s².
        let f_df = 0.5 * g.rho_gradient[0] * s * s;
        let stein = m * f_df + s * s * (g.df2 + g.f_d2f);
        let size = (m * f_df).abs() + s * s * (g.df2 + g.f_d2f.abs());
        prop_assert!((g.z_f_df - stein).abs() <= 1e-12 * size, "{name} at {m}, {s}: {} {stein}", g.z_f_df);
    }

    /// λ(c·f) = λ(f)/|c|, on leaky ReLUs: −2·(x, a·x) is leaky of slope a times −2, and so by pieces and by hand.
    #[test]
    fn the_factor_of_a_line_is_its_inverse_slope(a in 0.01..100.0f64, m in -3.0..3.0f64, s in 0.1..10.0f64) {
        // Far on the left only the left slope is seen; the centred ratio of a·z is a².
        let g = gaussian_moments(&format!("leaky_relu({a})"), -40.0 * s - m.abs(), s).unwrap();
        prop_assert!((g.lambda(Centered).unwrap() * a - 1.0).abs() < 1e-12);
    }
}
