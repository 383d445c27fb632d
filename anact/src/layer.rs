//! The normalized activation as a layer: the node together with its running statistics and α.

use autograd::{Elementwise, Result, Scalar, Tensor, Var};
use layers::{BufferMut, Context, Layer, Parameter, PendingNorm, Role, Walk};
use serde::{Deserialize, Serialize};

use crate::groups::Granularity;
use crate::moments::{BatchMoments, ForwardMoment, measure};
use crate::node::{GradientMode, NodeStatistics, Normalize, NormalizeAfterNorm, Plan, Settings};
use crate::statistics::{Averaging, Guard, RunningStatistics};

/// Which statistics a training step uses; evaluation always uses the running ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsSource {
    /// The running averages, with this batch already in them: what the paper does, and what evaluation will use.
    #[default]
    Running,
    /// This batch's own.
    Batch,
}

/// How an activation is normalized; the default is the paper's, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct NormalizedSettings {
    /// What a training step uses.
    pub statistics: StatisticsSource,
    /// Which forward moment ρ is made of.
    pub moment: ForwardMoment,
    /// Whether gradients flow through the statistics.
    pub gradient: GradientMode,
    /// One factor per layer or per channel.
    pub granularity: Granularity,
    /// How batches are averaged.
    pub averaging: Averaging,
}

/// The names of each setting's values, for command lines.
pub const STATISTICS_SOURCES: &[(&str, StatisticsSource)] =
    &[("running", StatisticsSource::Running), ("batch", StatisticsSource::Batch)];
/// The names of the forward moments.
pub const FORWARD_MOMENTS: &[(&str, ForwardMoment)] =
    &[("raw", ForwardMoment::Raw), ("centered", ForwardMoment::Centered)];
/// The names of the gradient modes.
pub const GRADIENT_MODES: &[(&str, GradientMode)] =
    &[("detached", GradientMode::Detached), ("full", GradientMode::Full)];
/// The names of the granularities.
pub const GRANULARITIES: &[(&str, Granularity)] =
    &[("layer", Granularity::Layer), ("channel", Granularity::Channel)];
/// The names of the guards.
pub const GUARDS: &[(&str, Guard)] = &[("clamp", Guard::Clamp), ("reject", Guard::Reject)];

impl NormalizedSettings {
    /// The settings, if they go together.
    ///
    /// # Errors
    /// A full gradient with running statistics, which do not depend on this batch alone; averaging out of range.
    pub fn checked(self) -> Result<Self> {
        if self.gradient == GradientMode::Full && self.statistics == StatisticsSource::Running {
            return Err(autograd::Error::Argument {
                op: "normalized activation",
                what: "a full gradient through running statistics was asked for".into(),
                legal: "statistics = batch with gradient = full, or gradient = detached".into(),
            });
        }
        self.averaging.checked()?;
        Ok(self)
    }

    /// What the node needs of them.
    fn node(&self) -> Settings {
        Settings { moment: self.moment, gradient: self.gradient, granularity: self.granularity }
    }

    /// The number of factors for a site of `channels` channels.
    fn groups(&self, channels: usize) -> usize {
        match self.granularity {
            Granularity::Layer => 1,
            Granularity::Channel => channels,
        }
    }
}

/// The name of the buffer with a site's running statistics.
pub(crate) const RUNNING_STATISTICS: &str = "running_statistics";

/// What every normalized activation keeps, whatever its function: settings, α, learnt from 0, and running statistics.
#[derive(Debug)]
pub(crate) struct Normalization<S> {
    pub(crate) settings: NormalizedSettings,
    pub(crate) alpha: Parameter<S>,
    pub(crate) running: RunningStatistics,
}

impl<S: Scalar> Normalization<S> {
    pub(crate) fn new(settings: NormalizedSettings, channels: usize) -> Result<Self> {
        let settings = settings.checked()?;
        let groups = settings.groups(channels);
        Ok(Self {
            settings,
            alpha: Parameter::new(Tensor::zeros([groups]), Role::Activation),
            running: RunningStatistics::new(groups),
        })
    }

