//! `anact factors` and what the command line says of rivals.

use serde_json::Value;
use std::collections::BTreeSet;

use crate::program::{refuses, succeeds};

fn stdout(arguments: &[&str]) -> String {
    succeeds(tempfile::tempdir().unwrap().path(), arguments)
}

/// By hand for ReLU at any width and exactly for tanh at unit variance (`tests/golden/rivals.json`).
#[test]
fn factors_are_printed_as_tables_that_fit_and_as_json() {
    let arguments = ["factors", "--std", "2", "--activations", "relu,tanh,swish(1.702),gp-elu"];
    let tables = stdout(&arguments);
    for tables in [&tables, &stdout(&["factors"])] {
        assert!(tables.lines().all(|line| line.chars().count() <= 100), "{tables}");
    }
    // No function here has a tailored rectifier, and a rival none at all.
    assert!(!tables.contains("tat"), "{tables}");
    assert!(!stdout(&["factors", "--activations", "gp-elu"]).contains("Rivals"));
    assert!(stdout(&["factors"]).contains("For z ~ N(0, 1): "));
    for part in ["For z ~ N(0, 2²)", "swish(1.702)", "gp-elu", "0.50000", "1.4142", "1.4674", "0.38854"] {
        assert!(tables.contains(part), "no {part} in:\n{tables}");
    }

    let json: Value = serde_json::from_str(&stdout(&[&arguments[..], &["--json"]].concat())).unwrap();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let near = |value: &Value, want: f64| {
        let got = value.as_f64().unwrap_or_else(|| panic!("{value} for {want}"));
        assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{got} {want}");
    };
    near(&rows[0]["rho"], 0.5);
    near(&rows[0]["rho_prime"], 0.5);
    near(&rows[0]["lambda"], std::f64::consts::SQRT_2);
    near(&rows[0]["slope"], 1.0);
    let rivals = &rows[1]["rivals"];
    assert_eq!(rows[0]["rivals"]["dks"], Value::Null);
    near(&rivals["gp"]["a"], 1.467413591630795);
    near(&rivals["gp"]["b"], 0.38854167006792795);
    near(&rows[1]["std"], 2.0);
    near(&rivals["gp"]["c"], 1.0);
    assert!(rivals["dks"]["c"].as_f64().unwrap() > 0.0);
    // Every rival of the registry is there, and no other.
    let known: BTreeSet<&str> = anact::rivals::RIVALS.iter().map(|r| r.prefix).collect();
    assert_eq!(rivals.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    assert!(known.iter().all(|p| *p == "tat" || tables.contains(&format!("{p} a"))), "{tables}");
    // A rival of a rival is none.
    assert_eq!((&rows[3]["activation"], &rows[3]["rivals"]["gp"]), (&Value::from("gp-elu"), &Value::Null));
}

#[test]
fn wrong_arguments_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], part: &str| {
        refuses(folder.path(), &[&["factors"], arguments].concat(), &[part]);
    };
    refused(&["--std", "0"], "standard deviation 0");
    refused(&["--std", "nan", "--activations", "relu"], "standard deviation NaN");
    refused(&["--mean", "inf", "--activations", "relu"], "mean inf");
    refused(&["--activations", "relu,tahn"], "did you mean tanh");
    refused(&["--activations", "ngp-tanh"], "normalizes a rival");
}

#[test]
fn rivals_are_listed_checked_and_trained() {
    let list = stdout(&["list", "activations"]);
    for prefix in ["gp", "sm, forward", "uv", "fixedc", "backward", "he", "dks", "tat"] {
        assert!(list.lines().any(|line| line.starts_with(prefix)), "no {prefix} in:\n{list}");
    }
    assert!(stdout(&["check", "--op", "affine"]).contains("all right"));

    // One step of training, looked at: its nodes carry the name and the numbers (mpmath: 1/√E[f′²] by quadrature).
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tape.json");
    let arguments = "inspect --model mlp --width 8 --train-images 256 --test-images 32 --activation gp-swish(1.702) --json";
    let arguments: Vec<&str> = arguments.split(' ').chain([file.to_str().unwrap()]).collect();
    stdout(&arguments);
    let tape = std::fs::read_to_string(&file).unwrap();
    assert!(
        tape.contains("gp-swish(1.702)") && tape.contains("1.4915·f(x) + 0.0675, f(x) = x·σ(βx)"),
        "{tape}"
    );
}
