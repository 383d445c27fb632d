//! How much memory the process takes, as the kernel counts it.

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// Now.
    pub now: u64,
    /// The most so far, or since [`Resident::reset_peak`].
    pub peak: u64,
}

impl Resident {
    /// Reads it. `None` where there is no `/proc/self/status`, as on systems other than Linux.
    pub fn read() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        Some(Self { now: field(&status, "VmRSS:")?, peak: field(&status, "VmHWM:")? })
    }

    /// Starts the peak anew from what is resident now, where the kernel lets us.
    pub fn reset_peak() {
        // 5 resets the peak and nothing else, see proc(5). Where that fails, the peak is that of the whole process,
        // which overstates and never understates.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}

/// A line such as `VmRSS:     1234 kB` in bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_lines_are_read() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t     512 kB\n";
        assert_eq!(field(status, "VmRSS:"), Some(512 * 1024));
        assert_eq!(field(status, "VmHWM:"), Some(2048 * 1024));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
