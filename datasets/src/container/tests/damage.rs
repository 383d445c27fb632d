//! Damage to every part of an archive: headers and bytes of its members, directory and end.

use super::*;

/// Reads everything in an archive of these bytes.
fn read(bytes: &[u8]) -> Result<Files> {
    let root = tempfile::tempdir().unwrap();
    all(&container(&root.path().join("archive"), bytes)?)
}

fn some_files() -> impl Strategy<Value = Files> {
    btree_map("[a-z]{1,9}\\.x", vec(any::<u8>(), 1..300), 1..4)
}

/// Where the parts of a zip file are: each member's header, each member's bytes, then the directory and its end.
fn parts(bytes: &[u8]) -> Vec<(&'static str, std::ops::Range<usize>)> {
    let mut archive = io::Cursor::new(bytes);
    let entries = zip::directory(&mut archive, Path::new("f")).unwrap();
    let mut starts: Vec<_> = entries.iter().map(|entry| entry.place() as usize).collect();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    starts.push(directory);
    let mut parts = Vec::new();
    for (entry, ends) in entries.iter().zip(starts.windows(2)) {
        let inside = zip::check_name(&mut archive, entry, Path::new("f")).unwrap() as usize;
        parts.extend([("header", ends[0]..inside), ("bytes", inside..ends[1])]);
    }
    parts.push(("directory", directory..bytes.len()));
    parts
}

proptest! {
    /// CRC-32 notices every burst of at most 32 bits, and a stored member has no other bytes than its own.
    #[test]
    fn damage_anywhere_in_a_zip_is_noticed_or_harmless(
        files in some_files(),
        part: prop::sample::Index,
        at: prop::sample::Index,
        burst in 1u32..,
        deflated: bool,
    ) {
        let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let mut bytes = zip_of(&files, method);
        let parts = parts(&bytes);
        let (name, range) = &parts[part.index(parts.len())];
        let at = range.start + at.index(range.len());
        for (byte, change) in bytes[at..range.end].iter_mut().zip(burst.to_le_bytes()) {
            *byte ^= change;
        }
        // The burst may lie behind the end of the part, all but its zeros.
        let changed = range.end - at >= 4 || burst.to_le_bytes()[..range.end - at].iter().any(|&byte| byte != 0);
        match read(&bytes) {
            Ok(found) => {
                prop_assert_eq!(&found, &files, "read and changed by damage to {}", name);
                prop_assert!(!changed || deflated || *name != "bytes", "stored bytes were changed unnoticed");
            }
            Err(error) => prop_assert!(changed && error.to_string().len() < 1000, "{}", error),
        }
    }

    /// Fields of the directory that lie, where nothing but the reader's care stands against them: no checksum covers them.
    #[test]
    fn a_directory_that_lies_is_refused_or_harmless(
        files in some_files(),
        entry: prop::sample::Index,
        field in 8usize..46,
        value in prop_oneof![Just(0u32), Just(u32::MAX), 0u32..400, any::<u32>()],
    ) {
        let mut bytes = zip_of(&files, CompressionMethod::Deflated);
        let starts: Vec<_> =
            bytes.windows(4).enumerate().filter(|(_, window)| *window == b"PK\x01\x02").map(|(at, _)| at).collect();
        let at = starts[entry.index(starts.len())] + field;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        if let Ok(found) = read(&bytes) {
            prop_assert_eq!(found, files);
        }
    }

    /// Headers of tar with a right checksum over wrong fields, and members with wrong bytes: no panic, nothing endless.
    #[test]
    fn a_tar_header_that_lies_makes_no_reader_panic(
        files in some_files(),
        block: prop::sample::Index,
        at in 0usize..512,
        change in vec(any::<u8>(), 1..13),
    ) {
        let mut bytes = tar_of(&files);
        let start = 512 * block.index(bytes.len() / 512);
        let end = 512.min(at + change.len());
        bytes[start + at..start + end].copy_from_slice(&change[..end - at]);
        let header = &mut bytes[start..start + 512];
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        if let Err(error) = read(&bytes) {
            prop_assert!(error.to_string().len() < 1000, "{}", error);
        }
    }
}
