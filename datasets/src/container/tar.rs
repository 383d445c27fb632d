//! Tar (POSIX.1 ustar, with GNU's and pax' long names): 512-byte headers, each followed by its member.
//!
//! There is no directory: members come in one pass. Regular files and folders have bytes here; links, devices and sparse
//! files are said to be such, since whoever wants one must not take it for absent or empty. The two empty blocks at the end are
//! demanded, and nothing but zeros behind them, since otherwise a file that was cut between two members, or has a hole,
//! would look whole.

use std::{
    io::{self, Read},
    path::Path,
};

use crate::{
    Error, Result,
    format::bounded::{read_announced, read_up_to},
};

const BLOCK: usize = 512;

/// A name is a path; this is more than any system allows.
const LONGEST_NAME: u64 = 1 << 16;

fn damaged(path: &Path, offset: u64, reason: impl Into<String>) -> Error {
    Error::Damaged { path: path.into(), kind: "tar file", offset, reason: reason.into() }
}

/// Whether `start`, the first 512 bytes of a file, is a header.
pub(super) fn is_header(start: &[u8]) -> bool {
    start.len() >= BLOCK && start[..BLOCK].iter().any(|&byte| byte != 0) && sum_is_right(&start[..BLOCK])
}

/// What a member is.
pub(crate) enum Member<'m> {
    /// A regular file with its bytes, or a folder, whose name ends in `/`.
    Bytes(&'m mut dyn Read),
    /// Anything else, in words: `a hard link to ...`.
    Other(String),
}

