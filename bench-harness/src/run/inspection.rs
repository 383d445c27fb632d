//! Looking at the layers of training steps while they are taken.

use serde::Serialize;

use super::theory::TheoryComparison;

/// Which of a run's steps are looked at: the first, every k-th after it, and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspections {
    every: u64,
    last: u64,
}

impl Inspections {
    /// Every `every`-th of `steps` steps.
    ///
    /// # Panics
    /// If `every` is 0, which settings refuse.
    pub fn new(every: u64, steps: u64) -> Self {
        assert!(every > 0, "inspections at every 0th step");
        Self { every, last: steps.saturating_sub(1) }
    }

    /// Whether step `step`, counted from 0, is one of them.
    pub fn has(self, step: u64) -> bool {
        step.is_multiple_of(self.every) || step == self.last
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
}
