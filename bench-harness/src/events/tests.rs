//! Files of ours beside one by torch's writer, and files that cannot be written.

use super::*;

/// Written by torch 2.15 with tensorboard 2.21; the script is `tests/golden/make_events.py`.
const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/events/torch.tfevents");

/// The data of all records, their checksums compared.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length: [u8; 8] = bytes[..8].try_into().unwrap();
        assert_eq!(bytes[8..12], crc::masked(&length).to_le_bytes(), "record {}", records.len());
        let end = 12 + u64::from_le_bytes(length) as usize;
        let data = &bytes[12..end];
        assert_eq!(bytes[end..][..4], crc::masked(data).to_le_bytes(), "record {}", records.len());
        records.push(data.to_vec());
        bytes = &bytes[end + 4..];
    }
    records
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (value, rest) = bytes.split_at(length);
    *bytes = rest;
    value.iter().rev().fold(0, |all, byte| all << 7 | u64::from(byte & 0x7f))
}

/// The fields of a message: numbers, and of each value the bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1,
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            wire => panic!("wire type {wire}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push((key >> 3, value.to_vec()));
        bytes = rest;
    }
    fields
}

/// The value of the one field of this number.
fn field(message: &[u8], number: u64) -> Vec<u8> {
    let mut found = fields(message).into_iter().filter(|(n, _)| *n == number);
    let value = found.next().unwrap_or_else(|| panic!("no field {number}")).1;
    assert!(found.next().is_none(), "field {number} twice");
    value
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
}

/// The one event file of a folder, record by record.
fn written(folder: &Path) -> Vec<Vec<u8>> {
    let mut files = std::fs::read_dir(folder).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    records(&std::fs::read(path).unwrap())
}

/// An event without its time, which is its first field.
fn timeless(event: &[u8]) -> &[u8] {
    assert_eq!(event[0], 1 << 3 | 1);
    &event[9..]
}

#[test]
fn events_are_those_of_torch() {
    let golden = records(GOLDEN);
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path(), 0).unwrap();
    let tag = "loss/train";
    for (step, value) in [
        (3, 0.1),
        (300, -1.5e-30),
        (1 << 40, 0.0),
        ((1 << 40) + 1, f64::NAN),
        ((1 << 40) + 2, f64::NEG_INFINITY),
    ] {
        writer.scalar(tag, step, value).unwrap();
    }
    let adjacent = EventHistogram::of(&[1.0, 1.0625, 1.125, 1.1875, 1.25, 1.3125]).unwrap();
    writer.histogram("adjacent", 7, &adjacent).unwrap();
    let spread = [-1.5, -0.5, -0.25, 0.0, 0.0, 2f32.powi(-8), 0.25, 0.25, 1.75].map(|x| x * 2f32.powi(-37));
    writer.histogram("spread", 8, &EventHistogram::of(&spread).unwrap()).unwrap();
    // The picture's own bytes are an encoder's affair.
    let image = field(&field(&field(&golden[8], 5), 1), 4);
    writer.image("é", 9, &Png { bytes: field(&image, 4), size: [2, 3] }).unwrap();
    writer.flush().unwrap();

    let ours = written(folder.path());
    assert_eq!(ours.len(), golden.len());
    assert_eq!(field(&ours[0], 3), field(&golden[0], 3));
    for i in [1, 2, 3, 4, 5, 6, 8] {
        assert_eq!(timeless(&ours[i]), timeless(&golden[i]), "record {i}");
    }
    // Torch writes every bucket between the first and the last, we one of the empty ones in a row.
    let [own, other] = [&ours[7], &golden[7]].map(|event| field(&field(&field(event, 5), 1), 5));
    for number in 1..=5 {
        assert_eq!(field(&own, number), field(&other, number), "field {number}");
    }
    let full = |histogram: &[u8]| {
        let (limits, counts) = (numbers(&field(histogram, 6)), numbers(&field(histogram, 7)));
        assert_eq!(limits.len(), counts.len());
        let buckets = (1..limits.len()).map(|i| (limits[i - 1], limits[i], counts[i]));
        buckets.filter(|(_, _, count)| *count > 0.0).collect::<Vec<_>>()
    };
    assert_eq!(full(&own), full(&other));
    assert!(full(&own).len() > 4);
}

/// As a run that goes on does it: TensorBoard reads the files by name, and the second one begins with what is to be forgotten.
#[test]
fn a_second_file_comes_after_the_first_and_says_what_is_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for taken in [0, 12, 7] {
        let writer = EventWriter::create(folder.path(), taken).unwrap();
        names.push(writer.path.clone());
    }
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let events = |i: usize| records(&std::fs::read(&names[i]).unwrap());
    assert_eq!(events(0).len(), 1);
    for (i, step) in [(1, 13u8), (2, 8)] {
        let start = &events(i)[1];
        assert_eq!(field(start, 2), [step]);
        assert_eq!(fields(&field(start, 7)), [(1, vec![1])]);
    }
}

#[test]
fn what_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    let text = EventWriter::create(&file, 0).unwrap_err().to_string();
    assert!(text.contains("cannot create the folder") && text.contains("choose another path"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let path = PathBuf::from("/dev/full");
    let file = File::options().write(true).open(&path).unwrap();
    let mut writer = EventWriter { path, file: BufWriter::new(file) };
    let written = writer.scalar("loss/train", 1, 1.0).and_then(|()| writer.flush());
    let text = written.unwrap_err().to_string();
    assert!(text.contains("/dev/full") && text.contains("make room"), "{text}");
}
