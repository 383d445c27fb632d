//! Cross-entropy of logits with class labels.

use std::fmt;
use std::sync::Arc;

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::vector::Loop;
use crate::kernels::{buffer, map, reduce, rows};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::program::Program;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// L = −(1/N) Σₙ Σₖ qₙₖ ln pₙₖ with p = softmax of the logits and q = (1 − s)·onehot(target) + s/K;
/// ∂L/∂logitsₙₖ = g (pₙₖ − qₙₖ) / N, because Σₖ q = 1.
///
/// Shapes: logits (N, K), sample and class; one target below K for each sample; L is a scalar. Saved: ln p, of shape
/// (N, K). Without smoothing, classes that are not the target may have the logit −∞. Errors: logits that are no
/// matrix or empty, another number of targets, a label out of range, s outside [0, 1). Source: the smoothing is that of
/// Szegedy et al., *Rethinking the Inception Architecture for Computer Vision* (2016), section 7, and PyTorch's.
#[derive(Clone)]
pub struct CrossEntropy {
    /// The class of each sample.
    pub targets: Arc<[usize]>,
    /// s: the share of the target distribution that is spread evenly over all classes.
    pub smoothing: f64,
}

/// A batch of labels is too long to print with every node.
impl fmt::Debug for CrossEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CrossEntropy {{ targets: {} labels, smoothing: {} }}", self.targets.len(), self.smoothing)
    }
}

const OP: &str = "cross_entropy";

impl CrossEntropy {
    /// (N, K), with everything checked.
    fn sizes<S: Scalar>(&self, logits: &Tensor<S>) -> Result<(usize, usize)> {
        let shape = logits.shape();
        let wrong = |legal| Err(Error::Operand { op: OP, what: "logits", shape, legal });
        let &[n, classes] = shape.dims() else { return wrong("two axes, sample and class".into()) };
        if logits.is_empty() {
            return wrong("at least one sample and one class".into());
        }
        if n != self.targets.len() {
            return wrong(format!("one row for each of the {} targets", self.targets.len()));
        }
        if let Some(sample) = self.targets.iter().position(|&label| label >= classes) {
            return Err(Error::Label { op: OP, sample, label: self.targets[sample], classes });
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            let what = format!("smoothing is {}", self.smoothing);
            return Err(Error::Argument { op: OP, what, legal: "a number from 0 to below 1".into() });
        }
        Ok((n, classes))
    }
}

impl<S: Scalar> Op<S> for CrossEntropy {
    fn name(&self) -> &'static str {
        OP
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[logits] = inputs_of(OP, inputs, "1")?;
        let (n, classes) = self.sizes(logits)?;
        let log_p = rows::log_softmax(logits.data(), classes);
        let (on_target, on_each) = (S::from_f64(1.0 - self.smoothing), self.smoothing / classes as f64);
        let loss = |sample: usize| {
            let row = &log_p[sample * classes..][..classes];
            let target = on_target * row[self.targets[sample]];
            // 0 · −∞ would be NaN.
            if on_each == 0.0 { -target } else { -(target + S::from_f64(on_each) * reduce::sum(row)) }
        };
        let mean = reduce::sum_of(n, loss) / S::from_f64(n as f64);
        Ok(Forward { output: Tensor::scalar(mean), saved: vec![Tensor::filled(logits.shape(), log_p)] })
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (log_p, classes) = (cx.saved[0].data(), cx.inputs[0].dims()[1]);
        let scale = cx.upstream.data()[0] / S::from_f64(self.targets.len() as f64);
        let on_each = S::from_f64(self.smoothing / classes as f64);
        let mut dx = buffer::to_overwrite(log_p.len());
        map::for_each_chunk(&mut dx, |at, dx| {
            S::vectorized(OnEach { log_p: &log_p[at..][..dx.len()], scale, on_each, dx });
        });
        rows::for_each_row(&mut dx, classes, |sample, dx| {
            // p − 1 of a sure prediction by e^x − 1, which does not cancel.
            let target = self.targets[sample];
            let log_p = log_p[sample * classes + target];
            dx[target] = scale * (log_p.exp_m1() + (S::from_f64(self.smoothing) - on_each));
        });
        vec![Some(Tensor::filled(cx.inputs[0].shape(), dx))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.row_by_row().reduce(true, Samples::Mean)
    }
}

