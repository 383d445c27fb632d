//! Training steps of a network on one random batch, over and over.

use autograd::Tensor;
use autograd::random::{Purpose, Stream};
use layers::Execution;
use layers::optim::{Decay, Decayed, Optimizer, Schedule, SgdSettings, WeightDecay};

use crate::error::{Error, Result};
use crate::run::{Options, Place, Settings, StepMetrics, Trainer, build_model};

/// The seed of weights, images and labels.
const SEED: u64 = 0;

/// The largest batch: far beyond any use, and small enough that no size overflows.
const MAX_BATCH: usize = 65_536;

/// What is stepped.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// The network and its activation; what else a run has is not looked at.
    pub(super) network: Options,
    /// Channels, height and width.
    pub(super) image: [usize; 3],
    pub(super) classes: usize,
    pub(super) batch: usize,
    pub(super) lr: f64,
    pub(super) execution: Execution,
    /// Whether every kind of op is timed.
    pub(super) times_ops: bool,
}

/// The images that a network was made for.
pub(super) fn usual_image(model: &str) -> [usize; 3] {
    if model == "mlp" { [1, 28, 28] } else { [3, 32, 32] }
}

/// A trainer with its batch: standard normal images and random labels, generated once.
#[derive(Debug)]
pub(super) struct Steps {
    trainer: Trainer,
    images: Tensor<f32>,
    labels: Vec<usize>,
    taken: usize,
}

impl Steps {
    /// SGD with momentum 0.9 and weight decay 5·10⁻⁴ on every parameter, as `torch.optim.SGD` has it.
    ///
    /// # Errors
    /// A name or setting that does not exist or does not fit.
    pub(super) fn new(subject: &Subject) -> Result<Self> {
        let Subject { network, image, classes, batch, lr, execution, times_ops } = subject;
        if !(1..=MAX_BATCH).contains(batch) {
            let (value, legal) = (batch.to_string(), "from 1 to 65,536".into());
            return Err(Error::Setting { setting: "--batch", value, legal });
        }
        let settings = Settings::of(Options { seed: Some(SEED), ..network.clone() })?;
        let model = build_model(&settings, *image, *classes)?;
        let sgd = Optimizer::new(SgdSettings {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            kind: WeightDecay::Coupled,
            decayed: Decayed::All,
        })?;
        let schedule = Schedule::new(*lr, 0, u64::MAX, Decay::Constant)?;
        let trainer = Trainer::new(model, sgd, schedule, 0.0, SEED).executing(*execution);
        let trainer = if *times_ops { trainer.timing_ops() } else { trainer };
        let mut stream = Stream::new(SEED, Purpose::Probe, 0);
        let [channels, height, width] = *image;
        let pixels = (0..batch * channels * height * width).map(|_| stream.normal() as f32).collect();
        let labels = (0..*batch).map(|_| stream.below(*classes as u64) as usize).collect();
        let images = Tensor::new([*batch, channels, height, width], pixels)?;
        Ok(Self { trainer, images, labels, taken: 0 })
    }

    /// Takes the next step.
    ///
    /// # Errors
    /// Shapes that do not fit, or a loss that is not finite.
    pub(super) fn step(&mut self) -> Result<StepMetrics> {
        self.taken += 1;
        self.trainer.step_on(self.images.clone(), &self.labels, Place { epoch: 1, step: self.taken })
    }

    pub(super) fn trainer(&mut self) -> &mut Trainer {
        &mut self.trainer
    }
}
