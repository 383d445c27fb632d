//! Archives in the shapes of Python's modules and of GNU tar, written by `tests/archives/make_archives.py`.

use super::*;

fn read(name: &str) -> Result<Files> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archives").join(name);
    all(&Container::open(&path, "test")?)
}

/// What every one of them holds.
fn files() -> Files {
    let long = format!("some/{}näme.x", "long/".repeat(30));
    Files::from([(long, b"one".repeat(100)), ("two.x".into(), b"two".to_vec())])
}

/// With lengths behind the members (as written to a pipe), with zip64's fields in members, directory and end record, and with
/// the three ways in which tar writes a long name.
#[test]
fn every_shape_is_read() {
    let zips = ["plain.zip", "streamed.zip", "wide.zip", "wide_streamed.zip"];
    for name in zips.into_iter().chain(["pax.tgz", "gnu.tgz", "ustar.tgz"]) {
        assert_eq!(read(name).unwrap(), files(), "{name}");
    }
}

/// Each stands for a file that would be lost without a word, or be read with the bytes of another.
#[test]
fn links_and_holes_are_named() {
    let long = files().into_keys().next().unwrap();
    for (name, found, expected) in [
        ("linked.zip", "link.x is a symbolic link to `two.x`".into(), "as `zip` packs it without `-y`"),
        (
            "gnu_hard.tgz",
            format!("link.x is a hard link to `{long}`"),
            "as `tar --dereference --hard-dereference`",
        ),
        (
            "pax_hard.tgz",
            format!("link.x is a hard link to `{long}`"),
            "as `tar --dereference --hard-dereference`",
        ),
        ("gnu_symbolic.tgz", format!("link.x is a symbolic link to `{long}`"), "the file itself"),
        ("pax_symbolic.tgz", format!("link.x is a symbolic link to `{long}`"), "the file itself"),
        ("fifo.tgz", "link.x is a device or pipe".into(), "the file itself"),
        ("sparse_gnu.tgz", "two.x is a sparse file".into(), "the file itself"),
        ("sparse_pax.tgz", "two.x is a sparse file".into(), "the file itself"),
    ] {
        let text = read(name).unwrap_err().to_string();
        assert!(text.contains(&found) && text.contains(expected), "{name}: {text}");
    }
}

/// In the place of a file that nobody looks for, a link does no harm.
#[test]
fn links_that_are_not_wanted_are_passed_over() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archives");
    for name in ["linked.zip", "gnu_hard.tgz", "pax_symbolic.tgz"] {
        let mut found = Vec::new();
        let parse = |_: usize, _: &Path, reader: &mut dyn Read| {
            reader.read_to_end(&mut found).unwrap();
            Ok(())
        };
        Container::open(&folder.join(name), "test").unwrap().read(&["two.x"], 1, parse).unwrap();
        assert_eq!(found, b"two", "{name}");
    }
}
