//! Data sets as folders of files: complete, incomplete and wrong.

use std::{fs, path::Path};

use datasets::{Dataset, Result, find};
use tempfile::TempDir;

use crate::fixture;

/// Writes two training and one test image of 2 rows and 3 columns in MNIST's layout; `packed` adds `.gz`.
fn write_mnist(folder: &Path, packed: bool) {
    let write = |name: &str, bytes: Vec<u8>| match packed {
        true => fs::write(folder.join(format!("{name}.gz")), fixture::gzip(&bytes)).unwrap(),
        false => fs::write(folder.join(name), bytes).unwrap(),
    };
    let train = [10, 11, 12, 20, 21, 22, 110, 111, 112, 120, 121, 122];
    write("train-images-idx3-ubyte", fixture::idx_images(2, 3, &train));
    write("train-labels-idx1-ubyte", fixture::idx_labels(&[9, 2]));
    write("t10k-images-idx3-ubyte", fixture::idx_images(2, 3, &[1, 2, 3, 4, 5, 6]));
    write("t10k-labels-idx1-ubyte", fixture::idx_labels(&[7]));
}

/// Writes one record a training batch (class = batch number) and one test record.
fn write_cifar10(folder: &Path) {
    for batch in 1..=5 {
        let record = fixture::cifar_record(&[batch], usize::from(batch));
        fs::write(folder.join(format!("data_batch_{batch}.bin")), record).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), fixture::cifar_record(&[8], 8)).unwrap();
}

fn load(name: &str, folder: &Path) -> Result<Dataset> {
    find(name).unwrap().load(Some(folder))
}

fn message(name: &str, folder: &Path) -> String {
    load(name, folder).unwrap_err().to_string()
}

/// A folder, and a sub-folder with this path made in it.
fn folder_with(inner: &str) -> (TempDir, std::path::PathBuf) {
    let root = TempDir::new().unwrap();
    let path = root.path().join(inner);
    fs::create_dir_all(&path).unwrap();
    (root, path)
}

#[test]
fn mnist_plain_or_packed_here_or_below() {
    for (name, inner) in [("mnist", "MNIST/raw"), ("fashion-mnist", "FashionMNIST/raw"), ("mnist", "mnist")] {
        for packed in [false, true] {
            let (root, path) = folder_with(inner);
            write_mnist(&path, packed);
            for given in [root.path(), &path] {
                let data = load(name, given).unwrap();
                assert_eq!((data.train.len(), data.test.len()), (2, 1));
                assert_eq!(data.train.images().shape(), [1, 2, 3]);
                assert_eq!(fixture::pixels(&data.train, 1), [110, 111, 112, 120, 121, 122]);
                assert_eq!((fixture::labels(&data.train), data.test.label(0)), (vec![9, 2], 7));
                let remarks = data.remarks.join("\n");
                assert!(remarks.contains("2 training images instead of 60000"), "{remarks}");
                assert!(remarks.contains("1 test images instead of 10000"), "{remarks}");
                assert!(remarks.contains("images of 2x3 instead of 28x28"), "{remarks}");
            }
        }
    }
}

#[test]
fn mnist_mistakes() {
    let (root, path) = folder_with("mnist");
    write_mnist(&path, false);
    fs::write(path.join("train-labels-idx1-ubyte"), fixture::idx_labels(&[9, 2, 3])).unwrap();
    let text = message("mnist", root.path());
    assert!(text.contains("train-images-idx3-ubyte holds 2 images"), "{text}");
    assert!(text.contains("train-labels-idx1-ubyte 3 labels"), "{text}");

    write_mnist(&path, false);
    fs::rename(path.join("t10k-labels-idx1-ubyte"), path.join("t10k-labels")).unwrap();
    let text = message("mnist", root.path());
    assert!(text.contains("mnist holds no t10k-labels-idx1-ubyte; looked for"), "{text}");
    assert!(text.ends_with("t10k-labels-idx1-ubyte and t10k-labels-idx1-ubyte.gz"), "{text}");
}

#[test]
fn mnist_splits_of_two_sizes() {
    let (root, path) = folder_with("mnist");
    write_mnist(&path, false);
    fs::write(path.join("t10k-images-idx3-ubyte"), fixture::idx_images(3, 2, &[1, 2, 3, 4, 5, 6])).unwrap();
    let text = message("mnist", root.path());
    assert!(text.contains("[1, 2, 3] and test images of [1, 3, 2], expected equal shapes"), "{text}");
}

