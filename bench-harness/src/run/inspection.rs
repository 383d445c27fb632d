//! Looking at the layers of training steps while they are taken.

use serde::Serialize;

use super::theory::TheoryComparison;

/// Which of a run's steps are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspections(Steps);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Steps {
    Every { every: u64, last: u64 },
    These(Vec<u64>),
}

impl Inspections {
    /// Of `steps` steps the first, every `every`-th after it, and the last.
    ///
    /// # Panics
    /// If `every` is 0, which settings refuse.
    pub fn new(every: u64, steps: u64) -> Self {
        assert!(every > 0, "inspections at every 0th step");
        Self(Steps::Every { every, last: steps.saturating_sub(1) })
    }

    /// These steps, counted from 0.
    pub fn at(steps: &[u64]) -> Self {
        Self(Steps::These(steps.to_vec()))
    }

    /// Whether step `step`, counted from 0, is one of them.
    pub fn has(&self, step: u64) -> bool {
        match &self.0 {
            Steps::Every { every, last } => step.is_multiple_of(*every) || step == *last,
            Steps::These(steps) => steps.contains(&step),
        }
    }
}

/// The layers in one step of training, on the batch and with the weights and statistics of that step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayersAtStep {
    /// Steps taken before it.
    pub step: u64,
    /// Predicted and measured.
    #[serde(flatten)]
    pub comparison: TheoryComparison,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_every_kth_and_the_last() {
        let steps = |every, steps| {
            let inspections = Inspections::new(every, steps);
            (0..steps).filter(|&s| inspections.has(s)).collect::<Vec<_>>()
        };
        assert_eq!(steps(3, 8), [0, 3, 6, 7]);
        assert_eq!(steps(3, 7), [0, 3, 6]);
        assert_eq!(steps(1, 3), [0, 1, 2]);
        assert_eq!(steps(u64::MAX, 5), [0, 4]);
        assert_eq!(steps(2, 1), [0]);
    }

    #[test]
    fn these_and_no_others() {
        let inspections = Inspections::at(&[0, 5]);
        assert_eq!((0..8).filter(|&s| inspections.has(s)).collect::<Vec<_>>(), [0, 5]);
        assert!(!Inspections::at(&[]).has(0));
    }
}
