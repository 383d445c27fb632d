//! What is counted beside the loss.

use autograd::{Error, Result, Scalar, Tensor};

/// How many classes stand before each sample's label: 0 where the largest logit is the label's, below 5 where the label is
/// among the first five. Ties go to the lower class. `None` for a sample whose logits hold a NaN: it is classified wrong
/// whatever is asked. logits [N, K], N labels.
///
/// The loss itself is [`Var::cross_entropy`](autograd::Var::cross_entropy).
///
/// # Errors
/// logits is not [N, K] with N labels below K.
pub fn ranks<S: Scalar>(logits: &Tensor<S>, labels: &[usize]) -> Result<Vec<Option<usize>>> {
    let rows = rows(logits)?;
    if rows.len() != labels.len() {
        let what = format!("{} labels for {} samples", labels.len(), rows.len());
        return Err(Error::Argument { op: "accuracy", what, legal: "one label per sample".into() });
    }
    let classes = logits.dims()[1];
    if let Some(sample) = labels.iter().position(|&label| label >= classes) {
        return Err(Error::Label { op: "accuracy", sample, label: labels[sample], classes });
    }
    let rank = |(row, &label): (&[S], &usize)| {
        let before = |(class, x): (usize, &S)| *x > row[label] || (*x == row[label] && class < label);
        is_ordered(row).then(|| row.iter().enumerate().filter(|&(class, x)| before((class, x))).count())
    };
    Ok(rows.zip(labels).map(rank).collect())
}

/// The class with the largest logit of each sample, the first of equal ones; `None` where a logit is NaN. logits [N, K].
///
/// # Errors
/// logits is not [N, K] with K at least 1.
pub fn predictions<S: Scalar>(logits: &Tensor<S>) -> Result<Vec<Option<usize>>> {
    let best =
        |row: &[S]| row.iter().enumerate().fold(0, |best, (i, x)| if *x > row[best] { i } else { best });
    Ok(rows(logits)?.map(|row| is_ordered(row).then(|| best(row))).collect())
}

/// The number of samples whose [rank](ranks) is 0.
///
/// # Errors
/// As [`ranks`].
pub fn correct<S: Scalar>(logits: &Tensor<S>, labels: &[usize]) -> Result<usize> {
    Ok(ranks(logits, labels)?.into_iter().filter(|&rank| rank == Some(0)).count())
}

/// The logits of each sample.
fn rows<S: Scalar>(logits: &Tensor<S>) -> Result<std::slice::Chunks<'_, S>> {
    match logits.dims() {
        &[_, classes] if classes > 0 => Ok(logits.data().chunks(classes)),
        _ => Err(Error::Operand {
            op: "accuracy",
            what: "logits",
            shape: logits.shape(),
            legal: "[samples, classes] with at least one class".into(),
        }),
    }
}

fn is_ordered<S: Scalar>(row: &[S]) -> bool {
    row.iter().all(|x| x.partial_cmp(x).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_logit_wins_and_ties_go_to_the_first() {
        let logits = Tensor::new([4, 2], vec![1.0, 2.0, 3.0, 3.0, f64::NAN, 1.0, 5.0, 4.0]).unwrap();
        assert_eq!(correct(&logits, &[1, 0, 1, 1]).unwrap(), 2);
        assert_eq!(ranks(&logits, &[1, 0, 1, 1]).unwrap(), [Some(0), Some(0), None, Some(1)]);
        assert_eq!(ranks(&logits, &[0, 1, 0, 0]).unwrap(), [Some(1), Some(1), None, Some(0)]);
        assert_eq!(predictions(&logits).unwrap(), [Some(1), Some(0), None, Some(0)]);
    }

    #[test]
    fn a_rank_counts_what_stands_before() {
        let logits = Tensor::new([1, 5], vec![0.5f32, -1.0, f32::INFINITY, 0.5, f32::NEG_INFINITY]).unwrap();
        let rank = |label| ranks(&logits, &[label]).unwrap()[0].unwrap();
        assert_eq!((0..5).map(rank).collect::<Vec<_>>(), [1, 3, 0, 2, 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let logits = Tensor::new([1, 2], vec![1.0, 2.0]).unwrap();
        assert!(correct(&logits, &[0, 1]).unwrap_err().to_string().contains("2 labels for 1 samples"));
        let text = correct(&logits, &[2]).unwrap_err().to_string();
        assert_eq!(text, "accuracy: label 2 of sample 0 is out of range, want 0 to 1 of 2 classes");
        assert!(predictions(&Tensor::<f64>::zeros([3, 0])).is_err());
        assert_eq!(correct(&Tensor::<f64>::zeros([0, 3]), &[]).unwrap(), 0);
    }
}