#[test]
fn cifar10_in_file_order() {
    let (root, path) = folder_with("cifar-10-batches-bin");
    write_cifar10(&path);
    for given in [root.path(), &path] {
        let data = load("cifar10", given).unwrap();
        assert_eq!(fixture::labels(&data.train), [1, 2, 3, 4, 5]);
        assert_eq!(data.train.images().shape(), [3, 32, 32]);
        assert_eq!(
            fixture::pixels(&data.train, 3)[2 * 1024 + 7 * 32 + 30],
            fixture::cifar_pixel(4, 2, 7, 30)
        );
        assert_eq!(fixture::pixels(&data.test, 0)[30 * 32 + 7], fixture::cifar_pixel(8, 0, 30, 7));
        assert_eq!(data.classes[8], "ship");
        let remarks = data.remarks.join("\n");
        assert!(remarks.contains("batches.meta.txt is absent"), "{remarks}");
        assert!(remarks.contains("5 training images instead of 50000"), "{remarks}");
    }
    // The official file ends in an empty line.
    fs::write(path.join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    assert_eq!(load("cifar10", &path).unwrap().classes[9], "j");
    fs::write(path.join("batches.meta.txt"), "a\nb\n").unwrap();
    let text = message("cifar10", &path);
    assert!(text.contains("batches.meta.txt names 2 classes") && text.ends_with("10 are needed"), "{text}");
}

#[test]
fn cifar10_mistakes() {
    let (root, path) = folder_with("cifar-10-batches-bin");
    write_cifar10(&path);
    let batch = path.join("data_batch_3.bin");
    fs::write(&batch, &fixture::cifar_record(&[3], 3)[..3000]).unwrap();
    let text = message("cifar10", root.path());
    assert!(
        text.contains("data_batch_3.bin: record 0 at byte 0 has 3000 bytes, a record has 3073"),
        "{text}"
    );
    fs::remove_file(&batch).unwrap();
    let text = message("cifar10", root.path());
    assert!(text.contains("holds no data_batch_3.bin"), "{text}");
}

#[test]
fn cifar100_takes_the_fine_label() {
    let (root, path) = folder_with("cifar-100-binary");
    let two = [fixture::cifar_record(&[4, 72], 0), fixture::cifar_record(&[19, 5], 1)].concat();
    fs::write(path.join("train.bin"), &two).unwrap();
    fs::write(path.join("test.bin"), fixture::gzip(&two)).unwrap();
    let data = load("cifar100", root.path()).unwrap();
    assert_eq!([&data.train, &data.test].map(fixture::labels), [vec![72, 5], vec![72, 5]]);
    assert_eq!((data.classes.len(), data.classes[72].as_str()), (100, "72"));
    assert!(data.remarks.iter().any(|remark| remark.contains("2 training images instead of 50000")));
}

#[test]
fn folders_that_are_not_there() {
    let root = TempDir::new().unwrap();
    let text = message("cifar10", &root.path().join("nowhere"));
    assert!(text.contains("there is no folder or archive at") && text.contains("nowhere"), "{text}");
    let text = message("cifar10", root.path());
    assert!(text.contains("holds no data_batch_1.bin; looked for"), "{text}");
    assert!(text.ends_with("here and in cifar-10-batches-bin/; for cifar-10-binary.tar.gz here"), "{text}");
    for (name, pickles) in [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")] {
        let (root, path) = folder_with(pickles);
        for given in [root.path(), &path] {
            let text = message(name, given);
            assert!(text.contains(pickles) && text.contains("Python version (pickles)"), "{text}");
            assert!(text.contains("-binary.tar.gz"), "{text}");
        }
    }
}

/// Folders of splits under other names would become classes, and nobody would notice.
#[test]
fn splits_by_other_names_are_no_classes() {
    for [train, test] in [["Train", "Test"], ["training", "validation"], ["val", "test"]] {
        let root = TempDir::new().unwrap();
        for (split, class) in [(train, "cat"), (train, "dog"), (test, "cat"), (test, "dog")] {
            let name = format!("{split}/{class}/a.jpg");
            fixture::write(root.path(), &[(name, fixture::picture("colour444.jpg"))]);
        }
        let text = message("image-folder", root.path());
        assert!(text.contains("with folders of pictures, and no train/"), "{text}");
        assert!(text.contains("train/CLASS/ and test/CLASS/"), "{text}");
    }
}

/// A link to a folder above would show every picture again, under another class.
#[test]
#[cfg(unix)]
fn a_link_back_up_is_refused_and_no_folder_is_too_deep_to_be_seen() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &fixture::image_folder());
    let deep = ("cat/2021/05/12/a/b/c/d.jpg".to_string(), fixture::picture("colour444.jpg"));
    fixture::write(root.path(), &[deep]);
    let data = load("image-folder", root.path()).unwrap();
    assert_eq!(data.train.len() + data.test.len(), fixture::image_folder().len() + 1);
    std::os::unix::fs::symlink("..", root.path().join("cat/up")).unwrap();
    let text = message("image-folder", root.path());
    assert!(text.contains("cat/up, a link to a folder above itself"), "{text}");
}

/// A file that unpacks to too much is whole: whoever sees it called damaged fetches it again, in vain.
#[test]
fn what_is_too_large_is_not_called_damaged() {
    use std::io::Write;
    let (root, path) = folder_with("mnist");
    write_mnist(&path, true);
    let header: Vec<u8> = [0x803u32, 1 << 17, 28, 28].iter().flat_map(|word| word.to_be_bytes()).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&header).unwrap();
    for _ in 0..98 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    fs::write(path.join("train-images-idx3-ubyte.gz"), encoder.finish().unwrap()).unwrap();
    let error = load("mnist", root.path()).unwrap_err();
    assert!(matches!(error, datasets::Error::TooLarge { limit: 67_108_864, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("train-images-idx3-ubyte.gz has, or unpacks to, more than 67108864 bytes"),
        "{text}"
    );
}

/// Opening one might wait for ever, and reading it never end.
#[test]
#[cfg(unix)]
fn devices_are_no_pictures() {
    let root = TempDir::new().unwrap();
    fixture::write(root.path(), &fixture::image_folder());
    std::os::unix::fs::symlink("/dev/zero", root.path().join("cat/endless.png")).unwrap();
    let text = message("image-folder", root.path());
    assert!(text.contains("cat/endless.png is a device or pipe, expected files and folders alone"), "{text}");
}
