//! `anact study` as a person meets it, with the smallest networks that have something to compare.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{record, refuses, succeeds};

fn of_kind<'a>(record: &'a [Value], kind: &str) -> Vec<&'a Value> {
    record.iter().filter(|line| line["kind"] == kind).collect()
}

/// The rows of a table as columns by name.
fn csv(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines.map(|cells| head.iter().cloned().zip(cells).collect()).collect()
}

const SMALL: &str = "--depth 3 --width 6 --batch 16 --train-images 48 --steps 10";

#[test]
fn convergence_leaves_tables_pictures_and_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let names = "relu,tanh,nrelu,sigmoid";
        succeeds(
            folder.path(),
            &format!(
                "study convergence --activations {names} --lr 0.003,0.01 --seeds 2 {SMALL} --output {name}"
            ),
        )
    };
    let out = run("a");
    for part in
        ["normalization property before training", "seed 1", "means over seeds", "0 of 8 runs diverged"]
    {
        assert!(out.contains(part), "no `{part}` in {out}");
    }
    let a = folder.path().join("a");
    let lines = record(&a);
    assert_eq!(lines[0]["study"]["activations"][2], "nrelu");
    assert_eq!((of_kind(&lines, "rate").len(), of_kind(&lines, "run").len()), (4 * 2 * 2, 4 * 2));
    // Four predictors: all points, means over seeds, and two seeds.
    assert_eq!(of_kind(&lines, "correlation").len(), 4 * 4);
    let run_lines = of_kind(&lines, "run");
    assert_eq!(run_lines[0]["losses"].as_array().unwrap().len(), 10);
    assert_eq!(run_lines[0]["probes"].as_array().unwrap().len(), 10);

    // The best rate has the smaller mean of the losses that the table holds.
    let rows = csv(&a.join("runs.csv"));
    assert_eq!(rows.len(), 16);
    for name in ["relu", "nrelu"] {
        let mean = |best: &str| {
            let of = rows.iter().filter(|r| r["activation"] == name && r["is_best"] == best);
            of.map(|r| r["loss"].parse::<f64>().unwrap()).sum::<f64>()
        };
        assert!(mean("yes") <= mean("no"), "{name}");
    }
    // The normalized twin holds the property better, by construction.
    let property = |name: &str| {
        let row = rows.iter().find(|r| r["activation"] == name && r["is_best"] == "yes").unwrap();
        row["property_start"].parse::<f64>().unwrap()
    };
    assert!(property("nrelu") < property("relu") && property("relu") < property("sigmoid"));
    for picture in ["property_start", "property_training", "flatness_start", "flatness_training"] {
        let svg = fs::read_to_string(a.join(format!("{picture}.svg"))).unwrap();
        for part in ["Spearman", "&gt;sigmoid&lt;", "uniform guess"] {
            let part = part.replace("&gt;", ">").replace("&lt;", "<");
            assert!(svg.contains(&part), "{picture}: {part}");
        }
    }

    // Twice the same, but for times.
    run("b");
    for file in ["runs.csv", "correlations.csv", "property_training.svg"] {
        let read = |run: &str| fs::read(folder.path().join(run).join(file)).unwrap();
        assert_eq!(read("a"), read("b"), "{file}");
    }
}

#[test]
fn runs_that_diverge_are_counted_and_rank_last() {
    let folder = tempfile::tempdir().unwrap();
    let out = succeeds(
        folder.path(),
        &format!("study convergence --activations relu,tanh,nrelu --lr 1e30 --seeds 1 {SMALL} --output a"),
    );
    let rows = csv(&folder.path().join("a/runs.csv"));
    let lost = rows.iter().filter(|r| r["loss"] == "inf").count();
    assert!(lost > 0, "{rows:?}");
    assert!(out.contains(&format!("{lost} of 3 runs diverged")), "{out}");
    assert!(rows.iter().all(|r| (r["loss"] == "inf") != r["diverged_in_step"].is_empty()), "{rows:?}");
}

