//! A file as bytes in memory without reading it: pages come from the disk, or from the system's cache of it, when they are
//! looked at.

use std::fs::File;
use std::io;
use std::path::Path;

/// A whole file, mapped read-only where the system can, read into memory elsewhere.
///
/// # Contract
/// **Nobody may write to the file or shorten it while it is mapped**, in this process or another. It is a condition on how the
/// program is run, which neither the compiler nor this code can check, and so the one place where a safe call rests on one:
/// - If the file is *shortened*, pages behind the new end cannot be had any more, and whoever looks at one is killed (`SIGBUS`).
/// - If its bytes are *changed in place*, the change may show here at any moment, or never. [`as_ref`](AsRef::as_ref) gives a
///   `&[u8]`, which promises bytes that stay as they are; one that changes beneath it is undefined behaviour by the rules of the
///   language, and in practice two reads of it may differ, so that what was compared with a digest is not what is used.
///
/// Replacing the file is allowed: a new one renamed over the old, or the old one removed, leaves the old one's bytes here.
/// That is how `anact data pack` writes. Where others may write in place (a shared folder, a file being copied), read the
/// file instead of mapping it.
#[derive(Debug)]
pub struct MappedFile {
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    #[cfg(target_os = "linux")]
    Mapped(mapping::Mapping),
    Read(Vec<u8>),
}

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// What the system says; a file that is larger than memory can be where it is read.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { bytes: Bytes::of(file)? })
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        match &self.bytes {
            #[cfg(target_os = "linux")]
            Bytes::Mapped(mapping) => mapping.as_slice(),
            Bytes::Read(bytes) => bytes,
        }
    }
}

impl Bytes {
    #[cfg(target_os = "linux")]
    fn of(file: File) -> io::Result<Self> {
        // Of length 0 there is no mapping, and what is not a plain file has no length that could be relied on.
        let about = file.metadata()?;
        // A slice is at most isize::MAX bytes long, which a machine of 32 bits could exceed.
        match isize::try_from(about.len()) {
            Ok(length) if about.is_file() && length > 0 => {
                mapping::Mapping::new(&file, length.unsigned_abs()).map(Self::Mapped)
            }
            _ => Self::read(file),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(file: File) -> io::Result<Self> {
        Self::read(file)
    }

    fn read(mut file: File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok(Self::Read(bytes))
    }
}

#[cfg(target_os = "linux")]
mod mapping {
    use std::ffi::c_void;
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::ptr::{self, NonNull};
    use std::slice;

    /// Pages of a file, read-only and private.
    #[derive(Debug)]
    pub(super) struct Mapping {
        start: NonNull<c_void>,
        length: usize,
    }

    impl Mapping {
        /// Maps the first `length` bytes of `file`, at least one and at most `isize::MAX`.
        pub(super) fn new(file: &File, length: usize) -> io::Result<Self> {
            // SAFETY: at an address of the system's choice, no memory of ours is replaced. The descriptor is open for the
            // length of the call; the mapping does not need it afterwards.
            let start = unsafe {
                libc::mmap(ptr::null_mut(), length, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
            };
            match NonNull::new(start) {
                Some(start) if start.as_ptr() != libc::MAP_FAILED => Ok(Self { start, length }),
                _ => Err(io::Error::last_os_error()),
            }
        }

        pub(super) fn as_slice(&self) -> &[u8] {
            // SAFETY: `length` bytes from `start` on are mapped readable until `self` is dropped, which the slice does not
            // outlive; `new` was asked for no more than a slice can have, and any bytes are valid `u8`. Nobody writes to them through this mapping, since it is read-only. That
            // the bytes also stay as they are while the slice lives is not ours to ensure: a write to the file by anyone may
            // show in a private mapping (mmap(2) leaves it open), and would be undefined behaviour here. The contract of
            // `MappedFile` forbids it. If the file is shortened, looking at what is gone raises SIGBUS, which ends the
            // process and hands out no value; the contract forbids that, too.
            unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.length) }
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: exactly what `new` mapped, once; no slice of it is left, since they borrow `self`. It cannot fail for
            // a whole mapping.
            unsafe { libc::munmap(self.start.as_ptr(), self.length) };
        }
    }

    // SAFETY: the pages are only ever read, and unmapping is as good on one thread as on another.
    unsafe impl Send for Mapping {}

    // SAFETY: as for `Send`: shared access only reads.
    unsafe impl Sync for Mapping {}
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    #[test]
    fn the_bytes_are_the_file_s() {
        let path = env::temp_dir().join(format!("anact-mapped-{}", process::id()));
        for length in [0usize, 1, 4095, 4096, 4097, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            let mapped = MappedFile::open(&path).unwrap();
            assert_eq!(mapped.as_ref(), bytes);
            assert_eq!(
                MappedFile { bytes: Bytes::read(File::open(&path).unwrap()).unwrap() }.as_ref(),
                bytes
            );
            // A new file of that name leaves the old one's bytes; threads share them.
            fs::remove_file(&path).unwrap();
            fs::write(&path, b"other").unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(mapped.as_ref(), bytes));
            });
        }
        fs::remove_file(&path).unwrap();
        assert!(MappedFile::open(&path).is_err());
    }
}
