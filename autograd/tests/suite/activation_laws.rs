//! What holds for every registered activation: special arguments, huge arguments, f32 near f64, names.

use autograd::ops::activation::{ACTIVATIONS, ActivationEntry, Visitor, with_activation};
use autograd::{Dual, Elementwise, Error, Scalar, Tape, Tensor};
use proptest::prelude::*;

/// f, f′ and f″ at a number, in the scalar type asked for.
struct At<S>(S);
impl<S: Scalar> Visitor for At<S> {
    type Output = [S; 3];
    fn visit<E: Elementwise>(self, e: E) -> [S; 3] {
        let y = e.f(self.0);
        [y, e.df(self.0, y), e.d2f(self.0, y)]
    }
}

fn at<S: Scalar>(name: &str, x: S) -> [S; 3] {
    with_activation(name, At(x)).unwrap()
}

/// The jets that functions write for themselves are f, f′ and f″: up to the digits that `df` and `d2f` lose where they are
/// made from a y near 1.
#[test]
fn every_jet_is_the_function() {
    struct Compare(f64);
    impl Visitor for Compare {
        type Output = ();
        fn visit<E: Elementwise>(self, e: E) {
            let (x, jet) = (self.0, e.jet(self.0));
            let y = e.f(x);
            let lost = 1.0 / (1.0 - y * y).abs().max(1e-12) + x * x;
            let pairs = [(jet.f(), y, 1.0), (jet.df, e.df(x, y), lost), (jet.d2f, e.d2f(x, y), lost)];
            for (k, (got, want, lost)) in pairs.into_iter().enumerate() {
                // f″ near its root is a difference of numbers near 1 on either way.
                let allowed = f64::EPSILON * (4.0 + x * x + 4.0 * lost) * want.abs()
                    + f64::EPSILON * if k == 2 { 1.0 } else { 1e-2 };
                assert!((got - want).abs() <= allowed, "{e:?} at {x}, derivative {k}: {got} {want}");
            }
        }
    }
    for name in members() {
        for x in [0.0, 1.0, -1.0, 1e-9, -1e-9, 0.5, -0.5, 0.999, -0.999, 1.001, -1.001, 2.0, -2.0, 6.0, -6.0]
        {
            with_activation(&name, Compare(x)).unwrap();
        }
        for i in 0..400 {
            with_activation(&name, Compare(0.05 * f64::from(i) - 10.0)).unwrap();
        }
    }
}

/// What a saturated function still holds beside its limit, and its slopes: mpmath, 300 digits.
#[test]
fn jets_keep_their_digits_in_the_tails() {
    struct Ask(f64);
    impl Visitor for Ask {
        type Output = autograd::Jet;
        fn visit<E: Elementwise>(self, e: E) -> autograd::Jet {
            e.jet(self.0)
        }
    }
    for (name, x, limit, want) in TAILS {
        let jet = with_activation(name, Ask(*x)).unwrap();
        assert_eq!(jet.limit, *limit, "{name} at {x}");
        for (got, want) in [jet.rest, jet.df, jet.d2f].iter().zip(want) {
            let error = (got / want - 1.0).abs();
            assert!(
                error <= f64::EPSILON * (4.0 + x.abs() * x.abs().min(20.0)),
                "{name} at {x}: {got:e} {want:e}"
            );
        }
    }
}

const TAILS: &[(&str, f64, f64, [f64; 3])] = &[
    ("sigmoid", -40.0, 0.0, [4.248354255291589e-18, 4.248354255291589e-18, 4.248354255291589e-18]),
    ("sigmoid", 20.0, 1.0, [-2.0611536181902037e-9, 2.061153613941849e-9, -2.061153605445141e-9]),
    ("sigmoid", 300.0, 1.0, [-5.148200222412013e-131, 5.148200222412013e-131, -5.148200222412013e-131]),
    ("tanh", -40.0, -1.0, [3.6097027756908306e-35, 7.219405551381661e-35, 1.4438811102763322e-34]),
    ("tanh", 20.0, 1.0, [-8.496708510583178e-18, 1.6993417021166355e-17, -3.398683404233271e-17]),
    ("tanh", 300.0, 1.0, [-5.3007931060086215e-261, 1.0601586212017243e-260, -2.1203172424034486e-260]),
    ("erf", -20.0, -1.0, [5.395865611607901e-176, 2.1610374743867984e-174, 8.644149897547193e-173]),
    ("erf", 5.0, 1.0, [-1.537459794428035e-12, 1.5670866531017336e-11, -1.5670866531017336e-10]),
    ("softsign", -40.0, -1.0, [0.024390243902439025, 0.000594883997620464, 2.9018731591242145e-5]),
    ("softsign", 1e6, 1.0, [-9.99999000001e-7, 9.99998000003e-13, -1.999994000012e-18]),
];

