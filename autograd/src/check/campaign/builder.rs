//! The recording of a graph while it is read.

use crate::check::worse;
use crate::random::{Purpose, Stream};
use crate::scalar::{Dual, Scalar};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

use super::graph::Graph;
use super::step::Step;

/// Results with more elements are left out: every partial derivative of every input is to be checked.
const MAX_ELEMENTS: usize = 48;
/// Results above this size are scaled down, by a power of two.
const MAX_VALUE: f64 = 4.0;
/// So are results that move more than this when the inputs do by 1: finite differences need a tame third derivative.
const MAX_SLOPE: f64 = 16.0;
/// The step of a finite difference, even enlarged by the steepest step, is far smaller.
const CLEARANCE: f64 = 0.02;

/// Records the graph while it is read, over dual numbers along one random direction, so that sizes and slopes are
/// known. Only forward passes are used: a wrong gradient cannot hide itself here.
pub(super) struct Builder<'t> {
    pub(super) graph: Graph,
    tape: &'t Tape<Dual<f64>>,
    values: Vec<Var<'t, Dual<f64>>>,
    /// The values that steps may use: all but those that had to be scaled down.
    usable: Vec<usize>,
    pub(super) operands: [usize; 2],
}

impl<'t> Builder<'t> {
    pub(super) fn new(tape: &'t Tape<Dual<f64>>, graph: Graph) -> Self {
        let mut stream = Stream::new(graph.seed, Purpose::Probe, 99);
        let mut direction = |x: &f64| Dual::new(*x, stream.uniform_in(-1.0, 1.0).signum());
        let moving = |x: &Tensor<f64>| {
            tape.variable(Tensor::filled(x.shape(), x.data().iter().map(&mut direction).collect()))
        };
        let values: Vec<_> = graph.tensors().iter().map(moving).collect();
        let usable = (0..values.len()).collect();
        Self { graph, tape, values, usable, operands: [0; 2] }
    }

    /// Appends a step and returns its value, or `None` if that has too many elements. A value that has grown, or
    /// whose slope has, is scaled down on the spot.
    pub(super) fn push(&mut self, step: Step) -> Option<usize> {
        let value = step.record(self.tape, &self.values);
        let value = value.unwrap_or_else(|e| panic!("{e}: {step:?} after {:?}", self.graph));
        if value.shape().len() > MAX_ELEMENTS {
            return None;
        }
        self.graph.steps.push(step);
        self.values.push(value);
        let index = self.values.len() - 1;
        let excess = excess(value.value().data());
        assert!(excess.is_finite(), "a value or a slope is not finite after {:?}", self.graph);
        if excess > 1.0 {
            return self.push(Step::Scale(index, (-excess.log2().ceil()).exp2()));
        }
        self.usable.push(index);
        Some(index)
    }

    /// The first operand drawn.
    pub(super) fn first(&self) -> usize {
        let count = self.usable.len();
        self.usable[count - 1 - self.operands[0] % count]
    }

    /// The second operand drawn, or the next older value that `fits`, starting again from the newest.
    pub(super) fn second(&self, fits: impl Fn(&[usize]) -> bool) -> Option<usize> {
        let count = self.usable.len();
        let mut places = (0..count).map(|k| self.usable[count - 1 - (self.operands[1] + k) % count]);
        places.find(|&i| fits(&self.dims(i)))
    }

    /// Axis lengths of a value.
    pub(super) fn dims(&self, value: usize) -> Vec<usize> {
        self.values[value].shape().dims().to_vec()
    }

    /// The smallest and the largest element, all of which are numbers: [`Builder::push`] lets no other in.
    pub(super) fn range(&self, value: usize) -> (f64, f64) {
        let value = self.values[value].value();
        let fold =
            |start, pick: fn(f64, f64) -> f64| value.data().iter().fold(start, |m, x| pick(m, x.to_f64()));
        (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max))
    }

    /// `None`, and a draw more near a kink, unless every element is away from all `kinks`.
    pub(super) fn clear_of(&mut self, value: usize, kinks: &[f64]) -> Option<()> {
        let numbers = self.values[value].value();
        let is_clear =
            numbers.data().iter().all(|x| kinks.iter().all(|k| (x.to_f64() - k).abs() > CLEARANCE));
        if !is_clear {
            self.graph.left_out.near_kinks += 1;
        }
        is_clear.then_some(())
    }
}

/// By what factor the largest element or slope is beyond what is kept as it is; NaN if one of them is.
fn excess(x: &[Dual<f64>]) -> f64 {
    x.iter().fold(0.0, |m, x| worse(m, worse(x.value.abs() / MAX_VALUE, x.tangent.abs() / MAX_SLOPE)))
}

#[cfg(test)]
mod tests {
    use super::super::graph::Plan;
    use super::*;

    /// Four values, from the oldest, 0, to the newest, 3.
    #[test]
    fn an_operand_is_the_one_drawn_or_the_next_that_fits() {
        let plan = Plan { inputs: vec![vec![1], vec![2], vec![1], vec![3]], seed: 0, draws: Vec::new() };
        let tape = Tape::new();
        let mut builder = Builder::new(&tape, Graph::read(plan));
        builder.operands = [5, 1];
        assert_eq!((builder.first(), builder.second(|_| true)), (2, Some(2)));
        assert_eq!(builder.second(|dims| dims != [1]), Some(1), "the next older one");
        assert_eq!(builder.second(|dims| dims == [3]), Some(3), "the newest after the oldest");
        assert_eq!(builder.second(|dims| dims == [4]), None);
    }

    /// Wherever it stands, and though numbers beside it are larger; `f64::max` would drop it.
    #[test]
    fn a_nan_among_values_or_slopes_is_seen() {
        let number = Dual::new(8.0, -64.0);
        assert_eq!(excess(&[number, Dual::new(-12.0, 0.0)]), 4.0);
        for bad in [Dual::new(f64::NAN, 0.0), Dual::new(0.0, f64::NAN)] {
            for x in [[bad, number], [number, bad]] {
                assert!(excess(&x).is_nan(), "{x:?}");
            }
        }
        assert_eq!(excess(&[Dual::new(f64::NEG_INFINITY, 0.0), number]), f64::INFINITY);
    }
}
