//! Batch normalization, the sum with a shortcut and the normalized activation as one op.

use std::fmt::{self, Debug};

use autograd::ops::{BatchNorm, check_shortcut};
use autograd::{Backward, Elementwise, Error, Forward, Op, Result, SampledInput, Samples, Scalar, Tensor};

use super::way::Way;
use super::{Loops, Normalize, Plan};

/// The op's name on a tape.
pub(super) const NAME: &str = "batch_norm_normalize";

/// Where the node's table is among what is saved.
pub(super) const TABLE: usize = 2;

/// y = κ·(f(z) − μ) as [`Normalize`] has it, of z = γ·x̂ + β + r: a [`BatchNorm`] and the sum with a shortcut r.
///
/// Value, statistics and gradients have the bits of the ops one after the other, because they are computed by the same
/// loops; but z is computed again where it is read, a block at a time, and never stored.
///
/// Inputs: x (N, C, …), γ (C), β (C), α as [`Normalize`] has it, and optionally r of x's shape; y as x. Saved, in this
/// order: the batch's mean (C) and biased variance (C), and the node's table.
///
/// Errors: those of the ops it is made of; r of another shape than x.
#[derive(Clone)]
pub struct NormalizeAfterNorm<E> {
    /// ε.
    pub norm: BatchNorm,
    /// f and what is computed of it.
    pub node: Normalize<E>,
}

impl<E: Elementwise> Debug for NormalizeAfterNorm<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, eps {}", self.node, self.norm.eps)
    }
}

impl<S: Scalar, E: Elementwise> Op<S> for NormalizeAfterNorm<E> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        forward(&self.node.function, self.norm, &self.node.plan, inputs)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        backward(&self.node.function, self.norm, &self.node.plan, cx)
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        let (norm, shortcut) = inputs.split_at(4);
        match BatchNorm::samples_with(norm, shortcut.first()) {
            Samples::Rows if self.node.plan.depends_on_batch() => {
                Samples::Coupled("its λ and μ are those of the whole batch")
            }
            other => other,
        }
    }
}

fn forward<S: Scalar>(
    function: &dyn Loops<S>,
    norm: BatchNorm,
    plan: &Plan,
    inputs: &[&Tensor<S>],
) -> Result<Forward<S>> {
    let (&[x, gamma, beta, alpha], shortcut) = operands(inputs)?;
    let channels = norm.measure(NAME, x, gamma, beta)?;
    check_shortcut(NAME, x, shortcut)?;
    let way = Way { op: NAME, function, plan, shape: x.shape(), alpha: Some(alpha) };
    let (y, table) = way.forward(&channels.normalized(x, gamma, beta, shortcut))?;
    let mut saved = channels.saved();
    saved.push(table);
    Ok(Forward { output: Tensor::filled(x.shape(), y), saved })
}

fn backward<S: Scalar>(
    function: &dyn Loops<S>,
    norm: BatchNorm,
    plan: &Plan,
    cx: &Backward<'_, S>,
) -> Vec<Option<Tensor<S>>> {
    let (&[x, gamma, beta, alpha], shortcut) = operands(cx.inputs).expect("forward took these inputs");
    let channels = norm.measured(cx.saved);
    let z = channels.normalized(x, gamma, beta, shortcut);
    let way = Way { op: NAME, function, plan, shape: x.shape(), alpha: Some(alpha) };
    let back = way.back(&z, &cx.saved[TABLE], cx.upstream.data(), cx.needs[3]);
    let gradients = z.gradients(cx.needs[0], cx.needs.get(4) == Some(&true), &|block| back.write(block));
    let of_x = gradients.x.map(|dx| Tensor::filled(x.shape(), dx));
    let of_gamma = cx.needs[1].then(|| Tensor::vector(gradients.gamma));
    let of_beta = cx.needs[2].then(|| Tensor::vector(gradients.beta));
    let of_shortcut = shortcut.map(|r| gradients.z.map(|g| Tensor::filled(r.shape(), g)));
    [of_x, of_gamma, of_beta, back.by_alpha(alpha, gradients.written)]
        .into_iter()
        .chain(of_shortcut)
        .collect()
}

type Operands<'a, 'b, S> = (&'b [&'a Tensor<S>; 4], Option<&'a Tensor<S>>);

fn operands<'a, 'b, S>(inputs: &'b [&'a Tensor<S>]) -> Result<Operands<'a, 'b, S>> {
    match inputs.split_first_chunk() {
        Some((norm, [])) => Ok((norm, None)),
        Some((norm, &[shortcut])) => Ok((norm, Some(shortcut))),
        _ => {
            let legal = "4 or 5: the input, gamma, beta, α, and perhaps a shortcut";
            Err(Error::Inputs { op: NAME, given: inputs.len(), legal })
        }
    }
}
