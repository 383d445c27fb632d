//! What all commands share: `--json`, quiet ends, completions and manual pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{anact, command, refuses, succeeds, text};

/// Commands without figures.
const WITHOUT: [&str; 3] = ["completions", "man", "data-show"];

/// The smallest run with something to say.
const TRAIN: &str = "--model mlp --width 4 --activation nswish --train-images 64 --test-images 16 --batch 16";
const TINY: &str = "name = \"tiny\"\n[options]\nmodel = \"mlp\"\nwidth = 4\ntrain_images = 64\ntest_images = 16\nbatch = 16\n\
                    epochs = 1\n[grid]\nseed = [1, 2]\n";
const STUDY: &str = "--activations relu,tanh --seeds 1 --json";

/// Runs of the table in this order, since some use what others leave; `Lines` of those that print a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    One,
    Lines,
}

fn table() -> Vec<(String, Form)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let file = |name: &str| golden.join(name).display().to_string();
    let network = "--model resnet18 --width 2 --activation relu";
    let (weights, batch) = (
        file("gradients/resnet18-width2/weights.safetensors"),
        file("gradients/resnet18-width2/batch.safetensors"),
    );
    let one = [
        "list".to_string(),
        "list models".into(),
        "check --op relu".into(),
        "check --campaign 3".into(),
        format!("check --moments {}", file("gaussian_moments.json")),
        "factors --activations relu".into(),
        "moments --activation tanh".into(),
        "moments".into(),
        "data fetch".into(),
        "data stats fashion-mnist-5k".into(),
        "data pack fashion-mnist-5k --output packed.anpk".into(),
        "data verify fashion-mnist-5k packed.anpk".into(),
        "init --model mlp --width 4 --image 1,28,28 --output init.safetensors".into(),
        format!("gradients {network} --weights {weights} --batch {batch} --output out.safetensors"),
        format!("lr-find {TRAIN} --steps 8"),
        "reproduce resnet-cifar10 --small --plan-only --output planned".into(),
        "plan tiny.toml --measure-steps 1".into(),
        "bench tape --length 1000 --memory-length 1000 --rounds 3".into(),
    ];
    let lines = [
        format!("train {TRAIN} --epochs 1 --inspect-every 2 --output run"),
        "train --resume run".into(),
        "run --plan tiny.toml --index 1".into(),
        // The second time there is nothing to do, and the record all the same.
        "run --plan tiny.toml --index 1".into(),
        format!("study dense --width 8 --depth 2 --batch 8 --chain-samples 8 {STUDY}"),
        format!(
            "study convergence --model mlp --depth 2 --width 4 --batch 16 --train-images 48 --steps 3 --lr 0.01 {STUDY}"
        ),
        format!(
            "study variance --models mlp --depth 2 --width 4 --batch 16 --train-images 48 --steps 2 {STUDY}"
        ),
    ];
    let after = [
        "sweep --plan tiny.toml".to_string(),
        "eval run".into(),
        "predict run sheet.png".into(),
        "export run --output run.npz".into(),
        "compare run".into(),
        "report run --output page.html".into(),
    ];
    let inspected = ["", "--memory", "--theory --seeds 1", "--nodes *", "--against seed=1"]
        .map(|rest| format!("inspect {TRAIN} {rest} --json -"));
    let with =
        |arguments: String| if arguments.contains("--json") { arguments } else { arguments + " --json" };
    let one = one.into_iter().map(|a| (a, Form::One));
    let lines = lines.into_iter().map(|a| (a, Form::Lines));
    let after = after.into_iter().chain(inspected).map(|a| (a, Form::One));
    one.chain(lines).chain(after).map(|(arguments, form)| (with(arguments), form)).collect()
}

#[test]
fn json_is_all_that_stands_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    succeeds(folder.path(), "data show fashion-mnist-5k --output sheet.png --count 1");
    for (arguments, form) in table() {
        let output = anact(folder.path(), &arguments);
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        // A search of so few steps may find no rate and say so; its points are printed all the same.
        assert!(output.status.success() || arguments.starts_with("lr-find"), "{arguments}: {said}");
        let parsed = |text: &str| -> Value {
            serde_json::from_str(text).unwrap_or_else(|e| panic!("{arguments}: {e} in:\n{text}"))
        };
        match form {
            Form::One => assert!(parsed(&printed).is_object() || parsed(&printed).is_array(), "{arguments}"),
            Form::Lines => {
                assert!(printed.lines().count() > 1, "{arguments}: {printed}");
                for line in printed.lines() {
                    assert!(parsed(line)["kind"].is_string(), "{arguments}: {line}");
                }
            }
        }
    }
}

