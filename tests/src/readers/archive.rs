//! Data sets in tar and zip files, and gzipped tar files.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use datasets::{Dataset, LoadOptions, find};
use flate2::read::MultiGzDecoder;

use super::idx::gzip;
use super::{accepted, committed, on_disk};

/// The data sets that are tried: files by name, any pictures, and lists of classes with pictures.
const DATASETS: [(&str, Option<usize>); 4] =
    [("cifar100", None), ("mnist", None), ("image-folder", Some(4)), ("tiny-imagenet", None)];

/// Pictures that are looked at, besides the last one.
const MOST: usize = 200;

/// A tar file, gzipped or not, as it is and with right checksums in its headers.
pub fn tar(bytes: &[u8]) -> bool {
    let mut plain = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // As far as it can be unpacked.
        let _ = MultiGzDecoder::new(bytes).take(1 << 20).read_to_end(&mut plain);
    } else {
        plain = bytes.to_vec();
    }
    repair(&mut plain);
    let [as_it_is, repaired] = [bytes, &plain].map(archive);
    as_it_is || repaired
}

/// Gives every header the checksum that it should have, and leaves alone what lies between them.
fn repair(plain: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = plain.get_mut(at..).and_then(|rest| rest.get_mut(..512)) {
        at += 512;
        if header.iter().all(|&byte| byte == 0) {
            continue;
        }
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        // Where the length is no number, the next block is taken for a header.
        let length = std::str::from_utf8(&header[124..136]).unwrap_or_default();
        let length = usize::from_str_radix(length.trim_matches([' ', '\0']), 8).unwrap_or(0);
        at = at.saturating_add(length.div_ceil(512).saturating_mul(512));
    }
}

/// A zip file.
pub fn zip(bytes: &[u8]) -> bool {
    archive(bytes)
}

fn archive(bytes: &[u8]) -> bool {
    on_disk("archive", bytes, |path| {
        // All of them: what one passes over the next may want.
        DATASETS.map(|(name, image_size)| is_whole(name, path, image_size, bytes.len())).contains(&true)
    })
}

fn is_whole(name: &str, path: &Path, image_size: Option<usize>, length: usize) -> bool {
    let options = LoadOptions { image_size, ..LoadOptions::default() };
    let outcome = find(name).expect("a data set").load_with(Some(path), &options);
    accepted(outcome, "").is_some_and(|data| hangs_together(&data, length))
}

/// Labels name classes, and every picture is as large as it says or is refused.
pub(super) fn hangs_together(data: &Dataset, length: usize) -> bool {
    let mut scratch = Vec::new();
    for split in [&data.train, &data.test] {
        let [channels, ..] = split.images().shape();
        assert!(split.labels().all(|label| label < data.classes.len()));
        // What an archive may unpack to, or a packed file of two bytes for each label has.
        assert!(split.len() <= (1 << 26).max(100 * length), "{} pictures of {length} bytes", split.len());
        for position in (0..split.len()).take(MOST).chain(split.len().checked_sub(1)) {
            let Some(picture) = accepted(split.picture(position, &mut scratch), "") else { return false };
            assert_eq!(picture.pixels.len(), picture.shape().iter().product::<usize>());
            assert_eq!(picture.channels, channels);
        }
    }
    true
}

/// Names and contents of files.
type Files = Vec<(String, Vec<u8>)>;

fn picture(name: &str) -> Vec<u8> {
    committed(&format!("datasets/tests/pictures/{name}"))
}

fn folders() -> Vec<Files> {
    let file = |name: &str, bytes: &[u8]| (name.to_string(), bytes.to_vec());
    let pictures = vec![
        file("cat/a.png", &picture("colour.png")),
        file("cat/b.png", &picture("palette.png")),
        file("dog/c.png", &picture("luma.png")),
        file("dog/d.jpg", &picture("gray.jpg")),
    ];
    let cifar = [&[4, 72][..], &[7; 3072]].concat();
    let cifar = ["train.bin", "test.bin"].map(|name| file(&format!("cifar-100-binary/{name}"), &cifar));
    let lists = vec![
        file("tiny-imagenet-200/wnids.txt", b"n00000009\nn00000002\n"),
        file("tiny-imagenet-200/words.txt", b"n00000002\tgoldfish\nn00000009\tbullfrog\n"),
        file("tiny-imagenet-200/train/n00000009/images/n00000009_0.JPEG", &picture("colour420.jpg")),
        file("tiny-imagenet-200/train/n00000002/images/n00000002_0.JPEG", &picture("colour420.jpg")),
        file("tiny-imagenet-200/val/val_annotations.txt", b"val_0.JPEG\tn00000002\t0\t0\t1\t1\n"),
        file("tiny-imagenet-200/val/images/val_0.JPEG", &picture("colour420.jpg")),
    ];
    let word = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
    let images = gzip(&[word(&[0x803, 1, 28, 28]), vec![3; 784]].concat());
    let labels = gzip(&[word(&[0x801, 1]), vec![5]].concat());
    let digits = ["train", "t10k"].iter().flat_map(|part| {
        [("images-idx3", &images), ("labels-idx1", &labels)]
            .map(|(kind, bytes)| file(&format!("{part}-{kind}-ubyte.gz"), bytes))
    });
    vec![pictures, cifar.to_vec(), lists, digits.collect()]
}

pub(super) fn tar_seeds() -> Vec<Vec<u8>> {
    let pack = |files: &Files| {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // Records of pax in front of a member, as other writers put them.
            let records = [("path", name.as_bytes()), ("mtime", b"1.5".as_slice())];
            builder.append_pax_extensions(records).expect("memory can be written to");
            builder.append_data(&mut header, name, &bytes[..]).expect("memory can be written to");
        }
        builder.into_inner().expect("memory can be written to")
    };
    let plain: Vec<Vec<u8>> = folders().iter().map(pack).collect();
    plain.iter().map(|bytes| gzip(bytes)).chain(plain.iter().take(1).cloned()).collect()
}

pub(super) fn zip_seeds() -> Vec<Vec<u8>> {
    let pack = |files: &Files| {
        let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (number, (name, bytes)) in files.iter().enumerate() {
            let method = match number % 2 {
                0 => ::zip::CompressionMethod::Stored,
                _ => ::zip::CompressionMethod::Deflated,
            };
            let options = ::zip::write::SimpleFileOptions::default().compression_method(method);
            writer.start_file(name.as_str(), options.large_file(number == 0)).expect("a name");
            writer.write_all(bytes).expect("memory can be written to");
        }
        writer.finish().expect("memory can be written to").into_inner()
    };
    folders().iter().map(pack).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a tar whose headers are damaged nothing but their checksums changes, and members keep their bytes.
    #[test]
    fn only_headers_are_repaired() {
        let whole = &tar_seeds()[folders().len()];
        let mut repaired = whole.clone();
        repair(&mut repaired);
        assert!(repaired == *whole, "a whole archive was changed");
        for header in [0, 512 * 2] {
            // A digit of the time.
            repaired[header + 140] ^= 1;
            let damaged = repaired.clone();
            repair(&mut repaired);
            let changed: Vec<usize> = (0..whole.len()).filter(|&i| repaired[i] != damaged[i]).collect();
            assert!(
                !changed.is_empty() && changed.iter().all(|i| (148..156).contains(&(i - header))),
                "{changed:?}"
            );
        }
    }
}
