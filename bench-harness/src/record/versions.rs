//! What a run was made with.

use std::fs;

use serde::Serialize;

use super::utc_now;

const UNKNOWN: &str = "unknown";

/// Program, machine and moment of a run, for the head of its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// Version of this crate.
    pub version: String,
    /// Commit of the sources, or `unknown`.
    pub git_commit: String,
    /// True if the sources differ from that commit, absent if that is not known.
    pub git_dirty: Option<bool>,
    /// Threads the run uses.
    pub threads: usize,
    /// Name of the processor, or `unknown`.
    pub cpu: String,
    /// Operating system and architecture, such as `linux x86_64`.
    pub platform: String,
    /// Moment of the call in UTC, RFC 3339.
    pub started: String,
}

/// Gathers the versions; `threads` is what the caller has set up.
#[must_use]
pub fn versions(threads: usize) -> Versions {
    let (git_commit, git_dirty) = git_state();
    Versions {
        version: env!("CARGO_PKG_VERSION").into(),
        git_commit,
        git_dirty,
        threads,
        cpu: fs::read_to_string("/proc/cpuinfo")
            .ok()
            .and_then(|text| cpu_model(&text))
            .unwrap_or(UNKNOWN.into()),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        started: utc_now(),
    }
}

/// The commit that the build script baked in, with `-dirty` appended where the sources differed from it.
fn git_state() -> (String, Option<bool>) {
    match option_env!("ANACT_GIT_COMMIT").filter(|commit| !commit.is_empty()) {
        None => (UNKNOWN.into(), None),
        Some(baked) => match baked.strip_suffix("-dirty") {
            Some(commit) => (commit.into(), Some(true)),
            None => (baked.into(), Some(false)),
        },
    }
}

/// The processor's name in the text of `/proc/cpuinfo`; the key depends on the architecture.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    ["model name", "cpu model", "cpu", "Model", "Hardware"].iter().find_map(|wanted| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(key, value)| key.trim() == *wanted && !value.trim().is_empty())?;
        Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_names() {
        let x86 = "processor\t: 0\nmodel\t\t: 106\nmodel name\t: Intel(R)  Xeon(R) CPU @ 2.60GHz\n";
        assert_eq!(cpu_model(x86).unwrap(), "Intel(R) Xeon(R) CPU @ 2.60GHz");
        let arm = "processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 4\n";
        assert_eq!(cpu_model(arm).unwrap(), "Raspberry Pi 4");
        assert_eq!(cpu_model("processor : 0\nmodel name :\n"), None);
        assert_eq!(cpu_model(""), None);
    }

    #[test]
    fn versions_are_complete() {
        let versions = versions(3);
        assert_eq!(versions.threads, 3);
        assert_eq!(versions.version, env!("CARGO_PKG_VERSION"));
        let hexadecimal = versions.git_commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(versions.git_commit == UNKNOWN || hexadecimal, "{}", versions.git_commit);
        assert!(!versions.cpu.is_empty());
        let json = serde_json::to_value(&versions).unwrap();
        assert_eq!(json["threads"], 3);
    }
}
