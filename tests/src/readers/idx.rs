//! IDX, plain and gzipped.

use std::io::{Read, Write};
use std::path::Path;

use datasets::format::{compressed::read_plain_or_gzip, idx as format};
use flate2::read::MultiGzDecoder;

use super::told;

/// What a file may unpack to before the twin gives up comparing: the parser stops at what the header announces.
const MOST: u64 = 1 << 22;

/// Images and labels: the parser agrees with the format's description about which bytes are right.
pub fn idx(bytes: &[u8]) -> bool {
    let path = Path::new("images-idx3");
    let mut plain = Vec::new();
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    let unpacks = match is_gzip {
        true => MultiGzDecoder::new(bytes).take(MOST).read_to_end(&mut plain).is_ok(),
        false => {
            plain.extend_from_slice(bytes);
            true
        }
    };
    let word = |at: usize| plain.get(at..at + 4).map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]));
    let announces = |magic: u32, dimensions: usize| {
        let lengths: Option<Vec<u32>> = (1..=dimensions).map(|i| word(4 * i)).collect();
        let lengths = lengths.filter(|lengths| word(0) == Some(magic) && !lengths.contains(&0))?;
        Some(4 + 4 * dimensions as u128 + lengths.iter().map(|&n| u128::from(n)).product::<u128>())
    };
    let fits = |length: Option<u128>| unpacks && length == Some(plain.len() as u128);

    let images = read_plain_or_gzip(bytes, path, |reader| format::read_images(reader, path));
    if (plain.len() as u64) < MOST {
        assert_eq!(images.is_ok(), fits(announces(format::IMAGES_MAGIC, 3)), "{images:?}");
    }
    if let Ok(images) = &images {
        let mut scratch = Vec::new();
        assert!(images.image_len() > 0);
        for i in 0..images.len() {
            let picture = images.picture(i, &mut scratch).expect("pixels in memory");
            assert!(picture.pixels == &plain[16 + i * images.image_len()..][..images.image_len()]);
        }
    }
    let labels = read_plain_or_gzip(bytes, path, |reader| format::read_labels(reader, path, 10));
    if (plain.len() as u64) < MOST {
        let are_legal =
            fits(announces(format::LABELS_MAGIC, 1)) && plain[8..].iter().all(|&label| label < 10);
        assert_eq!(labels.is_ok(), are_legal, "{labels:?}");
    }
    if let Ok(labels) = &labels {
        assert!(labels.iter().zip(&plain[8..]).all(|(&label, &byte)| label == u16::from(byte)));
    }
    for error in [images.as_ref().err(), labels.as_ref().err()].into_iter().flatten() {
        told(error, "images-idx3");
    }
    images.is_ok() || labels.is_ok()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let file = |words: &[u32], bytes: &[u8]| {
        words.iter().flat_map(|word| word.to_be_bytes()).chain(bytes.iter().copied()).collect::<Vec<u8>>()
    };
    let images = file(&[0x803, 2, 2, 3], &[10, 11, 12, 20, 21, 22, 110, 111, 112, 120, 121, 255]);
    let labels = file(&[0x801, 3], &[9, 0, 2]);
    vec![gzip(&images), gzip(&labels), images, labels]
}

/// The bytes as a gzip file.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}
