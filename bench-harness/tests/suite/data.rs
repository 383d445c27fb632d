//! `anact data`: counting, showing and packing data sets.

use std::fs;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use crate::program::{anact, refuses, succeeds};

/// A CIFAR-10 folder of five times six training pictures and six test pictures. Record i of a file has the label i and the
/// bytes 7 j + 40 i; so every training picture but the first six is there again, and so is every test picture.
pub(crate) fn cifar(folder: &Path) {
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
    {
        let record =
            |i: u8| std::iter::once(i).chain((0..3072u32).map(move |j| (7 * j + 40 * u32::from(i)) as u8));
        fs::write(folder.join(format!("{name}.bin")), (0..6).flat_map(record).collect::<Vec<_>>()).unwrap();
    }
}

#[test]
fn everything_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    cifar(folder.path());
    let text = succeeds(folder.path(), &["data", "stats", "cifar10", "--data", ".", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["train"]["pictures"], 30);
    assert_eq!(report["train"]["class_counts"], serde_json::json!([5, 5, 5, 5, 5, 5, 0, 0, 0, 0]));
    assert_eq!(report["train"]["duplicates"], serde_json::json!({ "pictures": 24, "other_class": 0 }));
    assert_eq!(report["test_pictures_in_train"], serde_json::json!({ "pictures": 6, "other_class": 0 }));
    assert_eq!(report["test"]["sizes"], serde_json::json!({ "32x32": 6 }));
    assert!(report["remarks"].to_string().contains("30 training images instead of 50000"));
    let text = succeeds(folder.path(), &["data", "stats", "cifar10", "--data", "."]);
    for part in
        ["10 classes", "0 to 5", "red: mean", "0.4914", "0.2023", "6 test pictures are training pictures too"]
    {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

/// The pictures of 28x28 in these columns of a sheet of two rows: squares of 112 pixels from row 102 and column 28 on, one every
/// 148 rows and every 126 columns.
fn pictures(sheet: &[u8], columns: Range<usize>) -> Vec<u8> {
    let mut reader = png::Decoder::new(Cursor::new(sheet)).read_info().unwrap();
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut pixels = vec![0; 3 * width * height];
    reader.next_frame(&mut pixels).unwrap();
    let rows = || [102, 102 + 148].into_iter().flat_map(|top| top..top + 112);
    let starts = columns.flat_map(|column| rows().map(move |row| 3 * (width * row + 28 + 126 * column)));
    starts.flat_map(|start| pixels[start..][..3 * 112].to_vec()).collect()
}

#[test]
fn sheets_are_pictures_of_the_expected_size() {
    let folder = tempfile::tempdir().unwrap();
    let size = |arguments: &[&str]| {
        let all = [&["data", "show", "fashion-mnist-5k", "--output", "sheet.png"], arguments].concat();
        succeeds(folder.path(), &all);
        let bytes = fs::read(folder.path().join("sheet.png")).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        (bytes.clone(), side(16), side(20))
    };
    let (first, width, height) = size(&["--count", "20"]);
    assert_eq!(size(&["--count", "20"]).0, first, "the same seed chooses the same pictures");
    assert_ne!(size(&["--count", "20", "--seed", "1"]).0, first);
    let (_, wider, higher) = size(&["--count", "40", "--columns", "20", "--split", "test"]);
    assert!(wider > width && higher == height, "{wider} {higher}");
    // The line above the pictures names the recipe, so that two sheets always differ: the pictures must.
    let names = ["none", "cifar", "cutout", "erasing", "mixup", "resized"];
    let sheets = names.map(|recipe| size(&["--count", "20", "--augmented", recipe]).0);
    let (plain, cifar) = (&sheets[0], &sheets[1]);
    for (sheet, name) in sheets.iter().zip(names) {
        assert!(
            pictures(sheet, 0..1) == pictures(plain, 0..1),
            "{name}: the first column is not as in the files"
        );
        let like = |other: &[u8]| pictures(sheet, 1..10) == pictures(other, 1..10);
        assert_eq!(like(plain), name == "none", "{name}");
        // Cutout, erasing and mixup move pictures as cifar does: they must differ from that, too.
        assert_eq!(like(cifar), name == "cifar", "{name}");
    }
    let refused = |arguments: &[&str], part: &str| {
        let all = [&["data", "show", "fashion-mnist-5k", "--output", "other.png"], arguments].concat();
        refuses(folder.path(), &all, &[part]);
    };
    refused(&["--count", "0"], "--count is 0; want from 1");
    refused(&["--augmented", "cfar"], "one of none, cifar, cutout");
    refused(
        &["--augmented", "resized-jitter"],
        "jitter.saturation is 0.4, it must be 0 for images without colour",
    );
}

#[test]
fn a_packed_file_trains_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    cifar(path);
    let text = succeeds(path, &["data", "pack", "cifar10", "--data", ".", "--output", "small.anpk"]);
    assert!(text.starts_with("small.anpk: cifar10 of 30 + 6 pictures of 3x32x32, 10 classes"), "{text}");
    let digest = |data: &str, output: &str| {
        let train = [
            "train",
            "--dataset",
            "cifar10",
            "--model",
            "mlp",
            "--width",
            "8",
            "--epochs",
            "1",
            "--batch",
            "10",
        ];
        succeeds(path, &[&train[..], &["--data", data, "--output", output]].concat());
        let record = fs::read_to_string(path.join(output).join("record.jsonl")).unwrap();
        let lines = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line["weights_sha256"].as_str().map(String::from)).next_back().unwrap()
    };
    assert_eq!(digest(".", "a"), digest("small.anpk", "b"));
    let text = succeeds(path, &["data", "verify", "cifar10", "small.anpk"]);
    assert!(
        text.contains("every byte is as it was packed") && text.contains("30 training images instead"),
        "{text}"
    );
    // Damage to any pixel stops whoever comes to it.
    let mut bytes = fs::read(path.join("small.anpk")).unwrap();
    bytes[4096 + 3072 * 17] ^= 1;
    fs::write(path.join("damaged.anpk"), bytes).unwrap();
    let stats = ["data", "stats", "cifar10", "--data", "damaged.anpk"];
    refuses(path, &stats, &["at byte 4096", "changed since they were packed"]);
    assert!(!anact(path, &["data", "verify", "cifar10", "damaged.anpk"]).status.success());
    let output = anact(path, &["data", "stats", "cifar100", "--data", "small.anpk"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds the packed data set `cifar10`"));
}
