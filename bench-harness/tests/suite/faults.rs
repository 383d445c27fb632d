//! What a run says where its machine fails it: tests/faults/ has the faults that need more than a test may do.

use std::fs;

use crate::program::{anact, succeeds, text};

const TRAIN: &str =
    "train --model mlp --width 4 --train-images 64 --test-images 16 --batch 16 --epochs 1 --output run";

/// A table cannot be written, for a folder has its name: what the test has found is told first, and then the error; and when that is put
/// right the run is finished.
#[test]
fn a_result_that_cannot_be_written_is_told() {
    for json in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("run/confusion.csv");
        fs::create_dir_all(&taken).unwrap();
        let arguments = if json { format!("{TRAIN} --json") } else { TRAIN.to_string() };
        let output = anact(folder.path(), &arguments);
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{said}");
        let for_people = if json { &said } else { &printed };
        assert!(for_people.contains("after the last epoch, on 16 test images: accuracy"), "{for_people}");
        assert!(
            for_people.contains("weights SHA-256") && !for_people.contains("recorded in"),
            "{for_people}"
        );
        assert!(said.lines().last().unwrap().contains("confusion.csv"), "{said}");
        if json {
            let last: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
            assert_eq!((&last["kind"], &last["test"]["images"]), (&"result".into(), &16.into()), "{last}");
        }
        fs::remove_dir(&taken).unwrap();
        assert!(succeeds(folder.path(), "train --resume run").contains("recorded in run"));
    }
}

/// Four thousand images go through a network in a gigabyte of address space: said before the first step, whatever becomes of it.
#[test]
#[cfg(target_os = "linux")]
fn want_of_memory_is_foretold() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -c 0; ulimit -v 1048576; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_anact")])
        .args("--threads 1 train --model resnet8 --batch 4000 --epochs 1 --output run".split(' '))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    let note = said.lines().find(|line| line.starts_with("note: this run will take")).expect(&said);
    assert!(note.contains("and what `ulimit -v` leaves to this process is"), "{note}");
    assert!(note.contains("a smaller --batch takes less"), "{note}");
    assert!(!output.status.success() && said.contains("memory allocation of"), "{said}");
}
