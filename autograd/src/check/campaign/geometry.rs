//! One op on images whose sizes are random: strides leave remainders, kernels hang over edges, sides are unequal.

use std::ops::{Range, RangeInclusive};

use super::window::{Window, within};
use crate::check::{self, Case, Reference, Report, largest};
use crate::elementwise::Elementwise;
use crate::error::Result;
use crate::ops::activation::{ACTIVATIONS, Visitor, with_activation};
use crate::ops::{
    AvgPool2d, BatchNorm, BatchNormInference, BatchNormMap, Conv2d, GlobalAvgPool, MaxPool2d, shortcut_to,
};
use crate::random::{Purpose, Stream};
use crate::shape::Shape;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Samples, groups, channels in and out of each group.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// N.
    pub samples: usize,
    /// Into how many parts the channels are divided.
    pub groups: usize,
    /// Channels of the image in each.
    pub inputs: usize,
    /// Channels of the result in each.
    pub outputs: usize,
}

impl Channels {
    /// What each of its counts is drawn from.
    pub const COUNTS: RangeInclusive<usize> = 1..=3;
}

/// An op, its settings and the sizes of its inputs.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A convolution, with or without a bias.
    Convolution {
        /// What slides.
        window: Window,
        /// Over how many channels.
        channels: Channels,
        /// Whether something is added to each channel.
        bias: bool,
    },
    /// The largest number in each place of the window.
    MaxPool {
        /// What slides.
        window: Window,
        /// Samples and channels.
        planes: [usize; 2],
    },
    /// The mean in each place of the window.
    AveragePool {
        /// What slides.
        window: Window,
        /// Samples and channels.
        planes: [usize; 2],
        /// Whether zeros of the padding are counted.
        count_include_pad: bool,
    },
    /// The mean of every channel of (N, C, H, W).
    GlobalAveragePool {
        /// N, C, H, W.
        dims: [usize; 4],
    },
    /// Batch normalization.
    BatchNorm {
        /// N, C and any number of position axes.
        dims: Vec<usize>,
        /// ε where a channel has 5 elements or more; where it has fewer, 0.5 is used.
        eps: f64,
    },
    /// Batch normalization with given statistics.
    BatchNormInference {
        /// N, C and any number of position axes.
        dims: Vec<usize>,
        /// ε.
        eps: f64,
    },
    /// Batch normalization, the sum with a shortcut and an activation as one op.
    BatchNormMap {
        /// N, C and any number of position axes.
        dims: Vec<usize>,
        /// ε, as in [`Kind::BatchNorm`].
        eps: f64,
        /// The activation, by position in the registry.
        activation: usize,
    },
}

/// A [`Kind`] and what the numbers of its inputs are drawn from.
#[derive(Debug, Clone)]
pub struct Geometry {
    /// The op and its sizes.
    pub kind: Kind,
    /// The seed of its numbers, its cotangent and the directions along which it is checked.
    pub seed: u64,
}

impl Geometry {
    /// Batch normalizations have at most this many elements.
    pub const MAX_ELEMENTS: usize = 400;

    /// How many axes the input of a batch normalization has.
    pub const AXES: RangeInclusive<usize> = 2..=5;
    /// How long its axes are.
    pub const LENGTHS: RangeInclusive<usize> = 1..=5;
    /// The same with statistics that are given, or with a function.
    pub const SHORT_LENGTHS: RangeInclusive<usize> = 1..=4;
    /// ε with the statistics of the batch.
    pub const EPS: Range<f64> = 1e-5..1e-3;
    /// ε with statistics that are given.
    pub const INFERENCE_EPS: Range<f64> = 1e-5..0.1;
    /// N, C, H, W of global average pooling.
    pub const GLOBAL: [RangeInclusive<usize>; 4] = [1..=3, 1..=4, 1..=7, 1..=7];
    /// Samples and channels of a pool.
    pub const PLANES: [RangeInclusive<usize>; 2] = [1..=2, 1..=3];