    /// What to compute for the batch `z` of the function `f`. A training step on running statistics takes the batch
    /// into them first.
    pub(crate) fn plan<E: Elementwise>(&mut self, cx: &Context<'_, S>, f: &E, z: Var<'_, S>) -> Result<Plan> {
        let node = self.settings.node();
        if cx.is_training() && self.settings.statistics == StatisticsSource::Batch {
            return Plan::batch_or(node, self.running.applied());
        }
        if cx.is_training() {
            self.track(&measure(f, &z.value(), self.settings.granularity)?)?;
        }
        // Given numbers are constants whatever a training step differentiates through.
        let plan =
            Plan::given(Settings { gradient: GradientMode::Detached, ..node }, self.running.applied())?;
        Ok(if cx.is_training() { plan.moved_by_batch() } else { plan })
    }

    /// What to compute in a training step whose z is computed by the node itself, which then measures it; [`follow`]
    /// takes what it measured into the running statistics. The numbers are those of [`plan`].
    ///
    /// [`follow`]: Self::follow
    /// [`plan`]: Self::plan
    fn plan_unmeasured(&self) -> Result<Plan> {
        let node = self.settings.node();
        match self.settings.statistics {
            StatisticsSource::Batch => Plan::batch_or(node, self.running.applied()),
            StatisticsSource::Running => Plan::running(node, self.running.clone(), self.settings.averaging),
        }
    }

    /// Takes what the node measured, if it did, into the running statistics.
    pub(crate) fn follow(&mut self, cx: &Context<'_, S>, statistics: &NodeStatistics) -> Result<()> {
        let moments: Option<Vec<_>> = statistics.groups.iter().map(|g| g.moments).collect();
        moments.filter(|_| cx.is_training()).map_or(Ok(()), |moments| self.track(&moments))
    }

    fn track(&mut self, moments: &[BatchMoments<impl Scalar>]) -> Result<()> {
        self.running.update(&self.settings.averaging, moments, self.settings.moment)
    }

    /// Shows α, and the running statistics as one buffer of plain numbers.
    pub(crate) fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("alpha", &mut self.alpha);
        let mut numbers = self.running.to_numbers();
        walk.buffer(RUNNING_STATISTICS, BufferMut::Values(&mut numbers));
        self.running = RunningStatistics::of_numbers(&numbers);
    }
}

/// y = (λ + 0.3·tanh α)·(f(z) − μ), α learnt from 0.
///
/// A training step first takes the batch into the running statistics; step 1 uses the batch itself. Parameter
/// `alpha` \[1\], or \[C\] with a factor per channel; buffer `running_statistics`. Errors: as [`Normalize`].
#[derive(Debug)]
pub struct Normalized<E, S> {
    function: E,
    state: Normalization<S>,
}

impl<E: Elementwise, S: Scalar> Normalized<E, S> {
    /// The layer for a site with `channels` channels.
    ///
    /// # Errors
    /// As [`NormalizedSettings::checked`].
    pub fn new(function: E, settings: NormalizedSettings, channels: usize) -> Result<Self> {
        Ok(Self { function, state: Normalization::new(settings, channels)? })
    }

    /// The running statistics.
    pub fn running(&self) -> &RunningStatistics {
        &self.state.running
    }
}

