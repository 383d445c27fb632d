//! A thousand damaged copies of every kind of file: an error or a reading that is right, and never a panic.
//!
//! Where a checksum covers the content (zip, gzip, PNG), what can still be read must be what was written. CIFAR's records,
//! IDX and JPEG have none: there a damaged copy may be read with other pixels, and shape and labels must still be legal.

use std::{fs, path::Path};

use datasets::{Dataset, LoadOptions, find, format::picture::decode};
use tempfile::TempDir;

use crate::{fixture, hurt::hurt};

const COPIES: usize = 1000;

/// Everything that training would see.
fn content(data: &Dataset) -> datasets::Result<(Vec<String>, Vec<usize>, Vec<u8>)> {
    let (mut labels, mut pixels, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
    for split in [&data.train, &data.test] {
        labels.extend(split.labels());
        assert!(split.labels().all(|label| label < data.classes.len()));
        for position in 0..split.len() {
            let picture = split.picture(position, &mut scratch)?;
            assert_eq!(picture.pixels.len(), picture.channels * picture.height * picture.width);
            assert_eq!(picture.channels, split.images().shape()[0]);
            pixels.extend_from_slice(picture.pixels);
        }
    }
    Ok((data.classes.clone(), labels, pixels))
}

/// Damages the file at `path` again and again and loads the data set from `given`.
fn try_copies(name: &str, given: &Path, path: &Path, checksummed: bool) {
    let options =
        LoadOptions { image_size: (name == "image-folder").then_some(13), ..LoadOptions::default() };
    let load = || find(name).unwrap().load_with(Some(given), &options).and_then(|data| content(&data));
    let whole = load().unwrap();
    let bytes = fs::read(path).unwrap();
    for number in 0..COPIES {
        let (hurt, kind) = hurt(&bytes, number);
        // A new file: some systems write one that was emptied to the disk at once.
        fs::remove_file(path).unwrap();
        fs::write(path, hurt).unwrap();
        match load() {
            Err(error) => {
                let text = error.to_string();
                assert!(text.len() > 20 && text.len() < 1000, "copy {number}, {kind}: {text}");
            }
            Ok(found) if checksummed => assert!(found == whole, "copy {number}, {kind}: read and changed"),
            Ok(_) => {}
        }
    }
    fs::write(path, bytes).unwrap();
    assert!(load().unwrap() == whole);
}

/// The files as one archive in a folder.
fn archive(name: &str, bytes: &[u8]) -> (TempDir, std::path::PathBuf) {
    let root = TempDir::new().unwrap();
    let path = root.path().join(name);
    fs::write(&path, bytes).unwrap();
    (root, path)
}

fn cifar10() -> fixture::Files {
    let batch =
        |n: u8| (format!("cifar-10-batches-bin/data_batch_{n}.bin"), fixture::cifar_record(&[n], n.into()));
    let test = ("cifar-10-batches-bin/test_batch.bin".into(), fixture::cifar_record(&[8], 8));
    (1..=5).map(batch).chain([test]).collect()
}

#[test]
fn cifar_binary() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &cifar10());
    try_copies("cifar10", root.path(), &root.path().join("cifar-10-batches-bin/data_batch_2.bin"), false);
    let record = fixture::cifar_record(&[4, 72], 0);
    fixture::write(root.path(), &[("train.bin".into(), record.clone()), ("test.bin".into(), record)]);
    try_copies("cifar100", root.path(), &root.path().join("train.bin"), false);
}

#[test]
fn cifar_tar_gz() {
    let (_root, path) = archive("cifar.tgz", &fixture::gzip(&fixture::tar(&cifar10())));
    try_copies("cifar10", &path, &path, true);
}

fn mnist() -> fixture::Files {
    let images = fixture::idx_images(2, 3, &[10, 11, 12, 20, 21, 22, 110, 111, 112, 120, 121, 122]);
    let named = |name: &str, bytes: &[u8]| (name.to_string(), bytes.to_vec());
    vec![
        named("train-images-idx3-ubyte", &images),
        named("train-labels-idx1-ubyte", &fixture::idx_labels(&[9, 2])),
        named("t10k-images-idx3-ubyte", &images),
        named("t10k-labels-idx1-ubyte", &fixture::idx_labels(&[9, 2])),
    ]
}

#[test]
fn idx_plain_and_gzipped() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &mnist());
    try_copies("mnist", root.path(), &root.path().join("train-images-idx3-ubyte"), false);
    try_copies("mnist", root.path(), &root.path().join("train-labels-idx1-ubyte"), false);
    let images = root.path().join("train-images-idx3-ubyte");
    let packed = fixture::gzip(&fs::read(&images).unwrap());
    fs::write(&images, packed).unwrap();
    try_copies("mnist", root.path(), &images, true);
}

#[test]
fn zip_of_tiny_imagenet() {
    let (_root, path) = archive("tiny.zip", &fixture::zip(&fixture::tiny_imagenet("tiny-imagenet-200/")));
    try_copies("tiny-imagenet", &path, &path, true);
}

#[test]
fn text_of_tiny_imagenet() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &fixture::tiny_imagenet(""));
    for file in ["wnids.txt", "words.txt", "val/val_annotations.txt"] {
        try_copies("tiny-imagenet", root.path(), &root.path().join(file), false);
    }
}

#[test]
fn image_folder_and_its_tar() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &fixture::image_folder());
    try_copies("image-folder", root.path(), &root.path().join("cat/b.jpg"), false);
    try_copies("image-folder", root.path(), &root.path().join("cat/a.png"), true);
    // A tar file has checksums of its headers alone.
    let (_root, path) = archive("pictures.tar", &fixture::tar(&fixture::image_folder()));
    try_copies("image-folder", &path, &path, false);
}

#[test]
fn pictures_alone() {
    for (name, checksummed) in [
        ("colour444.jpg", false),
        ("colour420.jpg", false),
        ("progressive.jpg", false),
        ("gray.jpg", false),
        ("interlaced.png", true),
        ("palette.png", true),
        ("sixteen.png", true),
    ] {
        let bytes = fixture::picture(name);
        let mut whole = Vec::new();
        let layout = decode(&bytes, Path::new(name), 0, &mut whole).unwrap();
        let mut planes = Vec::new();
        for number in 0..COPIES {
            let (hurt, kind) = hurt(&bytes, number);
            if let Ok(found) = decode(&hurt, Path::new(name), 0, &mut planes) {
                assert_eq!(planes.len(), found.len());
                if checksummed {
                    assert!((found, &planes) == (layout, &whole), "{name} copy {number}, {kind}");
                }
            }
        }
    }
}
