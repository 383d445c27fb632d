//! Data sets from archives: found by content, never unpacked, and what is wrong with one said.

use std::fs;

use datasets::{Dataset, find};
use tempfile::TempDir;

use crate::fixture;

fn cifar100(top: &str) -> fixture::Files {
    let two = [fixture::cifar_record(&[4, 72], 0), fixture::cifar_record(&[19, 5], 1)].concat();
    let coarse: String = (0..20).map(|n| format!("coarse{n}\n")).collect();
    let named = |name: &str, bytes: &[u8]| (format!("{top}{name}"), bytes.to_vec());
    vec![
        named("readme.html", b"<html>"),
        named("test.bin", &two[..3074]),
        named("coarse_label_names.txt", coarse.as_bytes()),
        named("train.bin", &two),
    ]
}

/// Loads the files packed as one archive.
fn load_bytes(name: &str, bytes: &[u8]) -> datasets::Result<Dataset> {
    let root = TempDir::new().unwrap();
    let path = root.path().join("any-name");
    fs::write(&path, bytes).unwrap();
    find(name).unwrap().load(Some(&path))
}

fn message(name: &str, bytes: &[u8]) -> String {
    load_bytes(name, bytes).unwrap_err().to_string()
}

#[test]
fn one_content_in_every_packing() {
    for top in ["cifar-100-binary/", "./cifar-100-binary/", ""] {
        let files = cifar100(top);
        let tar = fixture::tar(&files);
        for bytes in [fixture::gzip(&tar), tar, fixture::zip(&files)] {
            let data = load_bytes("cifar100", &bytes).unwrap();
            assert_eq!(data.train.labels().collect::<Vec<_>>(), [72, 5]);
            let coarse = load_bytes("cifar100-coarse", &bytes).unwrap();
            assert_eq!(coarse.train.labels().collect::<Vec<_>>(), [4, 19]);
            assert_eq!((coarse.test.len(), coarse.classes.len(), &*coarse.classes[19]), (1, 20, "coarse19"));
            let mut scratch = Vec::new();
            let picture = coarse.train.picture(1, &mut scratch).unwrap();
            assert_eq!(picture.pixels[2 * 1024 + 7 * 32 + 30], fixture::cifar_pixel(1, 2, 7, 30));
        }
    }
}

#[test]
fn the_parent_of_an_archive_will_do() {
    let root = TempDir::new().unwrap();
    fs::write(
        root.path().join("cifar-100-binary.tar.gz"),
        fixture::gzip(&fixture::tar(&cifar100("cifar-100-binary/"))),
    )
    .unwrap();
    assert_eq!(find("cifar100").unwrap().load(Some(root.path())).unwrap().train.len(), 2);
}

#[test]
fn mnist_from_a_zip_of_gzipped_files() {
    let images = fixture::gzip(&fixture::idx_images(1, 2, &[1, 2, 3, 4]));
    let labels = fixture::gzip(&fixture::idx_labels(&[3, 1]));
    let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let files: fixture::Files = names
        .iter()
        .map(|name| {
            (
                format!("kmnist/{name}-ubyte.gz"),
                if name.contains("images") { &images } else { &labels }.clone(),
            )
        })
        .collect();
    let data = load_bytes("kmnist", &fixture::zip(&files)).unwrap();
    assert_eq!((data.train.len(), data.train.label(0), &*data.classes[3]), (2, 3, "tsu"));
}

#[test]
fn names_longer_than_a_header() {
    let long = "a".repeat(180);
    let files: fixture::Files = ["cat", "dog"]
        .iter()
        .flat_map(|class| (0..2).map(move |n| (class, n)))
        .map(|(class, n)| (format!("{long}/{class}/{long}{n}.png"), fixture::picture("luma.png")))
        .collect();
    for bytes in [fixture::tar(&files), fixture::zip(&files)] {
        let data = load_bytes("image-folder", &bytes).unwrap();
        assert_eq!((data.classes.join(" "), data.train.len(), data.test.len()), ("cat dog".into(), 2, 2));
    }
}

#[test]
fn a_file_that_is_no_archive() {
    let text = message("cifar10", b"hello");
    assert!(
        text.contains("any-name is neither a zip file nor a tar file, gzipped or not; `cifar10` is read"),
        "{text}"
    );
    let text = message("cifar10", &fixture::gzip(b"hello"));
    assert!(text.contains("neither a zip file nor a tar file"), "{text}");
    assert!(message("cifar10", b"").contains("neither"));
}

#[test]
fn the_python_version_is_recognised() {
    let files = [("cifar-10-batches-py/data_batch_1".to_string(), vec![0x80, 2])];
    for bytes in [fixture::gzip(&fixture::tar(&files)), fixture::zip(&files)] {
        let text = message("cifar10", &bytes);
        assert!(
            text.contains("is the Python version (pickles)") && text.contains("cifar-10-binary.tar.gz"),
            "{text}"
        );
    }
}

#[test]
fn another_data_set_s_archive() {
    let text = message("cifar10", &fixture::gzip(&fixture::tar(&cifar100("cifar-100-binary/"))));
    assert!(
        text.contains("holds no data_batch_1.bin; looked for data_batch_1.bin and data_batch_1.bin.gz"),
        "{text}"
    );
    assert!(text.ends_with("at the top and in cifar-10-batches-bin"), "{text}");
}

