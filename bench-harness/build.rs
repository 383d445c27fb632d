//! Bakes the commit of the sources into the command, so that a record names what it was made with.

use std::process::Command;

fn main() {
    // The commit changes with HEAD, or with the branch that HEAD names.
    println!("cargo:rerun-if-changed=../.git/HEAD");
    if let Some(branch) =
        std::fs::read_to_string("../.git/HEAD").ok().as_deref().and_then(|h| h.strip_prefix("ref: "))
    {
        println!("cargo:rerun-if-changed=../.git/{}", branch.trim());
    }
    // And whether the sources differ from it changes with the sources.
    for folder in ["autograd", "layers", "anact", "datasets", "bench-harness"] {
        println!("cargo:rerun-if-changed=../{folder}/src");
    }
    println!("cargo:rerun-if-env-changed=ANACT_GIT_COMMIT");
    if std::env::var_os("ANACT_GIT_COMMIT").is_some() {
        return;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return };
    // Untracked files are left out: run folders inside the checkout would mark every later run.
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    println!("cargo:rustc-env=ANACT_GIT_COMMIT={commit}{}", if changes.is_empty() { "" } else { "-dirty" });
}
