//! Ctrl-C and SIGTERM: the first asks the run to end after the present step, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Whether the user asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that listens to SIGINT and SIGTERM.
    pub fn listen() -> Self {
        Self::listen_saying("stopping after this step; press Ctrl-C again to stop at once")
    }

    /// The same, with what is said when the user asks.
    pub fn listen_saying(words: &'static str) -> Self {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        // A second handler cannot be set; the first then still ends the process, only less gently.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            eprintln!("\n{words}");
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
