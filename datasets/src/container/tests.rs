//! Zip and tar files written by other code, read by ours.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use ::zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
use proptest::{collection::btree_map, collection::vec, prelude::*};

use super::{tar, zip, *};

mod damage;
mod python;

type Files = BTreeMap<String, Vec<u8>>;

fn zip_of(files: &Files, method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options =
            SimpleFileOptions::default().compression_method(method).large_file(bytes.len() % 2 == 1);
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(files: &Files) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn container(path: &Path, bytes: &[u8]) -> Result<Container> {
    fs::write(path, bytes).unwrap();
    Container::open(path, "test")
}

fn all(container: &Container) -> Result<Files> {
    let mut found = Files::new();
    container.walk(
        |name| (!name.ends_with('/')).then_some(u64::MAX),
        |name, bytes| {
            assert!(found.insert(name.into(), bytes).is_none());
            Ok(())
        },
    )?;
    Ok(found)
}

proptest! {
    #[test]
    fn what_was_packed_comes_out(
        files in btree_map("[a-zé]{1,60}(/[a-z]{1,60}){0,3}\\.x", vec(any::<u8>(), 0..1500), 1..6),
    ) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("archive");
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            prop_assert_eq!(&all(&container(&path, &zip_of(&files, method)).unwrap()).unwrap(), &files);
        }
        prop_assert_eq!(&all(&container(&path, &tar_of(&files)).unwrap()).unwrap(), &files);
    }

    /// Beginnings and endings that take a reader past its first look.
    #[test]
    fn no_bytes_make_a_reader_panic(
        start in prop_oneof![Just(&zip::MEMBER[..]), Just(&zip::END[..]), Just(&b"\x1f\x8b\x08\x00"[..])],
        mut middle in vec(any::<u8>(), 0..300),
        end in vec(prop_oneof![Just(0u8), Just(0xff), 0u8..60], 18),
    ) {
        // An end record with small numbers, so that the directory is looked for among the bytes before.
        middle.splice(0..0, start.iter().copied());
        middle.extend(zip::END);
        middle.extend(end);
        let length = middle.len();
        middle[length - 2..].fill(0);
        let _ = zip::directory(&mut io::Cursor::new(&middle[..]), Path::new("f"));
        let mut header = [&middle[..], &[0; 512]].concat();
        header.truncate(512);
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        prop_assert!(tar::is_header(&header));
        header.extend(middle);
        let _ = tar::visit(&mut &header[..], Path::new("f"), |_, member| match member {
            Member::Bytes(reader) => read_limited(reader, 100, Path::new("m")).map(drop),
            Member::Other(_) => Ok(()),
        });
    }
}

/// More members than 16 bits count, as the official Tiny ImageNet has: with the wide record, and with a count that has
/// overflowed, as older writers left it.
#[test]
fn more_members_than_sixteen_bits_count() {
    let files: Files = (0..66_000).map(|n| (format!("{n:05}"), vec![n as u8])).collect();
    let bytes = zip_of(&files, CompressionMethod::Stored);
    let check =
        |bytes: &[u8]| zip::directory(&mut io::Cursor::new(bytes), Path::new("f")).map(|found| found.len());
    assert_eq!(check(&bytes).unwrap(), 66_000);
    let at = bytes.windows(4).rposition(|window| window == b"PK\x06\x06").unwrap();
    let mut old = bytes.clone();
    let end = bytes.len() - 22;
    old[end + 8..end + 10].copy_from_slice(&(66_000u32 as u16).to_le_bytes());
    old[end + 10..end + 12].copy_from_slice(&(66_000u32 as u16).to_le_bytes());
    old[end + 12..end + 16].copy_from_slice(&bytes[at + 40..at + 44]);
    old[end + 16..end + 20].copy_from_slice(&bytes[at + 48..at + 52]);
    assert_eq!(check(&old).unwrap(), 66_000);
    old[end + 10] ^= 1;
    let text = check(&old).unwrap_err().to_string();
    assert!(text.contains("the directory has 66000 entries, 465 are announced"), "{text}");
}

/// A directory that claims to have four billion bytes.
#[test]
fn a_forged_directory_costs_no_memory() {
    let mut bytes = zip_of(&Files::from([("a".into(), vec![1])]), CompressionMethod::Stored);
    let end = bytes.len() - 22;
    bytes[end + 12..end + 16].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
    let text = zip::directory(&mut io::Cursor::new(&bytes[..]), Path::new("f")).unwrap_err().to_string();
    assert!(text.contains("a directory of 4294967294 bytes at byte"), "{text}");
}