/// The gradient by every logit as if it were not the target's: scale·(p − s/K).
struct OnEach<'a, S> {
    log_p: &'a [S],
    scale: S,
    on_each: S,
    dx: &'a mut [S],
}

impl<S: Scalar> Loop for OnEach<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (dx, &log_p) in self.dx.iter_mut().zip(self.log_p) {
            *dx = self.scale * (log_p.exp() - self.on_each);
        }
    }
}

/// The loss of the one input, a network's logits, in any scalar type.
impl Program for CrossEntropy {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        tape.apply(self.clone(), inputs)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The mean cross-entropy of logits (N, K) with one label per row, the labels smoothed by `smoothing`.
    ///
    /// # Errors
    /// Not one label below K for each row; no rows; `smoothing` outside [0, 1).
    pub fn cross_entropy(self, targets: &[usize], smoothing: f64) -> Result<Self> {
        self.tape().apply(CrossEntropy { targets: targets.into(), smoothing }, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let with = |targets: &[usize], smoothing| CrossEntropy { targets: targets.into(), smoothing };
    vec![
        Case::op("hard labels", with(&[2, 0, 1, 1, 2], 0.0)).normal([5, 3]),
        Case::op("smooth labels", with(&[2, 0, 1, 1, 2], 0.1)).normal([5, 3]),
        Case::op("one sample", with(&[6], 0.3)).normal([1, 7]),
        Case::op("one class", with(&[0, 0], 0.1)).normal([2, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// Closed form: two rows with probabilities 1/4, 3/4 and target 1, then 0: L = (ln 4/3 + ln 4)/2.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let logits = tape.variable(Tensor::new([2, 2], vec![0.0, 3f64.ln(), 0.0, 3f64.ln()]).unwrap());
        let loss = logits.cross_entropy(&[1, 0], 0.0).unwrap();
        assert!((loss.value().item().unwrap() - ((4.0f64 / 3.0).ln() + 4f64.ln()) / 2.0).abs() < 1e-15);
        assert_eq!(loss.op_text(), "CrossEntropy { targets: 2 labels, smoothing: 0 }");
        let gradient = tape.backward(loss, Keep::Leaves).unwrap().wrt(logits).unwrap();
        for (g, want) in gradient.data().iter().zip([0.125, -0.125, -0.375, 0.375]) {
            assert!((g - want).abs() < 1e-15, "{g} {want}");
        }
    }

    /// ln(1 + e^−30) and its gradient −e^−30 to first order; Python: math.exp(-30).
    #[test]
    fn a_sure_prediction_keeps_a_small_loss_and_gradient_in_f32() {
        let tape = Tape::<f32>::new();
        let logits = tape.variable(Tensor::new([1, 2], vec![30.0, 0.0]).unwrap());
        let loss = logits.cross_entropy(&[0], 0.0).unwrap();
        let gradient = tape.backward(loss, Keep::Leaves).unwrap().wrt(logits).unwrap();
        for x in [loss.value().data()[0], -gradient.data()[0], gradient.data()[1]] {
            assert!((f64::from(x) / 9.357622968840175e-14 - 1.0).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let tape = Tape::<f64>::new();
        let logits = tape.variable(Tensor::zeros([2, 3]));
        let text = |targets: &[usize], s| logits.cross_entropy(targets, s).unwrap_err().to_string();
        assert_eq!(
            text(&[0, 3], 0.0),
            "cross_entropy: label 3 of sample 1 is out of range, want 0 to 2 of 3 classes"
        );
        // What −1 becomes on its way to an index.
        assert!(text(&[usize::MAX, 0], 0.0).contains("label 18446744073709551615 of sample 0"));
        assert_eq!(
            text(&[0], 0.0),
            "cross_entropy: logits has shape [2, 3], want one row for each of the 1 targets"
        );
        assert!(text(&[0, 1], 1.0).contains("smoothing is 1") && text(&[0, 1], f64::NAN).contains("NaN"));
        let none = tape.variable(Tensor::zeros([0, 3]));
        assert!(none.cross_entropy(&[], 0.0).unwrap_err().to_string().contains("at least one sample"));
        let blocked = tape.variable(Tensor::new([1, 2], vec![0.0, f64::NEG_INFINITY]).unwrap());
        assert_eq!(blocked.cross_entropy(&[0], 0.0).unwrap().value().item().unwrap(), 0.0);
    }
}