#[test]
fn variance_compares_pairs_by_layer() {
    let folder = tempfile::tempdir().unwrap();
    let out = succeeds(
        folder.path(),
        "study variance --models plain,resnet8 --activations relu --depth 7 --width 2 --batch 8 --train-images 24 \
         --steps 2 --seeds 2 --output a",
    );
    assert!(out.contains("plain before training") && out.contains("resnet8 after 2 steps"), "{out}");
    // Tables of eight columns are what is widest.
    let widest = out.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|width| width <= 130), "{out}");
    let a = folder.path().join("a");
    // Seven layers, and ten with the shortcuts of resnet8; two activations, two seeds, two moments.
    let rows = csv(&a.join("layers.csv"));
    assert_eq!(rows.len(), (7 + 10) * 8);
    let summary = csv(&a.join("summary.csv"));
    assert_eq!(summary.len(), 2 * 2 * 2 * 2);

    // The table's numbers follow from the layers': mean over seeds of the standard deviation of the logarithm.
    let logs = |activation: &str, seed: &str| -> Vec<f64> {
        let of = rows.iter().filter(|r| {
            r["model"] == "plain"
                && r["activation"] == activation
                && r["seed"] == seed
                && r["when"] == "start"
        });
        of.map(|r| r["weight_gradient2"].parse::<f64>().unwrap().ln()).collect()
    };
    let deviation = |v: Vec<f64>| {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        (v.iter().map(|x| x * x).sum::<f64>() / v.len() as f64 - mean * mean).sqrt()
    };
    let by_seed = ["0", "1"].map(|seed| [deviation(logs("relu", seed)), deviation(logs("nrelu", seed))]);
    let difference = by_seed.iter().map(|[a, b]| a - b).sum::<f64>() / 2.0;
    let row = summary
        .iter()
        .find(|r| {
            r["model"] == "plain"
                && r["quantity"] == "weight_gradient2"
                && r["measure"] == "deviation"
                && r["when"] == "start"
        })
        .unwrap();
    let got: f64 = row["difference"].parse().unwrap();
    assert!((got - difference).abs() < 1e-9, "{got} {difference}");
    assert_eq!(row["pairs"], "2");
    for (model, quantity, when) in [("plain", "weight_gradient2", "start"), ("resnet8", "delta2", "end")] {
        let svg = fs::read_to_string(a.join(format!("{model}_{quantity}_{when}.svg"))).unwrap();
        assert!(svg.contains("nrelu") && svg.contains("fc"), "{model}");
    }
}

#[test]
fn wrong_studies_are_refused_before_there_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &str, parts: &[&str]| {
        refuses(folder.path(), &format!("study {arguments}"), parts);
    };
    refused("convergence --activations relu,nonsense", &["nonsense"]);
    refused("convergence --activations relu,tanh,relu", &["relu, twice"]);
    refused("convergence --activations relu --lr 0", &["--lr is 0"]);
    refused("convergence --activations relu --lr 0.1,NaN", &["--lr is NaN"]);
    refused("convergence --activations relu --steps 0", &["--steps is 0"]);
    refused("convergence --activations relu --seeds 0", &["--seeds is 0"]);
    refused(
        "convergence --activations relu --model resnet20 --depth 3",
        &["resnet20", "depth 3", "mlp and plain"],
    );
    refused("variance --models plain --depth 2", &["at least 4"]);
    refused("variance --models resnet8 --depth 9", &["resnet8", "depth 9"]);
    refused("variance --activations nrelu", &["nnrelu"]);
    refused("variance --models plain,plain", &["plain, twice"]);
    refused("variance --steps 0", &["--steps is 0"]);
    refused("", &["convergence", "variance"]);
}

#[test]
fn dense_nets_are_measured_beside_every_theory() {
    let folder = tempfile::tempdir().unwrap();
    let small = "--width 16 --depth 3 --batch 8 --seeds 2 --chain-samples 20";
    let out =
        succeeds(folder.path(), &format!("study dense --activations relu,nswish,gp-tanh {small} --output a"));
    for part in ["nswish raw", "nswish centered", "nswish mean kept", "gp-tanh", "chain, two-state"] {
        assert!(out.contains(part), "no `{part}` in {out}");
    }
    let a = folder.path().join("a");
    let lines = record(&a);
    // Five kinds: a plain one, a rival, and the normalized one in three ways.
    assert_eq!((of_kind(&lines, "layers").len(), of_kind(&lines, "chain").len()), (5 * 2, 5));
    let rows = csv(&a.join("layers.csv"));
    assert_eq!(rows.len(), 5 * 3);
    let last = rows.iter().filter(|r| r["layer"] == "fc3");
    // At the output every theory is told the same, and the chain's is 1.
    last.for_each(|r| {
        for name in ["measured_delta2", "per_sample_delta2", "two_state_delta2", "chain_two_state_delta2"] {
            let value: f64 = r[name].parse().unwrap();
            assert!((value - 1.0).abs() < 1e-12, "{name} = {value}");
        }
    });
    assert!(a.join("nswish_mean_kept.svg").is_file());

    let b = format!("study dense --activations relu,nswish,gp-tanh {small} --output b");
    succeeds(folder.path(), &b);
    assert_eq!(
        fs::read(a.join("layers.csv")).unwrap(),
        fs::read(folder.path().join("b/layers.csv")).unwrap()
    );

    for (arguments, legal) in [
        ("dense --seeds 0", "at least 1"),
        ("dense --batch 1", "at least 2"),
        ("dense --depth 1", "at least 2"),
        ("dense --width 0", "at least 1"),
        ("dense --gain -1", "positive"),
        ("dense --chain-samples 1", "at least 2"),
        ("dense --activations rleu", "relu"),
        ("dense --activations relu,relu", "each name once"),
    ] {
        refuses(folder.path(), &format!("study {arguments}"), &[legal]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a refused study leaves no folder");
}
