//! `anact compare` and `anact report` on the records of finished runs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{anact, refuses, succeeds, text};

/// The folder of a run of this activation and seed with this test accuracy; without one it is not finished.
fn run(folder: &Path, activation: &str, seed: u64, accuracy: Option<f64>) {
    run_with(folder, activation, seed, accuracy, &json!({ "model": "mlp", "dataset": "cifar10" }));
}

fn run_with(folder: &Path, activation: &str, seed: u64, accuracy: Option<f64>, settings: &Value) {
    let folder = folder.join(format!("{activation}-{seed}"));
    fs::create_dir_all(&folder).unwrap();
    let mut settings = settings.clone();
    settings["activation"] = activation.into();
    settings["seed"] = seed.into();
    let card = json!({
        "settings": settings, "input": [3, 32, 32], "classes": ["cat", "dog"], "mean": [0.5], "deviation": [0.5],
    });
    fs::write(folder.join("model.json"), card.to_string()).unwrap();
    // As the first version wrote it: no command, no digest of the data, no confusion.
    let data = json!({ "checks": [], "remarks": ["not the official pixels"] });
    let mut lines = vec![json!({ "kind": "config", "settings": settings, "data": data })];
    if let Some(accuracy) = accuracy {
        let test = json!({ "loss": 1.0 - accuracy, "accuracy": accuracy, "top5": 1.0, "images": 100 });
        lines.push(
            json!({ "kind": "result", "activation": activation, "seed": seed, "test": test, "best": null }),
        );
    }
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("record.jsonl"), lines).unwrap();
}

/// Four pairs, whose differences are 1, 2, 4 and 3 points. Python's `statistics` gives the mean 2.5 and its error
/// 0.6454972243679028; with the quantile 3.18244630528370959… of Student's t (3 degrees of freedom, mpmath) the interval is
/// 0.44573974323947807 to 4.554260256760521.
fn four_pairs(folder: &Path) {
    for (seed, points) in (1..).zip([1.0, 2.0, 4.0, 3.0]) {
        run(folder, "relu", seed, Some(0.5));
        run(folder, "nrelu", seed, Some(0.5 + points / 100.0));
    }
}

#[test]
fn a_comparison_says_the_same_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    four_pairs(&folder.join("runs"));
    let sentence = "mlp on cifar10: nrelu is better than relu by test accuracy: +2.50 points (paired over 4 seeds, 95 % t interval +0.45 to +4.55).";
    let words = succeeds(folder, "compare runs");
    for part in [
        "52.50",
        "+0.45 to +4.55",
        "4/0/0",
        sentence,
        "Note: data: not the official pixels.",
        "Intervals cover the choice of seeds",
    ] {
        assert!(words.contains(part), "no `{part}` in: {words}");
    }
    let markdown = succeeds(folder, "compare runs --format markdown");
    assert!(
        markdown.starts_with("### mlp on cifar10\n\n| activation") && markdown.contains(sentence),
        "{markdown}"
    );
    let latex = succeeds(folder, "compare runs --format latex");
    assert!(latex.contains("$\\mathbf{+2.50}$ vs relu & 4 & $[+0.45, +4.55]$"), "{latex}");

    let csv = succeeds(folder, "compare runs --format csv");
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3);
    let line = lines.iter().find(|line| line.contains(&"relu") && line.contains(&"nrelu")).unwrap();
    let cell = |name: &str| line[lines[0].iter().position(|head| *head == name).unwrap()];
    let json: Value = serde_json::from_str(&succeeds(folder, "compare runs --json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&succeeds(folder, "compare runs --format json")).unwrap(), json);
    let group = &json["groups"][0];
    assert_eq!(group["sentences"], json!([sentence]));
    assert_eq!(group["comparison"]["metric"], "accuracy");
    let rows = group["comparison"]["rows"].as_array().unwrap();
    let difference = &rows.iter().find(|row| row["activation"] == "nrelu").unwrap()["difference"];
    assert_eq!((cell("verdict"), difference["verdict"].as_str()), ("better", Some("better")));
    for (name, value, want) in [
        ("difference", &difference["summary"]["mean"], 2.5),
        ("difference_standard_error", &difference["summary"]["standard_error"], 0.645_497_224_367_902_8),
        ("t_low", &difference["summary"]["t_interval"][0], 0.445_739_743_239_478_07),
        ("t_high", &difference["summary"]["t_interval"][1], 4.554_260_256_760_521),
    ] {
        assert!((cell(name).parse::<f64>().unwrap() - want).abs() < 1e-9, "{name}: {}", cell(name));
        assert!((value.as_f64().unwrap() - want).abs() < 1e-9, "{name}: {value}");
    }

    let loss: Value = serde_json::from_str(&succeeds(folder, "compare runs --metric loss --json")).unwrap();
    assert_eq!(loss["groups"][0]["comparison"]["metric"], "loss");
    let words = succeeds(folder, "compare runs --metric best-validation");
    assert!(words.contains("no run has a best validation accuracy yet"), "{words}");
    refuses(folder, "compare runs --metric speed", &["accuracy, top5, loss, best-validation"]);
    refuses(folder, "compare runs --baseline gelu", &["--baseline is gelu"]);
    refuses(folder, "compare runs --jobs 2", &["--activations"]);
    refuses(folder, "compare runs --json --format csv", &["cannot be used with"]);
}

#[test]
fn what_cannot_be_compared_is_told_apart_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(&folder.join("runs"), "relu", 1, Some(0.5));
    run(&folder.join("runs"), "nrelu", 2, Some(0.6));
    let slow = json!({ "model": "mlp", "dataset": "cifar10", "lr": 0.001 });
    run_with(&folder.join("slow"), "relu", 1, Some(0.4), &slow);
    fs::create_dir(folder.join("begun")).unwrap();
    fs::write(folder.join("begun/record.jsonl"), "").unwrap();
    let output = anact(folder, "compare .");
    let (words, notes) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{notes}");
    assert!(words.contains("mlp on cifar10 (lr 0.001)\n"), "{words}");
    assert!(words.contains("nrelu is not compared with relu: they have no seed in common."), "{words}");
    assert!(notes.contains("note: passed over:") && notes.contains("has no line yet"), "{notes}");
    refuses(folder, "compare begun", &["has no line yet"]);
    refuses(folder, "compare nowhere", &["nowhere"]);
}

#[test]
fn a_report_is_written_with_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    four_pairs(&folder.join("runs"));
    run(&folder.join("runs"), "relu", 9, None);
    let written = succeeds(folder, "report runs --output page.html --json");
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, json!({ "page": "page.html", "groups": 1, "runs": 9, "finished": 8 }));
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("anact-report/2") && page.contains("nrelu is better than relu by test accuracy"));
    assert_eq!(succeeds(folder, "report runs --output page.html"), "9 runs in page.html\n");
}
