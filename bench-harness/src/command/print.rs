//! `print!`, `println!` and `eprintln!` for commands, in place of the standard library's, which panic where nothing can be written:
//! on a full disk, to a terminal that is gone.

use std::fmt::Arguments;
use std::io::{IsTerminal, Write};

use crate::said::{self, printable};

/// Prints figures, without which the command has done nothing: where that fails it ends, with the reason.
macro_rules! print {
    ($($words:tt)+) => {
        $crate::command::print::write_figures(format_args!($($words)+))
    };
}

/// [`print!`] with the end of the line.
macro_rules! println {
    () => {
        print!("\n")
    };
    ($($words:tt)+) => {
        $crate::command::print::write_figures(format_args!("{}\n", format_args!($($words)+)))
    };
}

/// Says something on stderr, if anybody can be told.
macro_rules! eprintln {
    ($($words:tt)+) => {
        $crate::command::print::write_note(format_args!($($words)+))
    };
}

pub(super) fn write_figures(text: Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    // Programs get what there is, people what a terminal may have.
    let written = match stdout.is_terminal() {
        true => stdout.write_all(printable(&text.to_string()).as_bytes()),
        false => stdout.write_fmt(text),
    };
    if let Err(error) = written.and_then(|()| stdout.flush()) {
        write_note(format_args!("anact: standard output cannot be written: {error}"));
        std::process::exit(1);
    }
}

pub(super) fn write_note(text: Arguments<'_>) {
    said::on_stderr(text);
}
