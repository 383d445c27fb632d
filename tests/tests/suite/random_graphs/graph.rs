//! A whole graph as plain data, and the reading of random draws as one.

use autograd::check::{Case, Program};
use autograd::random::{Purpose, Stream};
use autograd::{Dual, Keep, Result, Scalar, Shape, Tape, Tensor, Var};

use super::planted::Bug;
use super::step::Step;
use super::table::{Choices, TABLE};

/// Results with more elements are left out: every partial derivative of every input is to be checked.
const MAX_ELEMENTS: usize = 48;
/// Results above this size are scaled down, by a power of two.
const MAX_VALUE: f64 = 4.0;
/// So are results that move more than this when the inputs do by 1: finite differences need a tame third derivative.
const MAX_SLOPE: f64 = 16.0;
/// The step of a finite difference, even enlarged by the steepest step, is far smaller.
const CLEARANCE: f64 = 0.02;

/// What a step is made by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row {
    /// A row of [`TABLE`].
    Table(usize),
    /// x², with the right gradient for now.
    Planted,
}

/// What proptest draws for one step: its row, two operands counted back from the newest value, and a number from
/// which everything else follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) row: Row,
    pub(crate) operands: [usize; 2],
    pub(crate) choice: u32,
}

/// A function of `inputs`: a list of steps, whose value is every input and every unused result, joined in one vector.
///
/// Joining them means that no step is in vain, and that every input has partial derivatives of size 1 besides those
/// to be tested: "relative to the largest entry" has a meaning even where the rest cancels, as in the sum of a softmax.
#[derive(Clone, PartialEq)]
pub(crate) struct Graph {
    pub(crate) inputs: Vec<Vec<usize>>,
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

/// Numbered as the steps refer to them.
impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "graph of inputs drawn from seed {}", self.seed)?;
        self.inputs.iter().enumerate().try_for_each(|(i, dims)| writeln!(f, "  %{i} = input {dims:?}"))?;
        let steps = self.steps.iter().enumerate();
        steps
            .map(|(i, step)| (i + self.inputs.len(), step))
            .try_for_each(|(i, step)| writeln!(f, "  %{i} = {step:?}"))
    }
}

impl Graph {
    /// Reads `draws` as a graph. Every list of draws is one, so proptest may shorten and simplify it at will: operands
    /// wrap around, a draw that fits nowhere is left out, and what an op needs (a positive base, a matrix) is made.
    pub(crate) fn read(inputs: Vec<Vec<usize>>, seed: u64, draws: &[Draw]) -> Self {
        let tape = Tape::new();
        let mut builder = Builder::new(&tape, Self { inputs, seed, steps: Vec::new() });
        for draw in draws {
            builder.operands = draw.operands;
            let mut choices = Choices(draw.choice);
            // `None` is a draw that does not fit; what it made on the way stays, as values like others.
            let _ = match draw.row {
                Row::Table(row) => TABLE[row].1(&mut builder, &mut choices),
                Row::Planted => builder.push(Step::Planted(builder.first(), Bug::None)),
            };
        }
        builder.graph
    }

    /// The case that checks this graph.
    pub(crate) fn case(&self) -> Case {
        // One number may be the small sum of large ones; f32 is held to what it can then do.
        let case = Case::of_program(&format!("{self:?}"), self.clone()).single_tolerance(1e-3);
        self.tensors().into_iter().fold(case, Case::values)
    }

    /// The same graph with another gradient of its planted op.
    pub(crate) fn with_bug(&self, bug: Bug) -> Self {
        let mut graph = self.clone();
        for step in &mut graph.steps {
            if let Step::Planted(_, planted) = step {
                *planted = bug;
            }
        }
        graph
    }

