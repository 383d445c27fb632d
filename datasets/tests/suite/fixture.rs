//! Writers of the file formats, from the formats' descriptions and independent of the parsers.

use std::io::Write;

use datasets::{Images, Split};
use flate2::{Compression, write::GzEncoder};

/// An IDX file of images: `pixels` is as long as the product of the dimensions.
pub(crate) fn idx_images(rows: u32, columns: u32, pixels: &[u8]) -> Vec<u8> {
    let count = pixels.len() as u32 / (rows * columns);
    let header = [0x803, count, rows, columns];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(pixels.iter().copied()).collect()
}

/// An IDX file of labels.
pub(crate) fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let header = [0x801, labels.len() as u32];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(labels.iter().copied()).collect()
}

/// A CIFAR record whose pixels differ with `number`, channel, row and column.
pub(crate) fn cifar_record(labels: &[u8], number: usize) -> Vec<u8> {
    let pixels = (0..3072).map(|i| cifar_pixel(number, i / 1024, i / 32 % 32, i % 32));
    labels.iter().copied().chain(pixels).collect()
}

/// The pixels written by [`cifar_record`].
pub(crate) fn cifar_pixel(number: usize, channel: usize, row: usize, column: usize) -> u8 {
    ((number * 101 + channel * 67 + row * 5 + column * 2) % 256) as u8
}

/// The bytes as a gzip file.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A split in which no two pixels of an image are equal, nor two images, as long as an image has at most 250 pixels
/// and there are at most 250 images: 251 is prime.
pub(crate) fn split(count: usize, channels: usize, height: usize, width: usize) -> Split {
    let pixels = (0..count * channels * height * width).map(|i| (i * 167 % 251 + 5) as u8).collect();
    let labels = (0..count).map(|i| (i * 7 % 10) as u16).collect();
    Split::new(Images::new(pixels, channels, height, width).unwrap(), labels, 10).unwrap()
}

/// The pixels of the picture at `position`.
pub(crate) fn pixels(split: &Split, position: usize) -> Vec<u8> {
    split.picture(position, &mut Vec::new()).unwrap().pixels.to_vec()
}

/// All labels of a split.
pub(crate) fn labels(split: &Split) -> Vec<usize> {
    split.labels().collect()
}
