//! A network's loss on one batch as a function of all its parameters.

use std::fmt::Debug;

use autograd::{Error, Program, Result, Scalar, Tape, Tensor, Var};

use crate::context::Context;
use crate::layer::{BufferMut, Layer, Visitor, Walk};
use crate::parameter::Parameter;

/// Builds one network in any precision; derivatives beyond the gradient run it over dual numbers.
///
/// Its initial numbers do not matter: they are replaced by those of the model that is looked at.
pub trait BuildModel: Send + Sync + 'static {
    /// The network, with every parameter and buffer in the same order and of the same shape in every precision.
    ///
    /// # Errors
    /// Settings that do not fit.
    fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>>;
}

/// θ ↦ loss(network(batch; θ)), where θ lists the parameters in the order of the [`Walk`]: what [`autograd::higher`]
/// differentiates, for gradients, Hessian-vector products, the trace of the Hessian and its largest eigenvalue.
///
/// The network is evaluated by [`Context::eval`] unless [`NetworkLoss::in_training`] is asked for. Its buffers are those
/// that the given model had; every evaluation starts from them with a copy of its own, so running statistics move
/// nowhere and evaluations do not influence each other. The loss is a [`Program`] of one input, the network's output,
/// such as [`CrossEntropy`](autograd::ops::CrossEntropy).
///
/// Statistics that a layer takes as plain numbers carry no derivative: running ones, and in training those running
/// averages that a step takes the batch into before it uses them. Gradient and product then both hold them fixed,
/// although they would move with θ. Parameters that are frozen in the given model are no part of θ.
///
/// ```
/// use autograd::ops::{CrossEntropy, activation::Tanh};
/// use autograd::{Result, Scalar, Tensor, higher};
/// use layers::{Activation, BuildModel, Init, Initializer, Layer, Linear, NetworkLoss, Sequential};
///
/// struct Net;
///
/// impl BuildModel for Net {
///     fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>> {
///         let mut init = Initializer::new(Init::HeNormal, 1);
///         let net = Sequential::new().named("fc1", Linear::new(3, 4, &mut init)).then(Activation(Tanh));
///         Ok(Box::new(net.named("fc2", Linear::new(4, 2, &mut init))))
///     }
/// }
///
/// let mut model = Net.build::<f32>()?;
/// let loss = CrossEntropy { targets: [0, 1].into(), smoothing: 0.0 };
/// let batch = Tensor::new([2, 3], vec![0.5f32, -1.0, 2.0, 1.5, 0.0, -0.5])?;
/// let f = NetworkLoss::new(Net, model.as_mut(), loss, &batch)?;
/// assert_eq!(f.names().collect::<Vec<_>>(), ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
///
/// // In f64, whatever the model's own precision.
/// let theta = f.parameters::<f64>();
/// let sharpness = higher::top_eigenvalue(&f, &theta, &Default::default())?;
/// assert!(sharpness.converged && sharpness.eigenvalue > 0.0);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Debug)]
pub struct NetworkLoss<B, L> {
    builder: B,
    loss: L,
    batch: Tensor<f64>,
    /// Seed and step of the random layers.
    training: Option<(u64, u64)>,
    state: State,
}

/// Everything a model owns, in the order of the walk.
#[derive(Debug, Default)]
struct State {
    parameters: Vec<Kept>,
    buffers: Vec<(String, Buffer)>,
}

/// One parameter.
#[derive(Debug)]
struct Kept {
    name: String,
    value: Tensor<f64>,
    is_frozen: bool,
}

#[derive(Debug, Clone)]
enum Buffer {
    Tensor(Tensor<f64>),
    Values(Vec<f64>),
    Count(u64),
}

const NAME: &str = "network loss";

impl<B: BuildModel, L: Program> NetworkLoss<B, L> {
    /// The loss of `model` on `batch`, the network's input. The model is read, and neither moved nor kept.
    ///
    /// # Errors
    /// `builder` makes a network with other parameters than `model`, or none at all.
    pub fn new<S: Scalar>(builder: B, model: &mut dyn Layer<S>, loss: L, batch: &Tensor<S>) -> Result<Self> {
        let (mut state, mut built) = (State::default(), State::default());
        Walk::over(model, &mut state);
        Walk::over(builder.build::<S>()?.as_mut(), &mut built);
        let (given, built) = (state.signature(), built.signature());
        if given != built {
            let mut pairs = given.iter().zip(&built);
            let (want, got) = pairs.find(|(a, b)| a != b).map_or_else(
                || (format!("{} entries", given.len()), format!("{} entries", built.len())),
                |(a, b)| (a.clone(), b.clone()),
            );
            return Err(Error::Argument {
                op: NAME,
                what: format!("the builder makes a network with {got}"),
                legal: format!("the given model's {want} in that place"),
            });
        }
        Ok(Self { builder, loss, batch: batch.cast(), training: None, state })
    }