    /// The largest change of a gradient from `self` to `other`, relative to the largest entry, for the cotangent that
    /// is 1 throughout. Backward passes only.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let (a, b) = (self.gradients(), other.gradients());
        let largest = |x: &mut dyn Iterator<Item = f64>| x.fold(0.0, |m: f64, x| m.max(x.abs()));
        let pair = |(a, b): (&Tensor<f64>, &Tensor<f64>)| {
            let change = largest(&mut a.data().iter().zip(b.data()).map(|(a, b)| a - b));
            change / largest(&mut a.data().iter().copied())
        };
        largest(&mut a.iter().zip(&b).map(pair))
    }

    fn gradients(&self) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let inputs: Vec<_> = self.tensors().into_iter().map(|x| tape.variable(x)).collect();
        let value = self.run(&tape, &inputs).expect("the graph was recorded before");
        let gradients = tape.backward_from(value, Tensor::full(value.shape(), 1.0), Keep::Leaves);
        let gradients = gradients.expect("the value has a gradient");
        inputs.iter().map(|&x| gradients.wrt(x).expect("every input is joined")).collect()
    }

    /// The names of the ops on the tape.
    pub(crate) fn op_names(&self) -> Vec<&'static str> {
        let tape = Tape::<f64>::new();
        let inputs: Vec<_> = self.tensors().into_iter().map(|x| tape.variable(x)).collect();
        self.run(&tape, &inputs).expect("the graph was recorded before");
        tape.vars().map(Var::op_name).collect()
    }

    /// How many values use each value.
    pub(crate) fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.inputs.len() + self.steps.len()];
        self.steps.iter().flat_map(Step::inputs).for_each(|i| uses[i] += 1);
        uses
    }

    /// The most steps in a row, each using the one before.
    pub(crate) fn depth(&self) -> usize {
        let mut depths = vec![0; self.inputs.len()];
        for step in &self.steps {
            depths.push(1 + step.inputs().iter().map(|&i| depths[i]).max().unwrap_or(0));
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// The inputs' numbers: both signs, at most 2 in size.
    fn tensors(&self) -> Vec<Tensor<f64>> {
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

/// Records the graph while it is read, over dual numbers along one random direction, so that sizes and slopes are
/// known. Only forward passes are used: a wrong gradient cannot hide itself here.
pub(crate) struct Builder<'t> {
    graph: Graph,
    tape: &'t Tape<Dual<f64>>,
    values: Vec<Var<'t, Dual<f64>>>,
    /// The values that steps may use: all but those that had to be scaled down.
    usable: Vec<usize>,
    operands: [usize; 2],
}

impl<'t> Builder<'t> {
    fn new(tape: &'t Tape<Dual<f64>>, graph: Graph) -> Self {
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
    pub(crate) fn push(&mut self, step: Step) -> Option<usize> {
        let value = step.record(self.tape, &self.values);
        let value = value.unwrap_or_else(|e| panic!("{e}: {step:?} after {:?}", self.graph));
        if value.shape().len() > MAX_ELEMENTS {
            return None;
        }
        self.graph.steps.push(step);
        self.values.push(value);
        let index = self.values.len() - 1;
        let largest = |part: fn(&Dual<f64>) -> f64| {
            value.value().data().iter().map(part).fold(0.0, |m, x| x.abs().max(m))
        };
        let excess = (largest(|x| x.value) / MAX_VALUE).max(largest(|x| x.tangent) / MAX_SLOPE);
        assert!(excess.is_finite(), "a value is not finite after {:?}", self.graph);
        if excess > 1.0 {
            return self.push(Step::Scale(index, (-excess.log2().ceil()).exp2()));
        }
        self.usable.push(index);
        Some(index)
    }

    /// The first operand drawn.
    pub(crate) fn first(&self) -> usize {
        let count = self.usable.len();
        self.usable[count - 1 - self.operands[0] % count]
    }

    /// The second operand drawn, or the next older value that `fits`, starting again from the newest.
    pub(crate) fn second(&self, fits: impl Fn(&[usize]) -> bool) -> Option<usize> {
        let count = self.usable.len();
        let mut places = (0..count).map(|k| self.usable[count - 1 - (self.operands[1] + k) % count]);
        places.find(|&i| fits(&self.dims(i)))
    }

    /// Axis lengths of a value.
    pub(crate) fn dims(&self, value: usize) -> Vec<usize> {
        self.values[value].shape().dims().to_vec()
    }

    /// The smallest and the largest element.
    pub(crate) fn range(&self, value: usize) -> (f64, f64) {
        let value = self.values[value].value();
        let fold =
            |start, pick: fn(f64, f64) -> f64| value.data().iter().fold(start, |m, x| pick(m, x.to_f64()));
        (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max))
    }

    /// Whether no element is near one of `kinks`.
    pub(crate) fn is_clear_of(&self, value: usize, kinks: &[f64]) -> bool {
        let value = self.values[value].value();
        value.data().iter().all(|x| kinks.iter().all(|k| (x.to_f64() - k).abs() > CLEARANCE))
    }
}
