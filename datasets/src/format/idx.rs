//! IDX, the format of the MNIST family (<http://yann.lecun.com/exdb/mnist/>): big-endian words, then bytes.
//!
//! Images: `0x00000803`, count, rows, columns, then count * rows * columns pixels, row by row.
//! Labels: `0x00000801`, count, then one byte each.

use std::{io::Read, path::Path};

use super::bounded::{expect_end, read_announced};
use crate::{Error, Images, Result};

/// First word of a file of images: unsigned bytes in three dimensions.
pub const IMAGES_MAGIC: u32 = 0x0803;

/// First word of a file of labels: unsigned bytes in one dimension.
pub const LABELS_MAGIC: u32 = 0x0801;

/// Reads a file of one-channel images.
///
/// # Errors
///
/// A wrong magic number, an empty dimension, a file shorter or longer than its header says, or a read error.
pub fn read_images(mut reader: impl Read, path: &Path) -> Result<Images> {
    let (dimensions, offset) = read_header::<3>(&mut reader, IMAGES_MAGIC, "images", path)?;
    let count = dimensions.iter().map(|&d| u128::from(d)).product();
    let pixels = read_announced(&mut reader, count, offset, "the pixels announced by its header", path)?;
    expect_end(&mut reader, offset + pixels.len() as u64, path)?;
    Images::new(pixels, 1, dimensions[1] as usize, dimensions[2] as usize)
}

/// Reads a file of labels, each below `classes` (at most 256, a label being a byte).
///
/// # Errors
///
/// As [`read_images`], and [`Error::LabelRange`] for the first label that names no class.
pub fn read_labels(mut reader: impl Read, path: &Path, classes: usize) -> Result<Vec<u16>> {
    let (dimensions, offset) = read_header::<1>(&mut reader, LABELS_MAGIC, "labels", path)?;
    let count = u128::from(dimensions[0]);
    let labels = read_announced(&mut reader, count, offset, "the labels announced by its header", path)?;
    expect_end(&mut reader, offset + labels.len() as u64, path)?;
    if let Some(record) = labels.iter().position(|&label| usize::from(label) >= classes) {
        return Err(Error::LabelRange {
            path: path.into(),
            record,
            offset: offset + record as u64,
            kind: "label",
            label: labels[record],
            legal: 0..=classes.saturating_sub(1) as u8,
        });
    }
    Ok(labels.into_iter().map(u16::from).collect())
}

/// The dimensions, and the offset of the first byte after them.
fn read_header<const D: usize>(
    reader: &mut impl Read,
    magic: u32,
    what: &'static str,
    path: &Path,
) -> Result<([u32; D], u64)> {
    let found = read_words::<1>(reader, 0, "the IDX magic number", path)?[0];
    if found != magic {
        return Err(Error::IdxMagic { path: path.into(), found, expected: magic, what });
    }
    let dimensions = read_words::<D>(reader, 4, "the IDX header", path)?;
    if dimensions.contains(&0) {
        return Err(Error::IdxDimensions { path: path.into(), dimensions: dimensions.to_vec() });
    }
    Ok((dimensions, 4 + 4 * D as u64))
}

fn read_words<const N: usize>(
    reader: &mut impl Read,
    offset: u64,
    what: &'static str,
    path: &Path,
) -> Result<[u32; N]> {
    let bytes = read_announced(reader, 4 * N as u128, offset, what, path)?;
    let (words, _) = bytes.as_chunks::<4>();
    Ok(std::array::from_fn(|i| u32::from_be_bytes(words[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of 2 rows and 3 columns, written by hand from the format's description.
    const TWO: [u8; 28] = [
        0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, // magic, count, rows, columns
        10, 11, 12, 20, 21, 22, // image 0
        110, 111, 112, 120, 121, 255, // image 1
    ];

    fn images_error(bytes: &[u8]) -> String {
        read_images(bytes, Path::new("images")).unwrap_err().to_string()
    }

    fn labels_error(bytes: &[u8]) -> String {
        read_labels(bytes, Path::new("labels"), 10).unwrap_err().to_string()
    }

    #[test]
    fn rows_are_rows_and_columns_are_columns() {
        let images = read_images(&TWO[..], Path::new("images")).unwrap();
        assert_eq!((images.len(), images.shape()), (2, [1, 2, 3]));
        let pixels = |index| images.picture(index, &mut Vec::new()).unwrap().pixels.to_vec();
        assert_eq!(pixels(0), [10, 11, 12, 20, 21, 22]);
        assert_eq!(pixels(1)[3], 120, "row 1, column 0");
        assert_eq!(pixels(1)[2], 112, "row 0, column 2");
    }

    #[test]
    fn labels_in_order() {
        let labels = read_labels(&[0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 5][..], Path::new("labels"), 10).unwrap();
        assert_eq!(labels, [9, 0, 5]);
    }

    #[test]
    fn wrong_files_are_explained() {
        assert_eq!(
            images_error(&TWO[..27]),
            "images ends at byte 27, 28 bytes are needed for the pixels announced by its header"
        );
        assert_eq!(
            images_error(&TWO[..13]),
            "images ends at byte 13, 16 bytes are needed for the IDX header"
        );
        assert_eq!(images_error(b""), "images ends at byte 0, 4 bytes are needed for the IDX magic number");
        let longer = [&TWO[..], &[0]].concat();
        assert_eq!(images_error(&longer), "images goes on at byte 28, where its header says it ends");
        assert_eq!(
            labels_error(&TWO),
            "labels begins with 0x00000803 at byte 0, an IDX file of labels begins with 0x00000801"
        );
        assert_eq!(
            images_error(&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]),
            "images announces the dimensions [2, 0, 3] at byte 4, each must be at least 1"
        );
        assert_eq!(
            labels_error(&[0, 0, 8, 1, 0, 0, 0, 3, 9, 10, 5]),
            "labels: record 1 has the label 10 at byte 9, legal are 0 to 9"
        );
    }

    #[test]
    fn a_forged_header_costs_no_memory() {
        let forged = [&[0, 0, 8, 3][..], &[0xff; 12], &[1, 2, 3]].concat();
        assert!(
            images_error(&forged).starts_with("images ends at byte 19, 79228162458924105385300197391 bytes")
        );
    }
}
