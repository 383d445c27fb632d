//! `anact inspect --theory` and `anact train --inspect-every` from outside.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{record, refuses, succeeds};

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// A CSV table without quotes: its header and its rows.
fn csv(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

const MLP: &str = "inspect --theory --model mlp --width 128 --batch 128 --train-images 512 --test-images 8";

/// What each layer of a dense network of NReLU must show: λ²ρ = λ²ρ′ = 1 exactly in the prediction, since ρ = ρ′ = ½ for any
/// zero-mean Gaussian, and everything measured near it, over three seeds.
#[test]
fn theory_and_measurement_meet() {
    let folder = tempfile::tempdir().unwrap();
    let files = "--input normal --svg f.svg --csv f.csv --json f.json";
    let text = succeeds(folder.path(), &format!("{MLP} --activation nrelu {files}"));
    for part in ["fc1", "fc3", "λ²ρ′", "two-state", "per sample", "±", "● measured", "wrote f.svg"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let all = json(folder.path(), "f.json");
    assert_eq!(all["schema"], "anact-theory/1");
    let means = &all["means"];
    assert_eq!(means["seeds"], serde_json::json!([0, 1, 2]));
    let layers = means["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    for (i, layer) in layers.iter().enumerate() {
        for quantity in layer["quantities"].as_array().unwrap() {
            let name = quantity["name"].as_str().unwrap();
            let is_of_activation = name.contains("rho") || name == "lambda";
            assert_eq!(quantity["predicted"].is_null(), is_of_activation && i == 2, "{name} {i}");
            if quantity["predicted"].is_null() {
                continue;
            }
            let predicted = quantity["predicted"]["mean"].as_f64().unwrap();
            let exact = match name {
                "rho" | "rho_prime" => Some(0.5),
                "lambda" => Some(std::f64::consts::SQRT_2),
                "lambda2_rho" | "lambda2_rho_prime" => Some(1.0),
                _ => None,
            };
            assert!(exact.is_none_or(|x| (predicted - x).abs() < 1e-12), "{name}: {predicted}");
            // Three layers of width 128 leave a few per cent.
            let (ratio, error) = (&quantity["ratio"]["mean"], &quantity["ratio"]["error"]);
            assert!((ratio.as_f64().unwrap() - 1.0).abs() < 0.15, "{name} {i}: {ratio}");
            assert!(error.as_f64().unwrap() < 0.1, "{name} {i}: {error}");
        }
    }

    // The means are those of the seeds' rows, and the table of CSV holds the same rows.
    let runs = all["runs"].as_array().unwrap();
    let logs = runs.iter().map(|run| {
        let row = &run["rows"][0];
        (row["measured"]["delta"].as_f64().unwrap() / row["predicted"]["delta"].as_f64().unwrap()).ln()
    });
    let mean = (logs.sum::<f64>() / 3.0).exp();
    let delta = layers[0]["quantities"].as_array().unwrap().iter().find(|q| q["name"] == "delta2").unwrap();
    assert!((delta["ratio"]["mean"].as_f64().unwrap() / mean - 1.0).abs() < 1e-12);
    let (head, rows) = csv(&fs::read_to_string(folder.path().join("f.csv")).unwrap());
    let column = |name: &str| head.iter().position(|h| h == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(rows.len(), 9);
    for (row, (seed, layer)) in rows.iter().zip((0..3).flat_map(|s| (0..3).map(move |l| (s, l)))) {
        assert_eq!((&row[column("seed")], &row[column("when")]), (&seed.to_string(), &"inspect".into()));
        for (name, of) in [("measured", "measured_delta2"), ("predicted", "predicted_delta2")] {
            let value: f64 = row[column(of)].parse().unwrap();
            assert_eq!(runs[seed]["rows"][layer][name]["delta"].as_f64(), Some(value), "{of}");
        }
    }
    // Every seed has cotangents and an input of its own.
    let seed = |i: usize, row: usize, what: &str| runs[i]["rows"][row]["measured"][what].as_f64().unwrap();
    assert!(seed(0, 2, "delta") != seed(1, 2, "delta") && seed(0, 0, "input") != seed(1, 0, "input"));
    // E[δ²] at the output is 1 but for the fluctuation of 1,280 squares of normal numbers.
    let at_output = runs[0]["rows"][2]["measured"]["delta"].as_f64().unwrap();
    assert!((at_output - 1.0).abs() < 0.15 && at_output != 1.0, "{at_output}");
    // And so is E[x²] of the input, but for that of 100,352.
    let input = runs[0]["rows"][0]["measured"]["input"].as_f64().unwrap();
    assert!((input - 1.0).abs() < 0.02 && input != 1.0, "{input}");

    let svg = fs::read_to_string(folder.path().join("f.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.matches("<svg").count() == 5);
    assert!(svg.contains("class=\"band\"") && svg.contains("general form"));
}

/// Each seed has weights, images and cotangents of its own, the same whatever the other seeds and the number of threads;
/// with weights from a file only the batch and the cotangents differ.
#[test]
fn seeds_stand_for_themselves_and_weights_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let runs = |name: &str, rest: &str| {
        succeeds(folder.path(), &format!("{MLP} --activation nswish --json {name} {rest}"));
        json(folder.path(), name)["runs"].as_array().unwrap().clone()
    };
    let two = runs("two.json", "--seeds 2");
    let one = runs("one.json", "--seeds 1 --seed 1 --threads 1");
    assert_eq!(two[1], one[0]);
    assert_ne!(two[0]["rows"], two[1]["rows"]);

    let init = "init --model mlp --width 128 --activation nswish --image 1,28,28 --output w.safetensors";
    succeeds(folder.path(), init);
    let given = runs("given.json", "--seeds 2 --weights w.safetensors");
    assert_eq!(given[0], two[0], "seed 0 draws these weights");
    let first = |run: &Value, which: &str, what: &str| run["rows"][0][which][what].as_f64().unwrap();
    assert_ne!(given[1], two[1]);
    // The images of a batch do not depend on the weights.
    assert_eq!(first(&given[1], "measured", "input"), first(&two[1], "measured", "input"));
    assert_ne!(first(&given[1], "measured", "variance_z"), first(&two[1], "measured", "variance_z"));
    // One seed has no error, and the pictures and tables say nothing of one.
    let means = json(folder.path(), "one.json");
    assert!(means["means"]["layers"][0]["quantities"][0]["ratio"]["error"].is_null());
    let text = succeeds(folder.path(), &format!("{MLP} --activation nswish --seeds 1"));
    assert!(!text.contains(" ± "), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |rest: &str, parts: &[&str]| refuses(folder.path(), &format!("{MLP} {rest}"), parts);
    refused("--seeds 0", &["--seeds is 0", "at least 1"]);
    refused("--seed 18446744073709551615 --seeds 2", &["--seeds is 2", "at most 0", "--seed"]);
    refused("--cotangent uniform", &["uniform", "--cotangent", "normal", "loss"]);
    refused("--input noise", &["noise", "--input", "data"]);
    refused("--step 1000", &["--step is 1000", "at most 40"]);
    refused("--svg no/f.svg", &["no/f.svg", "folder"]);
    refused("--csv f --json f", &["named twice"]);
    refused("--html page.html", &["--theory", "--html"]);
    refused("--memory", &["--theory", "--memory"]);
    refused("--inspect-every 3", &["--inspect-every", "anact train"]);
    refused("--weights nowhere", &["nowhere"]);
    let plain = MLP.replace(" --theory", "");
    for rest in ["--seeds 2", "--cotangent loss", "--input normal", "--weights w", "--svg f", "--csv f"] {
        refuses(folder.path(), &format!("{plain} {rest}"), &["--theory"]);
    }
    refuses(folder.path(), &format!("{plain} --against inspect_every=2"), &["inspect_every"]);
    refuses(folder.path(), "train --inspect-every 0", &["--inspect-every is 0", "at least 1"]);
    fs::write(folder.path().join("run.toml"), "inspect_every = 0").unwrap();
    refuses(folder.path(), "train --config run.toml", &["--inspect-every is 0"]);

    // Weights of another width, of another activation, and no weights at all.
    succeeds(folder.path(), "init --model mlp --width 64 --image 1,28,28 --output narrow");
    refused("--weights narrow", &["narrow", "for mlp with nswish", "fc1.weight"]);
    fs::write(folder.path().join("short"), "short").unwrap();
    refused("--weights short", &["short"]);
}

const TRAIN: &str = "train --model resnet8 --width 4 --activation nswish --batch 10 --train-images 35 --test-images 10 \
                     --epochs 2";

/// Of the 8 steps the first, every third and the last; a step that is looked at moves the same bits.
#[test]
fn layers_are_looked_at_without_changing_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    succeeds(folder.path(), &format!("{TRAIN} --output plain"));
    fs::write(out("run.toml"), "inspect_every = 3\nfind_anomalies = true").unwrap();
    let text = succeeds(folder.path(), &format!("{TRAIN} --config run.toml --output looked"));
    assert!(text.contains("every 3 steps the layers are compared"), "{text}");
    let (plain, looked) = (record(&folder.path().join("plain")), record(&folder.path().join("looked")));
    let kind = |lines: &[Value], kind: &str| -> Vec<Value> {
        lines.iter().filter(|line| line["kind"] == kind).cloned().collect()
    };
    let result = |lines: &[Value]| kind(lines, "result")[0].clone();
    assert_eq!(result(&plain), result(&looked));
    assert!(result(&plain)["weights_sha256"].as_str().unwrap().len() == 64);
    assert_eq!(
        fs::read(out("plain/weights.safetensors")).unwrap(),
        fs::read(out("looked/weights.safetensors")).unwrap()
    );
    for (a, b) in kind(&plain, "epoch").iter().zip(kind(&looked, "epoch")) {
        assert_eq!((&a["train"], &a["validation"]), (&b["train"], &b["validation"]));
    }

    let layers = kind(&looked, "layers");
    let when: Vec<_> =
        layers.iter().map(|l| (l["when"].as_str().unwrap(), l["step"].as_u64().unwrap())).collect();
    let expected =
        [("start", 0), ("training", 0), ("training", 3), ("training", 6), ("training", 7), ("end", 8)];
    assert_eq!(when, expected);
    // Step 0 is the comparison before training, on the same batch with the same weights.
    assert_eq!(layers[0]["rows"], layers[1]["rows"]);
    assert_ne!(layers[1]["rows"], layers[2]["rows"]);
    assert_eq!(kind(&plain, "layers").len(), 2);
    // The same by the other command: the step that training takes next, with its loss.
    let inspect = TRAIN.replace("train ", "inspect --theory --seeds 1 --cotangent loss --json seen.json ");
    succeeds(folder.path(), &format!("{inspect} --step 3"));
    assert_eq!(json(folder.path(), "seen.json")["runs"][0]["rows"], layers[2]["rows"]);

    let (head, rows) = csv(&fs::read_to_string(out("looked/layers.csv")).unwrap());
    assert_eq!(head[..5], ["activation", "seed", "when", "step", "layer"]);
    assert_eq!(rows.len(), 6 * layers[0]["rows"].as_array().unwrap().len());
    for name in ["factors_by_step.svg", "gradient_variance_by_step.svg"] {
        assert!(fs::read_to_string(out("looked").join(name)).unwrap().ends_with("</svg>\n"), "{name}");
        assert!(!out("plain").join(name).exists(), "{name}");
    }
}

/// Every family and departure: no layer without a prediction of what comes back to it, and no number that is not finite.
#[test]
fn every_kind_of_network_is_predicted_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    for network in [
        "resnet101 --width 1 --stem imagenet",
        "resnet8 --width 3 --preactivation --stochastic-depth 0.3",
        "resnet18 --width 2 --stem medium --stochastic-depth 0.3",
        "wrn-16-4 --width 4 --stochastic-depth 0.3 --dropout 0.2",
        "vgg11 --width 2 --dropout 0.2",
        "vgg16_bn --width 2",
        "allconv --width 3 --dropout 0.2",
    ] {
        let data = "--train-images 8 --test-images 8 --batch 8 --activation nswish";
        succeeds(
            folder.path(),
            &format!("inspect --theory --model {network} {data} --seeds 1 --json t.json"),
        );
        let all = json(folder.path(), "t.json");
        let rows = all["runs"][0]["rows"].as_array().unwrap();
        assert!(rows.len() >= 9, "{network}: {} layers", rows.len());
        for row in rows {
            for of in ["predicted", "measured"] {
                let delta = row[of]["delta"].as_f64();
                assert!(delta.is_some_and(|d| d > 0.0 && d.is_finite()), "{network}: {of} {row}");
            }
        }
        let text = succeeds(folder.path(), &format!("inspect --model {network} {data}"));
        assert!(text.contains("cross_entropy"), "{text}");
    }
}
