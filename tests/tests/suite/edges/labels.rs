//! Labels out of range or of another count: an error that names the sample, the label and the number of classes.

use autograd::{Error, Tape, Tensor};
use layers::accuracy;

#[test]
fn a_label_out_of_range_is_named() {
    let logits = Tensor::<f32>::zeros([3, 10]);
    // −1 as an index, and the first class that does not exist.
    for label in [usize::MAX, 10] {
        let labels = [9, label, 0];
        let tape = Tape::new();
        let loss = tape.constant(logits.clone()).cross_entropy(&labels, 0.1).err();
        let others = [accuracy::ranks(&logits, &labels).err(), accuracy::correct(&logits, &labels).err()];
        for error in others.into_iter().chain([loss]) {
            let error = error.expect("a label is out of range");
            assert!(
                matches!(error, Error::Label { sample: 1, label: named, classes: 10, .. } if named == label),
                "{error}"
            );
            let text = error.to_string();
            assert!(text.contains(&format!("label {label} of sample 1")), "{text}");
            assert!(text.contains("0 to 9 of 10 classes"), "{text}");
        }
    }
}

#[test]
fn another_count_of_labels_is_named() {
    let logits = Tensor::<f32>::zeros([3, 10]);
    for labels in [&[][..], &[1, 2], &[0; 4]] {
        let tape = Tape::new();
        let loss = tape.constant(logits.clone()).cross_entropy(labels, 0.0).unwrap_err().to_string();
        assert!(
            loss.contains(&format!("the {} targets", labels.len())) && loss.contains("[3, 10]"),
            "{loss}"
        );
        let ranks = accuracy::ranks(&logits, labels).unwrap_err().to_string();
        assert!(ranks.contains(&format!("{} labels for 3 samples", labels.len())), "{ranks}");
    }
}

/// A sample with a NaN is wrong whatever is asked, and never the first class by chance.
#[test]
fn a_nan_has_no_class() {
    let logits = Tensor::new([2, 3], vec![f32::NAN, 1.0, 2.0, 0.0, 1.0, f32::NAN]).unwrap();
    assert_eq!(accuracy::predictions(&logits).unwrap(), [None, None]);
    for label in 0..3 {
        assert_eq!(accuracy::correct(&logits, &[label, label]).unwrap(), 0);
    }
}
