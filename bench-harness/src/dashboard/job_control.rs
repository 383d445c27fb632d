//! Stopping and going on by the shell's hand: Ctrl-Z, `fg`, `bg`.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hears SIGTSTP and SIGCONT. On systems without them it hears nothing.
#[derive(Debug, Default)]
pub(super) struct JobControl {
    is_to_stop: Arc<AtomicBool>,
    has_gone_on: Arc<AtomicBool>,
    /// Nobody listens any more, so that SIGTSTP stops the process as it always does.
    is_over: Arc<AtomicBool>,
}

impl JobControl {
    /// One that hears from now on.
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        use signal_hook::consts::{SIGCONT, SIGTSTP};
        use signal_hook::flag::{register, register_conditional_default};
        let this = Self::default();
        // Without hearing them a stop leaves the dashboard on the terminal, and `fg` goes on with it.
        let _ = register_conditional_default(SIGTSTP, Arc::clone(&this.is_over));
        let _ = register(SIGTSTP, Arc::clone(&this.is_to_stop));
        let _ = register(SIGCONT, Arc::clone(&this.has_gone_on));
        this
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Self {
        Self::default()
    }

    /// Whether the process was asked to stop since this was asked last.
    pub(super) fn is_to_stop(&self) -> bool {
        self.is_to_stop.swap(false, Ordering::SeqCst)
    }

    /// Whether the process was stopped and goes on since this was asked last.
    pub(super) fn has_gone_on(&self) -> bool {
        self.has_gone_on.swap(false, Ordering::SeqCst)
    }

    /// Leaves the signals alone again.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

impl Drop for JobControl {
    fn drop(&mut self) {
        self.end();
    }
}

/// Stops the process until somebody lets it go on.
#[cfg(unix)]
pub(super) fn stop_process() {
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
}

#[cfg(not(unix))]
pub(super) fn stop_process() {}

/// The same with all processes of its job, as Ctrl-Z does where it is no key: a script that waits for this process would not
/// notice that it is to stop, too.
pub(super) fn stop_job() {
    let told = Command::new("sh")
        .args(["-c", "kill -TSTP 0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    stop_process();
    // The one that told the others was told, too.
    if let Ok(mut told) = told {
        let _ = told.kill();
        let _ = told.wait();
    }
}

/// Whether there is a shell that would let a stopped process go on: not in a container whose only process this is, nor where a
/// script that the terminal was made for waits for it, as in `script -c` or `ssh -t`.
pub(super) fn can_stop() -> bool {
    cfg!(unix) && Job::of_this_process().is_none_or(|job| job.has_shell(Job::of))
}

/// Whether the terminal is this process's to draw on. Where the kernel does not say, it is.
pub(super) fn is_in_foreground() -> bool {
    Job::of_this_process().is_none_or(|job| job.group == job.foreground)
}

/// Who is who among processes, see proc(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Job {
    process: i64,
    parent: i64,
    group: i64,
    session: i64,
    /// The group that has the terminal.
    foreground: i64,
}

impl Job {
    /// Linux says; elsewhere `None`.
    fn of_this_process() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn of(process: i64) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Whether the first ancestor outside of the group is of the same session. Where nobody in the group has such a parent POSIX
    /// calls the group orphaned, and no shell watches over it. An ancestor of whom the kernel says nothing, since it is another
    /// user's, may be a shell.
    fn has_shell(self, of: impl Fn(i64) -> Option<Self>) -> bool {
        let mut job = self;
        while job.group == self.group {
            // Nobody's child: the first process, or one whose parent is outside of the container.
            if job.parent == 0 {
                return false;
            }
            match of(job.parent) {
                Some(parent) => job = parent,
                None => return true,
            }
        }
        job.session == self.session
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name, in brackets, may hold anything.
        let (head, rest) = (stat.split_once(' ')?.0, stat.rsplit_once(')')?.1);
        let field = |number: usize| rest.split_whitespace().nth(number)?.parse().ok();
        Some(Self {
            process: head.parse().ok()?,
            parent: field(1)?,
            group: field(2)?,
            session: field(3)?,
            foreground: field(5)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn job(process: i64, parent: i64, group: i64, session: i64) -> Job {
        Job { process, parent, group, session, foreground: 4700 }
    }

    #[test]
    fn only_a_shell_lets_a_stopped_process_go_on() {
        let shell = job(12, 1, 12, 12);
        for (what, jobs, has_shell) in [
            ("a command of a shell", vec![job(4711, 12, 4711, 12), shell], true),
            ("in a subshell", vec![job(4711, 4700, 4700, 12), job(4700, 12, 4700, 12), shell], true),
            ("of a script that has the terminal", vec![job(4711, 12, 12, 12), shell, job(1, 0, 1, 1)], false),
            ("alone", vec![job(1, 0, 1, 1)], false),
            ("of somebody else's process", vec![job(4711, 12, 4711, 12)], true),
            ("whose shell is gone", vec![job(4711, 1, 4711, 12), job(1, 0, 1, 1)], false),
        ] {
            let of = |process| jobs.iter().find(|job| job.process == process).copied();
            assert_eq!(jobs[0].has_shell(of), has_shell, "{what}");
        }
    }

    /// After proc(5): pid (comm) state ppid pgrp session tty_nr tpgid flags.
    #[test]
    fn jobs_are_read_from_the_kernel() {
        let stat = "4711 (a ) b) S 12 4700 12 34816 4700 4194304 0";
        assert_eq!(Job::parse(stat), Some(job(4711, 12, 4700, 12)));
        assert_eq!(Job::parse("4711 (anact) S 12"), None);
        assert_eq!(Job::parse(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_says_who_this_is() {
        assert_eq!(Job::of_this_process().unwrap().process, i64::from(std::process::id()));
    }
}
