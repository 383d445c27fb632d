//! `anact bench`: what it refuses, and what its JSON promises to programs.

use serde_json::Value;

use crate::program::{refuses, succeeds};

/// The object that `arguments` and `--json` print.
fn json(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let printed = succeeds(folder.path(), &[&["bench"], arguments, &["--json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{arguments:?}: {e}"))
}

const MLP: [&str; 9] = ["step", "--model", "mlp", "--width", "8", "--batch", "2", "--steps", "2"];

fn step(rest: &[&str]) -> Value {
    json(&[&MLP[..], rest].concat())
}

#[test]
fn wrong_settings_are_refused_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], parts: &[&str]| {
        refuses(folder.path(), &[&["bench"], arguments].concat(), parts);
    };
    refused(&["step"], &["--model"]);
    let mlp =
        |rest: &[&'static str], parts| refused(&[&["step", "--model", "mlp"][..], rest].concat(), parts);
    mlp(&["--steps", "0"], &["--steps is 0", "at least 1"]);
    mlp(&["--batch", "0"], &["--batch is 0", "from 1"]);
    mlp(&["--batch", "1000000000"], &["--batch is 1000000000", "65,536"]);
    mlp(&["--classes", "0"], &["0 classes"]);
    mlp(&["--image-size", "0"], &["[1, 0, 0]", "positive"]);
    mlp(&["--lr", "0"], &["rate is 0"]);
    mlp(&["--activation", "swihs"], &["unknown", "swish"]);
    refused(&["step", "--model", "resnet21"], &["unknown model", "resnet20"]);
    refused(&["step", "--model", "cnn", "--image-size", "4"], &["4 by 4", "at least 8 by 8"]);
    refused(&["kernels", "--rounds", "0"], &["--rounds is 0"]);
    refused(&["kernels", "--batch", "0"], &["--batch is 0"]);
    refused(&["kernels", "convolve", "--megabytes", "1"], &["filter is convolve", "gemm 128×128×128"]);
    refused(&["denormals", "--rounds", "0"], &["--rounds is 0"]);
    refused(&["denormals", "--batch", "0"], &["--batch is 0"]);
    refused(&["scaling", "--rounds", "0"], &["--rounds is 0"]);
    refused(&["scaling", "width"], &["width", "batch, depth, threads"]);
    refused(&["loader", "fashion-mnist-5k", "--recipe", "cfar"], &["recipe is cfar", "cifar, cutout"]);
    refused(&["loader", "fashion-mnist-5k", "--workers", "1", "--ahead", "0"], &["ahead is 0"]);
}

#[test]
fn a_step_prints_what_programs_read() {
    let report = step(&["--warmup", "1", "--threads", "2"]);
    let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {report}"));
    assert_eq!(report["model"], "mlp");
    assert_eq!(report["activation"], "relu");
    assert_eq!(report["image"], serde_json::json!([1, 28, 28]));
    assert_eq!((number("batch"), number("steps"), number("warmup"), number("threads")), (2.0, 2.0, 1.0, 2.0));
    // 784·8 + 8, 8·8 + 8 and 8·10 + 10.
    assert_eq!(number("parameters"), 6442.0);
    assert_eq!(
        report["execution"],
        serde_json::json!({ "exact": false, "fused": true, "checkpoint_blocks": false })
    );
    let median = number("median_s");
    assert!(median > 0.0 && (number("images_per_s") * median - 2.0).abs() < 1e-9, "{report}");
    let spread = ["least", "lower", "median", "upper", "greatest"].map(|k| report["spread_s"][k].as_f64());
    assert!(spread.is_sorted() && spread[2] == Some(median), "{report}");
    for part in ["forward_s", "backward_s", "optimiser_s"] {
        assert!(number(part) > 0.0, "{part}");
    }
    if cfg!(target_os = "linux") {
        assert!(number("peak_rss_mb") > 1.0);
    }
    // Three steps on one batch: were they not taken, the loss would stay.
    assert!(number("loss_last") < number("loss_first"), "{report}");
    assert!(report.get("profile").is_none() && report.get("weights_sha256").is_none());

    let other = step(&["--exact", "--unfused", "--checkpoint-blocks"]);
    assert_eq!(
        other["execution"],
        serde_json::json!({ "exact": true, "fused": false, "checkpoint_blocks": true })
    );
}

#[test]
fn a_profile_adds_up_to_the_step() {
    let arguments =
        ["step", "--model", "resnet8", "--width", "4", "--image-size", "8", "--activation", "nswish"];
    let report = json(&[&arguments[..], &["--batch", "2", "--steps", "3", "--profile"]].concat());
    let profile = &report["profile"];
    let rows = profile["rows"].as_array().unwrap();
    let sum = |key: &str| rows.iter().map(|r| r[key].as_f64().unwrap()).sum::<f64>();
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b;
    assert!(close(sum("share"), 1.0), "{profile}");
    assert!(close(sum("forward_s"), profile["forward_s"].as_f64().unwrap()), "{profile}");
    assert!(close(sum("backward_s"), profile["backward_s"].as_f64().unwrap()), "{profile}");
    let calls =
        |op: &str| rows.iter().find(|r| r["op"] == op).unwrap_or_else(|| panic!("no {op}"))["calls"].clone();
    // A stem, six in three blocks, two in shortcuts.
    assert_eq!(calls("conv2d"), 9);
    assert_eq!(calls("cross_entropy"), 1);
    assert!(rows.iter().any(|r| r["op"] == "optimiser") && rows.last().unwrap()["op"] == "other");
}