    /// The same in training mode: batch statistics, and random layers with masks of `(seed, step)`. The masks are the
    /// same in every evaluation, but not those of a training loop's step, whose tape holds other nodes.
    #[must_use]
    pub fn in_training(self, seed: u64, step: u64) -> Self {
        Self { training: Some((seed, step)), ..self }
    }

    /// The parameters' names, in the order of the inputs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.learnt().map(|p| p.name.as_str())
    }

    /// θ as it was in the given model, in the precision in which derivatives are wanted.
    pub fn parameters<S: Scalar>(&self) -> Vec<Tensor<S>> {
        self.learnt().map(|p| p.value.cast()).collect()
    }

    fn learnt(&self) -> impl Iterator<Item = &Kept> {
        self.state.parameters.iter().filter(|p| !p.is_frozen)
    }
}

impl<B: BuildModel, L: Program> Program for NetworkLoss<B, L> {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let count = self.learnt().count();
        if inputs.len() != count {
            let what = format!("{} inputs given", inputs.len());
            let legal = format!("one for each of the {count} parameters");
            return Err(Error::Argument { op: NAME, what, legal });
        }
        for (kept, input) in self.learnt().zip(inputs) {
            let (name, shape) = (&kept.name, kept.value.shape());
            if input.shape() != shape {
                let what = format!("the input for {name} has shape {}", input.shape());
                return Err(Error::Argument { op: NAME, what, legal: shape.to_string() });
            }
            // The layer that asks for this name and tensor below is answered with the input itself.
            tape.bind(name, *input)?;
        }
        let mut model = self.builder.build::<S>()?;
        let (parameters, buffers) = (self.state.parameters.iter(), self.state.buffers.iter());
        Walk::over(model.as_mut(), &mut Fill { inputs: inputs.iter(), parameters, buffers });
        let cx = match self.training {
            Some((seed, step)) => Context::train(tape, seed, step),
            None => Context::eval(tape),
        };
        let output = model.forward(&cx, tape.constant(self.batch.cast()))?;
        self.loss.run(tape, &[output])
    }
}

impl State {
    /// Names, kinds and shapes, as texts to compare and to show.
    fn signature(&self) -> Vec<String> {
        let parameter = |p: &Kept| format!("{} {}", p.name, p.value.shape());
        let buffer = |(name, buffer): &(String, Buffer)| match buffer {
            Buffer::Tensor(value) => format!("{name} {}", value.shape()),
            Buffer::Values(values) => format!("{name} of {} values", values.len()),
            Buffer::Count(_) => format!("{name}, a count"),
        };
        self.parameters.iter().map(parameter).chain(self.buffers.iter().map(buffer)).collect()
    }
}

impl<S: Scalar> Visitor<S> for State {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        let (value, is_frozen) = (parameter.value.cast(), parameter.is_frozen);
        self.parameters.push(Kept { name: name.to_string(), value, is_frozen });
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let buffer = match buffer {
            BufferMut::Tensor(value) => Buffer::Tensor(value.cast()),
            BufferMut::Values(values) => Buffer::Values(values.clone()),
            BufferMut::Count(count) => Buffer::Count(*count),
        };
        self.buffers.push((name.to_string(), buffer));
    }
}

/// Replaces what a model of the same signature owns: parameters by inputs, buffers by those kept.
struct Fill<'a, 't, S> {
    inputs: std::slice::Iter<'a, Var<'t, S>>,
    parameters: std::slice::Iter<'a, Kept>,
    buffers: std::slice::Iter<'a, (String, Buffer)>,
}

impl<S: Scalar> Visitor<S> for Fill<'_, '_, S> {
    fn parameter(&mut self, _name: &str, parameter: &mut Parameter<S>) {
        let kept = self.parameters.next().expect("the builder makes the same network again");
        if kept.is_frozen {
            (parameter.value, parameter.is_frozen) = (kept.value.cast(), true);
            return;
        }
        let input = self.inputs.next().expect("there is an input for each parameter that is not frozen");
        // The tensor itself and no copy: by sharing its data the tape knows the input. One that is a constant on this
        // tape is asked for as such.
        (parameter.value, parameter.is_frozen) = (input.value(), !input.needs_gradient());
    }

    fn buffer(&mut self, _name: &str, buffer: BufferMut<'_, S>) {
        let (_, kept) = self.buffers.next().expect("the builder makes the same network again");
        match (buffer, kept) {
            (BufferMut::Tensor(value), Buffer::Tensor(kept)) => *value = kept.cast(),
            (BufferMut::Values(values), Buffer::Values(kept)) => values.clone_from(kept),
            (BufferMut::Count(count), Buffer::Count(kept)) => *count = *kept,
            _ => unreachable!("the builder makes the same network again"),
        }
    }
}
