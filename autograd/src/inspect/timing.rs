//! How long the ops of a tape take, by kind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::scalar::Scalar;
use crate::tape::Tape;

/// What one kind of op took on a tape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpTime {
    /// How often it was recorded.
    pub calls: u64,
    /// In forward passes.
    pub forward: Duration,
    /// In backward passes.
    pub backward: Duration,
}

/// The time that the ops of a [timed tape](Tape::timed) took, inside of the ops alone: neither the tape's own work
/// nor what layers do between ops is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    ops: BTreeMap<&'static str, OpTime>,
    sums: Duration,
}

impl Timing {
    /// Every kind of op by its registered name.
    pub fn ops(&self) -> &BTreeMap<&'static str, OpTime> {
        &self.ops
    }

    /// What backward passes took to add up the gradients of values that are used more than once.
    pub fn gradient_sums(&self) -> Duration {
        self.sums
    }

    /// Adds what another tape took.
    pub fn add(&mut self, other: &Self) {
        for (&op, time) in &other.ops {
            let mine = self.ops.entry(op).or_default();
            mine.calls += time.calls;
            mine.forward += time.forward;
            mine.backward += time.backward;
        }
        self.sums += other.sums;
    }

    pub(crate) fn forward(&mut self, op: &'static str, took: Duration) {
        let time = self.ops.entry(op).or_default();
        time.calls += 1;
        time.forward += took;
    }

    pub(crate) fn backward(&mut self, op: &'static str, took: Duration) {
        self.ops.entry(op).or_default().backward += took;
    }

    pub(crate) fn summed(&mut self, took: Duration) {
        self.sums += took;
    }
}

impl<S: Scalar> Tape<S> {
    /// An empty tape that measures how long its ops take, forward and backward; see [`Tape::timing`].
    pub fn timed() -> Self {
        let mut tape = Self::new();
        tape.timing = Some(RefCell::default());
        tape
    }

    /// What the ops took so far; `None` unless the tape is a [timed](Tape::timed) one.
    pub fn timing(&self) -> Option<Timing> {
        self.timing.as_ref().map(|timing| timing.borrow().clone())
    }

    /// Runs `work`, and has what it took noted if the tape measures that.
    pub(crate) fn clocked<T>(&self, work: impl FnOnce() -> T, note: impl FnOnce(&mut Timing, Duration)) -> T {
        let Some(timing) = &self.timing else { return work() };
        let start = Instant::now();
        let done = work();
        note(&mut timing.borrow_mut(), start.elapsed());
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tensor};

    #[test]
    fn a_timed_tape_counts_every_op_and_another_none() {
        let tape = Tape::<f64>::timed();
        let x = tape.variable(Tensor::scalar(0.5));
        let y = x.exp().exp() * x;
        tape.backward(y, Keep::Leaves).unwrap();
        let timing = tape.timing().unwrap();
        let calls: Vec<_> = timing.ops().iter().map(|(&op, time)| (op, time.calls)).collect();
        assert_eq!(calls, [("exp", 2), ("mul", 1)]);
        assert!(timing.ops().values().all(|t| t.forward > Duration::ZERO && t.backward > Duration::ZERO));

        let mut twice = timing.clone();
        twice.add(&timing);
        assert_eq!(twice.ops()["exp"].calls, 4);
        assert_eq!(twice.ops()["exp"].backward, 2 * timing.ops()["exp"].backward);
        assert_eq!(twice.gradient_sums(), 2 * timing.gradient_sums());
        assert_eq!(Tape::<f64>::new().timing(), None);
    }
}
