//! The `anact` command as a person meets it: bad input gets a message and an exit code, good input leaves whole files.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::program::{anact, fails, record, refuses, succeeds, text};

fn kinds(record: &[Value]) -> Vec<&str> {
    record.iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

/// The record must end in a line that says why the run stopped, and of which run; no table and no weights may look
/// as if it had finished.
fn assert_stopped(run: &Path, reason: &str) {
    let record = record(run);
    let last = record.last().unwrap();
    assert_eq!(last["kind"], "stopped", "{last}");
    assert_eq!((&last["activation"], &last["seed"]), (&Value::from("nswish"), &Value::from(0)), "{last}");
    assert!(last["reason"].as_str().unwrap().contains(reason), "{last}");
    let kinds = kinds(&record);
    assert_eq!(kinds.iter().filter(|kind| **kind == "stopped").count(), 1, "{kinds:?}");
    assert!(!kinds.contains(&"result"), "{kinds:?}");
    let names = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let finished =
        |name: &String| name.ends_with(".csv") || name.ends_with(".svg") || name == "weights.safetensors";
    assert_eq!(names.filter(finished).collect::<Vec<_>>(), [""; 0]);
}

/// A CIFAR-10 folder whose batches hold 20 records each, two of every label, as bytes that a test may damage.
fn cifar(folder: &Path, damage: impl Fn(&str, Vec<u8>) -> Vec<u8>) {
    let inner = folder.join("cifar-10-batches-bin");
    fs::create_dir_all(&inner).unwrap();
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
    {
        let record = |label: u8| {
            std::iter::once(label).chain((0..3072u32).map(move |i| (i * 7 + u32::from(label)) as u8))
        };
        let whole: Vec<u8> = (0..20).flat_map(|i| record(i % 10)).collect();
        fs::write(inner.join(format!("{name}.bin")), damage(name, whole)).unwrap();
    }
    fs::write(inner.join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
}

const CIFAR: [&str; 4] = ["train", "--dataset", "cifar10", "--data"];

#[test]
fn wrong_settings_are_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let train = |rest: &[&str], parts: &[&str]| {
        let arguments: Vec<&str> = ["train"].iter().chain(rest).copied().collect();
        refuses(folder.path(), &arguments, parts);
    };
    train(&["--batch", "0"], &["--batch is 0", "at least 1"]);
    train(&["--epochs", "0"], &["--epochs is 0"]);
    train(&["--lr", "NaN"], &["--lr is NaN", "positive"]);
    train(&["--lr=-0.1"], &["--lr is -0.1"]);
    train(&["--lr", "inf"], &["--lr is inf"]);
    train(&["--momentum", "1"], &["momentum is 1"]);
    train(&["--activation", "nswihs"], &["unknown", "nswihs", "nswish"]);
    train(&["--activation", "elu(-3)"], &["elu", "-3"]);
    train(&["--model", "resnet21"], &["unknown model", "resnet20"]);
    train(&["--dataset", "cifar1"], &["cifar1", "cifar10"]);
    train(&["--init", "he"], &["initialisation", "he_normal"]);
    train(&["--gradient", "full"], &["running statistics", "statistics = batch"]);
    train(&["--width", "0"], &["width 0"]);
    // Found only when the network and its optimiser are built, yet before there is a folder.
    let built = |rest: &[&str], parts: &[&str]| {
        let arguments: Vec<&str> = ["--model", "mlp"].iter().chain(rest).copied().collect();
        train(&arguments, parts);
    };
    built(&["--width", "100000000"], &["width 100000000", "65,536"]);
    built(&["--width", "4", "--momentum", "1.5"], &["momentum is 1.5", "below 1"]);
    built(&["--width", "4", "--weight-decay=-1"], &["weight decay is -1"]);
    built(&["--width", "4", "--epochs", "10", "--warmup-epochs", "20"], &["warm-up"]);
    built(&["--width", "4", "--warmup-epochs", "18446744073709551615"], &["warm-up"]);
    built(&["--width", "4", "--schedule", "step", "--step-factor", "nan"], &["factor of a fall is NaN"]);
    built(&["--width", "4", "--schedule", "step", "--step-epochs", "0"], &["--step-epochs is 0"]);
    refuses(folder.path(), &["--threads", "0", "list"], &["--threads is 0"]);
    refuses(folder.path(), &["trian"], &["train"]);
    refuses(folder.path(), &["train", "--bach", "3"], &["--batch"]);
}

#[test]
fn options_that_would_be_ignored_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ignored = |rest: &[&str], parts: &[&str]| {
        let arguments: Vec<&str> =
            ["train", "--model", "mlp", "--width", "4"].iter().chain(rest).copied().collect();
        refuses(folder.path(), &arguments, parts);
    };
    ignored(&["--step-epochs", "3"], &["--step-epochs is 3", "--schedule step"]);
    ignored(
        &["--schedule", "constant", "--step-factor", "0.5"],
        &["--step-factor is 0.5", "--schedule step"],
    );
    ignored(&["--data", "somewhere"], &["--data is somewhere", "fashion-mnist-5k", "built in"]);
    ignored(&["--momentum", "0", "--nesterov"], &["nesterov without momentum"]);
}

