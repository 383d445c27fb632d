//! What is counted beside the loss.

use autograd::{Error, Result, Scalar, Tensor};

/// The number of samples whose largest logit is that of their label; ties go to the first class, and a sample
/// whose logits hold a NaN counts as wrong. logits [N, K], N labels.
///
/// The loss itself is [`Var::cross_entropy`](autograd::Var::cross_entropy).
///
/// # Errors
/// logits is not [N, K] with N labels.
pub fn correct<S: Scalar>(logits: &Tensor<S>, labels: &[usize]) -> Result<usize> {
    let &[samples, classes] = logits.dims() else {
        return Err(Error::Operand {
            op: "accuracy",
            what: "logits",
            shape: logits.shape(),
            legal: "[samples, classes]".into(),
        });
    };
    if samples != labels.len() {
        return Err(Error::Argument {
            op: "accuracy",
            what: format!("{} labels for {samples} samples", labels.len()),
            legal: "one label per sample".into(),
        });
    }
    if classes == 0 {
        return Ok(0);
    }
    let hit = |(row, &label): (&[S], &usize)| {
        let best = row.iter().enumerate().fold(0, |best, (i, x)| if *x > row[best] { i } else { best });
        best == label && row.iter().all(|x| x.partial_cmp(x).is_some())
    };
    Ok(logits.data().chunks(classes).zip(labels).filter(|&pair| hit(pair)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_logit_wins_and_ties_go_to_the_first() {
        let logits = Tensor::new([4, 2], vec![1.0, 2.0, 3.0, 3.0, f64::NAN, 1.0, 5.0, 4.0]).unwrap();
        assert_eq!(correct(&logits, &[1, 0, 1, 1]).unwrap(), 2);
        assert!(correct(&logits, &[1]).is_err());
    }
}
