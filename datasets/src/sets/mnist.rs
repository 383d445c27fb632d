//! MNIST and Fashion-MNIST: four IDX files under the same names.

use std::path::Path;

use super::official::{ClassCounts, check};
use crate::{
    Dataset, Error, Result, Split,
    folder::{Folder, read_file},
    format::idx,
};

/// Images, then labels, of the training split.
pub(super) const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];

/// Images, then labels, of the test split.
pub(super) const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The files that make up a folder of this family.
pub(crate) const LAYOUT: &str = "\
train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte,
each plain or with .gz added, in the folder itself or in a sub-folder named as by its usual downloads";

/// From the table in Fashion-MNIST's README.
pub(super) const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Digits 0 to 9 among MNIST's 60,000 training labels, which are not balanced: what counting the official files gives
/// in the published code of many, for example Keras users' `np.unique(y_train, return_counts=True)`.
const DIGITS_TRAIN: [usize; 10] = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];

/// Digits 0 to 9 among MNIST's 10,000 test labels, from the same sources.
const DIGITS_TEST: [usize; 10] = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];

/// Loads Fashion-MNIST.
pub(crate) fn load_fashion(given: &Path) -> Result<Dataset> {
    let (train, test) = (ClassCounts::Each(6000), ClassCounts::Each(1000));
    load(given, &["fashion-mnist", "FashionMNIST/raw"], "fashion-mnist", &FASHION_CLASSES, train, test)
}

/// Loads MNIST.
pub(crate) fn load_digits(given: &Path) -> Result<Dataset> {
    let (train, test) = (ClassCounts::Listed(&DIGITS_TRAIN), ClassCounts::Listed(&DIGITS_TEST));
    load(given, &["mnist", "MNIST/raw"], "mnist", &DIGITS, train, test)
}

fn load(
    given: &Path,
    inner: &[&str],
    name: &str,
    classes: &[&str],
    train: ClassCounts,
    test: ClassCounts,
) -> Result<Dataset> {
    let folder = Folder::locate(given, inner, TRAIN[0], name)?;
    let names = classes.iter().map(ToString::to_string).collect();
    let splits = [TRAIN, TEST].map(|files| load_split(&folder, files, classes.len()));
    let [train_split, test_split] = splits;
    let mut dataset = Dataset::new(name, names, train_split?, test_split?)?;
    dataset.checks.push("image and label files agree, and end where their headers say".into());
    check(&mut dataset, train, test, folder.path())?;
    if dataset.train.images().shape() != [1, 28, 28] {
        let [_, height, width] = dataset.train.images().shape();
        dataset.remarks.push(format!("not the official data: images of {height}x{width} instead of 28x28"));
    }
    Ok(dataset)
}

fn load_split(folder: &Folder, [images, labels]: [&str; 2], classes: usize) -> Result<Split> {
    let (images_path, labels_path) = (folder.require(images)?, folder.require(labels)?);
    // Labels first: they are small, so a wrong folder is refused at once.
    let labels = read_file(&labels_path, |reader| idx::read_labels(reader, &labels_path, classes))?;
    let images = read_file(&images_path, |reader| idx::read_images(reader, &images_path))?;
    if images.len() != labels.len() {
        let (images, labels) = (images.len(), labels.len());
        return Err(Error::CountMismatch { images_path, images, labels_path, labels });
    }
    Split::new(images, labels, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_add_up() {
        assert_eq!(DIGITS_TRAIN.iter().sum::<usize>(), 60_000);
        assert_eq!(DIGITS_TEST.iter().sum::<usize>(), 10_000);
    }
}
