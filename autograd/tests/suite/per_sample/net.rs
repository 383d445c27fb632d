//! Random networks that can be run on a whole batch and on each of its samples alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use autograd::ops::{AvgPool2d, BatchNormInference, Conv2d, MaxPool2d};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Pass, Result, Shape, Tape, Tensor, Var};
use proptest::prelude::*;

/// What may stand in a network. Images keep four axes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layer {
    /// Then tanh.
    Conv {
        outputs: usize,
        kernel: [usize; 2],
        stride: usize,
        padding: usize,
        dilation: usize,
        grouped: bool,
        bias: bool,
    },
    PRelu {
        per_channel: bool,
    },
    MaxPool,
    AveragePool,
    /// x + conv(x).
    Residual,
    /// The convolution of `Residual`, its one weight used twice in a row.
    Twice,
    /// A convolution whose weight is made of two parameters: tanh(s·w).
    ScaledWeight,
    /// A convolution whose weight is put together of two parameters, one of them used twice.
    JoinedWeight,
    BatchNormInference,
    Dropout,
    /// x·s + b with b of x's shape without the batch, s a single number.
    Affine,
    Swish,
    /// Axes exchanged and back, a margin and a cut.
    Layout,
    /// Of swish: softmax over the columns, plus the image less its mean and over its deviation; then tanh.
    Standardize,
}

/// What the logits are reduced by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    CrossEntropy,
    /// Of log-softmax, weighted by a constant for each sample.
    WeightedSum,
    MeanSquare,
    /// −2·cross-entropy + mean square: two means, added.
    TwoMeans,
}

#[derive(Debug, Clone)]
pub(crate) struct Net {
    pub(crate) samples: usize,
    pub(crate) image: [usize; 3],
    pub(crate) layers: Vec<Layer>,
    /// Hidden sizes; `true` for a weight [in, out] instead of [out, in].
    pub(crate) dense: Vec<(usize, bool)>,
    /// The last hidden layer's weight is squared and used twice.
    pub(crate) shared_dense: bool,
    pub(crate) pooled: bool,
    pub(crate) loss: Loss,
    pub(crate) seed: u64,
}

const CLASSES: usize = 3;

pub(crate) fn nets() -> impl Strategy<Value = Net> {
    let conv =
        (1..=2usize, [1..=3usize, 1..=3], 1..=2usize, 0..=2usize, 1..=2usize, any::<bool>(), any::<bool>());
    let conv = conv.prop_map(|(outputs, kernel, stride, padding, dilation, grouped, bias)| Layer::Conv {
        outputs: 2 * outputs,
        kernel,
        stride,
        padding,
        dilation,
        grouped,
        bias,
    });
    let layer = prop_oneof![
        4 => conv,
        1 => any::<bool>().prop_map(|per_channel| Layer::PRelu { per_channel }),
        1 => Just(Layer::MaxPool), 1 => Just(Layer::AveragePool), 1 => Just(Layer::Residual), 1 => Just(Layer::Twice),
        1 => Just(Layer::ScaledWeight), 1 => Just(Layer::JoinedWeight), 1 => Just(Layer::BatchNormInference),
        1 => Just(Layer::Dropout), 1 => Just(Layer::Affine), 1 => Just(Layer::Swish), 1 => Just(Layer::Layout),
        1 => Just(Layer::Standardize),
    ];
    let losses = [Loss::CrossEntropy, Loss::WeightedSum, Loss::MeanSquare, Loss::TwoMeans];
    let head = (prop::collection::vec((1..=4usize, any::<bool>()), 0..=2), any::<bool>(), any::<bool>());
    let body = ([1..=2usize, 3..=6, 3..=6], prop::collection::vec(layer, 0..=5));
    (1..=5usize, body, head, prop::sample::select(losses.to_vec()), any::<u64>()).prop_map(
        |(samples, (image, layers), (dense, shared_dense, pooled), loss, seed)| Net {
            samples,
            image,
            layers,
            dense,
            shared_dense,
            pooled,
            loss,
            seed,
        },
    )
}

/// Every number of a network. Parameters are drawn when first asked for, and are the same tensors ever after.
pub(crate) struct State {
    parameters: RefCell<BTreeMap<String, Tensor<f64>>>,
    masks: RefCell<Vec<Tensor<f64>>>,
    pub(crate) images: Tensor<f64>,
    labels: Vec<usize>,
    weights: Tensor<f64>,
    seed: u64,
}