/// Every activation, and two more members of every family.
fn members() -> Vec<String> {
    let mut names = Vec::new();
    for a in ACTIVATIONS {
        names.push(a.name.to_string());
        if let Some(p) = a.parameter {
            names.extend([0.3, 1.7].map(|factor| format!("{}({})", a.name, p.default * factor)));
        }
    }
    names
}

/// Values and first derivatives at −∞ and at ∞: limits by hand. λ and λα of SELU by mpmath.
const LIMITS: &[(&str, [f64; 2], [f64; 2])] = &[
    ("identity", [-INF, 1.0], [INF, 1.0]),
    ("relu", [0.0, 0.0], [INF, 1.0]),
    ("leaky_relu", [-INF, 0.01], [INF, 1.0]),
    ("relu6", [0.0, 0.0], [6.0, 0.0]),
    ("elu", [-1.0, 0.0], [INF, 1.0]),
    ("selu", [-1.7580993408473766, 0.0], [INF, 1.0507009873554805]),
    ("celu", [-1.0, 0.0], [INF, 1.0]),
    ("gelu", [0.0, 0.0], [INF, 1.0]),
    ("gelu_tanh", [0.0, 0.0], [INF, 1.0]),
    ("swish", [0.0, 0.0], [INF, 1.0]),
    ("mish", [0.0, 0.0], [INF, 1.0]),
    ("softplus", [0.0, 0.0], [INF, 1.0]),
    ("sigmoid", [0.0, 0.0], [1.0, 0.0]),
    ("tanh", [-1.0, 0.0], [1.0, 0.0]),
    ("softsign", [-1.0, 0.0], [1.0, 0.0]),
    ("erf", [-1.0, 0.0], [1.0, 0.0]),
    ("sin", [NAN, NAN], [NAN, NAN]),
    ("hard_tanh", [-1.0, 0.0], [1.0, 0.0]),
    ("hard_sigmoid", [0.0, 0.0], [1.0, 0.0]),
    ("hard_swish", [0.0, 0.0], [INF, 1.0]),
];
const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

#[test]
fn infinities_give_the_limits() {
    let same = |got: f64, want: f64| got == want || (got.is_nan() && want.is_nan());
    for (name, left, right) in LIMITS {
        for (x, want) in [(-INF, left), (INF, right)] {
            let [y, d, d2] = at(name, x);
            let want_second = if want[1].is_nan() { NAN } else { 0.0 };
            assert!(
                same(y, want[0]) && same(d, want[1]) && same(d2, want_second),
                "{} at {x}: {y}, {d}, {d2}, want {want:?}",
                name
            );
            let [y, d, d2] = at(name, x as f32);
            let near = |got: f32, want: f64| same(f64::from(got), f64::from(want as f32));
            assert!(
                near(y, want[0]) && near(d, want[1]) && near(d2, want_second),
                "{} at {x} in f32: {y}, {d}, {d2}",
                name
            );
        }
    }
    // The exceptions that are written down.
    assert!(at("leaky_relu(0)", -INF)[0].is_nan());
    assert!(at("swish(0)", INF)[0].is_nan());
}

#[test]
fn nan_in_gives_nan_out() {
    for name in members() {
        assert!(at(&name, NAN)[0].is_nan(), "{name}");
        assert!(at(&name, f32::NAN)[0].is_nan(), "{name}");
        assert!(at(&name, Dual::new(NAN, 1.0))[0].value.is_nan(), "{name}");
    }
}

