//! Packed files: what was packed comes back, and damage is an error.

use std::{io::Cursor, path::Path, sync::Arc};

use datasets::{
    Dataset, Error, Images, Picture, PictureSource, Result, Split,
    packed::{self, Bytes},
    random::{Purpose, below, stream},
};

use crate::fixture;

fn bytes(file: &[u8]) -> Bytes {
    Arc::new(file.to_vec())
}

fn packed(dataset: &Dataset) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    packed::write(dataset, "none", &mut file).unwrap();
    file.into_inner()
}

/// 1 to 5 rows of 3 columns, or as many as there are.
#[derive(Debug)]
struct Uneven(usize);

impl PictureSource for Uneven {
    fn len(&self) -> usize {
        self.0
    }

    fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let height = 1 + index % 5;
        scratch.clear();
        scratch.extend((0..2 * height * 3).map(|i| (i * 7 + index) as u8));
        Ok(Picture { pixels: scratch, channels: 2, height, width: 3 })
    }
}

fn uneven() -> Dataset {
    let split = |count: usize| {
        let images = Images::from_source(Arc::new(Uneven(count)), [2, 4, 4]).unwrap();
        Split::new(images, (0..count).map(|i| (i % 3) as u16).collect(), 3).unwrap()
    };
    Dataset::new("uneven", vec!["a".into(), "b".into(), "ä".into()], split(9), split(4)).unwrap()
}

fn even() -> Dataset {
    let classes = (0..10).map(|class| class.to_string()).collect();
    // The pixels of the training split go beyond one block of digests.
    let (train, test) = (fixture::split(400, 3, 16, 16), fixture::split(0, 3, 16, 16));
    let mut dataset = Dataset::new("even", classes, train, test).unwrap();
    dataset.remarks.push("made up".into());
    dataset
}

fn assert_same(a: &Split, b: &Split) {
    assert_eq!((a.len(), a.classes()), (b.len(), b.classes()));
    assert_eq!(a.images().shape(), b.images().shape());
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for position in 0..a.len() {
        assert_eq!(a.label(position), b.label(position));
        assert_eq!(a.picture(position, &mut x).unwrap(), b.picture(position, &mut y).unwrap());
    }
}

#[test]
fn what_was_packed_comes_back() {
    for dataset in [even(), uneven()] {
        let file = packed(&dataset);
        assert_eq!(file, packed(&dataset), "the same data set gives the same bytes");
        let path = Path::new("some.anpk");
        let back = packed::load(&dataset.name, &bytes(&file), path).unwrap();
        assert_eq!((&back.classes, &back.remarks), (&dataset.classes, &dataset.remarks));
        assert_same(&back.train, &dataset.train);
        assert_same(&back.test, &dataset.test);
        // A part of it is packed as a whole of its own.
        let part = packed::load(&dataset.name, &bytes(&packed(&dataset.head(3, 2))), path).unwrap();
        assert_same(&part.train, &dataset.train.head(3));
        let about = packed::verify(&bytes(&file), path).unwrap();
        assert_eq!((about.name, about.decoder.as_str()), (dataset.name, "none"));
    }
}

#[test]
fn the_registry_knows_one_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any name");
    let tiny = {
        let names = (0..10).map(|class| class.to_string()).collect();
        Dataset::new("cifar10", names, fixture::split(3, 3, 32, 32), fixture::split(2, 3, 32, 32)).unwrap()
    };
    std::fs::write(&path, packed(&tiny)).unwrap();
    assert!(packed::is_packed(&path) && !packed::is_packed(folder.path()));
    let back = datasets::find("cifar10").unwrap().load(Some(&path)).unwrap();
    assert_same(&back.train, &tiny.train);
    let text = datasets::find("cifar100").unwrap().load(Some(&path)).unwrap_err().to_string();
    assert!(text.ends_with("holds the packed data set `cifar10`, asked for was `cifar100`"), "{text}");
}

/// Bytes before or behind it would make the file one that nobody opens, and what was there is somebody's.
#[test]
fn an_output_that_holds_something_is_left_as_it_is() {
    for (there, position) in [(vec![7; 10], 0), (vec![7; 10], 10), (vec![7; 20_000_000], 5)] {
        let mut output = Cursor::new(there.clone());
        output.set_position(position);
        let text = packed::write(&uneven(), "none", &mut output).unwrap_err().to_string();
        assert!(
            text.contains(&format!("the output holds {} bytes, expected an empty one", there.len())),
            "{text}"
        );
        assert!(output.into_inner() == there);
    }
    let mut output = Cursor::new(Vec::new());
    output.set_position(3);
    packed::write(&uneven(), "none", &mut output).unwrap();
    assert_eq!(output.into_inner(), packed(&uneven()));
}

