//! Zip (PKWARE's APPNOTE.TXT, version 6.3): members one after another, and a directory at the end that says where.
//!
//! Read here: members stored or deflated, with zip64 sizes and counts. Every member is checked against the length and
//! the CRC-32 of the directory. Nothing is reserved on the word of a length field.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::{Crc, read::DeflateDecoder};

use crate::{
    Error, Result,
    format::bounded::{read_announced, read_limited, read_up_to},
};

/// What every member begins with.
pub(super) const MEMBER: &[u8; 4] = b"PK\x03\x04";

/// What the record at the end begins with; an empty archive is that record alone.
pub(super) const END: &[u8; 4] = b"PK\x05\x06";

const DIRECTORY_ENTRY: &[u8; 4] = b"PK\x01\x02";
const ZIP64_END: &[u8; 4] = b"PK\x06\x06";
const ZIP64_LOCATOR: &[u8; 4] = b"PK\x06\x07";

/// The kinds of files in the upper half of a member's external attributes (APPNOTE 4.4.15; the numbers are POSIX').
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const KINDS: u32 = 0o170_000;

/// The longest name of a file that any system allows a link to have.
const LONGEST_TARGET: u64 = 1 << 12;

/// Length of the end record without its comment.
const END_LEN: usize = 22;

/// One line of the directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name as it stands; the bytes are UTF-8 or the name is refused.
    pub(super) name: String,
    method: u16,
    encrypted: bool,
    crc: u32,
    packed: u64,
    /// Bytes after unpacking, as announced.
    pub(super) size: u64,
    /// Where the member's own header begins.
    start: u64,
    /// The kind of file in Unix' `st_mode`; 0 from writers that do not say.
    kind: u32,
}

impl Entry {
    /// Where it is in the file.
    pub(super) fn place(&self) -> u64 {
        self.start
    }

    /// Whether it is a file or a folder, and not a link, whose bytes are the name of another file.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, 0 | REGULAR | FOLDER)
    }

    /// Whether it is a symbolic link.
    pub(super) fn is_link(&self) -> bool {
        self.kind == LINK
    }
}

fn damaged(path: &Path, offset: u64, reason: impl Into<String>) -> Error {
    Error::Damaged { path: path.into(), kind: "zip file", offset, reason: reason.into() }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// `count` bytes from `offset` on, which must lie within the file.
fn bytes_at<R: Read + Seek>(
    archive: &mut R,
    offset: u64,
    count: u64,
    what: &'static str,
    path: &Path,
) -> Result<Vec<u8>> {
    seek(archive, offset, path)?;
    read_announced(archive, u128::from(count), offset, what, path)
}

fn seek<R: Seek>(archive: &mut R, offset: u64, path: &Path) -> Result<()> {
    let io = |source| Error::Io { path: path.into(), offset, source };
    // Relative, because a buffered reader keeps its buffer then: members are mostly read in file order.
    let here = archive.stream_position().map_err(io)?;
    let step = i64::try_from(i128::from(offset) - i128::from(here));
    let step = step.map_err(|_| damaged(path, here, format!("it points to byte {offset}")))?;
    archive.seek_relative(step).map_err(io)
}

/// Where the directory is and how many entries it announces.
struct End {
    start: u64,
    size: u64,
    entries: u64,
    /// The count has 16 bits, which writers of before zip64 let overflow.
    wraps: bool,
    /// First byte behind the directory.
    limit: u64,
}

/// The directory of an archive, in its own order.
///
/// # Errors
///
/// No directory (which is what an archive that was cut short lacks), a directory that is damaged or points outside the
/// file, a name twice.
pub(super) fn directory<R: Read + Seek>(archive: &mut R, path: &Path) -> Result<Vec<Entry>> {
    let end = find_end(archive, path)?;
    if end.start.checked_add(end.size).is_none_or(|e| e > end.limit) {
        let (start, size) = (end.start, end.size);
        let reason =
            format!("a directory of {size} bytes at byte {start} does not fit before its end record");
        return Err(damaged(path, end.limit, reason));
    }
    let bytes = bytes_at(archive, end.start, end.size, "the directory", path)?;
    let mut entries = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (entry, next) = entry(&bytes, at, end.start, path)?;
        entries.push(entry);
        at = next;
    }
    let found = entries.len() as u64;
    if found != end.entries && !(end.wraps && found & 0xffff == end.entries) {
        let announced = end.entries;
        return Err(damaged(
            path,
            end.limit,
            format!("the directory has {found} entries, {announced} are announced"),
        ));
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::DuplicateMember { path: path.into(), member: pair[0].into() }),
        None => Ok(entries),
    }
}

