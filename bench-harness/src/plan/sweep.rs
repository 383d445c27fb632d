//! The runs of a plan as processes on this machine.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::expand::PlannedRun;
use super::stage::Stage;
use crate::error::{INTERRUPTED, Result, UNFINISHED};
use crate::record::{RecordError, RunFolder};
use crate::run::{Interrupt, Status};

/// How often processes are asked whether they are over, and the runs that others have whether they are free.
const BETWEEN: Duration = Duration::from_millis(20);
const BETWEEN_VISITS: Duration = Duration::from_secs(1);

/// How a run is called as a process of its own.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The program.
    pub program: PathBuf,
    /// Its arguments but for `--index`.
    pub arguments: Vec<OsString>,
}

impl Invocation {
    /// Starts a run with its output appended to `log`. Its standard input is a pipe from this process: it stops, with a
    /// checkpoint, when the pipe ends, which it also does when this process is killed.
    fn start(&self, run: &PlannedRun, log: PathBuf) -> Result<Running> {
        let open = || -> std::io::Result<_> {
            let file = OpenOptions::new().create(true).append(true).open(&log)?;
            Ok((file.metadata()?.len(), file.try_clone()?, file))
        };
        let (logged_before, stdout, stderr) = open().map_err(RecordError::io("create", &log))?;
        let process = Command::new(&self.program)
            .args(&self.arguments)
            .args(["--index", &run.index.to_string()])
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .map_err(RecordError::io("start", &self.program))?;
        Ok(Running { place: run.index - 1, process, log, logged_before, start: Instant::now() })
    }
}

/// A process at work.
#[derive(Debug)]
struct Running {
    place: usize,
    process: Child,
    log: PathBuf,
    /// Bytes of the log that are of earlier processes.
    logged_before: u64,
    start: Instant,
}

impl Running {
    /// What the process has put into the log.
    fn said(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.logged_before))?;
            file.read_to_end(&mut bytes)
        });
        // A log that is gone says nothing.
        drop(read);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// How a run stands when a sweep is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// This sweep finished it.
    Done,
    /// It was finished before, or another process has finished it meanwhile.
    DoneBefore,
    /// It has failed, now or, if it diverged, earlier.
    Failed {
        /// What it said last.
        reason: String,
    },
    /// It was stopped, with a checkpoint.
    Paused,
    /// It is running in another process.
    Elsewhere,
    /// It was not begun by this sweep.
    Waiting,
}

/// The runs of a plan, a number of them at a time.
#[derive(Debug)]
pub struct Sweep<'r> {
    runs: &'r [PlannedRun],
    jobs: usize,
    invocation: Invocation,
    ends: Vec<End>,
    queue: VecDeque<usize>,
    running: Vec<Running>,
    /// Runs that are running in other processes.
    elsewhere: VecDeque<usize>,
    /// Seconds that each run took which this sweep finished.
    took: Vec<f64>,
}

impl<'r> Sweep<'r> {
    /// The runs, of which at most `jobs` are carried out at a time, in their order.
    pub fn new(runs: &'r [PlannedRun], jobs: usize, invocation: Invocation) -> Self {
        Self {
            runs,
            jobs: jobs.max(1),
            invocation,
            ends: vec![End::Waiting; runs.len()],
            queue: (0..runs.len()).collect(),
            running: Vec::new(),
            elsewhere: VecDeque::new(),
            took: Vec::new(),
        }
    }

