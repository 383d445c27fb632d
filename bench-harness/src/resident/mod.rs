//! How much memory the process takes, and may still take, as the kernel counts it.

mod groups;

use std::path::Path;

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

/// What memory there is for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// What ends there.
    pub of: &'static str,
}

impl Room {
    /// The least of what the limit on the address space leaves, what those of the process's control groups leave, and what the
    /// machine has. `None` where nobody says, as on systems other than Linux.
    pub fn read() -> Option<Self> {
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        Self::by(&read)
    }

    /// By files of these paths.
    fn by(read: &dyn Fn(&Path) -> Option<String>) -> Option<Self> {
        let text = |path: &str| read(Path::new(path)).unwrap_or_default();
        let own = Self::of(&text("/proc/self/limits"), &text("/proc/self/status"), &text("/proc/meminfo"));
        let groups = groups::room(&text("/proc/self/cgroup"), read)
            .map(|bytes| Self { bytes, of: "what the memory limit of its control group leaves" });
        [own, groups].into_iter().flatten().min_by_key(|room| room.bytes)
    }

    fn of(limits: &str, status: &str, machine: &str) -> Option<Self> {
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
        // The word `unlimited` is no number.
        let limit = limit.and_then(|limit| limit.split_whitespace().next()?.parse::<u64>().ok());
        let limited = limit.zip(field(status, "VmSize:")).map(|(limit, taken)| limit.saturating_sub(taken));
        [
            limited.map(|bytes| Self { bytes, of: "what `ulimit -v` leaves to this process" }),
            field(machine, "MemAvailable:").map(|bytes| Self { bytes, of: "what this machine has left" }),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|room| room.bytes)
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

    #[test]
    fn the_least_room_counts() {
        let limits = |soft: &str| {
            format!(
                "Limit  Soft Limit  Hard Limit  Units\nMax address space         {soft}    unlimited   bytes \n"
            )
        };
        let room = |soft: &str, machine| {
            let room = Room::of(&limits(soft), "VmSize:\t    1000 kB\n", machine);
            room.map(|room| (room.bytes, room.of.contains("ulimit")))
        };
        let machine = "MemTotal:  9000 kB\nMemAvailable:     3000 kB\n";
        assert_eq!(room("2048000", machine), Some((1_024_000, true)));
        assert_eq!(room("8192000", machine), Some((3_072_000, false)));
        assert_eq!(room("unlimited", machine), Some((3_072_000, false)));
        assert_eq!(room("1024", machine), Some((0, true)));
        assert_eq!(room("unlimited", ""), None);
    }

    /// A container of 1 MB on a machine that has three.
    #[test]
    fn a_control_group_may_have_less_than_the_machine() {
        let room = |limit: &'static str| {
            let read = |path: &Path| {
                let text = match path.to_str()? {
                    "/proc/meminfo" => "MemAvailable:     3000 kB\n",
                    "/proc/self/cgroup" => "0::/\n",
                    "/sys/fs/cgroup/memory.max" => limit,
                    "/sys/fs/cgroup/memory.current" => "600000\n",
                    _ => return None,
                };
                Some(text.to_string())
            };
            Room::by(&read).map(|room| (room.bytes, room.of.contains("control group")))
        };
        assert_eq!(room("1000000\n"), Some((400_000, true)));
        assert_eq!(room("max\n"), Some((3_072_000, false)));
        assert_eq!(Room::by(&|_| None), None);
    }
}
