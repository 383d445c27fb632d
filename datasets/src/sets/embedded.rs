//! A subset of Fashion-MNIST compiled into the crate: real images without a download. Origin, licence and digests
//! are in `data/fashion-mnist-5k/`.

use std::path::Path;

use super::mnist::{FASHION_CLASSES, TEST, TRAIN};
use crate::{
    Dataset, Result, Split,
    format::{compressed::read_plain_or_gzip, idx},
};

macro_rules! embedded {
    ($file:literal) => {
        include_bytes!(concat!("../../data/fashion-mnist-5k/", $file, ".gz"))
    };
}

const TRAIN_IMAGES: &[u8] = embedded!("train-images-idx3-ubyte");
const TRAIN_LABELS: &[u8] = embedded!("train-labels-idx1-ubyte");
const TEST_IMAGES: &[u8] = embedded!("t10k-images-idx3-ubyte");
const TEST_LABELS: &[u8] = embedded!("t10k-labels-idx1-ubyte");

/// Unpacks the embedded subset.
pub(crate) fn load() -> Result<Dataset> {
    let classes = FASHION_CLASSES.iter().map(ToString::to_string).collect();
    let train = split(TRAIN, TRAIN_IMAGES, TRAIN_LABELS)?;
    let test = split(TEST, TEST_IMAGES, TEST_LABELS)?;
    let mut dataset = Dataset::new("fashion-mnist-5k", classes, train, test)?;
    dataset.remarks.push("the first 5,000 of 60,000 training and 1,000 of 10,000 test images".into());
    Ok(dataset)
}

fn split(names: [&str; 2], images: &[u8], labels: &[u8]) -> Result<Split> {
    let [images_path, labels_path] = names.map(|name| Path::new("embedded").join(name));
    let images = read_plain_or_gzip(images, &images_path, |reader| idx::read_images(reader, &images_path))?;
    let classes = FASHION_CLASSES.len();
    let labels =
        read_plain_or_gzip(labels, &labels_path, |reader| idx::read_labels(reader, &labels_path, classes))?;
    Split::new(images, labels, classes)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::official::hexadecimal;

    /// The digests of the raw bytes as `sha256sum` prints them for the official files cut with `head`; the command is
    /// in `data/fashion-mnist-5k/README.md`.
    #[test]
    fn the_bytes_are_the_official_ones() {
        for (file, digest) in [
            (TRAIN_IMAGES, "626b8bf8433327de7912bae1d0e4c70fdcca53de33970297bf9a2205500c574a"),
            (TRAIN_LABELS, "86cccad95ab36653e416733235fc8fbb50b9429417f4eb2feb35e0b9a294e83c"),
            (TEST_IMAGES, "7a6d8e07ea021ec5bc73135ebd0a5770799557ec6f8242d8749c4f32a3cf4643"),
            (TEST_LABELS, "b40abac7ec8228f434940f579deb7cf7b6e3103b5274cb91d1545771f5ef1c8b"),
        ] {
            let mut raw = Vec::new();
            flate2::read::GzDecoder::new(file).read_to_end(&mut raw).unwrap();
            assert_eq!(hexadecimal(&Sha256::digest(&raw)), digest);
        }
    }
}
