//! The CIFAR binary version (<https://www.cs.toronto.edu/~kriz/cifar.html>): records without a header.
//!
//! A record is its label bytes followed by 3072 pixels: 1024 red, 1024 green, 1024 blue, each 32 rows of 32. CIFAR-10
//! has one label byte; CIFAR-100 has two, the **coarse** label first. N, C, H, W as it stands in the file.

use std::{io::Read, path::Path};

use super::bounded::read_up_to;
use crate::{Error, Result};

/// C, H, W of every CIFAR image.
pub const SHAPE: [usize; 3] = [3, 32, 32];

/// Pixels of a record.
pub const PIXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

/// One label byte of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelByte {
    /// What to call it in an error.
    pub kind: &'static str,
    /// How many classes it may name.
    pub classes: u8,
}

/// The label bytes of CIFAR-10, in file order.
pub const CIFAR10: &[LabelByte] = &[LabelByte { kind: "label", classes: 10 }];

/// The label bytes of CIFAR-100, in file order.
pub const CIFAR100: &[LabelByte] =
    &[LabelByte { kind: "coarse label", classes: 20 }, LabelByte { kind: "fine label", classes: 100 }];

/// The records of one or several files, label bytes and pixels apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// The label bytes of all records, each record's in file order.
    pub labels: Vec<u8>,
    /// The pixels of all records: N, C, H, W.
    pub pixels: Vec<u8>,
}

/// Appends the records of one file, whose label bytes are `layout`, to `records`.
///
/// # Errors
///
/// No record at all, a last record that is cut short, a label out of range, or a read error. Records before the fault
/// have then been appended.
pub fn read_records(
    mut reader: impl Read,
    path: &Path,
    layout: &[LabelByte],
    records: &mut Records,
) -> Result<()> {
    let size = layout.len() + PIXELS;
    let mut buffer = vec![0; size];
    for record in 0.. {
        let offset = record as u64 * size as u64;
        let found = read_up_to(&mut reader, &mut buffer, offset, path)?;
        if found == 0 && record > 0 {
            break;
        }
        if found == 0 {
            let (expected, what) = (size as u128, "even one record");
            return Err(Error::Truncated { path: path.into(), offset, expected, what });
        }
        if found < size {
            return Err(Error::PartialRecord { path: path.into(), record, offset, found, expected: size });
        }
        let (labels, pixels) = buffer.split_at(layout.len());
        for (position, (&label, byte)) in labels.iter().zip(layout).enumerate() {
            if label >= byte.classes {
                return Err(Error::LabelRange {
                    path: path.into(),
                    record,
                    offset: offset + position as u64,
                    kind: byte.kind,
                    label,
                    legal: 0..=byte.classes.saturating_sub(1),
                });
            }
        }
        records.labels.extend_from_slice(labels);
        records.pixels.extend_from_slice(pixels);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pixel that differs from its neighbours in channel, row, column and image: any swap of axes is noticed.
    fn pixel(image: usize, channel: usize, row: usize, column: usize) -> u8 {
        ((image * 101 + channel * 67 + row * 5 + column * 2) % 256) as u8
    }

    fn record(image: usize, labels: &[u8]) -> Vec<u8> {
        let mut bytes = labels.to_vec();
        for channel in 0..3 {
            for row in 0..32 {
                bytes.extend((0..32).map(|column| pixel(image, channel, row, column)));
            }
        }
        bytes
    }

    fn read(bytes: &[u8], layout: &[LabelByte]) -> Result<Records> {
        let mut records = Records::default();
        read_records(bytes, Path::new("batch"), layout, &mut records).map(|()| records)
    }

    #[test]
    fn two_records_of_each_layout() {
        let ten = read(&[record(0, &[9]), record(1, &[4])].concat(), CIFAR10).unwrap();
        assert_eq!(ten.labels, [9, 4]);
        let hundred = read(&[record(0, &[19, 99]), record(1, &[3, 42])].concat(), CIFAR100).unwrap();
        assert_eq!(hundred.labels, [19, 99, 3, 42], "coarse, fine, coarse, fine");
        assert_eq!(ten.pixels, hundred.pixels);
        // Image 1, blue, row 7, column 30, at its place in N, C, H, W.
        assert_eq!(ten.pixels[3072 + 2 * 1024 + 7 * 32 + 30], pixel(1, 2, 7, 30));
        assert_ne!(pixel(1, 2, 7, 30), pixel(1, 2, 30, 7));
    }

    #[test]
    fn wrong_files_are_explained() {
        let two = [record(0, &[9]), record(1, &[4])].concat();
        let error = |bytes: &[u8], layout| read(bytes, layout).unwrap_err().to_string();
        assert_eq!(
            error(&two[..6000], CIFAR10),
            "batch: record 1 at byte 3073 has 2927 bytes, a record has 3073"
        );
        assert_eq!(error(&two[..1], CIFAR10), "batch: record 0 at byte 0 has 1 bytes, a record has 3073");
        assert_eq!(error(b"", CIFAR10), "batch ends at byte 0, 3073 bytes are needed for even one record");
        let ten = [record(0, &[9]), record(1, &[10])].concat();
        assert_eq!(error(&ten, CIFAR10), "batch: record 1 has the label 10 at byte 3073, legal are 0 to 9");
        // The two label bytes swapped: 42 is a fine label and no coarse one.
        let swapped = [record(0, &[3, 7]), record(1, &[42, 3])].concat();
        let text = error(&swapped, CIFAR100);
        assert_eq!(text, "batch: record 1 has the coarse label 42 at byte 3074, legal are 0 to 19");
        let fine = error(&record(0, &[3, 100]), CIFAR100);
        assert_eq!(fine, "batch: record 0 has the fine label 100 at byte 1, legal are 0 to 99");
    }
}
