//! The rivals' numbers against mpmath and against published tables.

use anact::rivals::coefficients;
use anact::theory::compare;
use anact::{NormalizedSettings, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor};
use layers::{Context, Init, Initializer, Layer, Linear};

use crate::reference;

/// `tests/golden/rivals.json`: every gain of 20 activations, deep kernel shaping and tailored rectifiers at several
/// depths, from independent solutions with 30 digits.
#[test]
fn every_number_of_the_reference_is_met() {
    let mut worst = std::collections::BTreeMap::new();
    let mut close = |what: String, got: f64, want: f64, allowed: f64| {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error <= allowed, "{what}: {got} {want}");
        let kind = what.split_once(['-', '(']).map_or("", |(kind, _)| kind).to_string();
        let of_kind = worst.entry(kind).or_insert(0.0f64);
        *of_kind = of_kind.max(error);
    };
    let rows = reference::rivals();
    assert_eq!(rows.len(), 30);
    for row in &rows {
        let name = row.text("activation");
        let of = |prefix: &str| coefficients(&format!("{prefix}-{name}")).unwrap();
        if row.has("dks") {
            let depth = row.number("dks");
            let h = of(&format!("dks({depth})"));
            // Newton stops at residuals of 1e-12, and the conditions are flat in the numbers.
            let got = [("gamma", h.a), ("alpha", h.c), ("beta", h.d), ("delta", h.b / h.a)];
            for (key, got) in got {
                close(format!("dks({depth})-{name} {key}"), got, row.number(key), 1e-10);
            }
        } else if row.has("tat") {
            let h = of(&format!("tat({})", row.number("tat")));
            close(format!("tat-{name} slope"), h.parameter.unwrap(), row.number("slope"), 1e-13);
            close(format!("tat-{name} scale"), h.a, row.number("scale"), 1e-13);
        } else {
            let gp = of("gp");
            // 1 − a²Var f under the root of b: half of the digits are lost where f is nearly linear.
            close(format!("gp-{name} a"), gp.a, row.number("gp_a"), 1e-12);
            close(
                format!("gp-{name} b"),
                gp.b,
                row.number("gp_b"),
                if name == "identity" { 1e-7 } else { 1e-12 },
            );
            for prefix in ["sm", "uv", "fixed", "fixedc", "backward"] {
                close(format!("{prefix}-{name}"), of(prefix).a, row.number(prefix), 1e-12);
            }
            close(
                format!("fixedc-{name} b"),
                of("fixedc").b,
                -row.number("fixedc") * row.number("mean"),
                1e-12,
            );
        }
    }
    println!("worst relative errors {worst:?}");
}

/// The table of gains that NFNets use, made by sampling, whose three digits are what it is worth.
#[test]
fn the_gains_of_nfnets_are_these_variances() {
    let table = [
        ("celu", 1.270926833152771),
        ("elu", 1.2716004848480225),
        ("gelu", 1.7015043497085571),
        ("leaky_relu", 1.70590341091156),
        ("relu", 1.7139588594436646),
        ("relu6", 1.7131484746932983),
        ("selu", 1.0008515119552612),
        ("sigmoid", 4.803835391998291),
        ("swish", 1.7881293296813965),
        ("softplus", 1.9203323125839233),
        ("softsign", 2.338853120803833),
        ("tanh", 1.5939117670059204),
    ];
    for (name, gain) in table {
        let got = coefficients(&format!("uv-{name}")).unwrap().a;
        println!("{name}: exact {got:.6}, table off by {:.1e}", gain / got - 1.0);
        assert!((gain / got - 1.0).abs() < 2e-3, "{name}: {got} {gain}");
    }
}

/// With LeCun's initialisation a Gaussian–Poincaré normalized network keeps both moments, layer after layer, and the
/// theory knows it from the tape: it recognises the rival and predicts 1 where it measures about 1.
#[test]
fn a_network_of_rivals_is_predicted() {
    let normal = |shape: [usize; 2], index| {
        let (shape, mut stream) = (Shape::from(shape), Stream::new(11, Purpose::Probe, index));
        Tensor::<f64>::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
    };
    for name in ["gp-tanh", "gp-elu"] {
        let make = activation::<f64>(name, &NormalizedSettings::default()).unwrap();
        let mut init = Initializer::new(Init::LecunNormal, 3);
        let tape = Tape::new();
        let cx = Context::train(&tape, 0, 0);
        let mut y = tape.variable(normal([128, 256], 0));
        for layer in 0..4 {
            let _scope = tape.scope(&format!("fc{layer}"));
            y = Linear::new(256, 256, &mut init).forward(&cx, y).unwrap();
            y = make(256).forward(&cx, y).unwrap();
        }
        let gradients = tape.backward_from(y, normal([128, 256], 1), Keep::All).unwrap();
        let rows = compare(&tape, y, &gradients).unwrap();
        assert_eq!(rows.len(), 4);
        for row in &rows {
            assert_eq!(row.activation.as_deref(), Some(name));
            let (p, m) = (&row.predicted, &row.measured);
            // What is predicted starts from measured input and cotangents, 32,768 numbers: 2 % are 2.5 standard errors.
            for predicted in [p.rho, p.rho_prime, p.variance_z] {
                assert!((predicted.unwrap() - 1.0).abs() < 0.02, "{name} {}: {p:?}", row.layer);
            }
            for (p, m) in [(p.rho, m.rho), (p.rho_prime, m.rho_prime), (p.delta, m.delta)] {
                assert!((p.unwrap() / m.unwrap() - 1.0).abs() < 0.15, "{name} {}: {row:?}", row.layer);
            }
        }
    }
}