/// The digest of all pixels together is the description's word; reading does without it, and verifying does not.
#[test]
fn the_digest_of_all_pixels_is_compared_by_verify() {
    let file = packed(&even());
    let about = packed::describe(&bytes(&file), Path::new("x")).unwrap();
    let pixels = &file[about.train.pixels.offset as usize..][..about.train.pixels.bytes as usize];
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(about.train.pixels.sha256, hex(fixture::sha256(pixels)));
    let forged = forged(&file, &about.train.pixels.sha256, &hex([9; 32]));
    read_all(&forged).unwrap();
    let text = packed::verify(&bytes(&forged), Path::new("x")).unwrap_err().to_string();
    assert_eq!(
        text,
        "x at byte 4096: pixels that have changed since they were packed, expected those with their digest"
    );
}

/// A file with `from` in its description replaced by `to`, under a right digest.
fn forged(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let start = u64::from_le_bytes(file[16..24].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[start..]).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    let forged = text.replacen(from, to, 1);
    let mut damaged = [&file[..start], forged.as_bytes()].concat();
    damaged[24..32].copy_from_slice(&(forged.len() as u64).to_le_bytes());
    damaged[32..64].copy_from_slice(&fixture::sha256(forged.as_bytes()));
    damaged
}

/// Opens a file and looks at every picture.
fn read_all(file: &[u8]) -> Result<()> {
    let name = packed::describe(&bytes(file), Path::new("x"))?.name;
    let dataset = packed::load(&name, &bytes(file), Path::new("x"))?;
    let mut scratch = Vec::new();
    for split in [&dataset.train, &dataset.test] {
        (0..split.len()).try_for_each(|position| split.picture(position, &mut scratch).map(drop))?;
    }
    Ok(())
}

#[test]
fn a_thousand_damaged_copies_are_refused() {
    for (dataset, copies) in [(even(), 300), (uneven(), 700)] {
        let file = packed(&dataset);
        read_all(&file).unwrap();
        let mut generator = stream(5, Purpose::HoldOut, copies);
        let mut draw = |bound: usize| below(&mut generator, bound as u64) as usize;
        for copy in 0..copies {
            let mut damaged = file.clone();
            let at = draw(file.len());
            match draw(4) {
                0 => damaged.truncate(at),
                1 => damaged[at] ^= 1 << draw(8),
                2 => damaged.insert(at, draw(256) as u8),
                _ => {
                    let end = (at + 1 + draw(64)).min(file.len());
                    damaged[at..end].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
                }
            }
            let error = read_all(&damaged).unwrap_err();
            assert!(matches!(error, Error::Packed { .. }), "copy {copy}: {error}");
            assert!(packed::verify(&bytes(&damaged), Path::new("x")).is_err(), "copy {copy}");
        }
    }
}

/// Descriptions that lie under a right digest: whoever can compute SHA-256 can write any.
#[test]
fn forged_descriptions_are_refused_without_memory() {
    let file = packed(&uneven());
    let forge = |from: &str, to: &str| read_all(&forged(&file, from, to)).unwrap_err().to_string();
    let text = forge("\"count\":9", "\"count\":18446744073709551615");
    assert!(text.contains("18 bytes of labels, expected two for each of 18446744073709551615"), "{text}");
    let text = forge("\"count\":9", "\"count\":8");
    assert!(text.contains("labels"), "{text}");
    let text = forge("\"shape\":[2,", "\"shape\":[9223372036854775807,");
    assert!(text.contains("bytes of pixels"), "{text}");
    let text = forge("\"shape\":[2,4", "\"shape\":[2,0");
    assert!(text.contains("C, H, W = [2, 0, 4]"), "{text}");
    let text = forge("\"offset\":4096", "\"offset\":18446744073709547520");
    assert!(text.contains("pixels from byte 18446744073709547520 on"), "{text}");
    let text = forge("\"name\":\"uneven\"", "\"title\":\"uneven\"");
    assert!(text.contains("unknown field `title`"), "{text}");
    let text = forge("[\"a\",\"b\",", "[\"a\",");
    assert!(text.contains("labels below the 2 classes"), "{text}");
}