#[test]
fn steps_have_the_same_bits_on_any_number_of_threads() {
    let bits = |threads: &str| {
        let arguments =
            ["step", "--model", "resnet8", "--width", "4", "--activation", "nswish", "--record-bits"];
        let rest = ["--batch", "3", "--steps", "2", "--threads", threads];
        json(&[&arguments[..], &rest].concat())["weights_sha256"].as_str().unwrap().to_string()
    };
    let one = bits("1");
    assert_eq!(one.len(), 64);
    for threads in ["2", "3", "8"] {
        assert_eq!(bits(threads), one, "{threads} threads");
    }
    let mlp = |rest: &[&str]| step(&[&["--record-bits"][..], rest].concat())["weights_sha256"].clone();
    assert_ne!(mlp(&[]), mlp(&["--lr", "0.02"]));
}

#[test]
fn kernels_are_shown_beside_the_peaks() {
    let arguments = ["kernels", "8×512×10", "--batch", "8", "--rounds", "1", "--megabytes", "1"];
    let report = json(&arguments);
    for peak in ["gflops", "copy_gb_s", "triad_gb_s"] {
        assert!(report["peaks"][peak].as_f64().unwrap() > 0.0, "{report}");
    }
    let products = report["products"].as_array().unwrap();
    let passes: Vec<_> = products.iter().map(|r| r["pass"].as_str().unwrap()).collect();
    assert_eq!(passes, ["forward", "input gradient", "weight gradient"]);
    for row in products {
        assert_eq!(row["uses"], serde_json::json!([["mlp", 1], ["resnet18", 1]]));
        let (ms, gflops) = (row["ms"].as_f64().unwrap(), row["gflops"].as_f64().unwrap());
        assert!((ms * gflops * 1e6 / (2.0 * 8.0 * 512.0 * 10.0) - 1.0).abs() < 1e-9, "{row}");
        let share = row["share"].as_f64().unwrap();
        assert!((share * report["peaks"]["gflops"].as_f64().unwrap() / gflops - 1.0).abs() < 1e-9);
    }
    assert_eq!(report["streams"].as_array().unwrap().len(), 0);
}

#[test]
fn scaling_has_a_row_for_every_setting() {
    let report = json(&["scaling", "depth", "--quick", "--batch", "1"]);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|r| r["model"].as_str().unwrap()).collect::<Vec<_>>(),
        ["resnet8", "resnet14"]
    );
    for row in rows {
        assert_eq!((&row["along"], &row["batch"]), (&Value::from("depth"), &Value::from(1)));
        assert!(row["images_per_s"].as_f64().unwrap() > 0.0 && row["threads"].as_u64().unwrap() > 0, "{row}");
    }
    let report = json(&["scaling", "batch", "--quick", "--model", "mlp"]);
    let batches: Vec<_> = report["rows"].as_array().unwrap().iter().map(|r| r["batch"].clone()).collect();
    assert_eq!(batches, [1, 2, 4, 8, 16]);
}

#[test]
fn a_loader_prints_what_programs_read() {
    let small = [
        "loader",
        "fashion-mnist-5k",
        "--workers",
        "0,2",
        "--batch",
        "32",
        "--batches",
        "3",
        "--rounds",
        "2",
    ];
    for train in [&[][..], &["--train", "mlp"]] {
        let report = json(&[&small[..], train].concat());
        let rows = report["rows"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| row["workers"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 2]);
        for row in rows {
            let of = |key: &str| row[key]["median"].as_f64().unwrap();
            assert!(of("images_per_s") > 0.0 && (0.0..=1.0).contains(&of("waited")), "{row}");
        }
    }
}

#[test]
fn denormals_has_a_row_for_every_op() {
    let report = json(&["denormals", "--batch", "1", "--rounds", "1"]);
    let rows = report["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["op"] == "conv2d 3×3") && rows.len() > 8, "{report}");
    for row in rows {
        let times =
            ["ordinary_ms", "subnormal_ms", "subnormal_gradient_ms"].map(|key| row[key].as_f64().unwrap());
        assert!(times.iter().all(|&ms| ms > 0.0), "{row}");
    }
}

/// Without `--json`, what a person reads.
#[test]
fn measurements_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        ("bench moments --calls 1 --rounds 1", &["Microseconds per call at m = 0.3·s", "swish"][..]),
        (
            "bench tape --length 100 --memory-length 100 --rounds 1",
            &["Chains of 100 nodes", "nanoseconds per node"],
        ),
        ("bench denormals --batch 1 --rounds 1", &["Forward and backward of", "conv2d"]),
        ("bench scaling batch --quick --model mlp", &["medians of 1 turns", "images/s"]),
        (
            "bench kernels 8×512×10 --batch 8 --rounds 1 --megabytes 1",
            &["GFLOP/s of multiply-adds", "Products at batch 8"],
        ),
        ("bench step --model mlp --width 4 --batch 2 --steps 1", &["median of 1 steps", "images/s", "loss "]),
    ] {
        let said = succeeds(folder.path(), arguments);
        for words in words {
            assert!(said.contains(words), "{arguments}: no `{words}` in {said}");
        }
    }
}