#[test]
fn missing_and_damaged_data_are_named_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let load = |data: &str, parts: &[&str]| {
        let arguments: Vec<&str> = CIFAR.iter().copied().chain([data]).collect();
        refuses(folder.path(), &arguments, parts);
    };
    load(&at("nowhere"), &["nowhere"]);
    refuses(folder.path(), &["train", "--dataset", "cifar10"], &["cifar10"]);

    cifar(Path::new(&at("short")), |name, mut bytes| {
        if name == "data_batch_3" {
            bytes.truncate(5000);
        }
        bytes
    });
    load(&at("short"), &["data_batch_3.bin", "3073", "byte"]);
    cifar(Path::new(&at("label")), |name, mut bytes| {
        if name == "test_batch" {
            bytes[2 * 3073] = 77;
        }
        bytes
    });
    load(&at("label"), &["test_batch.bin", "77", "6146"]);

    let idx = folder.path().join("idx");
    fs::create_dir(&idx).unwrap();
    fs::write(idx.join("train-images-idx3-ubyte"), [0, 0, 8, 1, 0, 0, 0, 0]).unwrap();
    fs::write(idx.join("t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9])
        .unwrap();
    for name in ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::write(idx.join(name), [0, 0, 8, 1, 0, 0, 0, 1, 7]).unwrap();
    }
    let idx_arguments = ["train", "--dataset", "fashion-mnist", "--data", &at("idx")];
    refuses(folder.path(), &idx_arguments, &["train-images-idx3-ubyte", "0x00000801", "0x00000803"]);
    fs::remove_file(idx.join("train-images-idx3-ubyte")).unwrap();
    fs::write(idx.join("train-images-idx3-ubyte.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    refuses(folder.path(), &idx_arguments, &["train-images-idx3-ubyte.gz", "gzip"]);
}

#[test]
fn configuration_files_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.toml"), "epoch = 3\n").unwrap();
    refuses(folder.path(), &["train", "--config", "bad.toml"], &["bad.toml", "epoch", "epochs"]);
    refuses(folder.path(), &["train", "--config", "none.toml"], &["none.toml"]);
    fs::write(folder.path().join("good.toml"), "batch = 0\n").unwrap();
    refuses(folder.path(), &["train", "--config", "good.toml"], &["--batch is 0"]);
}

#[test]
fn a_run_leaves_whole_files_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "train",
        "--model",
        "mlp",
        "--width",
        "16",
        "--epochs",
        "2",
        "--train-images",
        "200",
        "--test-images",
        "100",
        "--output",
        "out",
    ];
    succeeds(folder.path(), &arguments);
    let out = folder.path().join("out");
    for name in
        ["record.jsonl", "epochs.csv", "layers.csv", "loss.svg", "accuracy.svg", "weights.safetensors"]
    {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 0, "{name}");
    }
    let before = record(&out);
    assert_eq!(kinds(&before), ["config", "start", "layers", "epoch", "epoch", "layers", "result"]);
    assert_eq!(before[1]["images"], json!({ "train": 180, "validation": 20, "test": 100 }));
    // Grey pictures are not changed unless asked for.
    assert_eq!(before[1].get("augmentation_in_effect"), Some(&Value::Null));
    let again = anact(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("out"), "{}", text(&again.stderr));
    assert_eq!(record(&out), before);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "in the way").unwrap();
    let output = anact(folder.path(), &["train", "--model", "mlp", "--epochs", "1", "--output", "file/run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("file/run"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "in the way");
}

/// The whole path from images to weights, twice and on other numbers of threads: the same bits.
#[test]
fn the_same_run_gives_the_same_bits_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, threads: &str| {
        let arguments = [
            "--threads",
            threads,
            "train",
            "--model",
            "resnet8",
            "--width",
            "4",
            "--activation",
            "nswish",
            "--epochs",
            "2",
            "--batch",
            "50",
            "--train-images",
            "230",
            "--test-images",
            "60",
            "--augment",
            "--output",
            name,
        ];
        succeeds(folder.path(), &arguments);
        let record = record(&folder.path().join(name));
        let augmentation = &record[1]["augmentation_in_effect"];
        assert_eq!((&augmentation["pad"], &augmentation["flip"]), (&json!(4), &json!(true)));
        // Losses, accuracies and the digest of the weights; not the times.
        record
            .into_iter()
            .filter(|line| line["kind"] == "epoch" || line["kind"] == "result")
            .map(|line| {
                let numbers =
                    ["train", "validation", "test", "weights_sha256"].map(|key| line[key].to_string());
                assert!(numbers[1] != "null" || numbers[2] != "null", "{line}");
                numbers.concat()
            })
            .collect::<Vec<_>>()
    };
    let first = run("a", "1");
    assert_eq!(first.len(), 3);
    assert_eq!(run("b", "1"), first);
    assert_eq!(run("c", "2"), first);
    assert_eq!(run("d", "3"), first);
}