    /// Geometry `index` of the sequence `seed`: of 20, 8 are convolutions, 4 and 4 pools. Besides, how often its numbers were
    /// drawn anew because a sum of them [cancels](Geometry::cancels).
    pub fn drawn(seed: u64, index: u64) -> (Self, u64) {
        let stream = &mut Stream::new(seed, Purpose::Geometry, index);
        let kind = match stream.below(20) {
            0..8 => {
                let window = Window::drawn(stream);
                let [samples, groups, inputs, outputs] = [0; 4].map(|_| within(stream, Channels::COUNTS));
                let channels = Channels { samples, groups, inputs, outputs };
                Kind::Convolution { window, channels, bias: stream.below(2) == 1 }
            }
            8..12 => Kind::MaxPool { window: Window::pooling_drawn(stream), planes: planes(stream) },
            12..16 => Kind::AveragePool {
                window: Window::pooling_drawn(stream),
                planes: planes(stream),
                count_include_pad: stream.below(2) == 1,
            },
            16 => Kind::GlobalAveragePool { dims: Self::GLOBAL.map(|range| within(stream, range)) },
            17 => Kind::BatchNorm { dims: dims(stream, Self::LENGTHS), eps: eps(stream, Self::EPS) },
            18 => Kind::BatchNormInference {
                dims: dims(stream, Self::SHORT_LENGTHS),
                eps: eps(stream, Self::INFERENCE_EPS),
            },
            _ => Kind::BatchNormMap {
                dims: dims(stream, Self::SHORT_LENGTHS),
                eps: eps(stream, Self::EPS),
                activation: within(stream, 0..=ACTIVATIONS.len() - 1),
            },
        };
        let mut geometry = Self { kind, seed: stream.below(1 << 32) };
        let mut redrawn = 0;
        // No more often: where a wrong op makes everything seem to cancel, it is to be checked.
        while redrawn < REDRAWS && geometry.cancels() {
            geometry.seed = stream.below(1 << 32);
            redrawn += 1;
        }
        (geometry, redrawn)
    }

