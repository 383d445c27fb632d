//! Whoever follows a run while it happens: progress lines, the dashboard, event files.

use std::fmt::Debug;
use std::time::Duration;

use datasets::{Batch, Normalisation};

use super::epoch::EpochMetrics;
use super::evaluation::{Evaluation, Metrics};
use super::inspection::LayersAtStep;
use super::settings::Settings;
use crate::error::Result;
use crate::events::EventHistogram;
use crate::said;

/// Follows a run. Nothing that it does changes what the run computes; an error ends the run.
pub trait Watch: Debug {
    /// What is to be computed for this one alone.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// The run begins, or goes on.
    ///
    /// # Errors
    /// Those of what is written.
    fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        let _ = run;
        Ok(())
    }

    /// The first batch of a run that begins, augmented, as the network will see it; asked for by [`Wants::first_batch`].
    ///
    /// # Errors
    /// Those of what is written.
    fn first_batch(&mut self, batch: &Batch, normalisation: &Normalisation) -> Result<()> {
        let _ = (batch, normalisation);
        Ok(())
    }

    /// A step is taken.
    ///
    /// # Errors
    /// Those of what is written.
    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        let _ = step;
        Ok(())
    }

    /// What the user wishes: asked after every step, and again after a checkpoint that was wished for. It answers when the run
    /// may go on, so that a pause is spent here.
    fn wish(&mut self) -> Wish {
        Wish::GoOn
    }

    /// The steps of an epoch begin: what held the run up before is in no epoch's time.
    fn steps_begin(&mut self) {
        self.held_up();
    }

    /// How long the user held the run up since this was asked last, or since the steps began: no training time.
    fn held_up(&mut self) -> Duration {
        Duration::ZERO
    }

    /// An epoch is over and validated.
    ///
    /// # Errors
    /// Those of what is written.
    fn epoch(&mut self, epoch: &EpochMetrics, steps: u64) -> Result<()> {
        let _ = (epoch, steps);
        Ok(())
    }

    /// A checkpoint is about to be written: whatever a run that goes on from it will not write again must be on the disk by
    /// then.
    ///
    /// # Errors
    /// Those of what is written.
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    /// A checkpoint was written after so many steps.
    ///
    /// # Errors
    /// Those of what is written.
    fn checkpoint(&mut self, steps: u64) -> Result<()> {
        let _ = steps;
        Ok(())
    }

    /// The test after the last epoch.
    ///
    /// # Errors
    /// Those of what is written.
    fn test(&mut self, test: &Evaluation, steps: u64) -> Result<()> {
        let _ = (test, steps);
        Ok(())
    }

    /// What the user should know of this one, said once.
    fn remarks(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Something that the user should know and that ends nothing; the answer says whether the user sees it.
    fn note(&mut self, text: &str) -> bool {
        let _ = text;
        false
    }

    /// Nothing more comes: the run is over, paused or stopped.
    fn end(&mut self) {}
}

/// What is computed for watchers alone; none of it changes a number of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wants {
    /// Histograms of every parameter's gradient, in the steps whose layers are looked at.
    pub histograms: bool,
    /// The first batch as pictures.
    pub first_batch: bool,
}

/// What a run is, as it begins.
#[derive(Debug, Clone, Copy)]
pub struct RunBegins<'a> {
    /// Its name on the terminal.
    pub label: &'a str,
    /// Its settings.
    pub settings: &'a Settings,
    /// Its classes' names.
    pub classes: &'a [String],
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps that were taken before: of a run that goes on.
    pub taken: u64,
    /// The epochs that are over: of a run that goes on.
    pub epochs: &'a [EpochMetrics],
}

/// One step.
#[derive(Debug, Clone, Copy)]
pub struct StepTaken<'a> {
    /// Steps taken, with this one.
    pub steps: u64,
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// The step's mean loss.
    pub loss: f32,
    /// Its learning rate.
    pub rate: f64,
    /// The epoch's means up to here.
    pub so_far: Metrics,
    /// Images per second in this epoch.
    pub images_per_s: f64,
    /// The layers, if they were looked at in this step.
    pub layers: Option<&'a LayersAtStep>,
    /// The gradient of every parameter as a histogram, in such a step if somebody [wants](Wants) them.
    pub histograms: &'a [(String, EventHistogram)],
}