/// Less memory, as planned in the record, and the same bits; with looks at the layers and at anomalies on top.
#[test]
fn blocks_that_are_computed_twice_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let train = |output: &str, more: &[&str]| {
        let base = "train --model resnet8 --width 4 --activation nswish --batch 10 --train-images 35 --test-images 10 \
                    --epochs 2 --output";
        let arguments: Vec<&str> =
            base.split_whitespace().chain([output]).chain(more.iter().copied()).collect();
        succeeds(folder.path(), &arguments);
        let record = record(&folder.path().join(output));
        let config = &record[0];
        assert_eq!(config["settings"]["checkpoint_blocks"], !more.is_empty());
        let plan = config["memory_plan_bytes"]["step"].as_u64().unwrap();
        let epochs: Vec<Value> = record.iter().filter(|line| line["kind"] == "epoch").cloned().collect();
        let metrics: Vec<_> = epochs.iter().map(|e| (e["train"].clone(), e["validation"].clone())).collect();
        (plan, metrics, fs::read(folder.path().join(output).join("weights.safetensors")).unwrap())
    };
    let (whole, metrics, weights) = train("plain", &[]);
    let looks = ["--checkpoint-blocks", "--inspect-every", "3", "--find-anomalies"];
    for (output, more) in [("kept", &looks[..1]), ("looked", &looks[..])] {
        let (plan, also, same) = train(output, more);
        assert!(plan < whole, "{plan} {whole}");
        assert!(also == metrics && same == weights, "{output}");
    }
}

/// By a loss of training, in the second step, and by the loss on the test images alone, after the only epoch.
#[test]
fn a_diverging_run_stops_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &str, &[&str]); 2] =
        [("16", "epoch 1, step 2;", &["stopped"]), ("64", "epoch 1, step 1;", &["epoch", "stopped"])];
    for (batch, place, end) in cases {
        let small = "train --model mlp --width 4 --train-images 64 --test-images 32 --epochs 1 --lr 1e30";
        let rest = ["--batch", batch, "--output", batch];
        let arguments: Vec<&str> = small.split(' ').chain(rest).collect();
        let output = anact(folder.path(), &arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        let names_loss = ["the loss is NaN", "the loss is inf"].iter().any(|loss| message.contains(loss));
        assert!(names_loss && message.contains(place), "{message}");
        assert!(message.contains("is the first that is not finite"), "{message}");
        let run = folder.path().join(batch);
        assert_stopped(&run, "the loss is");
        assert_eq!(kinds(&record(&run)), [&["config", "start", "layers"], end].concat());
    }
}

