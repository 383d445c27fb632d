//! The thread that answers keys and draws, however long a step takes.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ratatui::layout::Size;

use super::draw::draw;
use super::job_control::{JobControl, can_stop, is_in_foreground, stop_job, stop_process};
use super::keyboard::Keyboard;
use super::keys::{Action, action};
use super::palette::Palette;
use super::state::State;
use super::terminal::{Canvas, Screen, canvas, wipe};
use crate::run::Interrupt;

/// The least time between two pictures.
const BETWEEN: Duration = Duration::from_millis(100);
/// The most, since the time that is left changes by itself.
const AT_LEAST: Duration = Duration::from_secs(1);
/// Between two looks at the keys; a signal or the end of the run waits as long.
const WAIT: Duration = Duration::from_millis(50);

/// What the run and the thread share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// A key was pressed.
    changed: Condvar,
    /// The run is over.
    is_over: AtomicBool,
    /// The thread is at work.
    is_alive: AtomicBool,
    began: Instant,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
            is_alive: AtomicBool::new(true),
            began: Instant::now(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the dashboard was made.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Gives the state to others until a key is pressed, or for a moment.
    pub(super) fn wait_for_key<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, BETWEEN).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_alive(&self) -> bool {
        self.is_alive.load(Ordering::SeqCst)
    }
}

/// The thread.
pub(super) struct Painter {
    pub(super) shared: Arc<Shared>,
    pub(super) screen: Screen,
    pub(super) interrupt: Interrupt,
    pub(super) palette: Palette,
    pub(super) jobs: JobControl,
    /// When this thread was last at work.
    pub(super) round: Cell<Instant>,
}

impl Drop for Painter {
    /// However the thread ends, nobody waits for it, and the terminal is given back.
    fn drop(&mut self) {
        self.jobs.end();
        self.screen.leave();
        self.interrupt.release();
        self.shared.is_alive.store(false, Ordering::SeqCst);
        self.shared.changed.notify_all();
    }
}

/// What was drawn last.
#[derive(Clone, Copy, PartialEq)]
struct Drawn {
    when: Instant,
    changes: u64,
    size: Size,
}

impl Painter {
    /// Draws and answers until the run is over or the terminal is gone: that is no reason to stop training.
    pub(super) fn run(self) {
        let (Ok(mut canvas), Ok(mut keyboard)) = (canvas(), Keyboard::open()) else { return };
        let mut drawn: Option<Drawn> = None;
        while !self.shared.is_over.load(Ordering::SeqCst) && !self.screen.is_gone() {
            if self.jobs.is_to_stop() {
                self.suspend(stop_process);
            }
            if self.jobs.has_gone_on() {
                // Since the round before this thread did nothing, and so did the run: whoever stops a process stops all of it. But
                // for the wait for keys, in which it may have been stopped at any moment; and a stop of our own is told already.
                let stopped = self.round.get().elapsed().saturating_sub(WAIT);
                self.shared.state().suspended_for(stopped);
                // Whoever had the terminal meanwhile may have left it in any state.
                self.screen.step_aside();
            }
            self.round.set(Instant::now());
            if !self.screen.is_up() {
                if !is_in_foreground() {
                    sleep(BETWEEN);
                    continue;
                }
                if self.screen.enter().and_then(|()| wipe(&mut canvas)).is_err() {
                    return;
                }
                drawn = None;
            }
            self.notice_interrupt();
            let pictured = self.picture(&mut canvas, &mut drawn);
            match pictured.and_then(|()| self.answer(&mut keyboard, &mut canvas)) {
                Ok(true) => drawn = None,
                Ok(false) => sleep(WAIT),
                Err(_) => return,
            }
        }
    }

    /// Draws if there is something new and the last picture is not too recent.
    fn picture(&self, canvas: &mut Canvas, drawn: &mut Option<Drawn>) -> io::Result<()> {
        let (changes, size) = (self.shared.state().changes, canvas.size()?);
        let is_due = drawn.is_none_or(|last| {
            let least = if last.changes == changes { AT_LEAST } else { BETWEEN };
            last.size != size || last.when.elapsed() >= least
        });
        if !is_due {
            return Ok(());
        }
        *drawn = Some(Drawn { when: Instant::now(), changes, size });
        let now = self.shared.now();
        let drawing = || {
            canvas
                .draw(|frame| {
                    let area = frame.area();
                    draw(&self.shared.state(), now, &self.palette, area, frame.buffer_mut());
                })
                .map(|_| ())
        };
        self.screen.while_up(drawing).unwrap_or(Ok(()))
    }

    /// Does what the keys ask that were pressed; says whether to draw at once.
    fn answer(&self, keyboard: &mut Keyboard, canvas: &mut Canvas) -> io::Result<bool> {
        // In the background they are somebody else's, and the kernel would stop the process for reading them.
        if !is_in_foreground() {
            return Ok(false);
        }
        let mut is_pressed = false;
        for action in keyboard.pressed()?.into_iter().filter_map(action) {
            is_pressed = true;
            match action {
                Action::Interrupt => self.interrupt.press(),
                Action::Stop => self.interrupt.ask(),
                Action::Suspend => {
                    self.suspend(stop_job);
                    // Of what the whole job was told.
                    self.jobs.is_to_stop();
                }
                Action::Redraw => self.screen.while_up(|| wipe(canvas)).unwrap_or(Ok(()))?,
                _ => {}
            }
            self.shared.state().act(action, self.shared.now());
            self.shared.changed.notify_all();
            if !self.screen.is_up() {
                break;
            }
        }
        Ok(is_pressed)
    }

    /// Gives the terminal back and stops the process, if there is a shell to let it go on.
    fn suspend(&self, stop: fn()) {
        if !can_stop() {
            let words = "no shell would let a stopped run go on, so it is not stopped";
            return self.shared.state().say(self.shared.now(), words);
        }
        self.screen.step_aside();
        // Held meanwhile, so that the run cannot end a step before it hears how long it was stopped.
        let mut state = self.shared.state();
        let since = Instant::now();
        stop();
        state.suspended_for(since.elapsed());
        self.round.set(Instant::now());
    }

    /// Whatever asked the run to stop, the dashboard says so.
    fn notice_interrupt(&self) {
        if self.interrupt.is_set() {
            let mut state = self.shared.state();
            state.asked_to_stop = true;
            if !std::mem::replace(&mut state.has_said_so, true) {
                state.say(self.shared.now(), self.interrupt.words());
            }
            drop(state);
            self.shared.changed.notify_all();
        }
    }
}