/// What the user wishes of a run; of several wishes the largest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// That it goes on.
    GoOn,
    /// A checkpoint now.
    Checkpoint,
    /// That it stops, with a checkpoint.
    Stop,
}

/// Everybody who follows a run.
#[derive(Debug, Default)]
pub struct Watchers<'a>(Vec<Box<dyn Watch + 'a>>);

impl<'a> Watchers<'a> {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, watch: impl Watch + 'a) -> Self {
        self.0.push(Box::new(watch));
        self
    }

    /// The same of one whose type is chosen at run time.
    #[must_use]
    pub fn with_boxed(mut self, watch: Box<dyn Watch + 'a>) -> Self {
        self.0.push(watch);
        self
    }

    /// What anybody wants.
    pub(super) fn wants(&self) -> Wants {
        self.0.iter().map(|watch| watch.wants()).fold(Wants::default(), |a, b| Wants {
            histograms: a.histograms || b.histograms,
            first_batch: a.first_batch || b.first_batch,
        })
    }

    /// Tells everybody, until one fails.
    ///
    /// # Errors
    /// The first one's.
    pub(super) fn tell(&mut self, mut what: impl FnMut(&mut dyn Watch) -> Result<()>) -> Result<()> {
        self.0.iter_mut().try_for_each(|watch| what(watch.as_mut()))
    }

    /// The run begins, or goes on; what anybody has to say of it is noted.
    ///
    /// # Errors
    /// The first one's.
    pub(super) fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        let begun = self.tell(|watch| watch.begin(run));
        let remarks: Vec<String> = self.0.iter_mut().flat_map(|watch| watch.remarks()).collect();
        remarks.iter().for_each(|remark| self.note(remark));
        begun
    }

    /// What the user wishes: the largest wish.
    pub(super) fn wish(&mut self) -> Wish {
        self.0.iter_mut().map(|watch| watch.wish()).max().unwrap_or(Wish::GoOn)
    }

    /// The steps of an epoch begin.
    pub(super) fn steps_begin(&mut self) {
        self.0.iter_mut().for_each(|watch| watch.steps_begin());
    }

    /// How long the user held the run up since this was asked last.
    pub(super) fn held_up(&mut self) -> Duration {
        self.0.iter_mut().map(|watch| watch.held_up()).sum()
    }

    /// Something that the user should know; if nobody shows it, it is printed.
    pub(super) fn note(&mut self, text: &str) {
        // Everybody hears of it, whoever came first.
        let shown = self.0.iter_mut().filter_map(|watch| watch.note(text).then_some(())).count();
        if shown == 0 {
            said::on_stderr(format_args!("note: {text}"));
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.0.iter_mut().for_each(|watch| watch.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wishes one thing, and shows notes or does not.
    #[derive(Debug)]
    struct Fixed(Wish, bool);

    impl Watch for Fixed {
        fn wish(&mut self) -> Wish {
            self.0
        }

        fn held_up(&mut self) -> Duration {
            Duration::from_secs(1)
        }

        fn note(&mut self, text: &str) -> bool {
            assert_eq!(text, "words");
            self.1
        }
    }

    #[test]
    fn of_several_wishes_the_largest_counts() {
        let all = |wishes: &[Wish]| {
            wishes.iter().fold(Watchers::default(), |all, &wish| all.with(Fixed(wish, false)))
        };
        let wish = |wishes: &[Wish]| all(wishes).wish();
        assert_eq!(wish(&[]), Wish::GoOn);
        assert_eq!(wish(&[Wish::GoOn, Wish::Stop, Wish::Checkpoint]), Wish::Stop);
        assert_eq!(wish(&[Wish::Checkpoint, Wish::GoOn]), Wish::Checkpoint);
        assert_eq!(all(&[Wish::GoOn, Wish::GoOn]).held_up(), Duration::from_secs(2));
    }

    #[test]
    fn everybody_hears_a_note() {
        let fixed = |shows| Box::new(Fixed(Wish::GoOn, shows));
        let mut all = Watchers::default().with_boxed(fixed(true)).with_boxed(fixed(false));
        all.note("words");
    }
}