/// Powers of ten from 1e-300 to 1e30 and their neighbourhood, of both signs.
#[test]
fn nothing_overflows() {
    let sizes = (-300..30).flat_map(|k| [1.0, 1.7, 2.9, 4.3, 7.1].map(|m| m * 10f64.powi(k))).chain([1e30]);
    let arguments: Vec<f64> = sizes.flat_map(|x| [x, -x]).chain([0.0, -0.0]).collect();
    for name in members() {
        for &x in &arguments {
            let plain = at(&name, x);
            assert!(plain.iter().all(|v| v.is_finite()), "{name} at {x:e}: {plain:?}");
            let dual = at(&name, Dual::new(x, 1.0));
            assert!(dual.iter().all(|v| Scalar::is_finite(*v)), "{name} at {x:e}: {dual:?}");
            let single = at(&name, x as f32);
            assert!(single.iter().all(|v| v.is_finite()), "{name} at {x:e} in f32: {single:?}");
        }
    }
}

/// At kinks and at 0, where branches meet, a dual number's tangent is the documented derivative.
#[test]
fn tangents_at_branch_points_follow_the_convention() {
    for a in ACTIVATIONS {
        for &x in a.kinks.iter().chain(&[0.0]) {
            let [y, d, _] = at(a.name, Dual::new(x, 1.0));
            let [_, want, want_second] = at(a.name, x);
            let close = |got: f64, want: f64| (got - want).abs() <= 4.0 * f64::EPSILON * want.abs();
            assert!(close(y.tangent, want), "{} at {x}: {} {want}", a.name, y.tangent);
            assert!(close(d.tangent, want_second), "{} at {x}: {} {want_second}", a.name, d.tangent);
        }
    }
}

proptest! {
    #[test]
    fn finite_everywhere_and_f32_near_f64(x in -50.0f32..50.0) {
        for name in members() {
            let double = at(&name, f64::from(x));
            let single = at(&name, x);
            prop_assert!(double.iter().all(|v| v.is_finite()), "{} at {}: {:?}", name, x, double);
            prop_assert!(single.iter().all(|v| v.is_finite()), "{} at {}: {:?}", name, x, single);
            let error = (f64::from(single[0]) - double[0]).abs();
            prop_assert!(error <= 1e-6 * double[0].abs().max(1.0), "{name} at {x}: {single:?} {double:?}");
        }
    }

    /// The derivative of each by the other route, also far outside the checker's interval.
    #[test]
    fn tangents_are_the_derivatives(x in -50.0f64..50.0) {
        for name in members() {
            let [y, d, _] = at(&name, Dual::new(x, 1.0));
            let [_, want, want_second] = at(&name, x);
            prop_assert!((y.tangent - want).abs() <= 1e-13, "{} at {}: {} {}", name, x, y.tangent, want);
            let error = (d.tangent - want_second).abs();
            prop_assert!(error <= 1e-13 * want_second.abs().max(1.0), "{name} at {x}: {d:?} {want_second}");
        }
    }
}

struct Label;
impl Visitor for Label {
    type Output = String;
    fn visit<E: Elementwise>(self, e: E) -> String {
        e.label()
    }
}

#[test]
fn names_parameters_and_aliases_resolve() {
    let resolve = |name: &str| with_activation(name, Label);
    for a in ACTIVATIONS {
        assert_eq!(resolve(a.name).unwrap(), a.name);
        for alias in a.aliases {
            assert_eq!(resolve(alias).unwrap(), a.name);
        }
        if let Some(p) = a.parameter {
            // A bare name is the member with the default parameter.
            assert_eq!(resolve(&format!("{}({})", a.name, p.default)).unwrap(), a.name);
            let other = format!("{}(0.3)", a.name);
            assert_eq!(resolve(&other).unwrap(), other);
        } else {
            assert!(matches!(resolve(&format!("{}(1)", a.name)), Err(Error::Argument { .. })));
        }
    }
    let mut names: Vec<_> =
        ACTIVATIONS.iter().flat_map(|a| [a.name].into_iter().chain(a.aliases.iter().copied())).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name is taken twice: {names:?}");

    assert_eq!(resolve("silu(1.702)").unwrap(), "swish(1.702)");
    let named = |name| ActivationEntry::named(name).map(|a| a.name);
    assert_eq!((named("silu(1.702)"), named("nswish"), named("(1)")), (Some("swish"), None, None));
    assert!(resolve("celu(0)").is_err());
    assert!(resolve("elu(-1)").unwrap_err().to_string().contains("0 to 1000000"));
    assert!(resolve("siluu").unwrap_err().to_string().contains("silu"));

    let tape = Tape::<f64>::new();
    let x = tape.constant(Tensor::vector(vec![-1.0, 2.0]));
    assert_eq!(x.activation("silu").unwrap().value(), x.activation("swish").unwrap().value());
}
