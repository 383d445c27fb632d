//! Damages a real data file again and again and loads the data set each time: what happens, and what it takes.
//!
//! ```text
//! cargo run --release -p datasets --example damaged_copies -- DATASET PATH FILE COPIES
//! ```
//!
//! PATH is what `--data` would be, and FILE a file below it, or PATH itself. Every copy is written into a temporary folder,
//! beside links to the other files. `tests/faults/damaged_files.sh` runs this under a limit on memory.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::symlink,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    time::Instant,
};

use datasets::{Dataset, Split, find};

#[path = "../tests/suite/hurt.rs"]
mod hurt;

/// Names, labels, and every picture.
fn content(data: &Dataset) -> datasets::Result<u64> {
    let mut hasher = DefaultHasher::new();
    data.classes.hash(&mut hasher);
    let mut look = |split: &Split| {
        let mut scratch = Vec::new();
        split.labels().for_each(|label| label.hash(&mut hasher));
        for position in 0..split.len() {
            split.picture(position, &mut scratch)?.pixels.hash(&mut hasher);
        }
        Ok(())
    };
    look(&data.train)?;
    look(&data.test)?;
    Ok(hasher.finish())
}

/// The most memory the process has had so far, in MB, as the kernel says.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, given, file, copies] = &arguments[..] else {
        eprintln!("DATASET PATH FILE COPIES");
        return ExitCode::FAILURE;
    };
    let copies: usize = copies.parse().expect("COPIES is a number");
    let (given, folder) = (Path::new(given), tempfile::tempdir().expect("a temporary folder"));
    let (target, load_from) = if given.is_dir() {
        for entry in fs::read_dir(given).expect("PATH can be read").flatten() {
            if entry.file_name() != **file {
                let from = fs::canonicalize(entry.path()).expect("PATH can be read");
                symlink(from, folder.path().join(entry.file_name())).expect("links can be made");
            }
        }
        (folder.path().join(file), folder.path().to_path_buf())
    } else {
        (folder.path().join("copy"), folder.path().join("copy"))
    };
    let bytes =
        fs::read(if given.is_dir() { given.join(file) } else { given.into() }).expect("FILE can be read");
    fs::write(&target, &bytes).expect("the copy can be written");
    let entry = find(name).expect("a known data set");
    let load = || entry.load(Some(&load_from)).and_then(|data| content(&data));
    let whole = load().expect("the undamaged data set loads");
    let usual = peak();
    let (mut outcomes, mut slowest) = (BTreeMap::<&str, usize>::new(), 0.0_f64);
    for number in 0..copies {
        let (hurt, kind) = hurt::hurt(&bytes, number);
        // A new file: some systems write one that was emptied to the disk at once.
        fs::remove_file(&target).expect("the copy can be removed");
        fs::write(&target, hurt).expect("the copy can be written");
        let start = Instant::now();
        let outcome = match catch_unwind(AssertUnwindSafe(load)) {
            Ok(Ok(found)) if found == whole => "read as undamaged",
            Ok(Ok(_)) => "read with other content",
            Ok(Err(error)) => {
                if number < 16 {
                    let text = error.to_string();
                    println!("  {kind}: {}", text.replace(&*folder.path().to_string_lossy(), "…"));
                }
                "a clear error"
            }
            Err(_) => "PANIC",
        };
        slowest = slowest.max(start.elapsed().as_secs_f64());
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!(
        "{name} {file}: {copies} copies, {outcomes:?}, slowest {slowest:.2} s, memory at most {} MB ({usual} MB undamaged)",
        peak()
    );
    if outcomes.contains_key("PANIC") { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
