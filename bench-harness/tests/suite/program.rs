//! The program `anact`, run from outside.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Arguments of the program: a list, or words in one line.
pub(crate) trait Arguments: Debug {
    fn list(&self) -> Vec<&str>;
}

impl Arguments for str {
    fn list(&self) -> Vec<&str> {
        self.split_whitespace().collect()
    }
}

impl Arguments for String {
    fn list(&self) -> Vec<&str> {
        self.as_str().list()
    }
}

impl Arguments for [&str] {
    fn list(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl<const N: usize> Arguments for [&str; N] {
    fn list(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl Arguments for Vec<&str> {
    fn list(&self) -> Vec<&str> {
        self.clone()
    }
}

/// The command that runs it in `folder`.
pub(crate) fn command<A: Arguments + ?Sized>(folder: &Path, arguments: &A) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anact"));
    command.current_dir(folder).args(arguments.list());
    command
}

/// Runs it in `folder` to its end.
pub(crate) fn anact<A: Arguments + ?Sized>(folder: &Path, arguments: &A) -> Output {
    command(folder, arguments).output().expect("anact starts")
}

/// Starts it in `folder`, with its stderr to be read when it has ended.
pub(crate) fn start<A: Arguments + ?Sized>(folder: &Path, arguments: &A, stdout: Stdio) -> Child {
    command(folder, arguments).stdout(stdout).stderr(Stdio::piped()).spawn().expect("anact starts")
}

/// Waits until something is so, which must be within a minute.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the process of this number (or `self`) ignores a signal, as one does that a script's `&` or `nohup` started. Only Linux
/// says so, by proc(5).
pub(crate) fn ignores(process: &str, name: &str) -> bool {
    let number = match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "TERM" => 15,
        _ => panic!("what number is SIG{name}?"),
    };
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    mask >> (number - 1) & 1 == 1
}

/// Sends a signal to the process of this number.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it prints; it must succeed.
pub(crate) fn succeeds<A: Arguments + ?Sized>(folder: &Path, arguments: &A) -> String {
    let output = anact(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    String::from_utf8(output.stdout).expect("text is UTF-8")
}

/// It must take `arguments` for wrong: exit code 2, a message that holds every one of `parts`, and no file left.
pub(crate) fn refuses<A: Arguments + ?Sized>(folder: &Path, arguments: &A, parts: &[&str]) {
    fails(folder, arguments, 2, parts);
}

/// It must fail with `code` and a message that holds every one of `parts`; never with a panic, and without leaving a file.
pub(crate) fn fails<A: Arguments + ?Sized>(folder: &Path, arguments: &A, code: i32, parts: &[&str]) {
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let output = anact(folder, arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "{arguments:?}: no `{part}` in: {message}");
    }
    assert_eq!(names(), before, "{arguments:?} left a file");
}

/// Every line of the record in the run's folder `run`, each of which must be whole.
pub(crate) fn record(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("record.jsonl")).unwrap();
    assert!(text.ends_with('\n'), "the last line is not whole: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}
