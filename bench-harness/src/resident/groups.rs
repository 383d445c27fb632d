//! What control groups leave to a process, by cgroups(7): those of containers and batch systems.

use std::path::{Path, PathBuf};

/// Where the files of one kind of hierarchy lie and what they are called.
struct Kind {
    folder: &'static str,
    limit: &'static str,
    taken: &'static str,
    /// The line of `memory.stat` with what the kernel would take back first, for it only holds files.
    files: &'static str,
}

const UNIFIED: [Kind; 2] = [unified("/sys/fs/cgroup"), unified("/sys/fs/cgroup/unified")];

const fn unified(folder: &'static str) -> Kind {
    Kind { folder, limit: "memory.max", taken: "memory.current", files: "inactive_file" }
}

const FIRST: Kind = Kind {
    folder: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    taken: "memory.usage_in_bytes",
    files: "total_inactive_file",
};

/// The least that any group of the process leaves, in bytes: its own, or one that this is in. `membership` is `/proc/self/cgroup`, and
/// `read` reads a file. `None` where no group has a limit.
pub(super) fn room(membership: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let mut least = None;
    for line in membership.lines() {
        // Of version 2: 0::PATH; of version 1: NUMBER:CONTROLLERS:PATH.
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let kinds: &[Kind] = match controllers {
            "" if number == "0" => &UNIFIED,
            _ if controllers.split(',').any(|name| name == "memory") => &[FIRST],
            _ => continue,
        };
        for kind in kinds {
            // In a container the path may be the machine's, of which only the end is to be seen, as the first folder.
            for group in Path::new(path.trim_start_matches('/')).ancestors() {
                let left = left(kind, &Path::new(kind.folder).join(group), read);
                least = [least, left].into_iter().flatten().min();
            }
        }
    }
    least
}

/// What one group leaves.
fn left(kind: &Kind, group: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let text = |name: &str| read(&PathBuf::from(group).join(name));
    // The word `max` is no number; version 1 has one beyond all memory.
    let limit: u64 = text(kind.limit)?.trim().parse().ok()?;
    let taken: u64 = text(kind.taken)?.trim().parse().ok()?;
    let stat = text("memory.stat").unwrap_or_default();
    let files = stat.lines().find_map(|line| line.strip_prefix(kind.files)?.trim().parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(taken.saturating_sub(files)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn room_in(membership: &str, files: &[(&str, &str)]) -> Option<u64> {
        let files: BTreeMap<PathBuf, &str> =
            files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
        room(membership, &|path| files.get(path).map(ToString::to_string))
    }

    #[test]
    fn the_least_of_a_group_and_those_around_it_counts() {
        let files = [
            ("/sys/fs/cgroup/memory.current", "9000"),
            ("/sys/fs/cgroup/user.slice/memory.max", "5000\n"),
            ("/sys/fs/cgroup/user.slice/memory.current", "4000\n"),
            ("/sys/fs/cgroup/user.slice/memory.stat", "anon 1\ninactive_file 500\nactive_file 7\n"),
            ("/sys/fs/cgroup/user.slice/job.scope/memory.max", "3000\n"),
            ("/sys/fs/cgroup/user.slice/job.scope/memory.current", "1000\n"),
        ];
        assert_eq!(room_in("0::/user.slice/job.scope\n", &files), Some(1500));
        // Its own has no limit.
        assert_eq!(room_in("0::/user.slice/other.scope\n", &files), Some(1500));
        assert_eq!(room_in("0::/elsewhere\n", &files), None);
        assert_eq!(room_in("", &files), None);
    }

    #[test]
    fn the_first_version_has_a_hierarchy_for_memory() {
        let membership = "9:name=systemd:/\n8:pids:/a\n4:cpu,memory:/docker/77\n0::/\n";
        let files = [
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n"),
            ("/sys/fs/cgroup/memory/docker/77/memory.limit_in_bytes", "800\n"),
            ("/sys/fs/cgroup/memory/docker/77/memory.usage_in_bytes", "900\n"),
            ("/sys/fs/cgroup/memory/docker/77/memory.stat", "inactive_file 1\ntotal_inactive_file 250\n"),
        ];
        assert_eq!(room_in(membership, &files), Some(150));
        // Seen from inside the container only the first folder is there.
        let inside = [
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "700\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n"),
        ];
        assert_eq!(room_in(membership, &inside), Some(0));
    }

    #[test]
    fn what_is_no_number_is_no_limit() {
        let files = [("/sys/fs/cgroup/memory.max", "max\n"), ("/sys/fs/cgroup/memory.current", "900\n")];
        assert_eq!(room_in("0::/\nnonsense\n1:\n", &files), None);
    }
}
