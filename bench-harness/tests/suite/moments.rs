//! `anact moments`: every number of an activation under a normal distribution.

use serde_json::Value;

use crate::program::{refuses, succeeds};

fn text(arguments: &str) -> String {
    succeeds(tempfile::tempdir().unwrap().path(), arguments)
}

fn json(arguments: &str) -> Value {
    serde_json::from_str(&text(arguments)).expect("one JSON object")
}

/// ReLU on N(0, s²): E[f²] = s²/2, E[f′²] = ½, λ = √2, a = 1, ∂λ/∂s = 0.
#[test]
fn relu_has_its_known_numbers() {
    let object = json("moments --activation relu --std 3 --json");
    let close = |value: &Value, want: f64| {
        let got = value.as_f64().unwrap_or_else(|| panic!("{value} in {object}"));
        assert!((got - want).abs() < 1e-14, "{got} {want}");
    };
    close(&object["f2"], 4.5);
    close(&object["rho_prime"], 0.5);
    close(&object["slope"], 1.0);
    close(&object["raw"]["lambda"], std::f64::consts::SQRT_2);
    close(&object["raw"]["lambda_by_std"], 0.0);
    assert_eq!(object["route"], "closed_form");
    let only = json("moments --activation relu --moment centered --json");
    assert!(only.get("raw").is_none() && only.get("centered").is_some(), "{only}");
}

#[test]
fn tables_and_the_list_name_the_route() {
    let table = text("moments --activation swish(1.702) --mean -0.5 --std 2");
    for part in ["swish(1.702)", "E[f² f′²]", "∂λ/∂m", "∂λ/∂s", "by quadrature", "error"] {
        assert!(table.contains(part), "no {part} in {table}");
    }
    let list = json("moments --json");
    assert_eq!((&list["closed_form"]["relu"], &list["closed_form"]["mish"]), (&true.into(), &false.into()));
    assert!(text("moments").contains("hard_swish"));
}

/// Its two equations, and the digits: all in JSON, six in tables.
#[test]
fn rivals_have_moments() {
    let object = json("moments --activation gp-tanh --json");
    for one in ["f2", "df2"] {
        let got = object[one].as_f64().unwrap();
        assert!((got - 1.0).abs() < 1e-12, "{one} {got}");
    }
    let table = text("moments --activation gp-tanh");
    assert!(table.lines().any(|line| line.starts_with("E[f²]") && line.ends_with(" 1.00000")), "{table}");
}

#[test]
fn wrong_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        ("moments --activation rleu", "relu"),
        ("moments --activation relu --std 0", "positive"),
        ("moments --activation relu --std -1", "positive"),
        ("moments --std -1", "--activation"),
        ("moments --mean 1 --json", "--activation"),
        ("moments --activation relu --mean NaN", "finite"),
        ("moments --activation relu --moment both", "centered"),
    ] {
        refuses(folder.path(), arguments, &[part]);
    }
}
