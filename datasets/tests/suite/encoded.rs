//! Data sets of encoded pictures: Tiny ImageNet and image folders.

use std::{fs, path::Path};

use datasets::{ClassOrder, Dataset, LoadOptions, Result, Split, find, format::picture::decode};
use tempfile::TempDir;

use crate::fixture;

fn load_with(name: &str, files: &[(String, Vec<u8>)], options: &LoadOptions) -> Result<Dataset> {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), files);
    find(name).unwrap().load_with(Some(root.path()), options)
}

fn tiny(files: &[(String, Vec<u8>)]) -> Result<Dataset> {
    load_with("tiny-imagenet", files, &LoadOptions::default())
}

fn folder(files: &[(String, Vec<u8>)]) -> Result<Dataset> {
    load_with("image-folder", files, &LoadOptions::default())
}

fn load_zip(files: &[(String, Vec<u8>)]) -> Result<Dataset> {
    let root = TempDir::new().unwrap();
    let path = root.path().join("pictures.zip");
    fs::write(&path, fixture::zip(files)).unwrap();
    find("image-folder").unwrap().load(Some(&path))
}

fn labels(split: &Split) -> Vec<usize> {
    split.labels().collect()
}

/// The pixels at `position`, and those of the fixture that should be there.
fn assert_shows(split: &Split, position: usize, file: &str) {
    let (mut scratch, mut expected) = (Vec::new(), Vec::new());
    let picture = split.picture(position, &mut scratch).unwrap();
    let layout = decode(&fixture::picture(file), Path::new(file), 3, &mut expected).unwrap();
    assert_eq!(picture.shape(), [3, layout.height, layout.width]);
    assert_eq!(picture.pixels, expected);
}

/// The files with the one called `name` changed; removed by `None`.
fn with(mut files: fixture::Files, name: &str, bytes: Option<&[u8]>) -> fixture::Files {
    files.retain(|(n, _)| n != name);
    files.extend(bytes.map(|bytes| (name.to_string(), bytes.to_vec())));
    files
}

#[test]
fn tiny_imagenet_by_sorted_ids() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &fixture::tiny_imagenet("tiny-imagenet-200/"));
    let zip = root.path().join("x.zip");
    fs::write(&zip, fixture::zip(&fixture::tiny_imagenet("tiny-imagenet-200/"))).unwrap();
    let inner = root.path().join("tiny-imagenet-200");
    for given in [root.path(), &inner, &zip] {
        let data = find("tiny-imagenet").unwrap().load(Some(given)).unwrap();
        assert_eq!(data.classes, ["n00000002 goldfish, Carassius auratus", "n00000009 bullfrog"]);
        assert_eq!(labels(&data.train), [0, 0, 1, 1, 1]);
        // By name: 0, 10, 9; the last one is gray and gets three channels.
        assert_shows(&data.train, 2, "colour420.jpg");
        assert_shows(&data.train, 3, "colour444.jpg");
        assert_shows(&data.train, 4, "gray.jpg");
        assert_eq!((labels(&data.test), data.test.images().shape()), (vec![0, 1], [3, 64, 64]));
        assert_shows(&data.test, 0, "colour444.jpg");
        let remarks = data.remarks.join("\n");
        assert!(remarks.contains("not the official data: 5 training images instead of 1000"), "{remarks}");
        assert!(remarks.contains("7 are not of 64x64"), "{remarks}");
        let checks = data.checks.join("\n");
        assert!(
            checks.contains("zune-jpeg") && checks.contains("1 training and 0 test pictures are gray"),
            "{checks}"
        );
    }
}

#[test]
fn tiny_imagenet_in_the_order_of_its_file() {
    let options = LoadOptions { class_order: ClassOrder::File, image_size: Some(32) };
    let data = load_with("tiny-imagenet", &fixture::tiny_imagenet(""), &options).unwrap();
    assert_eq!((&*data.classes[0], labels(&data.train)), ("n00000009 bullfrog", vec![1, 1, 0, 0, 0]));
    assert_eq!((labels(&data.test), data.train.images().shape()), (vec![1, 0], [3, 32, 32]));
    assert!(data.remarks.join("\n").contains("in the order of wnids.txt"));
}

