//! The terminal while the dashboard has it, and how it is given back whatever happens.

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::Rect;

use super::job_control::is_in_foreground;
use crate::said;

/// What draws; one write for each picture, where standard output by itself would make one of every line.
pub(super) type Canvas = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Bytes of the largest picture that is still one write.
const BUFFER: usize = 1 << 17;

/// How often what must not wait is tried, and how long between: a fifth of a second in all.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The terminal's state, shared by everybody who may have to give it back.
#[derive(Debug, Clone, Default)]
pub(super) struct Screen(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Held while something is drawn.
    mode: Mutex<Mode>,
    /// Whether lines have to wait.
    is_up: AtomicBool,
    /// Lines for the ordinary screen.
    kept: Mutex<Vec<Line>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The ordinary screen, for now.
    #[default]
    Away,
    /// The dashboard.
    Up,
    /// The ordinary screen, for good.
    Gone,
}

/// A line for the ordinary screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A result.
    Out(String),
    /// A remark.
    Note(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Out(text) => f.write_str(text),
            Self::Note(text) => write!(f, "note: {text}"),
        }
    }
}

impl Line {
    /// A terminal that has gone away is no reason to stop training.
    fn print(&self) {
        match self {
            Self::Out(_) => said::on_stdout(self),
            Self::Note(_) => said::on_stderr(self),
        }
    }
}

impl Screen {
    /// Takes the terminal: the other screen, and keys one by one.
    ///
    /// # Errors
    /// A terminal that cannot do that; it is left as it was.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut mode = self.lock();
        if *mode != Mode::Away {
            return Ok(());
        }
        // After a stop that nobody could prepare for, the keys' mode is another than is remembered.
        let _ = disable_raw_mode();
        let entered = enable_raw_mode().and_then(|()| execute!(stdout(), EnterAlternateScreen, Hide));
        match entered {
            Ok(()) => {
                *mode = Mode::Up;
                self.0.is_up.store(true, Ordering::SeqCst);
            }
            Err(_) => {
                restore_mode();
                let _ = execute!(stdout(), LeaveAlternateScreen, Show);
            }
        }
        entered
    }

    /// Gives the terminal back for now.
    pub(super) fn step_aside(&self) {
        self.give_back(self.lock(), Mode::Away);
    }

    /// Gives the terminal back for good.
    pub(super) fn leave(&self) {
        self.give_back(self.lock(), Mode::Gone);
    }

    /// The same without waiting long, neither for whoever draws (in a panic that is the same thread) nor for a terminal that takes
    /// nothing. If it takes nothing, whoever draws gives it back when it does.
    pub(super) fn leave_at_once(&self) {
        if let Some(mut mode) = lock_soon(&self.0.mode) {
            *mode = Mode::Gone;
        }
        // Before lines need no longer wait: whoever prints one then holds this until the terminal takes it.
        let kept = lock_soon(&self.0.kept);
        if !self.0.is_up.swap(false, Ordering::SeqCst) {
            return;
        }
        restore_mode();
        let mut bytes = Vec::new();
        let _ = queue!(bytes, LeaveAlternateScreen, Show);
        for line in kept.iter().flat_map(|kept| kept.iter()) {
            bytes.extend(format!("{line}\n").bytes());
        }
        match (write_soon(&bytes), kept) {
            (true, Some(mut kept)) => kept.clear(),
            (true, None) => {}
            (false, _) => self.0.is_up.store(true, Ordering::SeqCst),
        }
    }

    fn give_back(&self, mut mode: MutexGuard<'_, Mode>, to: Mode) {
        // Not twice: what is on the ordinary screen by then would be written over.
        if self.0.is_up.swap(false, Ordering::SeqCst) {
            restore_mode();
            let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        }
        if *mode != Mode::Gone {
            *mode = to;
        }
        drop(mode);
        self.print_kept();
    }

    /// Does something while nobody else touches the terminal, if the dashboard has it.
    pub(super) fn while_up<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let mode = self.lock();
        // Whoever could not wait for the lock has restored the terminal already.
        (*mode == Mode::Up && self.is_up()).then(act)
    }

    /// Whether the dashboard has the terminal.
    pub(super) fn is_up(&self) -> bool {
        self.0.is_up.load(Ordering::SeqCst)
    }

    /// Whether it has given it back for good.
    pub(super) fn is_gone(&self) -> bool {
        *self.lock() == Mode::Gone
    }

    /// Prints a line on the ordinary screen, as soon as it is there.
    pub(super) fn print(&self, line: Line) {
        self.kept().push(line);
        // Whoever gives the terminal back says so first and prints then, so a line is seen by one of the two.
        if !self.is_up() {
            self.print_kept();
        }
    }

    fn print_kept(&self) {
        let mut kept = self.kept();
        kept.drain(..).for_each(|line| line.print());
    }

    fn lock(&self) -> MutexGuard<'_, Mode> {
        self.0.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lock, if it can be had within a fifth of a second.