/// A small network on few images.
const INSPECT: &str = "inspect --model resnet8 --width 4 --batch 6 --train-images 12 --test-images 6";

fn inspect(folder: &Path, rest: &str) -> Output {
    let arguments: Vec<&str> = INSPECT.split(' ').chain(rest.split(' ')).filter(|a| !a.is_empty()).collect();
    anact(folder, &arguments)
}

#[test]
fn an_inspection_leaves_whole_files_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        inspect(folder.path(), "--html page.html --json tape.json --dot tape.dot --step 3 --epochs 2");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for part in ["conv1.conv2d", "6×4×28×28", "layer3.0.downsample.0.conv2d", "fc.matmul", "cross_entropy"]
    {
        assert!(table.contains(part), "no {part} in:\n{table}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json = read("tape.json");
    let tape: Value = serde_json::from_str(&json).unwrap();
    let nodes = tape["nodes"].as_array().unwrap();
    assert_eq!((tape["schema"].as_str(), nodes.len()), (Some("anact-tape/1"), 69));
    let fact = |name: &str| {
        let facts = tape["facts"].as_array().unwrap();
        facts.iter().find(|f| f["name"] == name).map(|f| f["value"].as_str().unwrap().to_string())
    };
    assert_eq!((fact("step").as_deref(), fact("batch").as_deref()), (Some("3"), Some("6")));
    let find = |path: &str| nodes.iter().find(|n| n["path"] == path).unwrap_or_else(|| panic!("no {path}"));
    assert!(find("act1.normalize")["formula"].as_str().unwrap().contains("x·σ(βx)"));
    assert!(find("conv1.weight")["gradient"]["variance"].as_f64().unwrap() > 0.0);
    assert!(find("constant")["gradient"].is_null());
    // The page carries the same object; a `<` in it is escaped.
    let page = read("page.html");
    assert!(page.contains(&json.replace('<', "\\u003c")) && page.ends_with("</html>\n"));
    assert!(read("tape.dot").ends_with("}\n"));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "something was left over: {names:?}");
    // The same step again gives the same bytes, on another number of threads.
    let again = inspect(folder.path(), "--json again.json --step 3 --epochs 2 --threads 1");
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(read("again.json"), json);
}