#[test]
fn tiny_imagenet_mistakes() {
    let files = || fixture::tiny_imagenet("");
    let message = |files: &[(String, Vec<u8>)]| tiny(files).unwrap_err().to_string();
    let annotations = "val/val_annotations.txt";

    let text = message(&with(files(), annotations, Some(b"val_0.JPEG\tn00000002\nval_1.JPEG\tn00000007\n")));
    assert!(
        text.ends_with("val_annotations.txt line 2: the class `n00000007`, expected one of wnids.txt"),
        "{text}"
    );
    let text = message(&with(files(), annotations, Some(b"val_0.JPEG\tn00000002\nval_5.JPEG\tn00000002\n")));
    assert!(
        text.contains("line 2: the picture `val_5.JPEG`, which is absent, expected one in val/images/"),
        "{text}"
    );
    let text = message(&with(files(), annotations, Some(b"val_0.JPEG\tn00000002\nval_0.JPEG\tn00000002\n")));
    assert!(text.contains("line 2: val_0.JPEG a second time, expected it once, in line 1"), "{text}");
    let text = message(&with(files(), annotations, Some(b"val_0.JPEG n00000002\n")));
    assert!(text.contains("line 1: `val_0.JPEG n00000002`, expected a name, a tab"), "{text}");
    let text = message(&with(files(), annotations, Some(b"val_0.JPEG\t\xff\n")));
    assert!(text.contains("line 1: bytes that are not UTF-8"), "{text}");
    let text = message(&with(files(), annotations, None));
    assert!(text.contains("holds no val/val_annotations.txt"), "{text}");

    let text = message(&with(files(), "wnids.txt", Some(b"n00000009\ngoldfish\n")));
    assert!(
        text.contains("wnids.txt line 2: `goldfish`, expected a WordNet id, such as n01443537"),
        "{text}"
    );
    let text = message(&with(files(), "wnids.txt", Some(b"n00000009\n")));
    assert!(text.contains("of the class `n00000002`; the known classes are those of wnids.txt"), "{text}");
    let text = message(&with(files(), "wnids.txt", Some(b"n00000009\nn00000002\nn00000003\n")));
    assert!(text.contains("the class `n00000003` has no picture"), "{text}");

    let picture = "train/n00000002/images/n00000002_1.JPEG";
    let text = message(&with(files(), picture, Some(b"not a picture")));
    assert!(
        text.contains("n00000002_1.JPEG is a damaged picture") && text.contains("[6e 6f 74 20]"),
        "{text}"
    );
    let text = message(&with(files(), picture, Some(&fixture::picture("cmyk.jpg"))));
    assert!(text.contains("n00000002_1.JPEG is a damaged JPEG") && text.contains("CMYK"), "{text}");
    let text = message(&with(files(), "train/loose.JPEG", Some(&fixture::picture("gray.jpg"))));
    assert!(text.contains("expected training pictures in train/WNID/images/"), "{text}");
}

#[test]
fn tiny_imagenet_pictures_without_a_label() {
    let files =
        with(fixture::tiny_imagenet(""), "val/images/val_7.JPEG", Some(&fixture::picture("gray.jpg")));
    let data = tiny(&with(files, "words.txt", None)).unwrap();
    assert_eq!((data.test.len(), &*data.classes[0]), (2, "n00000002"));
    let remarks = data.remarks.join("\n");
    assert!(
        remarks.contains("1 pictures in val/images have no line in val/val_annotations.txt"),
        "{remarks}"
    );
    assert!(remarks.contains("words.txt is absent"), "{remarks}");
}

#[test]
fn an_image_folder_without_a_test_split() {
    let data = folder(&fixture::image_folder()).unwrap();
    assert_eq!((data.classes.join(" "), data.train.images().shape()), ("cat dog".into(), [3, 13, 21]));
    assert_eq!((labels(&data.train), labels(&data.test)), (vec![0, 0, 1, 1], vec![0, 1]));
    // `printf cat/b.jpg | sha256sum` and so on: 6be0... for it and 02ec... for dog/x.PNG are the smallest of each class.
    assert_shows(&data.test, 0, "colour444.jpg");
    assert_shows(&data.test, 1, "palette.png");
    let remarks = data.remarks.join("\n");
    assert!(remarks.contains("of 6 pictures a tenth of every class, 2 in all, is tested on"), "{remarks}");
    assert!(data.checks.join("\n").contains("1 pictures are grayscale"));
}