#[test]
fn a_name_twice() {
    let mut files = cifar100("cifar-100-binary/");
    files.push(("train.bin".into(), files[3].1.clone()));
    for bytes in [fixture::tar(&files), fixture::zip(&files)] {
        let text = message("cifar100", &bytes);
        assert!(text.contains("holds train.bin twice, every name must occur once"), "{text}");
    }
    let mut files = fixture::image_folder();
    files.push(files[1].clone());
    let text = message("image-folder", &fixture::tar(&files));
    assert!(text.contains("holds cat/a.png twice"), "{text}");
}

/// Wherever it is cut, also between two members.
#[test]
fn an_archive_cut_short() {
    let files = cifar100("cifar-100-binary/");
    let (tar, zip) = (fixture::tar(&files), fixture::zip(&files));
    let packed = fixture::gzip(&tar);
    for (whole, step) in [(&tar, 512), (&zip, 37), (&packed, 37)] {
        // A tar file ends in two empty blocks; what a writer adds is padding.
        let end = if whole == &tar { whole.len() - 512 } else { whole.len() - 1 };
        for keep in (0..=end).step_by(step) {
            assert!(load_bytes("cifar100", &whole[..keep]).is_err(), "{keep} of {}", whole.len());
        }
    }
    // A hole where a header was looks like the end, and may not pass for it.
    let mut holed = tar.clone();
    let second = 512 + (files[0].1.len()).next_multiple_of(512);
    holed[second..second + 512].fill(0);
    let text = message("cifar100", &holed);
    assert!(text.contains("it goes on behind an empty block"), "{text}");
    let text = message("cifar100", &zip[..zip.len() - 100]);
    assert!(text.contains("is a damaged zip file") && text.contains("cut short or overwritten"), "{text}");
    let text = message("cifar100", &tar[..tar.len() - 1024]);
    assert!(text.contains("is a damaged tar file") && text.contains("cut short"), "{text}");
}

/// A thousandfold packing: 200 MB of zeros in 200 kB.
#[test]
fn an_archive_that_unpacks_without_end() {
    use std::io::Write;
    let mut header = tar::Header::new_gnu();
    header.set_path("train.bin").unwrap();
    header.set_size(200 << 20);
    header.set_cksum();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    for _ in 0..200 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let text = message("cifar100", &encoder.finish().unwrap());
    assert!(
        text.contains("unpacks to, more than") && text.contains("the most for an archive of this length"),
        "{text}"
    );
    assert!(!text.contains("damaged"), "{text}");
}

/// Names are only names: one that climbs out of the archive is not looked for.
#[test]
fn nothing_outside_is_read() {
    let mut files = fixture::image_folder();
    files.push(("../dog/extra.png".into(), fixture::picture("colour.png")));
    let data = load_bytes("image-folder", &fixture::zip(&files)).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 6);
}

fn tar_with_link(files: &[(String, Vec<u8>)], kind: tar::EntryType, name: &str, target: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    builder.append_link(&mut header, name, target).unwrap();
    builder.into_inner().unwrap()
}

fn zip_with_link(files: &[(String, Vec<u8>)], name: &str, target: &str) -> Vec<u8> {
    use std::io::Write;
    let options = zip::write::SimpleFileOptions::default();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.add_symlink(name, target, options).unwrap();
    writer.finish().unwrap().into_inner()
}

/// A picture, a file of records or a whole class would be lost, and a link in a zip file be decoded as a picture.
#[test]
fn links_in_archives_are_refused() {
    let text =
        message("cifar100", &tar_with_link(&[], tar::EntryType::Symlink, "train.bin", "/etc/hostname"));
    assert!(
        text.contains("train.bin is a symbolic link to `/etc/hostname`, expected the file itself"),
        "{text}"
    );
    let pictures = fixture::image_folder();
    for (kind, what) in [(tar::EntryType::Link, "a hard"), (tar::EntryType::Symlink, "a symbolic")] {
        // As a picture and as a folder of pictures.
        for (name, target) in [("dog/w.png", "dog/z.png"), ("bird", "dog")] {
            let text = message("image-folder", &tar_with_link(&pictures, kind, name, target));
            assert!(text.contains(&format!("{name} is {what} link to `{target}`")), "{text}");
            assert!(text.contains("tar --dereference --hard-dereference"), "{text}");
        }
    }
    for (name, target) in [("dog/w.png", "z.png"), ("bird", "dog")] {
        let text = message("image-folder", &zip_with_link(&pictures, name, target));
        assert!(text.contains(&format!("{name} is a symbolic link to `{target}`")), "{text}");
        assert!(text.contains("`zip` packs it without `-y`"), "{text}");
    }
    // Hidden files are nobody's pictures, whatever they are.
    load_bytes("image-folder", &zip_with_link(&pictures, ".cache", "dog")).unwrap();
}

#[test]
fn a_member_damaged_in_a_zip_is_named() {
    let mut bytes = fixture::zip(&fixture::tiny_imagenet(""));
    let at = bytes.windows(9).position(|window| window == b"n00000009").unwrap();
    bytes[at + 8] ^= 1;
    let text = message("tiny-imagenet", &bytes);
    assert!(text.contains("any-name/wnids.txt is a damaged zip member at byte 20: its CRC-32 is"), "{text}");
}
