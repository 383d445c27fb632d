//! Everything one step computes, under names, for comparison with other frameworks.

use std::collections::BTreeMap;

use autograd::{Keep, Scalar, Tape, Tensor, Var};
use datasets::{Batch, augment::Mix};
use layers::weights::{Array, State, state};
use layers::{Context, Layer, Mode, accuracy};

use crate::error::Result;

/// One batch and what is to be done with it.
#[derive(Debug)]
pub struct Step<S> {
    /// Images [N, C, H, W].
    pub images: Tensor<S>,
    /// A class for each image.
    pub labels: Vec<usize>,
    /// A training step or an evaluation; both are differentiated.
    pub mode: Mode,
    /// Whether the value and the gradient of every node are wanted, too.
    pub every_node: bool,
}

/// What the images of a batch are to be recognised as.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    labels: &'a [usize],
    mix: Option<&'a Mix>,
}

impl<'a> Targets<'a> {
    /// One class for each image.
    pub fn of_labels(labels: &'a [usize]) -> Self {
        Self { labels, mix: None }
    }

    /// Those of a batch, mixed or not.
    pub fn of(batch: &'a Batch) -> Self {
        Self { labels: &batch.labels, mix: batch.mix.as_ref() }
    }

    /// How many images there are.
    pub(super) fn len(self) -> usize {
        self.labels.len()
    }

    /// The mean cross-entropy. Of a mixed batch λ times that with the images' own classes and 1 − λ times that with their
    /// partners'. Source: Zhang et al., *mixup* (2018).
    fn loss<'t, S: Scalar>(self, logits: Var<'t, S>, smoothing: f64) -> Result<Var<'t, S>> {
        let own = logits.cross_entropy(self.labels, smoothing)?;
        let Some(Mix { partners, weight }) = self.mix else { return Ok(own) };
        let partners = logits.cross_entropy(partners, smoothing)?;
        Ok(own.scale(*weight) + partners.scale(1.0 - weight))
    }

    /// How many images the logits recognise; of a mixed batch each class counts by its weight.
    pub(super) fn correct<S: Scalar>(self, logits: &Tensor<S>) -> Result<f64> {
        let own = accuracy::correct(logits, self.labels)? as f64;
        let Some(Mix { partners, weight }) = self.mix else { return Ok(own) };
        let partners = accuracy::correct(logits, partners)? as f64;
        Ok(weight * own + (1.0 - weight) * partners)
    }
}

#[cfg(test)]
impl Targets<'_> {
    /// The loss and how many are right.
    pub(super) fn both<S: Scalar>(self, logits: Var<'_, S>) -> (f64, f64) {
        let loss = self.loss(logits, 0.0).unwrap().value().item().unwrap();
        (loss.to_f64(), self.correct(&logits.value()).unwrap())
    }
}

/// Records the network on `images` and the mean cross-entropy: logits and loss.
///
/// # Errors
/// Shapes that do not fit, or a label that is no class.
pub(super) fn record_loss<'t, S: Scalar>(
    model: &mut dyn Layer<S>,
    cx: &Context<'t, S>,
    images: Tensor<S>,
    targets: Targets<'_>,
    smoothing: f64,
) -> Result<(Var<'t, S>, Var<'t, S>)> {
    loss_of(model, cx, cx.tape().constant(images), targets, smoothing)
}

/// [`record_loss`] of images that are on the tape already.
fn loss_of<'t, S: Scalar>(
    model: &mut dyn Layer<S>,
    cx: &Context<'t, S>,
    images: Var<'t, S>,
    targets: Targets<'_>,
    smoothing: f64,
) -> Result<(Var<'t, S>, Var<'t, S>)> {
    let logits = model.forward(cx, images)?;
    Ok((logits, targets.loss(logits, smoothing)?))
}

/// The images' name among the nodes.
const IMAGES: &str = "images";

/// Runs `step` forward and backward.
///
/// `loss` is the mean cross-entropy and `logits` its input; `grad.NAME` is a parameter's gradient and `buffer.NAME` a
/// buffer after the step. With [`Step::every_node`] also `value.PATH` and `grad_value.PATH` for every node by its
/// [path](Tape::paths), the images being the leaf `images`; constants, such as an evaluation's statistics, have no
/// gradient.
///
/// # Errors
/// Shapes that do not fit the model, or a label that is no class.
pub fn step_arrays<S: Scalar>(model: &mut dyn Layer<S>, step: Step<S>) -> Result<BTreeMap<String, Array<S>>> {
    let tape = Tape::new();
    // A named leaf has a gradient and a path of its own; it costs the input gradient of the first layer.
    let images =
        if step.every_node { tape.parameter(IMAGES, &step.images)? } else { tape.constant(step.images) };
    let cx = match step.mode {
        Mode::Train => Context::train(&tape, 0, 0),
        Mode::Eval => Context::eval(&tape),
    };
    let (logits, loss) = loss_of(model, &cx, images, Targets::of_labels(&step.labels), 0.0)?;
    let keep = if step.every_node { Keep::All } else { Keep::Leaves };
    let gradients = tape.backward(loss, keep)?;

    let mut arrays = BTreeMap::new();
    arrays.insert("loss".to_string(), Array::Tensor(loss.value()));
    arrays.insert("logits".to_string(), Array::Tensor(logits.value()));
    let State { parameters, buffers } = state(model);
    for name in parameters.keys() {
        arrays.insert(format!("grad.{name}"), Array::Tensor(gradients.named(name)?.clone()));
    }
    arrays.extend(buffers.into_iter().map(|(name, buffer)| (format!("buffer.{name}"), buffer)));
    if step.every_node {
        for (path, node) in tape.paths().into_iter().zip(tape.vars()) {
            if node.needs_gradient() {
                arrays.insert(format!("grad_value.{path}"), Array::Tensor(gradients.wrt(node)?));
            }
            arrays.insert(format!("value.{path}"), Array::Tensor(node.value()));
        }
    }
    Ok(arrays)
}
