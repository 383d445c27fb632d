//! MNIST, Fashion-MNIST and KMNIST: four IDX files under the same names.

use std::path::Path;

use super::expected::{ClassCounts, check};
use crate::{
    Dataset, Error, Result, Split,
    container::{Container, Location},
    format::idx,
    registry::LoadOptions,
};

/// Images, then labels, of the training split.
pub(crate) const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];

/// Images, then labels, of the test split.
pub(crate) const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The training files as they are published, in the same order.
pub(crate) const TRAIN_PACKED: [&str; 2] = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];

/// The test files as they are published.
pub(crate) const TEST_PACKED: [&str; 2] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];

/// Where the usual downloads put Fashion-MNIST.
pub(crate) const FASHION_FOLDERS: &[&str] = &["fashion-mnist", "FashionMNIST/raw"];

/// Where they put KMNIST.
pub(crate) const KUZUSHIJI_FOLDERS: &[&str] = &["kmnist", "KMNIST/raw"];

/// Where they put MNIST.
pub(crate) const DIGITS_FOLDERS: &[&str] = &["mnist", "MNIST/raw"];

/// The files that make up a folder of this family.
pub(crate) const LAYOUT: &str = "\
train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte,
each plain or with .gz added, in the folder itself, in a sub-folder named as by its usual downloads, or in a zip or
tar file, which stays packed";

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

/// The character of each class as it is read, from figure 2 and the data set's page.
///
/// Source: Clanuwat et al., Deep Learning for Classical Japanese Literature, 2018, arXiv 1812.01718.
const HIRAGANA: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

/// Loads Fashion-MNIST.
pub(crate) fn load_fashion(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    let (train, test) = (ClassCounts::Each(6000), ClassCounts::Each(1000));
    load(given, location("fashion-mnist", FASHION_FOLDERS), &FASHION_CLASSES, train, test)
}

/// Loads KMNIST, Kuzushiji-MNIST.
pub(crate) fn load_kuzushiji(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    let (train, test) = (ClassCounts::Each(6000), ClassCounts::Each(1000));
    load(given, location("kmnist", KUZUSHIJI_FOLDERS), &HIRAGANA, train, test)
}

/// Loads MNIST.
pub(crate) fn load_digits(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    let (train, test) = (ClassCounts::Listed(&DIGITS_TRAIN), ClassCounts::Listed(&DIGITS_TEST));
    load(given, location("mnist", DIGITS_FOLDERS), &DIGITS, train, test)
}

/// There is no official archive: the four files are published each for itself.
fn location(dataset: &'static str, folders: &'static [&'static str]) -> Location {
    Location { dataset, folders, archives: &[], witness: TRAIN[0] }
}

fn load(
    given: &Path,
    location: Location,
    classes: &[&str],
    train: ClassCounts,
    test: ClassCounts,
) -> Result<Dataset> {
    let container = Container::locate(given, &location)?;
    // Labels first: they are small, so a wrong folder is refused at once.
    let files = [TRAIN[1], TEST[1], TRAIN[0], TEST[0]];
    let mut labels = [const { None }; 2];
    let mut images = [const { None }; 2];
    container.read(&files, files.len(), |index, path, reader| {
        match index {
            0 | 1 => {
                labels[index] = Some((idx::read_labels(reader, path, classes.len())?, path.to_path_buf()));
            }
            _ => images[index - 2] = Some((idx::read_images(reader, path)?, path.to_path_buf())),
        }
        Ok(())
    })?;
    let mut splits = Vec::new();
    for pair in images.into_iter().zip(labels) {
        let (Some((images, images_path)), Some((labels, labels_path))) = pair else {
            unreachable!("all four files are required");
        };
        if images.len() != labels.len() {
            let (images, labels) = (images.len(), labels.len());
            return Err(Error::CountMismatch { images_path, images, labels_path, labels });
        }
        splits.push(Split::new(images, labels, classes.len())?);
    }
    let [train_split, test_split] = splits.try_into().expect("two splits were made");
    let names = classes.iter().map(ToString::to_string).collect();
    let mut dataset = Dataset::new(location.dataset, names, train_split, test_split)?;
    dataset.checks.push("image and label files agree, and end where their headers say".into());
    check(&mut dataset, train, test, container.path())?;
    if dataset.train.images().shape() != [1, 28, 28] {
        let [_, height, width] = dataset.train.images().shape();
        dataset.remarks.push(format!("not the official data: images of {height}x{width} instead of 28x28"));
    }
    Ok(dataset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_what_is_read_in_gzip() {
        for (plain, packed) in TRAIN.iter().zip(TRAIN_PACKED).chain(TEST.iter().zip(TEST_PACKED)) {
            assert_eq!(packed, format!("{plain}.gz"));
        }
    }

    #[test]
    fn the_digits_add_up() {
        assert_eq!(DIGITS_TRAIN.iter().sum::<usize>(), 60_000);
        assert_eq!(DIGITS_TEST.iter().sum::<usize>(), 10_000);
    }
}
