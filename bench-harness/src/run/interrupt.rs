//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to end after the present step, a second Ctrl-C ends the process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crate::error::{Error, INTERRUPTED, Result};
use crate::said;

/// Whether the user asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Asked>);

#[derive(Default)]
struct Asked {
    is_set: AtomicBool,
    was_key: AtomicBool,
    /// What is said when the user asks.
    words: &'static str,
    /// Gives the terminal back, while somebody has it for itself.
    give_back: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("is_set", &self.is_set).field("was_key", &self.was_key).finish()
    }
}

impl Interrupt {
    /// One that listens to SIGINT, SIGTERM, SIGQUIT and SIGHUP, but to none that this process was started to ignore: SIGHUP by
    /// `nohup`, SIGINT and SIGQUIT by a script's `&`. On systems without these signals it hears nothing, and Ctrl-C ends the
    /// process as it always does.
    pub fn listen() -> Self {
        Self::listen_saying("stopping after this step; press Ctrl-C again to stop at once")
    }

    /// The same, with what is said when the user asks.
    pub fn listen_saying(words: &'static str) -> Self {
        let interrupt = Self(Arc::new(Asked { words, ..Asked::default() }));
        let heard = interrupt.clone();
        on_signal(move |signal| match signal {
            Signal::Key => heard.press(),
            Signal::End => heard.ask(),
            Signal::Quit => heard.give_back(),
        });
        interrupt
    }

    /// Asks the run to end after the present step, as SIGTERM does. A batch system may do so more than once and means no more by
    /// it.
    pub fn ask(&self) {
        if !self.0.is_set.swap(true, Ordering::SeqCst) {
            self.say();
        }
    }

    /// What Ctrl-C does, for a terminal that hands it over as a key: asks the run to end, and the second time ends the process.
    pub fn press(&self) {
        if self.0.was_key.swap(true, Ordering::SeqCst) {
            self.give_back();
            std::process::exit(INTERRUPTED.into());
        }
        self.0.is_set.store(true, Ordering::SeqCst);
        self.say();
    }

    /// Somebody takes the terminal for itself: `give_back` is called before the process ends at once, and nothing is printed
    /// until [`Interrupt::release`].
    pub fn hold(&self, give_back: impl Fn() + Send + 'static) {
        *self.lock() = Some(Box::new(give_back));
    }

    /// The terminal is everybody's again.
    pub fn release(&self) {
        *self.lock() = None;
    }

    /// What is said when the user asks to stop.
    pub fn words(&self) -> &'static str {
        self.0.words
    }

    /// One that listens to these signals and to the end of standard input, which is where the pipe from another process ends when
    /// that process does, however it does.
    pub fn listen_and_follow_input() -> Self {
        let interrupt = Self::listen();
        let follower = interrupt.clone();
        let started = Builder::new().spawn(move || {
            // What comes is of no interest, and an error is an end, too.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            if !follower.is_set() {
                said::on_stderr("standard input has ended");
            }
            follower.ask();
        });
        if let Err(error) = started {
            said::on_stderr(format_args!(
                "note: the end of standard input will go unnoticed, since no thread can be started to watch for it: {error}"
            ));
        }
        interrupt
    }

    /// Whether the user asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::SeqCst)
    }

    /// # Errors
    /// [`Error::Interrupted`] once the user asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn say(&self) {
        if !self.0.words.is_empty() && self.lock().is_none() {
            said::on_stderr(format_args!("\n{}", self.0.words));
        }
    }

    fn give_back(&self) {
        if let Some(give_back) = self.lock().as_ref() {
            give_back();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Fn() + Send>>> {
        self.0.give_back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a signal means.
#[derive(Debug, Clone, Copy)]
enum Signal {
    /// SIGINT, which Ctrl-C sends.
    Key,
    /// SIGTERM and SIGHUP: the run is to end, since the machine or the terminal goes away.
    End,
    /// SIGQUIT: the process ends, with a core dump where there is one, as soon as this is answered.
    Quit,
}

/// Calls `act` on a thread of its own for every signal.
#[cfg(unix)]
fn on_signal(act: impl Fn(Signal) + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    let ignored = ignored_here();
    // Where nobody says what is ignored, SIGHUP is left alone for the sake of `nohup`, and the others are heard.
    let is_heard = |signal: &i32| ignored.map_or(*signal != SIGHUP, |mask| mask >> (signal - 1) & 1 == 0);
    let heard = [SIGINT, SIGTERM, SIGQUIT, SIGHUP].into_iter().filter(is_heard);
    // The thread comes first: signals that are caught and that nobody hears of would end nothing at all.
    let (hand_over, take) = std::sync::mpsc::channel::<Signals>();
    let started = Builder::new().spawn(move || {
        let Ok(mut signals) = take.recv() else { return };
        for signal in signals.forever() {
            match signal {
                SIGINT => act(Signal::Key),
                SIGQUIT => {
                    act(Signal::Quit);
                    let _ = emulate_default_handler(SIGQUIT);
                }
                _ => act(Signal::End),
            }
        }
    });
    // Without listening a signal still ends the process, only less gently.
    if let Err(error) = started {
        said::on_stderr(format_args!(
            "note: a signal will end the process at once, since no thread can be started to listen for it: {error}"
        ));
    } else if let Ok(signals) = Signals::new(heard) {
        let _ = hand_over.send(signals);
    }
}

#[cfg(not(unix))]
fn on_signal(_act: impl Fn(Signal) + Send + 'static) {}

/// The signals that this process ignores. Only Linux says so.
#[cfg(unix)]
fn ignored_here() -> Option<u64> {
    ignored_signals(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The signals that are ignored, by proc(5): bit 0 is signal 1.
#[cfg(unix)]
fn ignored_signals(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_shares_it_hears_of_it() {
        let interrupt = Interrupt::default();
        let other = interrupt.clone();
        assert!(other.check().is_ok());
        interrupt.ask();
        interrupt.ask();
        assert!(other.is_set());
        assert!(matches!(other.check(), Err(Error::Interrupted)));
    }

    #[test]
    fn the_first_press_asks_and_gives_nothing_back() {
        let interrupt = Interrupt::default();
        let given_back = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&given_back);
        interrupt.hold(move || flag.store(true, Ordering::SeqCst));
        interrupt.press();
        assert!(interrupt.is_set() && !given_back.load(Ordering::SeqCst));
        interrupt.release();
    }

    /// After proc(5): the status of a process that `nohup` started, and of another one.
    #[cfg(unix)]
    #[test]
    fn ignored_signals_are_read_from_the_kernel() {
        let status = "Name:\tanact\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored_signals(status), Some(0x1001));
        assert_eq!(ignored_signals("Name:\tanact\nSigIgn:\tx\n"), None);
        assert_eq!(ignored_signals(""), None);
    }
}
