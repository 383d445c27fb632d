//! Ctrl-C and SIGTERM: the first asks the run to end after the present step, a second Ctrl-C ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Whether the user asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that listens to SIGINT and SIGTERM. SIGHUP is left alone, so that `nohup` has its effect. On systems without these
    /// signals it hears nothing, and Ctrl-C ends the process as it always does.
    pub fn listen() -> Self {
        Self::listen_saying("stopping after this step; press Ctrl-C again to stop at once")
    }

    /// The same, with what is said when the user asks.
    pub fn listen_saying(words: &'static str) -> Self {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        let was_key = AtomicBool::new(false);
        on_signal(move |is_key| {
            // A batch system may send SIGTERM more than once and means no more by it.
            if is_key && was_key.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            if !flag.swap(true, Ordering::SeqCst) || is_key {
                eprintln!("\n{words}");
            }
        });
        interrupt
    }

    /// Whether the user asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// # Errors
    /// [`Error::Interrupted`] once the user asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// Calls `act` on a thread of its own for every signal, and says whether it was the key's.
#[cfg(unix)]
fn on_signal(act: impl Fn(bool) + Send + 'static) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // Without listening a signal still ends the process, only less gently.
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        std::thread::spawn(move || signals.forever().for_each(|signal| act(signal == SIGINT)));
    }
}

#[cfg(not(unix))]
fn on_signal(_act: impl Fn(bool) + Send + 'static) {}