fn lock_soon<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..TRIES {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
        }
    }
    None
}

/// What draws, on the whole of the terminal.
///
/// # Errors
/// A terminal that does not say how large it is.
pub(super) fn canvas() -> io::Result<Canvas> {
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER, stdout())))
}

/// Forgets what is on the terminal, so that the next picture is drawn whole. `Terminal::clear` would ask the terminal where its
/// cursor is, and wait for an answer.
///
/// # Errors
/// A terminal that is gone.
pub(super) fn wipe(canvas: &mut Canvas) -> io::Result<()> {
    let size = canvas.size()?;
    canvas.resize(Rect::new(0, 0, size.width, size.height))
}

/// The keys as they were. What fails cannot be mended, and whatever comes next is more important.
fn restore_mode() {
    // In the background the kernel would stop the process for it, and the shell has set its own mode.
    if is_in_foreground() {
        let _ = disable_raw_mode();
    }
}

/// This process's terminal, opened for one purpose, for which nothing ever waits.
///
/// # Errors
/// There is none.
#[cfg(unix)]
pub(super) fn open_terminal(options: &mut std::fs::OpenOptions) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open("/dev/tty")
}

/// Writes to the terminal past standard output, whose lock whoever draws may hold for good; `false` if the terminal does not take
/// everything within a fifth of a second.
#[cfg(unix)]
fn write_soon(mut bytes: &[u8]) -> bool {
    let Ok(mut terminal) = open_terminal(std::fs::File::options().write(true)) else { return false };
    for _ in 0..TRIES {
        match terminal.write(bytes) {
            Ok(count) if count == bytes.len() => return true,
            Ok(count) => bytes = &bytes[count..],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // It has gone away, and there is nothing to give back.
            Err(_) => return true,
        }
        thread::sleep(BETWEEN_TRIES);
    }
    false
}

#[cfg(not(unix))]
fn write_soon(bytes: &[u8]) -> bool {
    stdout().write_all(bytes).and_then(|()| stdout().flush()).is_ok()
}

/// From now on a panic gives the terminal back before it says what it has to say.
pub(super) fn restore_on_panic(screen: &Screen) {
    let (screen, before) = (screen.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        screen.leave_at_once();
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_while_the_dashboard_is_up() {
        let screen = Screen::default();
        screen.0.is_up.store(true, Ordering::SeqCst);
        screen.print(Line::Out("epoch 1".into()));
        screen.print(Line::Note("a checkpoint stays".into()));
        let kept: Vec<String> = screen.kept().drain(..).map(|line| line.to_string()).collect();
        assert_eq!(kept, ["epoch 1", "note: a checkpoint stays"]);
    }

    /// Whoever prints to a terminal that takes nothing holds the lines for good.
    #[test]
    fn nobody_who_prints_is_waited_for_at_the_end() {
        let screen = Screen::default();
        let printing = screen.kept();
        let leaving = screen.clone();
        let left = thread::spawn(move || leaving.leave_at_once());
        let begun = std::time::Instant::now();
        while !left.is_finished() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it waits");
            thread::sleep(BETWEEN_TRIES);
        }
        drop(printing);
        assert!(screen.is_gone());
    }

    #[test]
    fn what_is_gone_stays_so_and_nothing_is_drawn() {
        let screen = Screen::default();
        assert_eq!(screen.while_up(|| ()), None);
        screen.leave_at_once();
        screen.step_aside();
        assert!(screen.is_gone());
        screen.enter().unwrap();
        assert!(!screen.is_up());
    }
}
