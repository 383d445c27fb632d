//! The dashboard on a terminal of its own, which util-linux's `script` makes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::{command, record, succeeds, text};

const SMALL: &str = "train --model mlp --width 8 --train-images 64 --test-images 20 --batch 16 --output run";
/// What a terminal is told before and after the dashboard has it, and to show its cursor again.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const SHOW_CURSOR: &str = "\x1b[?25h";

/// Starts the program with `arguments` on a terminal of so many rows and columns. `None` where there is no `script`.
fn terminal(folder: &Path, arguments: &str, (rows, columns): (u16, u16)) -> Option<Child> {
    let program = command(folder, arguments).get_program().to_string_lossy().into_owned();
    let line = format!("stty rows {rows} cols {columns}; exec '{program}' {arguments}");
    let script = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"])
        .current_dir(folder)
        .envs([("SHELL", "/bin/sh"), ("TERM", "xterm-256color")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    if script.is_err() {
        eprintln!("nothing is tested, for want of util-linux's `script`");
    }
    script.ok()
}

/// Waits until the run has its first checkpoint.
fn wait_for_checkpoint(folder: &Path, is_over: impl Fn() -> bool) {
    let start = Instant::now();
    while fs::read_dir(folder.join("run/checkpoints")).map_or(0, Iterator::count) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60) && !is_over(), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs the program with `arguments` on a terminal; `keys` are pressed once the run has its first checkpoint. `None` where there
/// is no `script`.
fn on_a_terminal(folder: &Path, arguments: &str, keys: &str) -> Option<(Output, String)> {
    let mut child = terminal(folder, arguments, (24, 80))?;
    let mut keyboard = child.stdin.take().unwrap();
    // Read meanwhile: the terminal holds little.
    let output = std::thread::spawn(move || child.wait_with_output().unwrap());
    wait_for_checkpoint(folder, || output.is_finished());
    for key in keys.chars() {
        keyboard.write_all(key.to_string().as_bytes()).unwrap();
        keyboard.flush().unwrap();
        std::thread::sleep(Duration::from_millis(150));
    }
    let output = output.join().unwrap();
    drop(keyboard);
    let shown = text(&output.stdout);
    Some((output, shown))
}

/// What is on the ordinary screen after the dashboard, which must have taken the terminal once and given it back.
fn after_the_dashboard(shown: &str) -> &str {
    assert_eq!((shown.matches(ENTER).count(), shown.matches(LEAVE).count()), (1, 1), "{shown}");
    let (dashboard, after) = shown.split_once(LEAVE).unwrap();
    assert!(dashboard.contains(ENTER) && after.contains(SHOW_CURSOR), "{shown}");
    after
}

#[test]
#[cfg(target_os = "linux")]
fn keys_stop_a_run_and_the_terminal_is_given_back() {
    // Stop; Ctrl-C; help, pause and Ctrl-C; Ctrl-C twice where the first is not obeyed at once is for tests/faults.
    // An Alt-[ that nothing follows, half a character, and stop.
    for keys in ["s", "\x03", "?p\x03", "\x1b[\u{e9}s"] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = format!("{SMALL} --epochs 100000");
        let Some((output, shown)) = on_a_terminal(folder.path(), &arguments, keys) else { return };
        assert_eq!(output.status.code(), Some(75), "{keys:?}: {shown}");
        let after = after_the_dashboard(&shown);
        assert!(after.contains("anact train --resume run"), "{keys:?}: {after}");
        let record = record(&folder.path().join("run"));
        assert_eq!(record.last().unwrap()["kind"], "paused");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_finished_run_leaves_its_lines_on_the_ordinary_screen() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = format!("{SMALL} --epochs 3");
    let Some((output, shown)) = on_a_terminal(folder.path(), &arguments, "") else { return };
    assert!(output.status.success(), "{shown}");
    let after = after_the_dashboard(&shown);
    for line in ["epoch  1/3", "epoch  3/3", "after the last epoch, on 20 test images"] {
        assert!(after.contains(line), "no `{line}`: {after}");
    }
}

/// Nobody reads what the terminal is sent: the run ends all the same, and what it leaves is there before its last lines are.
#[test]
#[cfg(target_os = "linux")]
fn a_terminal_that_takes_nothing_keeps_no_run_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = format!("{SMALL} --epochs 600");
    let Some(mut child) = terminal(folder.path(), &arguments, (200, 400)) else { return };
    let mut keyboard = child.stdin.take().unwrap();
    wait_for_checkpoint(folder.path(), || false);
    let weights = folder.path().join("run/weights.safetensors");
    let start = Instant::now();
    let mut pressed = 0;
    while !weights.exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "no weights");
        if pressed < 60 {
            // Whole pictures of so many cells soon are more than a pipe holds.
            pressed += 1;
            keyboard.write_all(b"\x0c").unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(child.try_wait().unwrap().is_none(), "the terminal took everything");
    let output = child.wait_with_output().unwrap();
    drop(keyboard);
    let shown = text(&output.stdout);
    assert!(output.status.success());
    assert!(after_the_dashboard(&shown).contains("after the last epoch, on 20 test images"));
}

/// How a run is shown is no part of it: it is in no setting, and a run that goes on may be shown in another way.
#[test]
fn plain_lines_are_no_setting() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = format!("{SMALL} --epochs 1 --plain");
    #[cfg(target_os = "linux")]
    if let Some((output, shown)) = on_a_terminal(folder.path(), &arguments, "") {
        assert!(output.status.success() && !shown.contains(ENTER), "{shown}");
        fs::remove_dir_all(folder.path().join("run")).unwrap();
    }
    assert!(succeeds(folder.path(), &arguments).contains("epoch  1/1"));
    let record = record(&folder.path().join("run"));
    assert_eq!(record[0]["kind"], "config");
    assert!(!record[0].to_string().contains("plain\""), "{}", record[0]);
    succeeds(folder.path(), "train --resume run --plain");
}
