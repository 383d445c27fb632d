//! A whole graph as plain data, and the reading of random draws as one.

use std::fmt;
use std::ops::RangeInclusive;

use super::builder::Builder;
use super::planted::Bug;
use super::step::Step;
use super::table::{Choices, TABLE};
use super::window::{one_of, within};
use crate::check::{Case, Program, largest};
use crate::error::Result;
use crate::pass::Keep;
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// How many rows [`Row::Table`] counts.
pub const ROWS: usize = TABLE.len();

/// How far f32 may be from f64: one number may be the small sum of large ones, and f32 is held to what it can then do.
pub(super) const SINGLE_TOLERANCE: f64 = 1e-3;

/// What a step is made by.
#[derive(Debug, Clone, Copy)]
pub enum Row {
    /// One of [`ROWS`] ways to apply an op, by position.
    Table(usize),
    /// x², with the right gradient for now.
    Planted,
}

/// What is drawn for one step.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// What makes it.
    pub row: Row,
    /// Two operands, counted back from the newest value.
    pub operands: [usize; 2],
    /// A number from which everything else follows.
    pub choice: u32,
}

/// What a graph is read from.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The shapes of the inputs.
    pub inputs: Vec<Vec<usize>>,
    /// What their numbers are drawn from.
    pub seed: u64,
    /// Its steps.
    pub draws: Vec<Draw>,
}

impl Plan {
    /// More elements than this are not drawn for an input.
    pub const MAX_INPUT: usize = 24;
    /// How many inputs are drawn.
    pub const INPUTS: RangeInclusive<usize> = 1..=4;
    /// How many axes an input has.
    pub const AXES: RangeInclusive<usize> = 0..=3;
    /// How long an axis is.
    pub const LENGTHS: RangeInclusive<usize> = 1..=4;
    /// How many draws there are.
    pub const DRAWS: RangeInclusive<usize> = 2..=30;
    /// How far back the oldest value lies that an operand may be, each as often as the others: mostly recent ones, so that
    /// graphs are deep, and sometimes old ones.
    pub const OLDEST: [usize; 4] = [2, 2, 2, 39];

    /// Plan `index` of the sequence `seed`.
    pub fn drawn(seed: u64, index: u64) -> Self {
        let stream = &mut Stream::new(seed, Purpose::Graph, index);
        let inputs = (0..within(stream, Self::INPUTS)).map(|_| shape(stream)).collect();
        let seed = stream.below(1 << 32);
        let operand = |stream: &mut Stream| {
            let oldest = one_of(stream, Self::OLDEST);
            within(stream, 0..=oldest)
        };
        let count = within(stream, Self::DRAWS);
        let draw = |_| Draw {
            row: Row::Table(within(stream, 0..=ROWS - 1)),
            operands: [operand(stream), operand(stream)],
            choice: stream.below(1 << 32) as u32,
        };
        Self { inputs, seed, draws: (0..count).map(draw).collect() }
    }

    /// The same with x² at a place and of a value that `index` chooses.
    #[must_use]
    pub fn planted(mut self, index: usize) -> Self {
        let planted = Draw { row: Row::Planted, operands: [index, 0], choice: 0 };
        self.draws.insert((7 * index + 3) % (self.draws.len() + 1), planted);
        self
    }
}

/// What was drawn for a graph and is not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Functions with a kink near one of their arguments, where a finite difference means nothing.
    pub near_kinks: u64,
    /// Steps that do not fit where they were drawn: too many elements, no second operand, an axis that is not there.
    pub unfit: u64,
}

/// A function of `inputs`: a list of steps, whose value is every input and every unused result, joined in one vector.
///
/// Joining them means that no step is in vain, and that every input has partial derivatives of size 1 besides those
/// to be tested: "relative to the largest entry" has a meaning even where the rest cancels, as in the sum of a softmax.
#[derive(Clone, PartialEq)]
pub struct Graph {
    inputs: Vec<Vec<usize>>,
    pub(super) seed: u64,
    pub(super) steps: Vec<Step>,
    pub(super) left_out: LeftOut,
}

/// Numbered as the steps refer to them.
impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph of inputs drawn from seed {}", self.seed)?;
        self.inputs.iter().enumerate().try_for_each(|(i, dims)| writeln!(f, "  %{i} = input {dims:?}"))?;
        (0..self.steps.len()).try_for_each(|k| writeln!(f, "  {}", self.line(k)))
    }
}

impl Graph {
    /// Reads a plan as a graph. Every list of draws is one, so tests may shorten and simplify it at will: operands
    /// wrap around, a draw that fits nowhere is left out, and what an op needs (a positive base, a matrix) is made.
    ///
    /// # Panics
    /// An op refuses what its row in the table gives it, or computes a number that is not finite.
    pub fn read(plan: Plan) -> Self {
        let Plan { inputs, seed, draws } = plan;
        let tape = Tape::new();
        let graph = Self { inputs, seed, steps: Vec::new(), left_out: LeftOut::default() };
        let mut builder = Builder::new(&tape, graph);
        for draw in draws {
            let near_kinks = builder.graph.left_out.near_kinks;
            builder.operands = draw.operands;
            let mut choices = Choices(draw.choice);
            // `None` is a draw that does not fit; what it made on the way stays, as values like others.
            let made = match draw.row {
                Row::Table(row) => TABLE[row].1(&mut builder, &mut choices),
                Row::Planted => builder.push(Step::Planted(builder.first(), Bug::None)),
            };
            let left_out = &mut builder.graph.left_out;
            left_out.unfit += u64::from(made.is_none() && left_out.near_kinks == near_kinks);
        }
        builder.graph
    }

