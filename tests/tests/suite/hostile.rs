//! Files made to do harm, one by one: what each is refused with, and that it costs nothing. Archives that climb out, links and
//! what unpacks without end are in `datasets/tests/suite/archives.rs`, too.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use bench_harness::plan::Plan;
use bench_harness::run::Options;
use datasets::format::picture::{decode, layout};
use datasets::{Dataset, LoadOptions, find};
use flate2::{Compression, write::GzEncoder};
use layers::weights::StoredArrays;
use tests::readers::root;
use zip::write::SimpleFileOptions;

type Files = Vec<(String, Vec<u8>)>;

fn picture(name: &str) -> Vec<u8> {
    fs::read(root().join("datasets/tests/pictures").join(name)).unwrap()
}

/// Two classes of two pictures each, and one more under this name.
fn pictures_and(name: &str) -> Files {
    let names = ["cat/a.png", "cat/b.png", "dog/c.png", "dog/d.png", name];
    names.iter().map(|name| (name.to_string(), picture("luma.png"))).collect()
}

/// A tar file with any names: the crate's own writer refuses those that climb.
fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Loads an archive; nothing but it may be in its folder or the one above afterwards.
fn load(name: &str, archive: &[u8]) -> Result<Dataset, String> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("inner");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("archive");
    fs::write(&path, archive).unwrap();
    let data = find(name).unwrap().load_with(Some(&path), &LoadOptions::default());
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    data.map_err(|error| error.to_string())
}

/// Names are data: one that climbs out, or begins at the root, is nobody's picture.
#[test]
fn names_that_climb_out_of_an_archive_are_passed_over() {
    let climbing = [
        "../x.png",
        "../../dog/x.png",
        "/dog/x.png",
        "/etc/x.png",
        "cat/../../x.png",
        "dog/../x.png",
        "..\\x.png",
    ];
    for name in climbing {
        for archive in [tar(&pictures_and(name)), gzip(&tar(&pictures_and(name))), zip(&pictures_and(name))] {
            let data = load("image-folder", &archive).unwrap();
            assert_eq!((data.train.len() + data.test.len(), data.classes.len()), (4, 2), "{name}");
        }
    }
    // Here a backslash and a colon are letters; a picture outside of a class is a mistake.
    for name in ["C:\\dog\\x.png", "dog\\..\\x.png", "C:x.png"] {
        for archive in [tar(&pictures_and(name)), zip(&pictures_and(name))] {
            let text = load("image-folder", &archive).unwrap_err();
            assert!(text.contains(name) && text.contains("CLASS/ before it"), "{text}");
        }
    }
}

/// 71 MB of zeros behind a header that is right, in a zip file, and gzipped in a zip file: refused by the directory's word, and where
/// that lies, by what comes.
#[test]
fn what_unpacks_without_end_is_refused_before_it_has() {
    const COUNT: usize = 68 << 20;
    let zeros = |header: &[u8]| [header, &vec![0; COUNT]].concat();
    let named = |name: &str, bytes: Vec<u8>| (name.to_string(), bytes);
    let packed = zip(&[named("train.bin", zeros(&[])), named("test.bin", vec![0; 3074])]);
    assert!(packed.len() < COUNT / 500);
    let text = load("cifar100", &packed).unwrap_err();
    assert!(text.contains("train.bin has, or unpacks to, more than 67108864 bytes"), "{text}");

    // The same with a directory that announces one record.
    let mut lying = packed;
    let entry = lying.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    lying[entry + 24..entry + 28].copy_from_slice(&3074u32.to_le_bytes());
    let text = load("cifar100", &lying).unwrap_err();
    assert!(text.contains("bytes where the directory announces 3074"), "{text}");

    let header = [0x803u32, (COUNT / 784) as u32, 28, 28].map(u32::to_be_bytes);
    let images = gzip(&zeros(header.as_flattened()));
    let text = load("mnist", &zip(&[named("train-images-idx3-ubyte.gz", images)])).unwrap_err();
    assert!(text.contains("unpacks to, more than 67108864 bytes"), "{text}");
}

