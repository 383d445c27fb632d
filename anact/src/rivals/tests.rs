//! Names, and what every rival promises of its moments.

use autograd::ops::activation::{ACTIVATIONS, Swish};
use autograd::{Keep, Shape, Tape, Tensor};
use layers::Context;
use proptest::prelude::*;

use super::*;
use crate::theory::gaussian_moments;
use crate::{NormalizedSettings, activation};

struct Label;
impl Visitor for Label {
    type Output = String;
    fn visit<E: Elementwise>(self, activation: E) -> String {
        activation.label()
    }
}

fn label(name: &str) -> String {
    with_frozen(name, Label).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn refusal(name: &str) -> String {
    activation::<f32>(name, &NormalizedSettings::default())
        .err()
        .unwrap_or_else(|| panic!("{name}"))
        .to_string()
}

/// A label is a name again, and the same one.
#[test]
fn names_and_labels() {
    let rows = [
        ("gp-tanh", "gp-tanh"),
        ("gp-swish(1.702)", "gp-swish(1.702)"),
        ("uv-leaky_relu(-0.5)", "uv-leaky_relu(-0.5)"),
        ("forward-silu", "sm-swish"),
        ("he-gelu", "he-gelu"),
        ("dks(20)-tanh", "dks-tanh"),
        ("dks( 50 )-tanh", "dks(50)-tanh"),
        ("tat(30)-leaky_relu", "tat(30)-leaky_relu"),
        ("swish(1.702)", "swish(1.702)"),
    ];
    for (name, want) in rows {
        assert_eq!(label(name), want);
        assert_eq!(label(want), want);
    }
}

#[test]
fn what_is_wrong_with_a_name_is_said() {
    let rows: [(&str, &[&str]); 12] = [
        ("gpp-tanh", &["unknown prefix", "`gpp`", "did you mean gp"]),
        ("gp-tahn", &["unknown activation `tahn`", "tanh"]),
        ("hard-swish", &["unknown activation `hard-swish`", "hard_swish"]),
        ("ngp-tanh", &["`ngp-tanh` normalizes a rival", "`ntanh` or `gp-tanh`", "λ(a·f) = λ(f)/|a|"]),
        ("gp-ntanh", &["changes as it learns", "gp-tanh"]),
        ("gp-prelu", &["changes as it learns"]),
        ("gp-sm-tanh", &["two prefixes"]),
        ("gp(2)-tanh", &["takes none"]),
        ("dks(x)-tanh", &["number D", "from 1"]),
        ("gp-relu(3)", &["no parameter"]),
        ("gp-", &["unknown activation"]),
        ("-tanh", &["unknown prefix"]),
    ];
    for (name, parts) in rows {
        let text = refusal(name);
        assert!(parts.iter().all(|part| text.contains(part)), "{name}: {text}");
    }
    assert!(coefficients("tanh").unwrap_err().to_string().contains("gp-tanh"));
}

/// 0·x: every moment is 0.
#[test]
fn a_constant_function_has_no_rival_but_he() {
    let zero = autograd::ops::Scale(0.0);
    for rival in RIVALS.iter().filter(|r| r.prefix != "he") {
        let text = (rival.build)(&zero, None).unwrap_err().to_string();
        assert!(text.starts_with(rival.prefix), "{text}");
    }
}

#[test]
fn prefixes_are_unique_and_plain() {
    let mut seen = std::collections::BTreeSet::new();
    for rival in RIVALS {
        assert!(!rival.about.is_empty() && !rival.source.is_empty());
        for prefix in [rival.prefix].iter().chain(rival.aliases) {
            assert!(seen.insert(*prefix), "{prefix} is registered twice");
            assert!(prefix.chars().all(|c| c.is_ascii_lowercase()), "{prefix}");
            // Or `n…` would be the twin of something.
            assert!(!prefix.starts_with('n') && !is_activation(prefix), "{prefix}");
        }
    }
}

/// What holds for standard normal input, by the quadrature of the finished function, for every registered f.
#[test]
fn every_promise_holds_for_every_activation() {
    let mut worst = 0.0f64;
    for a in ACTIVATIONS {
        let m = |prefix: &str| gaussian_moments(&format!("{prefix}-{}", a.name), 0.0, 1.0).unwrap();
        let mut one = |what: &str, x: f64| {
            assert!((x - 1.0).abs() < 1e-12, "{what} of {}: {x}", a.name);
            worst = worst.max((x - 1.0).abs());
        };
        one("gp E[h²]", m("gp").f2);
        one("gp E[h′²]", m("gp").df2);
        one("sm E[h²]", m("sm").f2);
        one("uv Var[h]", m("uv").f_var);
        one("backward E[h′²]", m("backward").df2);
        one("fixed λ", m("fixed").lambda(crate::ForwardMoment::Raw).unwrap());
        one("fixedc λ", m("fixedc").lambda(crate::ForwardMoment::Centered).unwrap());
        one("1 + fixedc E[h]", 1.0 + m("fixedc").f);
    }
    println!("worst {worst:.1e}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Both equations of `gp`, and the one of the others, over whole families.
    #[test]
    fn every_promise_holds_for_every_member(beta in -4.0..4.0f64, alpha in 0.1..4.0f64) {
        for f in [format!("swish({beta})"), format!("elu({alpha})"), format!("leaky_relu({beta})")] {
            let m = |prefix: &str| gaussian_moments(&format!("{prefix}-{f}"), 0.0, 1.0).unwrap();
            let gp = m("gp");
            for one in [gp.f2, gp.df2, m("sm").f2, m("uv").f_var, m("backward").df2] {
                prop_assert!((one - 1.0).abs() < 1e-12, "{}: {}", f, one);
            }
        }
    }

    /// The rival of s·f is the rival of f, s > 0: a is divided by s, the rest stays.
    #[test]
    fn rivals_do_not_see_the_scale_of_a_function(s in 0.05..20.0f64, is_deep in any::<bool>()) {
        let scaled = Affine::new(Swish::default(), Coefficients::scale(s));
        let undo = |r: &&RivalEntry| match r.prefix {
            "he" | "tat" => false,
            "dks" => is_deep,
            _ => true,
        };
        for rival in RIVALS.iter().filter(undo) {
            let plain = (rival.build)(&Swish::default(), None).unwrap();
            let other = (rival.build)(&scaled, None).unwrap();
            // Newton's method ends at residuals of 1e-12.
            let allowed = if rival.prefix == "dks" { 1e-9 } else { 1e-12 };
            for (got, want) in [(other.a * s, plain.a), (other.b, plain.b), (other.c, plain.c), (other.d, plain.d)] {
                prop_assert!((got - want).abs() < allowed * want.abs().max(1.0), "{}: {} {}", rival.prefix, got, want);
            }
        }
    }
}

/// The same through the tape: 100,000 normal numbers forwards, slopes backwards, within 5 standard errors.
#[test]
fn the_tape_agrees_within_its_error() {
    let n = 100_000;
    let mut stream = autograd::random::Stream::new(9, autograd::random::Purpose::Probe, 0);
    let z = Tensor::filled(Shape::from([n]), (0..n).map(|_| stream.normal()).collect());
    let mut worst = 0.0f64;
    let mut near_one = |name: &str, what: &str, squares: Vec<f64>| {
        let mean = squares.iter().sum::<f64>() / n as f64;
        let variance = squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n as f64;
        let errors = (mean - 1.0).abs() / (variance / n as f64).sqrt().max(1e-12);
        assert!(errors < 5.0, "{name}: {what} is {mean}, {errors} standard errors from 1");
        worst = worst.max(errors);
    };
    for name in
        ["gp-tanh", "gp-elu", "gp-hard_swish", "sm-swish", "sm-hard_tanh", "dks-tanh", "tat-leaky_relu"]
    {
        let tape = Tape::<f64>::new();
        let x = tape.variable(z.clone());
        let mut layer = activation(name, &NormalizedSettings::default()).unwrap()(1);
        let y = layer.forward(&Context::train(&tape, 0, 0), x).unwrap();
        assert_eq!((y.op_name(), y.op_text().as_str()), (NAME, name));
        near_one(name, "E[h²]", y.value().data().iter().map(|y| y * y).collect());
        let slopes = tape.backward(y.sum_all(), Keep::Leaves).unwrap().wrt(x).unwrap();
        let target = if name == "dks-tanh" { 1.5f64.powf(1.0 / 20.0) } else { 1.0 };
        if !name.starts_with("sm") {
            near_one(name, "E[h′²]", slopes.data().iter().map(|s| s * s / target).collect());
        }
    }
    println!("worst {worst:.1} standard errors");
}