fn find_end<R: Read + Seek>(archive: &mut R, path: &Path) -> Result<End> {
    let io = |source| Error::Io { path: path.into(), offset: 0, source };
    let length = archive.seek(SeekFrom::End(0)).map_err(io)?;
    let tail_len = length.min((END_LEN + usize::from(u16::MAX)) as u64);
    let tail_start = length - tail_len;
    let tail = bytes_at(archive, tail_start, tail_len, "the end of a zip file", path)?;
    // The record ends the file: its last field is the length of the comment behind it.
    let found = tail.windows(END_LEN).rposition(|w| w.starts_with(END));
    let found = found.filter(|&at| at + END_LEN + usize::from(u16_at(&tail, at + 20)) == tail.len());
    let Some(at) = found else {
        return Err(damaged(path, length, "no directory at its end: the file is cut short or overwritten"));
    };
    let place = tail_start + at as u64;
    let record = &tail[at..at + END_LEN];
    let mut end = End {
        entries: u64::from(u16_at(record, 10)),
        size: u64::from(u32_at(record, 12)),
        start: u64::from(u32_at(record, 16)),
        wraps: true,
        limit: place,
    };
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 {
        return Err(damaged(path, place, "it is one part of several, only archives in one file are read"));
    }
    let full = end.entries == 0xffff || end.size == 0xffff_ffff || end.start == 0xffff_ffff;
    if full && let Some(at) = at.checked_sub(20).filter(|&at| tail[at..].starts_with(ZIP64_LOCATOR)) {
        let place = u64_at(&tail, at + 8);
        if place.checked_add(56).is_none_or(|e| e > tail_start + at as u64) {
            return Err(damaged(path, tail_start + at as u64, "the zip64 end record lies outside the file"));
        }
        let record = bytes_at(archive, place, 56, "the zip64 end record", path)?;
        if !record.starts_with(ZIP64_END) {
            return Err(damaged(path, place, "no zip64 end record where the locator says"));
        }
        end = End {
            entries: u64_at(&record, 32),
            size: u64_at(&record, 40),
            start: u64_at(&record, 48),
            wraps: false,
            limit: place,
        };
    }
    Ok(end)
}

/// The entry at `at`, and where the next one begins.
fn entry(bytes: &[u8], at: usize, start: u64, path: &Path) -> Result<(Entry, usize)> {
    let place = start + at as u64;
    let rest = &bytes[at..];
    if rest.len() < 46 || !rest.starts_with(DIRECTORY_ENTRY) {
        return Err(damaged(path, place, "no directory entry where one should begin"));
    }
    let [name_len, extra_len, comment_len] = [28, 30, 32].map(|at| usize::from(u16_at(rest, at)));
    let length = 46 + name_len + extra_len + comment_len;
    if rest.len() < length {
        return Err(damaged(path, place, "a directory entry reaches beyond the directory"));
    }
    let name = std::str::from_utf8(&rest[46..46 + name_len])
        .map_err(|_| damaged(path, place + 46, "a name that is not UTF-8"))?;
    let mut entry = Entry {
        name: name.into(),
        method: u16_at(rest, 10),
        encrypted: u16_at(rest, 8) & 1 != 0,
        crc: u32_at(rest, 16),
        packed: u64::from(u32_at(rest, 20)),
        size: u64::from(u32_at(rest, 24)),
        start: u64::from(u32_at(rest, 42)),
        kind: u32_at(rest, 38) >> 16 & KINDS,
    };
    let mut wide = zip64_extra(&rest[46 + name_len..46 + name_len + extra_len]);
    for field in [&mut entry.size, &mut entry.packed, &mut entry.start] {
        if *field == 0xffff_ffff {
            let (head, tail) = wide
                .split_at_checked(8)
                .ok_or_else(|| damaged(path, place, "a directory entry lacks its zip64 sizes"))?;
            *field = u64_at(head, 0);
            wide = tail;
        }
    }
    Ok((entry, at + length))
}