/// The names of the commands that have none below them, from their manual pages.
fn commands(pages: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.map(|name| name.strip_suffix(".1").unwrap().to_string()).collect();
    let has_below = |name: &&String| names.iter().any(|other| other.starts_with(&format!("{name}-")));
    names.iter().filter(|name| !has_below(name)).map(|name| name["anact-".len()..].to_string()).collect()
}

#[test]
fn every_command_with_figures_has_json_and_every_command_a_page() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), "man --output pages");
    let pages = folder.path().join("pages");
    let all = commands(&pages);
    assert!(all.len() > 25 && all.contains("bench-step") && all.contains("lr-find"), "{all:?}");
    let has_json = |name: &String| {
        fs::read_to_string(pages.join(format!("anact-{name}.1"))).unwrap().contains("\\-\\-json")
    };
    let without: Vec<&String> = all.iter().filter(|name| !has_json(name)).collect();
    let legal: BTreeSet<&str> = WITHOUT.into();
    assert_eq!(without.iter().map(|n| n.as_str()).collect::<BTreeSet<_>>(), legal);
    // The page of the command itself goes to stdout.
    let main = succeeds(folder.path(), "man");
    assert_eq!(main, fs::read_to_string(pages.join("anact.1")).unwrap());
    fs::write(folder.path().join("file"), "").unwrap();
    refuses(folder.path(), "man --output file", &["file", "choose another path"]);
}

#[test]
fn shells_complete_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = succeeds(folder.path(), &["completions", shell]);
        assert!(script.contains("lr-find") && script.contains("checkpoint-steps"), "{shell}");
    }
    refuses(folder.path(), "completions tcsh", &["bash"]);
}

/// A folder's name with an escape sequence and with characters that turn text round: as a note, as an error and among figures for people.
#[test]
#[cfg(unix)]
fn names_do_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "\u{1b}[2J\u{202e}gpj.exe\u{2066}";
    let shown = "\\u{1b}[2J\\u{202e}gpj.exe\\u{2066}";
    let arguments: Vec<&str> = ["train"].into_iter().chain(TRAIN.split_whitespace()).collect();
    let said = succeeds(folder.path(), &[&arguments[..], &["--epochs", "1", "--output", name]].concat());
    assert!(
        said.contains(&format!("recorded in {shown}")) && !said.contains(['\u{1b}', '\u{202e}']),
        "{said}"
    );
    // Without its result a run is passed over, with a note.
    fs::create_dir(folder.path().join("runs")).unwrap();
    fs::rename(folder.path().join(name), folder.path().join("runs").join(name)).unwrap();
    let page = ["report", "runs", "--output", "page.html"];
    succeeds(folder.path(), &page);
    fs::write(folder.path().join("runs").join(name).join("record.jsonl"), "nonsense\n").unwrap();
    let output = anact(folder.path(), &page);
    let said = text(&output.stderr);
    assert!(said.contains(shown) && !said.contains(['\u{1b}', '\u{202e}']), "{said}");
}

/// One place speaks to people, so that nothing goes past it; measurements print through what all commands share.
#[test]
fn everything_is_said_in_one_place() {
    fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = sources(&root);
    assert!(all.len() > 100, "{}", all.len());
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let inside = path.strip_prefix(&root).unwrap();
        let past: Vec<&str> = match inside {
            _ if inside == Path::new("said.rs") || inside == Path::new("command/print.rs") => vec![],
            _ if inside.starts_with("command/bench") => vec!["writeln!(std", "println!("],
            _ if inside.starts_with("command") => vec!["writeln!(std"],
            _ => vec!["writeln!(std", " println!(", "eprintln!("],
        };
        for words in past {
            assert!(!text.contains(words), "{}: {words}", inside.display());
        }
    }
}

/// The signal's number on Linux, macOS and the BSDs.
#[cfg(unix)]
const SIGPIPE: i32 = 13;

/// As when `head` has read enough: whoever writes on ends without a word.
#[test]
#[cfg(unix)]
fn a_reader_that_leaves_ends_the_command_quietly() {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        ["list", "list --json", "--help", "train --help", "moments", "factors", "man", "completions bash"]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(folder.path(), arguments).stdout(writer).output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments}");
        assert_eq!(output.status.signal(), Some(SIGPIPE), "{arguments}");
    }
}

/// A full disk behind stdout: figures that nobody can read are a failure that is told; a run is finished all the same.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    for arguments in [
        "list",
        "plan tiny.toml --count",
        "plan tiny.toml --measure-steps 0",
        "run --plan tiny.toml --index 1 --json",
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), arguments).stdout(full).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(said.contains("anact: standard output cannot be written: "), "{arguments}: {said}");
    }
    assert!(folder.path().join("tiny/mlp-nswish-seed-1/weights.safetensors").exists());
}