/// Hands each member to `visit`, its name and what it is. What `visit` leaves is passed over.
///
/// # Errors
///
/// Those of `visit`; a header that is damaged, a member or the end that is missing.
pub(crate) fn visit(
    mut archive: &mut dyn Read,
    path: &Path,
    mut visit: impl FnMut(&str, Member<'_>) -> Result<()>,
) -> Result<()> {
    let mut offset = 0;
    let mut long_name = None;
    let mut long_target: Option<Vec<u8>> = None;
    let mut long_size = None;
    let mut is_sparse = false;
    loop {
        let mut header = [0; BLOCK];
        let found = read_up_to(&mut archive, &mut header, offset, path)?;
        if found < BLOCK {
            let end = offset + found as u64;
            return Err(damaged(
                path,
                end,
                "it ends without the empty block that ends a tar file: cut short",
            ));
        }
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        if !sum_is_right(&header) {
            return Err(damaged(path, offset, "a header whose checksum is wrong"));
        }
        let announced = number(&header[124..136])
            .ok_or_else(|| damaged(path, offset + 124, "a length that is no number"))?;
        offset += BLOCK as u64;
        let kind = header[156];
        let size = match kind {
            b'L' | b'x' | b'K' | b'g' => announced,
            // Nothing follows the header of a link or device, though old writers give a link the length of its file.
            b'1'..=b'4' | b'6' => 0,
            _ => long_size.take().unwrap_or(announced),
        };
        let padded = size.checked_next_multiple_of(BLOCK as u64).and_then(|size| offset.checked_add(size));
        let next = padded.ok_or_else(|| damaged(path, offset, "a member longer than any file"))?;
        let mut member = Counted { inner: (&mut archive).take(size), count: 0 };
        match kind {
            b'L' | b'K' | b'x' if size > LONGEST_NAME => {
                return Err(damaged(path, offset, format!("a name of {size} bytes")));
            }
            b'L' | b'K' => {
                let bytes = read_announced(&mut member, u128::from(size), offset, "a long name", path)?;
                match kind {
                    b'L' => long_name = Some(text(until_nul(&bytes), offset, path)?),
                    _ => long_target = Some(until_nul(&bytes).into()),
                }
            }
            b'x' => {
                let bytes = read_announced(&mut member, u128::from(size), offset, "a pax header", path)?;
                let records =
                    pax(&bytes).ok_or_else(|| damaged(path, offset, "a pax header that is no list"))?;
                for (key, value) in records {
                    match key {
                        b"path" => long_name = Some(text(value, offset, path)?),
                        b"linkpath" => long_target = Some(value.into()),
                        b"size" => {
                            let value = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                            let size =
                                value.ok_or_else(|| damaged(path, offset, "a pax size that is no number"))?;
                            long_size = Some(size);
                        }
                        _ => is_sparse |= key.starts_with(b"GNU.sparse."),
                    }
                }
            }
            b'g' => {}
            _ => {
                let name = long_name.take().map_or_else(|| text(&short_name(&header), offset, path), Ok)?;
                let target = long_target.take().unwrap_or_else(|| until_nul(&header[157..257]).into());
                let is_sparse = std::mem::take(&mut is_sparse) || kind == b'S';
                if !is_sparse && matches!(kind, 0 | b'0' | b'5' | b'7') {
                    let slash = if kind == b'5' && !name.ends_with('/') { "/" } else { "" };
                    visit(&format!("{name}{slash}"), Member::Bytes(&mut member))?;
                } else {
                    visit(&name, Member::Other(in_words(kind, is_sparse, &target)))?;
                }
            }
        }
        // Past the rest of the member and its padding; a member that ends early shows here.
        let left = next - offset - member.count;
        let skipped = io::copy(&mut (&mut archive).take(left), &mut io::sink());
        let skipped = skipped.map_err(|source| Error::Io { path: path.into(), offset, source })?;
        if skipped < left {
            return Err(damaged(
                path,
                next - left + skipped,
                format!("it is cut short: a member reaches byte {next}"),
            ));
        }
        offset = next;
    }
    end(archive, offset + BLOCK as u64, path)
}

/// What a member is that is neither file nor folder. A sparse file's bytes are a list of its stretches, and these without
/// the holes between them.
fn in_words(kind: u8, is_sparse: bool, target: &[u8]) -> String {
    let target = String::from_utf8_lossy(target);
    match kind {
        _ if is_sparse => "a sparse file".into(),
        b'1' => format!("a hard link to `{target}`"),
        b'2' => format!("a symbolic link to `{target}`"),
        b'3' | b'4' | b'6' => "a device or pipe".into(),
        kind => format!("a member of the type {:?}", char::from(kind)),
    }
}

/// Behind the first empty block there is another one and, up to the end, nothing but zeros: a hole in the middle of a file looks
/// like its end. Read through also for the checksum that a compressed file ends in.
fn end(archive: &mut dyn Read, mut offset: u64, path: &Path) -> Result<()> {
    let mut rest = [0; 16 * BLOCK];
    let mut is_second = true;
    loop {
        let found = read_up_to(&mut { &mut *archive }, &mut rest, offset, path)?;
        if is_second && found < BLOCK {
            return Err(damaged(path, offset, "a single empty block where two end a tar file: cut short"));
        }
        if let Some(place) = rest[..found].iter().position(|&byte| byte != 0) {
            let place = offset + place as u64;
            return Err(damaged(
                path,
                place,
                "it goes on behind an empty block: a hole, or two files in one",
            ));
        }
        if found < rest.len() {
            return Ok(());
        }
        (offset, is_second) = (offset + found as u64, false);
    }
}

/// How many bytes of a member were taken.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.count += found as u64;
        Ok(found)
    }
}

/// The sum of all bytes, those of the sum itself taken as blanks.
fn sum_is_right(header: &[u8]) -> bool {
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u64::from(b) })
        .sum();
    number(&header[148..156]) == Some(sum)
}

/// Octal digits, or with the first bit set a big-endian number.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (head, tail) = field.split_at(field.len() - 8);
        let fits = head.iter().enumerate().all(|(i, &b)| if i == 0 { b & 0x7f == 0 } else { b == 0 });
        return fits.then(|| tail.iter().fold(0, |n, &b| n << 8 | u64::from(b)));
    }
    let digits = std::str::from_utf8(until_nul(field)).ok()?.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len())]
}

/// The name in the header, with the prefix that ustar has and GNU uses for other things.
fn short_name(header: &[u8]) -> Vec<u8> {
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    if &header[257..263] == b"ustar\0" && !prefix.is_empty() {
        [prefix, b"/", name].concat()
    } else {
        name.into()
    }
}

fn text(bytes: &[u8], offset: u64, path: &Path) -> Result<String> {
    String::from_utf8(bytes.into()).map_err(|_| damaged(path, offset, "a name that is not UTF-8"))
}

/// The records of a pax header, each `length key=value\n`.
fn pax(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|&b| b == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|&b| b == b'=')?;
        records.push((&record[..equals], &record[equals + 1..]));
        bytes = &bytes[length..];
    }
    Some(records)
}