/// The contents of the extra field that holds 64-bit sizes; empty if there is none.
fn zip64_extra(mut extra: &[u8]) -> &[u8] {
    while extra.len() >= 4 {
        let length = usize::from(u16_at(extra, 2));
        let Some(contents) = extra.get(4..4 + length) else { break };
        if u16_at(extra, 0) == 1 {
            return contents;
        }
        extra = &extra[4 + length..];
    }
    &[]
}

/// Compares the name in a member's own header with the directory's; says where the member's bytes begin.
pub(super) fn check_name<R: Read + Seek>(archive: &mut R, entry: &Entry, path: &Path) -> Result<u64> {
    let mut header = [0; 30];
    seek(archive, entry.start, path)?;
    let found = read_up_to(archive, &mut header, entry.start, path)?;
    let (name_len, extra_len) = (usize::from(u16_at(&header, 26)), u64::from(u16_at(&header, 28)));
    let mut name = vec![0; name_len];
    let name_found = read_up_to(archive, &mut name, entry.start + 30, path)?;
    if found < header.len()
        || !header.starts_with(MEMBER)
        || name_found < name_len
        || name != entry.name.as_bytes()
    {
        let reason = format!("no member {} where the directory says it is", entry.name);
        return Err(damaged(path, entry.start, reason));
    }
    Ok(entry.start + 30 + name_len as u64 + extra_len)
}

/// Hands `parse` the unpacked bytes of a member. What `parse` leaves is read to the end, so that length and checksum
/// are always compared. `path` is the archive's, `member` what to call the member in errors.
///
/// # Errors
///
/// Those of `parse`; a member that is encrypted, packed in another way, damaged or not where the directory says.
pub(super) fn read_member<R: Read + Seek, T>(
    archive: &mut R,
    entry: &Entry,
    path: &Path,
    member: &Path,
    parse: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    if entry.encrypted {
        return Err(damaged(member, 0, "it is encrypted, which is not read"));
    }
    let start = check_name(archive, entry, path)?;
    seek(archive, start, path)?;
    let packed = archive.take(entry.packed);
    match entry.method {
        0 => checked(packed, entry, member, parse),
        8 => checked(DeflateDecoder::new(packed), entry, member, parse),
        method => Err(damaged(
            member,
            0,
            format!("it is packed by method {method}, only stored (0) and deflated (8) members are read"),
        )),
    }
}

/// What a member is that is no plain file, in words.
pub(super) fn describe<R: Read + Seek>(
    archive: &mut R,
    entry: &Entry,
    path: &Path,
    member: &Path,
) -> Result<String> {
    if !entry.is_link() {
        return Ok("a device or pipe".into());
    }
    let target =
        read_member(archive, entry, path, member, |reader| read_limited(reader, LONGEST_TARGET, member))?;
    Ok(format!("a symbolic link to `{}`", String::from_utf8_lossy(&target)))
}

fn checked<T>(
    inner: impl Read,
    entry: &Entry,
    member: &Path,
    parse: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let mut reader = Checked { inner, sum: Crc::new(), entry, count: 0 };
    let outcome = parse(&mut reader).and_then(|value| {
        io::copy(&mut reader, &mut io::sink()).map_err(|source| Error::Io {
            path: member.into(),
            offset: reader.count,
            source,
        })?;
        Ok(value)
    });
    super::as_damage(outcome, "zip member")
}

/// Compares length and checksum when the end is reached.
struct Checked<'e, R> {
    inner: R,
    sum: Crc,
    entry: &'e Entry,
    count: u64,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.count += found as u64;
        self.sum.update(&buffer[..found]);
        let wrong = |reason: String| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        let size = self.entry.size;
        if self.count > size || (found == 0 && !buffer.is_empty() && self.count < size) {
            let count = self.count;
            return wrong(format!("{count} bytes where the directory announces {size}"));
        }
        if found == 0 && !buffer.is_empty() && self.sum.sum() != self.entry.crc {
            let (sum, crc) = (self.sum.sum(), self.entry.crc);
            return wrong(format!("its CRC-32 is {sum:08x}, the directory says {crc:08x}"));
        }
        Ok(found)
    }
}
