//! Running statistics for weights that no step has led to.

use autograd::{Result, Scalar, Tape, Tensor};

use crate::context::Context;
use crate::execution::Execution;
use crate::layer::Layer;

/// Gathers the running statistics of all batch normalizations of `model` anew: they become the means, over `batches`, of
/// the batches' means and unbiased variances, as `torch.optim.swa_utils.update_bn` has it, and the number of batches seen is
/// theirs. Every batch counts the same; one with a single number for each channel has no variance and leaves that alone. Other
/// layers keep their own rule in these passes in training mode: factors of normalized activations follow by their momentum, so
/// that the first batches still see those from before. Random layers draw from the streams of `seed` and the batch's index.
/// Returns the number of batches; without any nothing changes.
///
/// # Errors
/// The first batch that is an error, or whose shape does not fit.
pub fn gather_statistics<S: Scalar, E: From<autograd::Error>>(
    model: &mut dyn Layer<S>,
    batches: impl IntoIterator<Item = std::result::Result<Tensor<S>, E>>,
    execution: Execution,
    seed: u64,
) -> std::result::Result<u64, E> {
    let mut gathered = 0;
    for batch in batches {
        pass(model, batch?, execution, seed, gathered)?;
        gathered += 1;
    }
    Ok(gathered)
}

fn pass<S: Scalar>(
    model: &mut dyn Layer<S>,
    batch: Tensor<S>,
    execution: Execution,
    seed: u64,
    gathered: u64,
) -> Result<()> {
    let tape = Tape::new();
    let cx = Context::train(&tape, seed, gathered).executing(execution).gathering(gathered);
    model.forward(&cx, tape.constant(batch))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use autograd::Error;
    use autograd::ops::activation::Relu;

    use super::*;
    use crate::activation::Activation;
    use crate::batch_norm::BatchNorm2d;
    use crate::layer::Walk;
    use crate::layer::testing::{numbers, set};
    use crate::sequential::Sequential;

    /// Batches of one channel and one row.
    fn batches<const N: usize>(rows: [&[f64]; N]) -> Vec<Result<Tensor<f64>>> {
        rows.map(|row| Tensor::new([row.len(), 1, 1, 1], row.to_vec())).to_vec()
    }

    /// Means 2, 4 and 0 with unbiased variances 2, 8 and 2; what was there before does not count.
    #[test]
    fn statistics_are_means_over_the_batches() {
        let mut norm = BatchNorm2d::<f64>::new(1, <_>::default()).unwrap();
        set(&mut norm, "running_mean", &[77.0]);
        set(&mut norm, "running_var", &[99.0]);
        // Once more from what that left.
        for _ in 0..2 {
            let rows = batches([&[1.0, 3.0], &[2.0, 6.0], &[1.0, -1.0]]);
            assert_eq!(gather_statistics(&mut norm, rows, Execution::default(), 0), Ok(3));
            for (name, want) in [("running_mean", 2.0f64), ("running_var", 4.0)] {
                let got = numbers(&mut norm, name)[0];
                assert!((got - want).abs() < 1e-15, "{name}: {got}");
            }
            assert_eq!(numbers(&mut norm, "num_batches_tracked"), [3.0]);
        }
        // One number alone: its mean, and the variance of a normalization that has seen nothing.
        set(&mut norm, "running_var", &[99.0]);
        gather_statistics(&mut norm, batches([&[5.0]]), Execution::default(), 0).unwrap();
        assert_eq!(
            (numbers(&mut norm, "running_mean"), numbers(&mut norm, "running_var")),
            (vec![5.0], vec![1.0])
        );
    }

    /// A block as networks have it: a normalization whose op waits for the activation.
    #[derive(Debug)]
    struct Block(BatchNorm2d<f64>, Activation<Relu>);

    impl Layer<f64> for Block {
        fn forward<'t>(
            &mut self,
            cx: &Context<'t, f64>,
            x: autograd::Var<'t, f64>,
        ) -> Result<autograd::Var<'t, f64>> {
            let normed = cx.norm("bn", &mut self.0, x)?;
            cx.call_normed("act", &mut self.1, normed)
        }

        fn visit(&mut self, walk: &mut Walk<'_, f64>) {
            walk.child("bn", &mut self.0);
        }
    }

    #[test]
    fn fused_steps_gather_the_same() {
        for fused in [false, true] {
            let mut block = Block(BatchNorm2d::new(1, <_>::default()).unwrap(), Activation(Relu));
            let execution = Execution { fused, ..<_>::default() };
            let rows = batches([&[1.0, 3.0], &[2.0, 6.0]]);
            gather_statistics(&mut block, rows, execution, 0).unwrap();
            assert_eq!(numbers(&mut block, "bn.running_mean"), [3.0]);
            assert_eq!(numbers(&mut block, "bn.running_var"), [5.0]);
        }
    }

    #[test]
    fn a_bad_batch_is_an_error_and_none_changes_nothing() {
        let mut model = Sequential::new().named("bn", BatchNorm2d::<f64>::new(1, <_>::default()).unwrap());
        let none: [Result<Tensor<f64>>; 0] = [];
        assert_eq!(gather_statistics(&mut model, none, Execution::default(), 0), Ok(0));
        assert_eq!(numbers(&mut model, "bn.running_var"), [1.0]);
        let wrong: [Result<Tensor<f64>>; 1] = [Ok(Tensor::zeros([2, 3, 1, 1]))];
        assert!(gather_statistics(&mut model, wrong, Execution::default(), 0).is_err());
        let given = Error::ForeignVar { op: "x" };
        assert_eq!(gather_statistics(&mut model, [Err(given.clone())], Execution::default(), 0), Err(given));
    }
}
