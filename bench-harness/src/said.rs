//! What is said to people goes through here, so that no name out of a file moves a terminal's cursor, colours what follows or turns it
//! round: notes, errors, progress.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// Text as a terminal may have it: control characters and those that change the direction of writing are spelled out, but for ends
/// of lines and tabs.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_harmless = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || turns_text(c));
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmless(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    Cow::Owned(shown)
}

/// The marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9): with them `gpj.exe` reads `exe.jpg`.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Says a line on stderr, if anybody can be told: a full disk under it, or a terminal that has gone away, ends nothing.
pub(crate) fn on_stderr(line: impl Display) {
    let _ = writeln!(stderr(), "{}", printable(&line.to_string()));
}

/// The same on stdout.
pub(crate) fn on_stdout(line: impl Display) {
    let _ = writeln!(stdout(), "{}", printable(&line.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_write_nothing_but_themselves() {
        let text = "ρ′/a.png:\n\tis\r \u{1b}[2J\u{9b}1mred\0";
        assert_eq!(printable(text), "ρ′/a.png:\n\tis\\r \\u{1b}[2J\\u{9b}1mred\\u{0}");
        assert!(matches!(printable("Größe عربي\n"), Cow::Borrowed(_)));
    }

    /// Every character of UAX #9 that directs what is around it, and its neighbours, which do not.
    #[test]
    fn no_name_turns_the_text_round() {
        let turning: Vec<char> = [0x61c..=0x61c, 0x200e..=0x200f, 0x202a..=0x202e, 0x2066..=0x2069]
            .into_iter()
            .flatten()
            .map(|n| char::from_u32(n).unwrap())
            .collect();
        assert_eq!(turning.len(), 12);
        for c in turning {
            assert_eq!(printable(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(printable("\u{61b}\u{200d}\u{202f}\u{206a}"), "\u{61b}\u{200d}\u{202f}\u{206a}");
    }
}