    /// The case that checks this graph.
    pub fn case(&self) -> Case {
        let case = Case::of_program(&format!("{self:?}"), self.clone()).single_tolerance(SINGLE_TOLERANCE);
        let case = case.seeded(self.seed);
        self.tensors().into_iter().fold(case, Case::values)
    }

    /// The same graph with the first `count` of its steps only.
    pub(super) fn first(&self, count: usize) -> Self {
        Self { steps: self.steps[..count].to_vec(), ..self.clone() }
    }

    /// What was drawn and is not in it.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The same graph with another gradient of its planted op.
    #[must_use]
    pub fn with_bug(&self, bug: Bug) -> Self {
        let mut graph = self.clone();
        for step in &mut graph.steps {
            if let Step::Planted(_, planted) = step {
                *planted = bug;
            }
        }
        graph
    }

    /// The largest change of a gradient from `self` to `other`, relative to the largest entry, for the cotangent that
    /// is 1 throughout; NaN if a gradient has one. Backward passes only.
    pub fn distance(&self, other: &Self) -> f64 {
        let (a, b) = (self.gradients(), other.gradients());
        let pair = |(a, b): (&Tensor<f64>, &Tensor<f64>)| {
            let changes: Vec<f64> = a.data().iter().zip(b.data()).map(|(a, b)| a - b).collect();
            let change = largest(&changes);
            // 0 of 0 is no change; a NaN is one.
            if change == 0.0 { 0.0 } else { change / largest(a.data()) }
        };
        largest(&a.iter().zip(&b).map(pair).collect::<Vec<_>>())
    }

    fn gradients(&self) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let inputs: Vec<_> = self.tensors().into_iter().map(|x| tape.variable(x)).collect();
        let value = self.run(&tape, &inputs).expect("the graph was recorded before");
        let gradients = tape.backward_from(value, Tensor::full(value.shape(), 1.0), Keep::Leaves);
        let gradients = gradients.expect("the value has a gradient");
        inputs.iter().map(|&x| gradients.wrt(x).expect("every input is joined")).collect()
    }

    /// The ops of its steps, in order, under their registered names.
    ///
    /// # Panics
    /// As [`Graph::read`].
    pub fn op_names(&self) -> Vec<&'static str> {
        let tape = Tape::<f64>::new();
        let mut values: Vec<_> = self.tensors().into_iter().map(|x| tape.variable(x)).collect();
        for step in &self.steps {
            values.push(step.record(&tape, &values).expect("the graph was recorded before"));
        }
        values[self.inputs.len()..].iter().map(|v| v.op_name()).collect()
    }

    /// Step `k` as the listing shows it.
    pub(super) fn line(&self, k: usize) -> String {
        format!("%{} = {:?}", self.inputs.len() + k, self.steps[k])
    }

    /// How many values use each value.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.inputs.len() + self.steps.len()];
        self.steps.iter().flat_map(Step::inputs).for_each(|i| uses[i] += 1);
        uses
    }

    /// The most steps in a row, each using the one before.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.inputs.len()];
        for step in &self.steps {
            depths.push(1 + step.inputs().iter().map(|&i| depths[i]).max().unwrap_or(0));
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// The inputs' numbers: both signs, at most 2 in size.
    pub(super) fn tensors(&self) -> Vec<Tensor<f64>> {
        let draw = |(i, dims): (usize, &Vec<usize>)| {
            let mut stream = Stream::new(self.seed, Purpose::Probe, i as u64);
            let shape = Shape::new(dims).expect("few axes");
            Tensor::filled(shape, (0..shape.len()).map(|_| stream.uniform_in(-2.0, 2.0)).collect())
        };
        self.inputs.iter().enumerate().map(draw).collect()
    }
}

impl Program for Graph {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let mut values = inputs.to_vec();
        for step in &self.steps {
            values.push(step.record(tape, &values)?);
        }
        let mut is_joined = vec![true; values.len()];
        let used = self.steps.iter().flat_map(Step::inputs).filter(|&i| i >= inputs.len());
        used.for_each(|i| is_joined[i] = false);
        let parts = values.iter().zip(is_joined).filter(|(_, joined)| *joined);
        let parts = parts.map(|(v, _)| v.reshape([v.shape().len()])).collect::<Result<Vec<_>>>()?;
        Var::concat(&parts, 0)
    }
}

/// The shape of an input.
fn shape(stream: &mut Stream) -> Vec<usize> {
    loop {
        let dims: Vec<usize> =
            (0..within(stream, Plan::AXES)).map(|_| within(stream, Plan::LENGTHS)).collect();
        if dims.iter().product::<usize>() <= Plan::MAX_INPUT {
            return dims;
        }
    }
}