impl<E: Elementwise, S: Scalar> Layer<S> for Normalized<E, S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, z: Var<'t, S>) -> Result<Var<'t, S>> {
        let alpha = cx.parameter("alpha", &self.state.alpha)?;
        let plan = self.state.plan(cx, &self.function, z)?;
        let y = Normalize::new(self.function, plan).apply(z, Some(alpha))?;
        if let Some(statistics) = NodeStatistics::of(y) {
            self.state.follow(cx, &statistics)?;
        }
        Ok(y)
    }

    fn forward_normed<'t>(
        &mut self,
        cx: &Context<'t, S>,
        normed: PendingNorm<'_, 't, S>,
    ) -> Result<Var<'t, S>> {
        let alpha = cx.parameter("alpha", &self.state.alpha)?;
        let node = Normalize::new(self.function, self.state.plan_unmeasured()?);
        let y = normed.within(Some(alpha), |norm| NormalizeAfterNorm { norm, node })?;
        let statistics = NodeStatistics::of(y).expect("the node has statistics");
        self.state.follow(cx, &statistics)?;
        Ok(y)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        self.state.visit(walk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::ops::activation::{Relu, Swish};
    use autograd::{Keep, Tape};

    fn batch(shift: f64) -> Tensor<f64> {
        let numbers = (0..48).map(|i| ((i * 37) % 48) as f64 / 12.0 - 2.0 + shift).collect();
        Tensor::new([4, 3, 4], numbers).unwrap()
    }

    fn train<E: Elementwise>(layer: &mut Normalized<E, f64>, z: &Tensor<f64>) -> Tensor<f64> {
        let tape = Tape::new();
        let y = layer.forward(&Context::train(&tape, 0, 0), tape.constant(z.clone())).unwrap();
        y.value()
    }

    fn evaluate<E: Elementwise>(layer: &mut Normalized<E, f64>, z: &Tensor<f64>) -> Tensor<f64> {
        let tape = Tape::new();
        layer.forward(&Context::eval(&tape), tape.constant(z.clone())).unwrap().value()
    }

    fn settings(statistics: StatisticsSource, granularity: Granularity) -> NormalizedSettings {
        NormalizedSettings { statistics, granularity, ..NormalizedSettings::default() }
    }

    /// The first step of running statistics is the batch itself, so both sources agree there, and so does an
    /// evaluation after it.
    #[test]
    fn the_first_step_uses_the_batch() {
        for granularity in [Granularity::Layer, Granularity::Channel] {
            let of = |source| Normalized::new(Swish::default(), settings(source, granularity), 3).unwrap();
            let (mut running, mut own) = (of(StatisticsSource::Running), of(StatisticsSource::Batch));
            let z = batch(0.3);
            let (a, b) = (train(&mut running, &z), train(&mut own, &z));
            let c = evaluate(&mut running, &z);
            for ((a, b), c) in a.data().iter().zip(b.data()).zip(c.data()) {
                assert!((a - b).abs() < 1e-14 && (a - c).abs() < 1e-14, "{a} {b} {c}");
            }
        }
    }

    #[test]
    fn evaluation_moves_nothing_and_works_before_training() {
        let mut layer = Normalized::<_, f64>::new(Relu, NormalizedSettings::default(), 3).unwrap();
        // Nothing seen: λ = 1, μ = 0, the plain function.
        assert_eq!(evaluate(&mut layer, &batch(0.0)).data()[0], 0.0);
        let before = layer.running().clone();
        evaluate(&mut layer, &batch(1.0));
        assert_eq!(layer.running(), &before);
        train(&mut layer, &batch(1.0));
        assert_ne!(layer.running(), &before);
    }

    #[test]
    fn alpha_is_learnt_and_named() {
        let mut layer = Normalized::<_, f64>::new(Relu, NormalizedSettings::default(), 3).unwrap();
        let tape = Tape::new();
        let z = tape.variable(batch(0.0));
        let y = layer.forward(&Context::train(&tape, 0, 0), z).unwrap();
        let gradients = tape.backward(y.sum_all(), Keep::Leaves).unwrap();
        // ∂/∂α Σ y = 0.3·Σ (f − μ) = 0, since μ is the batch's mean at step 1.
        assert!(gradients.named("alpha").unwrap().data()[0].abs() < 1e-12);
        assert_eq!(gradients.named("alpha").unwrap().dims(), [1]);
    }

    #[test]
    fn a_full_gradient_through_running_statistics_is_refused_at_construction() {
        let settings = NormalizedSettings { gradient: GradientMode::Full, ..NormalizedSettings::default() };
        let text = Normalized::<_, f64>::new(Relu, settings, 1).unwrap_err().to_string();
        assert!(text.contains("statistics = batch"), "{text}");
    }

    #[test]
    fn running_statistics_survive_as_numbers() {
        let mut layer =
            Normalized::<_, f64>::new(Relu, settings(StatisticsSource::Running, Granularity::Channel), 3)
                .unwrap();
        train(&mut layer, &batch(0.4));
        train(&mut layer, &batch(0.5));
        assert_eq!(&RunningStatistics::of_numbers(&layer.running().to_numbers()), layer.running());
    }
}
