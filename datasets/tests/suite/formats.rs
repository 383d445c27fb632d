//! The parsers on arbitrary and on damaged bytes.

use std::path::Path;

use datasets::format::{
    cifar::{CIFAR10, CIFAR100, Records, read_records},
    compressed::read_plain_or_gzip,
    idx,
};
use datasets::{Error, Images, Result};
use proptest::{collection::vec, prelude::*};

use crate::fixture;

fn file() -> &'static Path {
    Path::new("file")
}

/// The pixels of all images.
fn all_pixels(images: &Images) -> Vec<u8> {
    let mut scratch = Vec::new();
    (0..images.len()).flat_map(|index| images.picture(index, &mut scratch).unwrap().pixels.to_vec()).collect()
}

fn images(bytes: &[u8]) -> Result<Images> {
    read_plain_or_gzip(bytes, file(), |reader| idx::read_images(reader, file()))
}

fn labels(bytes: &[u8]) -> Result<Vec<u16>> {
    read_plain_or_gzip(bytes, file(), |reader| idx::read_labels(reader, file(), 10))
}

fn hundred(bytes: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    read_plain_or_gzip(bytes, file(), |reader| read_records(reader, file(), CIFAR100, &mut records))?;
    Ok(records)
}

/// Beginnings that take a parser past its first check.
fn starts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![]),
        Just(vec![0, 0, 8, 3]),
        Just(vec![0, 0, 8, 1]),
        Just(vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1]),
        Just(vec![0x1f, 0x8b]),
        Just(vec![0x1f, 0x8b, 8, 0]),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(start in starts(), rest in vec(any::<u8>(), 0..200)) {
        let bytes = [start, rest].concat();
        let _ = images(&bytes);
        let _ = labels(&bytes);
        let _ = hundred(&bytes);
        let _ = read_records(&bytes[..], file(), CIFAR10, &mut Records::default());
    }

    #[test]
    fn idx_round_trip(
        (rows, columns, pixels) in (1u32..6, 1u32..6, 1u32..5).prop_flat_map(|(rows, columns, count)| {
            (Just(rows), Just(columns), vec(any::<u8>(), (rows * columns * count) as usize))
        }),
        classes in vec(0u8..10, 1..50),
    ) {
        let plain = fixture::idx_images(rows, columns, &pixels);
        for bytes in [fixture::gzip(&plain), plain] {
            let read = images(&bytes).unwrap();
            prop_assert_eq!(read.shape(), [1, rows as usize, columns as usize]);
            prop_assert_eq!(&all_pixels(&read), &pixels);
        }
        let read = labels(&fixture::idx_labels(&classes)).unwrap();
        prop_assert_eq!(read, classes.into_iter().map(u16::from).collect::<Vec<_>>());
    }

    #[test]
    fn cifar_round_trip(rows in vec((0u8..20, 0u8..100, 0usize..9), 1..4)) {
        let records: Vec<_> =
            rows.iter().map(|&(coarse, fine, number)| fixture::cifar_record(&[coarse, fine], number)).collect();
        let read = hundred(&records.concat()).unwrap();
        prop_assert_eq!(read.labels, records.iter().flat_map(|r| r[..2].to_vec()).collect::<Vec<_>>());
        prop_assert_eq!(read.pixels, records.iter().flat_map(|r| r[2..].to_vec()).collect::<Vec<_>>());
    }

    /// Gzip carries a checksum: a flipped bit is either noticed or (in the header's time and system fields) harmless.
    #[test]
    fn a_flipped_bit_in_a_gzip_file_never_changes_the_images(at in 0usize..10_000, bit in 0u8..8) {
        let plain = fixture::idx_images(2, 3, &[10, 11, 12, 20, 21, 22, 110, 111, 112, 120, 121, 122]);
        let mut bytes = fixture::gzip(&plain);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(read) = images(&bytes) {
            prop_assert_eq!(all_pixels(&read), all_pixels(&images(&plain).unwrap()));
        }
    }

    #[test]
    fn every_shortening_is_an_error(keep in 0usize..1000) {
        let plain = fixture::idx_images(2, 3, &[1; 60]);
        let packed = fixture::gzip(&plain);
        prop_assert!(images(&plain[..keep % plain.len()]).is_err());
        prop_assert!(images(&packed[..keep % packed.len()]).is_err());
    }
}

#[test]
fn damaged_gzip_is_called_so() {
    let packed = fixture::gzip(&fixture::idx_labels(&[1, 2, 3]));
    let cut = labels(&packed[..packed.len() - 3]).unwrap_err();
    assert!(matches!(cut, Error::Gzip { offset: 11, .. }), "{cut:?}");
    assert!(cut.to_string().starts_with("file is a damaged gzip file after 11 decompressed bytes"), "{cut}");
    let mut wrong_sum = packed.clone();
    let crc = packed.len() - 8;
    wrong_sum[crc] ^= 1;
    assert!(matches!(labels(&wrong_sum).unwrap_err(), Error::Gzip { .. }));
}

#[test]
fn several_gzip_members_are_one_file() {
    let plain = fixture::idx_labels(&[1, 2, 3]);
    let members = [fixture::gzip(&plain[..5]), fixture::gzip(&plain[5..])].concat();
    assert_eq!(labels(&members).unwrap(), [1, 2, 3]);
}
