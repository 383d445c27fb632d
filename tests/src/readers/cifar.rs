//! CIFAR's binary version.

use std::path::Path;

use datasets::format::cifar::{CIFAR10, CIFAR100, LabelByte, PIXELS, Records, read_records};

use super::accepted;

/// CIFAR-10 and CIFAR-100: the parser agrees with the format's description about which bytes are right, and on what they say.
pub fn cifar(bytes: &[u8]) -> bool {
    let [ten, hundred] = [CIFAR10, CIFAR100].map(|layout| of_layout(bytes, layout));
    ten || hundred
}

fn of_layout(bytes: &[u8], layout: &[LabelByte]) -> bool {
    let size = layout.len() + PIXELS;
    let rest_is_legal = |record: &[u8]| record.iter().zip(layout).all(|(&label, byte)| label < byte.classes);
    let legal =
        !bytes.is_empty() && bytes.len().is_multiple_of(size) && bytes.chunks(size).all(rest_is_legal);
    let mut records = Records::default();
    let outcome = read_records(bytes, Path::new("batch.bin"), layout, &mut records);
    assert_eq!(outcome.is_ok(), legal, "{outcome:?}");
    // Of a file with a fault, the records before it.
    let whole = records.pixels.len() / PIXELS;
    assert_eq!((records.labels.len(), records.pixels.len()), (whole * layout.len(), whole * PIXELS));
    assert!(whole <= bytes.len() / size && (!legal || whole == bytes.len() / size));
    for (i, record) in bytes.chunks_exact(size).take(whole).enumerate() {
        let (labels, pixels) = record.split_at(layout.len());
        assert!(records.labels[i * labels.len()..][..labels.len()] == *labels);
        assert!(records.pixels[i * PIXELS..][..PIXELS] == *pixels);
    }
    accepted(outcome, "batch.bin").is_some()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let record = |labels: &[u8]| [labels, &[7; PIXELS]].concat();
    vec![record(&[9]), record(&[19, 99]), [record(&[0]), record(&[3])].concat()]
}