    /// Carries out what is missing, and says how every run stands afterwards. A run that fails does not keep the others from
    /// running; one that another process works on is waited for. When the user asks to stop, the processes are asked, too, and
    /// waited for.
    ///
    /// # Errors
    /// A process cannot be started; the runs' folder is gone, or one has become another run's. Before the error is returned, the
    /// processes that are at work are asked to stop and waited for.
    pub fn carry_out(mut self, interrupt: &Interrupt, say: &mut dyn FnMut(String)) -> Result<Vec<End>> {
        // Once: a folder that vanishes meanwhile, with plan and runs, is not to come back with a log in it.
        for folder in self.runs.iter().filter_map(|run| run.folder.parent()) {
            fs::create_dir_all(folder).map_err(RecordError::io("create the folder", folder))?;
        }
        let mut visited = Instant::now();
        let mut has_waited = false;
        let mut problem = None;
        loop {
            if interrupt.is_set() || problem.is_some() {
                self.ask_to_stop();
            } else {
                problem = self.begin(say).err();
            }
            let collected = self.collect(interrupt, say);
            problem = problem.or(collected.err());
            if self.running.is_empty() {
                if let Some(problem) = problem {
                    return Err(problem);
                }
                if interrupt.is_set() || self.elsewhere.is_empty() && self.queue.is_empty() {
                    return Ok(self.ends);
                }
                if self.queue.is_empty() && !has_waited {
                    has_waited = true;
                    say(format!(
                        "waiting for {} of the runs, which other processes carry out",
                        self.elsewhere.len()
                    ));
                }
            }
            if visited.elapsed() >= BETWEEN_VISITS {
                self.queue.append(&mut self.elsewhere);
                visited = Instant::now();
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// Starts as many of the next runs as there is room for.
    fn begin(&mut self, say: &mut dyn FnMut(String)) -> Result<()> {
        while self.running.len() < self.jobs {
            let Some(place) = self.queue.pop_front() else { break };
            let run = &self.runs[place];
            match run.stage()? {
                Stage::Finished { .. } => {
                    self.ends[place] = End::DoneBefore;
                    continue;
                }
                Stage::Diverged { reason } => {
                    self.ends[place] = End::Failed { reason: first_line(&reason) };
                    continue;
                }
                Stage::Missing | Stage::Begun { .. } => {}
            }
            if is_held(run) {
                self.ends[place] = End::Elsewhere;
                self.elsewhere.push_back(place);
                continue;
            }
            let log = run.folder.with_file_name(format!("{}.log", run.name));
            let running = self.invocation.start(run, log)?;
            say(format!("[{}/{}] {} begins", run.index, self.runs.len(), run.name));
            self.ends[place] = End::Paused;
            self.running.push(running);
        }
        Ok(())
    }

    /// Takes note of processes that are over.
    fn collect(&mut self, interrupt: &Interrupt, say: &mut dyn FnMut(String)) -> Result<()> {
        let mut at = 0;
        while let Some(running) = self.running.get_mut(at) {
            match running.process.try_wait() {
                Ok(None) => at += 1,
                Ok(Some(status)) => {
                    let running = self.running.remove(at);
                    self.ended(&running, status, interrupt, say)?;
                }
                Err(error) => {
                    // Nobody can wait for it; its pipe ends with what is removed here.
                    self.running.remove(at);
                    return Err(RecordError::io("wait for", &self.invocation.program)(error).into());
                }
            }
        }
        Ok(())
    }

    fn ended(
        &mut self,
        running: &Running,
        status: ExitStatus,
        interrupt: &Interrupt,
        say: &mut dyn FnMut(String),
    ) -> Result<()> {
        let place = running.place;
        let run = &self.runs[place];
        let head = format!("[{}/{}] {}", run.index, self.runs.len(), run.name);
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        self.ends[place] = match code {
            Some(0) => {
                let seconds = running.start.elapsed().as_secs_f64();
                self.took.push(seconds);
                let accuracy = match run.stage()? {
                    Stage::Finished { test, .. } => format!(", accuracy {:.2} %", 100.0 * test.accuracy),
                    _ => String::new(),
                };
                say(format!("{head} is done in {}{accuracy}{}", super::duration(seconds), self.time_left()));
                End::Done
            }
            // Stopped as we asked, or by Ctrl-C before it listened.
            Some(UNFINISHED | INTERRUPTED) | None if interrupt.is_set() => End::Paused,
            // Somebody stopped this very process, and does not want it started again at once.
            Some(UNFINISHED) if is_paused(run) => {
                say(format!("{head} was stopped, with a checkpoint"));
                End::Paused
            }
            // Another process was faster: it is visited again.
            Some(UNFINISHED) => {
                self.elsewhere.push_back(place);
                End::Elsewhere
            }
            _ => {
                let reason = complaint(&running.said(), status);
                say(format!("{head} has failed: {reason}"));
                End::Failed { reason }
            }
        };
        Ok(())
    }

    /// Ends the pipes, at which the processes stop.
    fn ask_to_stop(&mut self) {
        for running in &mut self.running {
            drop(running.process.stdin.take());
        }
        self.queue.clear();
    }

    /// What is left at the pace so far, once there is one.
    fn time_left(&self) -> String {
        let running: Vec<f64> = self.running.iter().map(|r| r.start.elapsed().as_secs_f64()).collect();
        seconds_left(&self.took, &running, self.queue.len(), self.jobs)
            .map_or_else(String::new, |seconds| format!("; about {} left", super::duration(seconds)))
    }
}

/// What is left when finished runs `took` these seconds, others have been `running` for these, and more are `queued`.
fn seconds_left(took: &[f64], running: &[f64], queued: usize, jobs: usize) -> Option<f64> {
    let each = took.iter().sum::<f64>() / took.len() as f64;
    let rest = running.iter().map(|seconds| (each - seconds).max(0.0)).sum::<f64>() + each * queued as f64;
    let left = running.len() + queued;
    (!took.is_empty() && left > 0).then(|| rest / jobs.min(left) as f64)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}

/// Whether another process has the run's folder. For the moment of asking this one has it: a process that wants it in that very
/// moment is told so and comes again.
fn is_held(run: &PlannedRun) -> bool {
    let claim = RunFolder::open(&run.folder).and_then(|folder| folder.claim());
    matches!(claim, Err(RecordError::InUse { .. }))
}

/// Whether a run was stopped with a checkpoint, and nobody has gone on with it since.
fn is_paused(run: &PlannedRun) -> bool {
    !is_held(run) && matches!(run.history(), Ok(Some(history)) if history.status == Status::Paused)
}

/// Of what a process said, the last complaint, or else the last line.
fn complaint(said: &str, status: ExitStatus) -> String {
    if status.code().is_none() {
        // The allocator says what it could not have, and then ends the process by a signal.
        let wanted = said.lines().rfind(|line| line.starts_with("memory allocation of "));
        return wanted.map_or_else(String::new, |line| format!("{line}; ")) + &status.to_string();
    }
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let of = |at: usize| {
        let line = lines[at];
        match line.strip_prefix("anact: ").or(line.strip_prefix("error: ")) {
            Some(words) => Some(words.to_string()),
            // The panic's own words follow its place.
            None if line.contains(" panicked at ") => {
                Some([line, lines.get(at + 1).copied().unwrap_or_default()].join(" "))
            }
            None => None,
        }
    };
    let found = (0..lines.len()).rev().find_map(of);
    found.or(lines.last().map(ToString::to_string)).unwrap_or_else(|| "it said nothing".into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::Plan;
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_last_complaint_is_told() {
        use std::os::unix::process::ExitStatusExt;
        let failed = |said| complaint(said, ExitStatus::from_raw(256));
        assert_eq!(failed("anact: old\nanact: the loss is NaN\n  at fc1\n\n"), "the loss is NaN");
        assert_eq!(failed("error: invalid value\n\nFor more, try --help\n"), "invalid value");
        assert_eq!(
            failed("thread 'main' panicked at a.rs:1:2:\nno such thing\nnote: run with\n"),
            "thread 'main' panicked at a.rs:1:2: no such thing"
        );
        assert_eq!(failed("one\ntwo\n"), "two");
        assert_eq!(failed(""), "it said nothing");
        assert!(complaint("anact: old", ExitStatus::from_raw(9)).contains("signal: 9"));
        let aborted =
            complaint("memory allocation of 64 bytes failed\nstack backtrace:", ExitStatus::from_raw(6));
        assert!(aborted.starts_with("memory allocation of 64 bytes failed; signal: 6"), "{aborted}");
    }

    #[test]
    fn running_runs_count_for_what_they_have_left() {
        assert_eq!(seconds_left(&[], &[1.0], 3, 2), None);
        assert_eq!(seconds_left(&[10.0], &[], 0, 2), None);
        // Two workers: 4 s and 10 s of those that run, 10 s each of two that wait.
        assert_eq!(seconds_left(&[8.0, 12.0], &[6.0, 0.0], 2, 2), Some(17.0));
        // The last one has no company, and may take longer than the others did.
        assert_eq!(seconds_left(&[10.0], &[4.0], 0, 2), Some(6.0));
        assert_eq!(seconds_left(&[10.0], &[40.0], 0, 2), Some(0.0));
    }

    /// Two runs in `folder` and what carries them out in place of `anact run`.
    #[cfg(unix)]
    fn with_shell(folder: &Path, script: &str) -> (Vec<PlannedRun>, Invocation) {
        let text = "name = \"p\"\n[options]\nmodel = \"mlp\"\n[grid]\nseed = [1, 2]";
        let runs = Plan::parse(text, &folder.join("p.toml")).unwrap().runs().unwrap();
        let arguments = ["-c", script].map(OsString::from).to_vec();
        (runs, Invocation { program: "/bin/sh".into(), arguments })
    }

    #[test]
    #[cfg(unix)]
    fn what_earlier_processes_said_is_not_this_ones_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, shell) = with_shell(folder.path(), "echo new; exit 3");
        fs::create_dir(folder.path().join("p")).unwrap();
        fs::write(folder.path().join("p/mlp-nswish-seed-1.log"), "anact: old\n").unwrap();
        let ends = Sweep::new(&runs, 1, shell).carry_out(&Interrupt::default(), &mut |_| ()).unwrap();
        assert_eq!(ends, [(); 2].map(|()| End::Failed { reason: "new".into() }));
    }

    /// The folder of all runs vanishes with the first one: the second is not begun, and nothing comes back.
    #[test]
    #[cfg(unix)]
    fn a_folder_that_vanishes_stays_away() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, shell) = with_shell(folder.path(), &format!("rm -r '{}/p'", folder.path().display()));
        let error = Sweep::new(&runs, 1, shell).carry_out(&Interrupt::default(), &mut |_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("mlp-nswish-seed-2.log") && text.contains("its folder is not there"), "{text}");
        assert!(!folder.path().join("p").exists());
    }

    /// The second run cannot begin: the first one is asked to stop, by the end of its input, and waited for.
    #[test]
    #[cfg(unix)]
    fn an_error_leaves_no_process_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stopped");
        let (runs, shell) =
            with_shell(folder.path(), &format!("cat; sleep 0.1; echo > '{}'", file.display()));
        RunFolder::create(&runs[1].folder).unwrap();
        fs::write(runs[1].folder.join("record.jsonl"), "{\"kind\":\"other\"}\n").unwrap();
        let error = Sweep::new(&runs, 2, shell).carry_out(&Interrupt::default(), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("record.jsonl"), "{error}");
        assert!(file.exists());
    }
}