#[test]
fn pictures_larger_than_their_file_can_be_are_refused_by_their_header() {
    let error = |bytes: &[u8]| {
        let text = layout(bytes, Path::new("p")).unwrap_err().to_string();
        assert_eq!(decode(bytes, Path::new("p"), 0, &mut Vec::new()).unwrap_err().to_string(), text);
        text
    };
    // 65535x65535 in a few hundred bytes.
    let mut jpeg = picture("gray.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    let text = error(&jpeg);
    assert!(text.contains("is a damaged JPEG") && text.contains("65535"), "{text}");

    let mut png = picture("luma.png");
    for (side, says) in [(65_535u32, "at most 16384 a side"), (8_000, "does not fit into its")] {
        png[16..20].copy_from_slice(&side.to_be_bytes());
        png[20..24].copy_from_slice(&side.to_be_bytes());
        let sum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        let text = error(&png);
        assert!(text.contains(says) && text.contains(&format!("{side}x{side}")), "{text}");
    }
}

/// As large as a picture may be, of zeros, which deflate packs a thousandfold: it is read, and takes what it takes.
#[test]
fn a_picture_of_zeros_is_bounded_by_the_largest_that_is_read() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1 << 14, 1 << 10);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().unwrap().write_image_data(&vec![0; 1 << 21]).unwrap();
    let mut planes = Vec::new();
    let found = decode(&bytes, Path::new("p"), 0, &mut planes).unwrap();
    assert_eq!((found.len(), planes.len()), (1 << 24, 1 << 24));
    assert!(bytes.len() < 10_000, "{}", bytes.len());
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[test]
#[cfg(unix)]
fn links_to_nothing_and_to_themselves_are_named() {
    for target in ["missing.png", "x.png"] {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in pictures_and("dog/e.png") {
            fs::create_dir_all(folder.path().join(&name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        std::os::unix::fs::symlink(target, folder.path().join("cat/x.png")).unwrap();
        let text = find("image-folder").unwrap().load(Some(folder.path())).unwrap_err().to_string();
        assert!(text.contains("cat/x.png"), "{text}");
    }
}

#[test]
fn safetensors_whose_places_lie_are_refused() {
    let error = |header: &str, data: usize| {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat();
        let text = StoredArrays::parse(&bytes).unwrap_err().to_string();
        assert!(text.starts_with("no whole safetensors file ("), "{text}");
    };
    let array = |shape: &str, from: u64, to: u64| {
        format!("{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[{from},{to}]}}")
    };
    let two = |a: String, b: String| format!("{{\"a\":{a},\"b\":{b}}}");
    // The same place twice, overlapping, with a hole, backwards, beyond the end, as large as numbers are.
    error(&two(array("1", 0, 4), array("1", 0, 4)), 4);
    error(&two(array("2", 0, 8), array("2", 4, 12)), 12);
    error(&two(array("1", 0, 4), array("1", 8, 12)), 12);
    error(&format!("{{\"a\":{}}}", array("1", 4, 0)), 4);
    error(&format!("{{\"a\":{}}}", array("2", 0, 8)), 4);
    error(&format!("{{\"a\":{}}}", array("1", u64::MAX - 3, u64::MAX)), 4);
    // 2^64 numbers and none.
    error(&format!("{{\"a\":{}}}", array("4294967296,4294967296", 0, 0)), 0);
    error(&format!("{{\"a\":{}}}", array("18446744073709551615", 0, 4)), 4);
    for length in [u64::MAX, 1 << 40, 9] {
        let bytes = [&length.to_le_bytes()[..], b"{}      "].concat();
        assert!(StoredArrays::parse(&bytes).is_err());
    }
}

/// Everything that nests, ten thousand deep.
#[test]
fn toml_that_is_nested_without_end_is_refused() {
    const DEEP: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.toml");
    let nested = [
        format!("group = {}{}", "[".repeat(DEEP), "]".repeat(DEEP)),
        format!("name = {}1{}", "{a=".repeat(DEEP), "}".repeat(DEEP)),
        format!("name{} = 1", ".a".repeat(DEEP)),
        format!("[options{}]\nseed = 1", ".a".repeat(DEEP)),
        format!("[[grid{}]]\nseed = [1]", ".a".repeat(DEEP)),
        format!("name = \"p\"\n[options]\nseed = {}", "[".repeat(DEEP)),
    ];
    for text in nested {
        fs::write(&path, &text).unwrap();
        for message in [Options::read(&path).map(drop), Plan::read(&path).map(drop)] {
            let message = message.unwrap_err().to_string();
            assert!(message.contains("deep.toml: "), "{message}");
        }
    }
}

#[test]
fn a_plan_of_more_runs_than_can_be_made_is_counted_and_refused() {
    let list = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let keys = ["seed", "epochs", "batch", "width", "depth", "keep"];
    let grid: Vec<String> = keys.iter().map(|key| format!("{key} = [{}]", list(1000))).collect();
    let text = format!("name = \"p\"\n[grid]\n{}\n", grid.join("\n"));
    let message = Plan::parse(&text, Path::new("p.toml")).unwrap().runs().unwrap_err().to_string();
    assert_eq!(message, "p.toml: has 1000000000000000000 runs; want at most 10000");
}