#[test]
fn an_image_folder_with_splits() {
    let below = |top: &'static str| {
        fixture::image_folder().into_iter().map(move |(name, bytes)| (format!("{top}{name}"), bytes))
    };
    let mut files: fixture::Files = below("pets/train/").chain(below("pets/val/")).collect();
    let root = TempDir::new().unwrap();
    let path = root.path().join("pets.zip");
    fs::write(&path, fixture::zip(&files)).unwrap();
    let data = find("image-folder").unwrap().load(Some(&path)).unwrap();
    assert_eq!((labels(&data.train), labels(&data.test)), (vec![0, 0, 0, 1, 1, 1], vec![0, 0, 0, 1, 1, 1]));
    assert_shows(&data.train, 0, "colour.png");
    assert_shows(&data.test, 5, "interlaced.png");
    assert!(data.remarks.is_empty(), "{:?}", data.remarks);

    files.extend(below("pets/test/").take(1));
    let data = folder(&files).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (6, 1));
    let remarks = data.remarks.join("\n");
    assert!(
        remarks.contains("val/ is left out") && remarks.contains("1 classes have no picture in the test"),
        "{remarks}"
    );

    files.push(("pets/test/bird/a.png".into(), fixture::picture("colour.png")));
    let text = folder(&files).unwrap_err().to_string();
    assert!(text.contains("of the class `bird`; the known classes are the folders of train/"), "{text}");
}

#[test]
fn gray_pictures_alone_have_one_channel() {
    let gray = |name: &str, file: &str| (name.to_string(), fixture::picture(file));
    let files = [gray("a/1.jpg", "gray.jpg"), gray("a/2.png", "luma.png"), gray("b/1.png", "bits.png")];
    let data = folder(&files).unwrap();
    assert_eq!((data.train.images().shape(), data.train.len(), data.test.len()), ([1, 13, 21], 2, 1));
}

#[test]
fn image_folder_mistakes() {
    let message = |files: &[(String, Vec<u8>)]| folder(files).unwrap_err().to_string();
    let with_one = |name: &str, bytes: &[u8]| with(fixture::image_folder(), name, Some(bytes));
    let text = message(&[("readme.txt".into(), vec![1])]);
    assert!(text.contains("holds no picture; looked for CLASS/*.jpg"), "{text}");
    let text = message(&with_one("loose.png", &fixture::picture("colour.png")));
    assert!(text.contains("loose.png, expected CLASS/ before it"), "{text}");
    let text = message(&with_one("bird/notes.txt", b""));
    assert!(text.contains("the class `bird` has no picture"), "{text}");
    let text = message(&with_one("dog/w.png", b"GIF89a"));
    assert!(text.contains("w.png is a damaged picture"), "{text}");
    let mut others = fixture::image_folder();
    others.extend(["dog/v.WebP", "cat/u.gif", "cat/t.tiff"].map(|name| (name.to_string(), vec![1])));
    for loaded in [folder(&others), load_zip(&others)] {
        let text = loaded.unwrap_err().to_string();
        assert!(text.contains("3 files of pictures that are not read, the first of them"), "{text}");
        assert!(
            text.contains("cat/t.tiff, expected JPEG and PNG alone: convert the others, or move"),
            "{text}"
        );
    }
    let text = message(&[("a/1.png".into(), fixture::picture("colour.png"))]);
    assert!(
        text.contains("no picture to test on, expected a folder test/ or val/, or two pictures"),
        "{text}"
    );

    let small = fixture::small_png();
    let text = message(&with_one("dog/small.png", &small));
    assert!(
        text.contains("13x21") && text.contains("of 1x1 (dog/small.png), expected one size, or an image"),
        "{text}"
    );
    let options = LoadOptions { image_size: Some(16), ..LoadOptions::default() };
    let data = load_with("image-folder", &with_one("dog/small.png", &small), &options).unwrap();
    assert_eq!(data.train.images().shape(), [3, 16, 16]);
}

#[test]
fn options_that_a_data_set_does_not_have() {
    let options = LoadOptions { image_size: Some(16), ..LoadOptions::default() };
    let text = find("cifar10").unwrap().load_with(None, &options).unwrap_err().to_string();
    assert!(
        text.contains("an image size for `cifar10`, expected none: its files leave nothing open"),
        "{text}"
    );
    let options = LoadOptions { class_order: ClassOrder::File, ..LoadOptions::default() };
    let text = find("image-folder").unwrap().load_with(None, &options).unwrap_err().to_string();
    assert!(
        text.contains("an order of classes for `image-folder`, expected an image size at most"),
        "{text}"
    );
    let options = LoadOptions { image_size: Some(0), ..LoadOptions::default() };
    let text = find("image-folder").unwrap().load_with(None, &options).unwrap_err().to_string();
    assert!(text.contains("the image size 0, expected 1 to 16384"), "{text}");
}
