//! Text files with one entry a line: names of classes, labels of pictures.

use std::path::Path;

use crate::{Error, Result};

/// A file of class names is a few kilobytes; more than this is some other file.
pub(crate) const NAMES_LIMIT: u64 = 1 << 16;

/// The lines that are not empty, without blanks around them, each with its number counted from 1.
///
/// # Errors
///
/// [`Error::Line`] for bytes that are not UTF-8.
pub(crate) fn lines<'b>(bytes: &'b [u8], path: &Path) -> Result<Vec<(usize, &'b str)>> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let line = std::str::from_utf8(line)
            .map_err(|_| wrong(path, number, "bytes that are not UTF-8".into(), "text"))?
            .trim();
        if !line.is_empty() {
            found.push((number, line));
        }
    }
    Ok(found)
}

/// The error of a line.
pub(crate) fn wrong(path: &Path, line: usize, found: String, expected: impl Into<String>) -> Error {
    Error::Line { path: path.into(), line, found, expected: expected.into() }
}