fn normal(seed: u64, index: u64, shape: Shape) -> Tensor<f64> {
    let mut stream = Stream::new(seed, Purpose::Probe, index);
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// Row n as a batch of one.
pub(crate) fn row(x: &Tensor<f64>, n: usize) -> Tensor<f64> {
    let mut dims = x.dims().to_vec();
    let width = x.len() / dims[0];
    dims[0] = 1;
    Tensor::new(Shape::new(&dims).unwrap(), x.data()[n * width..][..width].to_vec()).unwrap()
}

impl State {
    pub(crate) fn of(net: &Net) -> Self {
        let [c, h, w] = net.image;
        let images = normal(net.seed, 0, Shape::from([net.samples, c, h, w]));
        let mut stream = Stream::new(net.seed, Purpose::Probe, 1);
        let labels = (0..net.samples).map(|_| stream.below(CLASSES as u64) as usize).collect();
        let weights = normal(net.seed, 2, Shape::from([net.samples, 1]));
        let (parameters, masks) = (RefCell::default(), RefCell::default());
        Self { parameters, masks, images, labels, weights, seed: net.seed }
    }
}

/// One run: on the whole batch, or on sample `only`.
pub(crate) struct Run<'t, 's> {
    pub(crate) tape: &'t Tape<f64>,
    state: &'s State,
    only: Option<usize>,
    masks: usize,
    /// The leaves with one row per sample.
    pub(crate) batch: Vec<Var<'t, f64>>,
}

impl<'t, 's> Run<'t, 's> {
    pub(crate) fn new(tape: &'t Tape<f64>, state: &'s State, only: Option<usize>) -> Self {
        Self { tape, state, only, masks: 0, batch: Vec::new() }
    }

    fn leaf(&mut self, rows: &Tensor<f64>) -> Var<'t, f64> {
        let value = self.only.map_or_else(|| rows.clone(), |n| row(rows, n));
        self.batch.push(self.tape.constant(value));
        self.batch[self.batch.len() - 1]
    }

    fn parameter(&self, name: &str, shape: &[usize], scale: f64) -> Result<Var<'t, f64>> {
        let mut parameters = self.state.parameters.borrow_mut();
        let index = 10 + parameters.len() as u64;
        let draw = || {
            let mut x = normal(self.state.seed, index, Shape::new(shape).unwrap());
            x.data_mut().iter_mut().for_each(|x| *x *= scale);
            x
        };
        let value = parameters.entry(name.to_string()).or_insert_with(draw);
        self.tape.parameter(name, value)
    }

    fn layer(&mut self, i: usize, layer: Layer, x: Var<'t, f64>) -> Result<Var<'t, f64>> {
        let shape = x.shape();
        let &[_, c, h, w] = shape.dims() else { unreachable!("images") };
        let name = |what: &str| format!("layer{i}.{what}");
        let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let square = [c, c, 3, 3];
        match layer {
            Layer::Conv { outputs, kernel, stride, padding, dilation, grouped, bias } => {
                let groups = if grouped && c % 2 == 0 { 2 } else { 1 };
                let weight =
                    self.parameter(&name("weight"), &[outputs, c / groups, kernel[0], kernel[1]], 0.5)?;
                let bias = if bias { Some(self.parameter(&name("bias"), &[outputs], 0.5)?) } else { None };
                let pair = |x| [x, x];
                let conv = Conv2d {
                    stride: pair(stride),
                    padding: pair(padding),
                    dilation: pair(dilation),
                    groups,
                    exact: false,
                };
                // A kernel that no longer fits the image is left out.
                Ok(x.conv2d(weight, bias, conv).map_or(x, |y| y.map(autograd::ops::activation::Tanh)))
            }
            Layer::PRelu { per_channel } => {
                x.prelu(self.parameter(&name("slope"), &[if per_channel { c } else { 1 }], 0.3)?)
            }
            Layer::MaxPool if h > 1 && w > 1 => {
                x.max_pool2d(MaxPool2d { kernel: [2, 2], stride: [1, 2], padding: [0, 1] })
            }
            Layer::AveragePool if h > 1 && w > 1 => {
                let count_include_pad = false;
                x.avg_pool2d(AvgPool2d { kernel: [2, 2], stride: [1, 1], padding: [1, 0], count_include_pad })
            }
            Layer::MaxPool | Layer::AveragePool => Ok(x),
            Layer::Residual => {
                let weight = self.parameter(&name("weight"), &square, 0.3)?;
                x.try_add(x.conv2d(weight, None, same)?)
            }
            Layer::Twice => {
                let weight = self.parameter(&name("weight"), &square, 0.3)?;
                let y = x.conv2d(weight, None, same)?.map(autograd::ops::activation::Tanh);
                y.conv2d(weight, None, same)
            }
            Layer::ScaledWeight => {
                let (weight, scale) = (
                    self.parameter(&name("weight"), &square, 0.3)?,
                    self.parameter(&name("scale"), &[1], 1.0)?,
                );
                x.conv2d((weight * scale).map(autograd::ops::activation::Tanh), None, same)
            }
            Layer::JoinedWeight => {
                let (a, b) = (
                    self.parameter(&name("a"), &[1, c, 3, 3], 0.3)?,
                    self.parameter(&name("b"), &[1, c, 3, 3], 0.3)?,
                );
                x.conv2d(Var::concat(&[a, b, a], 0)?, None, same)
            }
            Layer::BatchNormInference => {
                let of = |what: &str, scale| self.parameter(&name(what), &[c], scale);
                let (gamma, beta, mean, root) =
                    (of("gamma", 1.0)?, of("beta", 1.0)?, of("mean", 1.0)?, of("root", 1.0)?);
                x.batch_norm_inference(gamma, beta, mean, root * root, BatchNormInference { eps: 0.5 })
            }
            Layer::Dropout => {
                let at = self.masks;
                self.masks += 1;
                if self.only.is_none() {
                    let y = x.dropout(0.4, self.state.seed, at as u64)?;
                    self.state.masks.borrow_mut().push(y.saved()[0].clone());
                    return Ok(y);
                }
                let mask = self.state.masks.borrow()[at].clone();
                x.try_mul(self.leaf(&mask))
            }
            Layer::Affine => {
                let (scale, shift) = (
                    self.parameter(&name("scale"), &[], 1.0)?,
                    self.parameter(&name("shift"), &[c, h, w], 1.0)?,
                );
                Ok(x * scale + shift)
            }
            Layer::Swish => x.activation("swish"),
            Layer::Layout => {
                let padded = x.permute(&[0, 3, 1, 2])?.pad(&[(0, 0), (1, 0), (0, 1), (0, 0)], 0.5)?;
                let n = shape.dims()[0];
                padded.slice(&[0..n, 1..w + 1, 0..c, 0..h])?.permute(&[0, 2, 3, 1])
            }
            Layer::Standardize => {
                // Curved before and after: a shift of x alone, or of the mean over the result, would change nothing.
                let x = x.activation("swish")?;
                let y = x.softmax()?;
                let deviation = (x.var(&[2, 3], true, 0)? + self.tape.constant(Tensor::scalar(0.5))).sqrt();
                Ok((y + (x - x.mean(&[2, 3], true)?) / deviation).map(autograd::ops::activation::Tanh))
            }
        }
    }

    /// Records the network and returns its loss.
    pub(crate) fn record(&mut self, net: &Net) -> Result<Var<'t, f64>> {
        let state = self.state;
        let mut x = self.leaf(&state.images);
        for (i, &layer) in net.layers.iter().enumerate() {
            x = self.layer(i, layer, x)?;
        }
        x = if net.pooled { x.global_avg_pool()? } else { x.flatten_from(1)? };
        let sizes = net.dense.iter().copied().chain([(CLASSES, false)]);
        for (i, (outputs, plain)) in sizes.enumerate() {
            let inputs = x.shape().dims()[1];
            let weight = format!("dense{i}.weight");
            let bias = self.parameter(&format!("dense{i}.bias"), &[outputs], 0.5)?;
            let scale = 1.0 / (inputs as f64).sqrt();
            x = if plain {
                x.matmul(self.parameter(&weight, &[inputs, outputs], scale)?)? + bias
            } else {
                x.matmul_transposed(self.parameter(&weight, &[outputs, inputs], scale)?)? + bias
            };
            if i < net.dense.len() {
                x = x.map(autograd::ops::activation::Tanh);
                if net.shared_dense {
                    let mixer = self.parameter(&format!("dense{i}.mixer"), &[outputs, outputs], 0.7)?;
                    x = x.matmul_transposed(mixer)?.map(autograd::ops::activation::Tanh).matmul(mixer)?;
                }
            }
        }
        self.reduce(net.loss, x)
    }

    fn reduce(&mut self, loss: Loss, logits: Var<'t, f64>) -> Result<Var<'t, f64>> {
        let state = self.state;
        let labels = self.only.map_or_else(|| state.labels.clone(), |n| vec![state.labels[n]]);
        match loss {
            Loss::CrossEntropy => logits.cross_entropy(&labels, 0.1),
            Loss::WeightedSum => Ok((logits.log_softmax()? * self.leaf(&state.weights)).sum_all()),
            Loss::MeanSquare => Ok((logits * logits).sum(&[1], false)?.mean_all()?.scale(0.5)),
            Loss::TwoMeans => {
                let square = (logits * logits).mean(&[0], false)?.sum_all();
                Ok(logits.cross_entropy(&labels, 0.0)?.scale(-2.0) + square)
            }
        }
    }
}

/// ∂ℓₙ/∂θ by name, from a pass on sample n alone. The whole batch must have run before: it draws parameters and masks.
pub(crate) fn alone(net: &Net, state: &State, n: usize) -> BTreeMap<String, Tensor<f64>> {
    let tape = Tape::new();
    let loss = Run::new(&tape, state, Some(n)).record(net).unwrap();
    // A convolution that does not fit has left a weight behind.
    let gradients = tape.run(Pass::new(Keep::Leaves).allowing_missing(), loss).unwrap();
    let of = |(name, var): (String, Var<'_, f64>)| gradients.wrt(var).ok().map(|g| (name, g));
    tape.parameters().into_iter().filter_map(of).collect()
}
