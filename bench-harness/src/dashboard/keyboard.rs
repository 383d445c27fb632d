//! Keys as they come, read without ever waiting: a terminal that has hung up says so, and half a key holds nobody up.

use std::io;

/// A key that may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// The tabulator.
    Tab,
}

/// What gives the keys.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Keyboard {
    /// Opened for this alone: not to wait is a property of the open file, and standard input's is shared with the shell.
    terminal: std::fs::File,
    sequence: Sequence,
}

#[cfg(unix)]
impl Keyboard {
    /// The one of this process's terminal.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            terminal: super::terminal::open_terminal(std::fs::File::options().read(true))?,
            sequence: Sequence::None,
        })
    }

    /// The keys pressed since this was asked last.
    ///
    /// # Errors
    /// The terminal has hung up.
    pub(super) fn pressed(&mut self) -> io::Result<Vec<Key>> {
        use std::io::{ErrorKind, Read};
        let mut bytes = [0; 256];
        match self.terminal.read(&mut bytes) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(bytes[..count].iter().filter_map(|&byte| self.sequence.key(byte)).collect()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // What a terminal sends for one key it sends at once: Escape was a key of its own.
                self.sequence = Sequence::None;
                Ok(Vec::new())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Where in the bytes of a key this is. Keys of several bytes do nothing, but none of their bytes may be taken for another key.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    /// After Escape.
    Escape,
    /// After Escape and `O`: one more byte.
    Last,
    /// After Escape and `[`: up to a byte from `@` to `~`, as ECMA-48 has it.
    Control,
}

#[cfg(unix)]
impl Sequence {
    /// The key that ends with this byte, if it is one that may do something.
    fn key(&mut self, byte: u8) -> Option<Key> {
        let (next, key) = match (*self, byte) {
            (_, 0x1b) => (Self::Escape, None),
            (Self::Escape, b'[') => (Self::Control, None),
            (Self::Escape, b'O') => (Self::Last, None),
            (Self::Control, 0x20..=0x3f) => (Self::Control, None),
            (Self::Escape | Self::Last | Self::Control, _) => (Self::None, None),
            (Self::None, b'\t') => (Self::None, Some(Key::Tab)),
            (Self::None, 1..=26) => (Self::None, Some(Key::Ctrl((b'a' + byte - 1).into()))),
            (Self::None, b' '..=b'~') => (Self::None, Some(Key::Char(byte.into()))),
            // A byte of a character that is none of ASCII's.
            (Self::None, _) => (Self::None, None),
        };
        *self = next;
        key
    }
}

/// Where there are no terminals as Unix has them, crossterm knows how to read keys.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Keyboard;

#[cfg(not(unix))]
impl Keyboard {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn pressed(&mut self) -> io::Result<Vec<Key>> {
        use std::time::Duration;

        use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, poll, read};
        let mut keys = Vec::new();
        while poll(Duration::ZERO)? {
            let Event::Key(event) = read()? else { continue };
            // Some terminals tell of keys that are let go, too.
            if event.kind == KeyEventKind::Release {
                continue;
            }
            keys.extend(match event.code {
                KeyCode::Char(letter) if event.modifiers.contains(KeyModifiers::CONTROL) => {
                    Some(Key::Ctrl(letter))
                }
                KeyCode::Char(letter) => Some(Key::Char(letter)),
                KeyCode::Tab => Some(Key::Tab),
                _ => None,
            });
        }
        Ok(keys)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut sequence = Sequence::None;
        bytes.iter().filter_map(|&byte| sequence.key(byte)).collect()
    }

    /// Bytes as xterm sends them.
    #[test]
    fn keys_of_several_bytes_are_no_others() {
        use Key::{Char, Ctrl, Tab};
        assert_eq!(keys(b"p\t?\x03\x1a\x0c"), [Char('p'), Tab, Char('?'), Ctrl('c'), Ctrl('z'), Ctrl('l')]);
        // Up, F1, F5, Ctrl-Right, Alt-q, Escape before an arrow.
        for nothing in ["\x1b[A", "\x1bOP", "\x1b[15~", "\x1b[1;5C", "\x1bq", "\x1b\x1b[A"] {
            assert_eq!(keys(nothing.as_bytes()), [], "{nothing:?}");
            assert_eq!(keys(format!("{nothing}s").as_bytes()), [Char('s')], "{nothing:?}");
        }
        // é in UTF-8 and in Latin 1; Ctrl-\, DEL and NUL.
        assert_eq!(keys("és".as_bytes()), [Char('s')]);
        assert_eq!(keys(b"\xe9s\x1c\x7f\0"), [Char('s')]);
    }

    /// A terminal that sends nothing but nonsense is no reason to stop either.
    #[test]
    fn any_bytes_are_read() {
        let all: Vec<u8> = (0..=255).flat_map(|a| (0..=255).flat_map(move |b| [0x1b, a, b])).collect();
        assert!(keys(&all).len() < all.len());
    }
}