    /// The op's registered name.
    pub fn op_name(&self) -> &'static str {
        match self.kind {
            Kind::Convolution { .. } => "conv2d",
            Kind::MaxPool { .. } => "max_pool2d",
            Kind::AveragePool { .. } => "avg_pool2d",
            Kind::GlobalAveragePool { .. } => "global_avg_pool",
            Kind::BatchNorm { .. } => "batch_norm",
            Kind::BatchNormInference { .. } => "batch_norm_inference",
            Kind::BatchNormMap { .. } => "batch_norm_map",
        }
    }

    /// The ε that is used: large where a channel has few elements. Two of them are normalized to ±1 whatever they are, and the
    /// gradient is then nothing but the rounding error of a difference.
    pub(super) fn eps(dims: &[usize], eps: f64) -> f64 {
        let elements: usize = dims.iter().product();
        if elements / dims[1] < 5 { 0.5 } else { eps }
    }

    /// The case that checks its gradient.
    ///
    /// # Panics
    /// More axes than a shape has.
    pub fn case(&self) -> Case {
        let of = |dims: &[usize]| Shape::new(dims).expect("few axes");
        match &self.kind {
            &Kind::Convolution { window, channels: c, bias } => {
                let Window { image, kernel, stride, padding, dilation } = window;
                let conv = Conv2d { stride, padding, dilation, groups: c.groups, exact: false };
                let outputs = c.groups * c.outputs;
                let case = self.of(Case::op(NAME, conv));
                let case = case.normal([c.samples, c.groups * c.inputs, image[0], image[1]]);
                let case = case.normal([outputs, c.inputs, kernel[0], kernel[1]]).bilinear();
                if bias { case.normal([outputs]) } else { case }
            }
            // Numbers are 0.05 apart: no maximum is a near tie, and a finite difference stays on one side.
            &Kind::MaxPool { window: Window { image, kernel, stride, padding, .. }, planes: [n, c] } => {
                let case = self.of(Case::op(NAME, MaxPool2d { kernel, stride, padding }));
                case.distinct([n, c, image[0], image[1]])
            }
            &Kind::AveragePool { window, planes: [n, c], count_include_pad } => {
                let Window { image, kernel, stride, padding, .. } = window;
                let pool = AvgPool2d { kernel, stride, padding, count_include_pad };
                self.of(Case::op(NAME, pool)).normal([n, c, image[0], image[1]]).bilinear()
            }
            &Kind::GlobalAveragePool { dims } => {
                self.of(Case::op(NAME, GlobalAvgPool)).normal(dims).bilinear()
            }
            // The gradients of γ and β are sums over the batch that may cancel; f32 is held to what it can then do.
            Kind::BatchNorm { dims, eps } => {
                let norm = BatchNorm { eps: Self::eps(dims, *eps) };
                let case = self.of(Case::op(NAME, norm)).single_tolerance(1e-3);
                case.normal(of(dims)).normal([dims[1]]).normal([dims[1]])
            }
            &Kind::BatchNormInference { ref dims, eps } => {
                let case = self.of(Case::op(NAME, BatchNormInference { eps })).single_tolerance(1e-3);
                let c = [dims[1]];
                case.normal(of(dims)).normal(c).normal(c).normal(c).positive(c)
            }
            Kind::BatchNormMap { dims, eps, activation } => {
                let norm = BatchNorm { eps: Self::eps(dims, *eps) };
                let name = ACTIVATIONS[*activation].name;
                let case = with_activation(name, Mapped(norm)).expect("a registered name");
                let case = self.of(case).single_tolerance(1e-3);
                let case = case.normal(of(dims)).normal([dims[1]]).normal([dims[1]]);
                let shortcut = shortcut_to(norm, case.inputs(), ACTIVATIONS[*activation].kinks);
                case.values(shortcut)
            }
        }
    }

    /// Checks the gradient by every route, and the value against the definition, to a rounding error of a sum of numbers of
    /// size 1.
    ///
    /// # Errors
    /// The op refuses the sizes.
    pub fn check(&self) -> Result<Report> {
        let case = self.case();
        let mut report = check::run(&case)?;
        let tape = Tape::new();
        let inputs: Vec<_> = case.inputs().iter().map(|x| tape.constant(x.clone())).collect();
        let got = case.program().run_f64(&tape, &inputs)?.value();
        let Some((dims, want)) = self.expected(case.inputs()) else { return Ok(report) };
        if got.dims() != dims {
            report.failures.push(format!("the value has shape {:?}, by the definition {dims:?}", got.dims()));
            return Ok(report);
        }
        let wrong = |(got, want): (&f64, &f64)| !((got - want).abs() < 1e-12 * want.abs().max(10.0));
        if let Some(i) = got.data().iter().zip(&want).position(wrong) {
            let (got, want) = (got.data()[i], want[i]);
            report.failures.push(format!("element {i} is {got:e}, by the definition {want:e}"));
        }
        Ok(report)
    }

    /// Whether a sum that is all of a result (a bias's gradient where there is one channel, the mean of one plane) comes out
    /// far smaller than its terms: f32 then has few digits of it, and "relative to the largest entry" means nothing.
    ///
    /// # Panics
    /// The op refuses the sizes.
    pub fn cancels(&self) -> bool {
        let sums = matches!(
            self.kind,
            Kind::Convolution { .. } | Kind::AveragePool { .. } | Kind::GlobalAveragePool { .. }
        );
        sums && self.condition().expect("sizes that fit") > 20.0
    }

    /// By how much the results' largest entries grow when every input and the cotangent lose their signs: nothing cancels then.
    fn condition(&self) -> Result<f64> {
        let case = self.case();
        let signed = Reference::of(&case)?;
        let inputs: Vec<_> = case.inputs().iter().map(absolute).collect();
        let unsigned = case.evaluate_f64(&inputs, &|_| absolute(&signed.cotangent))?;
        let pairs =
            signed.gradients.iter().zip(&unsigned.gradients).chain([(&signed.output, &unsigned.output)]);
        // A result of zeros alone, as behind padding, is exact.
        let growth = pairs.map(|(signed, absolute)| largest(absolute.data()) / largest(signed.data()));
        Ok(growth.filter(|x| !x.is_nan()).fold(1.0, f64::max))
    }

    fn of(&self, case: Case) -> Case {
        case.seeded(self.seed)
    }
}

const NAME: &str = "random geometry";
/// How often the numbers of a geometry whose sums cancel are drawn anew.
const REDRAWS: u64 = 32;

/// Makes the case of a [`BatchNormMap`].
struct Mapped(BatchNorm);

impl Visitor for Mapped {
    type Output = Case;
    fn visit<E: Elementwise>(self, function: E) -> Case {
        Case::op(NAME, BatchNormMap { norm: self.0, function })
    }
}

fn absolute(x: &Tensor<f64>) -> Tensor<f64> {
    Tensor::filled(x.shape(), x.data().iter().map(|x| x.abs()).collect())
}

fn planes(stream: &mut Stream) -> [usize; 2] {
    Geometry::PLANES.map(|range| within(stream, range))
}

fn eps(stream: &mut Stream, range: Range<f64>) -> f64 {
    stream.uniform_in(range.start, range.end)
}

/// The axes of a batch normalization's input.
fn dims(stream: &mut Stream, lengths: RangeInclusive<usize>) -> Vec<usize> {
    loop {
        let count = within(stream, Geometry::AXES);
        let dims: Vec<usize> = (0..count).map(|_| within(stream, lengths.clone())).collect();
        if dims.iter().product::<usize>() <= Geometry::MAX_ELEMENTS {
            return dims;
        }
    }
}