#[test]
fn an_inspection_that_cannot_be_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |rest: &str, parts: &[&str]| {
        let arguments: Vec<&str> = INSPECT.split(' ').chain(rest.split(' ')).collect();
        refuses(folder.path(), &arguments, parts);
    };
    refused("--html no/page.html", &["no/page.html", "folder"]);
    refused("--html a --json a", &["named twice"]);
    refused("--output out", &["--output", "--html"]);
    refused("--step 21", &["--step is 21", "at most 20"]);
    refused("--json tape.json --nodes conv1.conv3d", &["conv1.conv3d", "conv1.conv2d"]);
    refused("--epsilon 1", &["--against"]);
    refused("--nodes * --against seed=1", &["--nodes", "--against"]);
    refused("--against seed=1 --epsilon=-1", &["--epsilon is -1"]);
    refused("--against sede=1", &["sede"]);
    refused("--against model=resnet9", &["resnet9", "resnet8"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_variation_is_compared_with_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let compare = |rest: &str| {
        let output = inspect(folder.path(), rest);
        assert!(output.status.success(), "{rest}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let same = compare("--against dtype=f32 --epsilon 0");
    assert!(same.contains("no difference above ε = 0e0 in 69 nodes"), "{same}");
    // Rounding alone stays within a thousandth of the largest value, after two steps of training, too.
    let double = compare("--against dtype=f64 --epsilon 1e-3 --step 2");
    assert!(double.contains("values: 0 of 69") || double.contains("no difference"), "{double}");
    let relu = compare("--against activation=relu");
    assert!(
        relu.contains("first    #7 act1.normalize (nswish raw detached layer given) | #6 act1.relu (relu)"),
        "{relu}"
    );
    assert!(relu.contains("only in the first: #6 act1.alpha (leaf) [1]"), "{relu}");
    let seed = compare("--against seed=1 --against activation=relu");
    assert!(seed.contains("seed=1, activation=relu") && seed.contains("first    constant (leaf)"), "{seed}");
}

#[test]
fn the_lists_name_everything() {
    let folder = tempfile::tempdir().unwrap();
    let list = text(&anact(folder.path(), &["list"]).stdout);
    for name in ["nswish", "nprelu", "resnet50", "cifar100", "sgd", "orthogonal", "conv2d"] {
        assert!(list.contains(name), "no {name} in:\n{list}");
    }
}

#[test]
fn reference_files_are_read_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let (node, moments) = (golden.join("anact_node.json"), golden.join("gaussian_moments.json"));
    let arguments = ["check", "--node", node.to_str().unwrap(), "--moments", moments.to_str().unwrap()];
    let output = anact(folder.path(), &arguments);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    // One wrong digit must be found: an error of 2e-12, twice what is allowed.
    let (right, wrong) = ("\"rho\": 0.9395387668576491", "\"rho\": 0.9395387668596491");
    let wrong = fs::read_to_string(&node).unwrap().replacen(right, wrong, 1);
    assert_ne!(wrong, fs::read_to_string(&node).unwrap());
    fs::write(folder.path().join("wrong.json"), wrong).unwrap();
    fails(folder.path(), &["check", "--node", "wrong.json"], 1, &["Normalized node"]);
    fs::write(folder.path().join("bad.json"), "[{\"activation\": \"relu\"}]").unwrap();
    refuses(folder.path(), &["check", "--moments", "bad.json"], &["bad.json", "mean"]);
    refuses(folder.path(), &["check", "--op", "conv3d"], &["conv2d"]);
}

#[test]
fn data_files_are_judged_and_fetched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    cifar(folder.path(), |_, bytes| bytes);
    let verify = ["data", "verify", "cifar10", "."];
    let output = anact(folder.path(), &verify);
    let words = text(&output.stdout);
    assert_eq!(words.lines().filter(|line| line.starts_with("differs  ")).count(), 6, "{words}");
    assert!(words.contains("so a stand-in in the same layout"), "{words}");
    fails(folder.path(), &verify, 1, &["does not hold the official files of `cifar10`"]);
    let output = anact(folder.path(), &[&verify[..], &["--json"]].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["good"], &json["report"]["findings"][5]["verdict"]),
        (&false.into(), &"differs".into())
    );

    let output = anact(folder.path(), &["data", "fetch"]);
    assert!(output.status.success() && text(&output.stdout).contains("cifar-100-binary.tar.gz"));
    refuses(folder.path(), &["data", "fetch", "cifar10"], &["--to <DIR>"]);
    refuses(folder.path(), &["data", "fetch", "cifar-10", "--to", "x"], &["did you mean cifar10"]);
    let one = ["data", "fetch", "mnist", "--to", "x", "--url", "http://localhost/mnist.gz"];
    refuses(folder.path(), &one, &["the address of a folder, ending in `/`: mnist has 4 files"]);
    let never = ["data", "fetch", "cifar10", "--to", "x", "--stall-timeout", "0"];
    refuses(folder.path(), &never, &["--stall-timeout is 0; want more than 0 seconds"]);
    assert!(!folder.path().join("x").exists());
    // Nothing listens at port 1. A failure must leave no new name in the folder, and `x` is made before anything is asked for.
    fs::create_dir(folder.path().join("x")).unwrap();
    let gone = ["data", "fetch", "cifar10", "--to", "x", "--attempts", "1", "--url", "http://127.0.0.1:1/"];
    fails(folder.path(), &gone, 1, &["cannot download", "http://127.0.0.1:1/cifar-10-binary.tar.gz: "]);
}
