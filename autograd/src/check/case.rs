//! A function, its inputs, and what is to be expected of it.

use std::fmt;
use std::sync::Arc;

use super::program::{AnyScalar, CheckedOp, Of, Single};
use super::sample;
use crate::elementwise::{Derivative, Elementwise, Map};
use crate::program::Program;
use crate::random::{Purpose, Stream};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// One check to make. Built from an op or a [`Program`], then given one input after the other.
#[derive(Clone)]
pub struct Case {
    name: String,
    program: Arc<dyn AnyScalar>,
    inputs: Vec<Tensor<f64>>,
    bilinear: bool,
    single_tolerance: f64,
    seed: u64,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Case {
    /// A case of one op; `name` says what is special about it.
    pub fn op<O: CheckedOp>(name: &str, op: O) -> Self {
        let name = format!("{:?}, {name}", op);
        Self::with(name, Arc::new(Single(op)))
    }

    /// A case of a function made of several ops.
    pub fn of_program(name: &str, program: impl Program) -> Self {
        Self::with(name.to_string(), Arc::new(Of(program)))
    }

    fn with(name: String, program: Arc<dyn AnyScalar>) -> Self {
        Self { name, program, inputs: Vec::new(), bilinear: false, single_tolerance: 1e-5, seed: 0x5EED }
    }

    /// An input of standard normal numbers.
    #[must_use]
    pub fn normal(self, shape: impl Into<Shape>) -> Self {
        self.clear_of(shape, &[])
    }

    /// An input of standard normal numbers with distance at least 0.01 from every kink.
    #[must_use]
    pub fn clear_of(mut self, shape: impl Into<Shape>, kinks: &[f64]) -> Self {
        let data = sample::clear_of(&mut self.stream(), shape.into(), kinks);
        self.inputs.push(data);
        self
    }

    /// An input of numbers between 0.3 and 2.3.
    #[must_use]
    pub fn positive(mut self, shape: impl Into<Shape>) -> Self {
        let data = sample::uniform(&mut self.stream(), shape.into(), 0.3, 2.3);
        self.inputs.push(data);
        self
    }

    /// An input of distinct numbers of both signs, at least 0.05 apart, in random order: no maximum is a near tie.
    #[must_use]
    pub fn distinct(mut self, shape: impl Into<Shape>) -> Self {
        let data = sample::distinct(&mut self.stream(), shape.into());
        self.inputs.push(data);
        self
    }

    /// An input with the given numbers.
    #[must_use]
    pub fn values(mut self, input: Tensor<f64>) -> Self {
        self.inputs.push(input);
        self
    }

    /// Linear in each input: finite differences are then exact for any step, and are held to 1e-11.
    #[must_use]
    pub fn bilinear(mut self) -> Self {
        self.bilinear = true;
        self
    }

    /// How far f32 may be from f64, relative to the largest entry; 1e-5 unless the case is ill-conditioned.
    #[must_use]
    pub fn single_tolerance(mut self, tolerance: f64) -> Self {
        self.single_tolerance = tolerance;
        self
    }

    /// Another seed than that of all cases, for the inputs to come, the cotangent and the directions.
    #[must_use]
    pub(super) fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The op with its settings and what is special about the case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inputs.
    pub fn inputs(&self) -> &[Tensor<f64>] {
        &self.inputs
    }

    pub(crate) fn program(&self) -> &dyn AnyScalar {
        &*self.program
    }

    pub(super) fn is_bilinear(&self) -> bool {
        self.bilinear
    }

    pub(super) fn f32_tolerance(&self) -> f64 {
        self.single_tolerance
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Every input has a stream of its own.
    fn stream(&self) -> Stream {
        Stream::new(self.seed, Purpose::Probe, self.inputs.len() as u64)
    }
}

/// The cases of an elementwise function: `f` against `df`, and `df` against `d2f`, for the default member of the
/// family and for another one.
pub fn elementwise_cases<E: Elementwise>() -> Vec<Case> {
    let mut members = vec![E::default()];
    if let Some(p) = E::PARAMETER {
        let other = (p.default * 1.5 + 0.1).clamp(p.min, p.max);
        members.push(E::with_parameter(other));
    }
    let case = |mut case: Case| {
        let input = sample::domain(&mut case.stream(), E::DOMAIN, E::KINKS);
        case.inputs.push(input);
        case
    };
    members
        .into_iter()
        .flat_map(|e| {
            let named = |what: &str| format!("{}, {what}", e.label());
            let mut second = case(Case::op("", Map(Derivative(e))));
            second.name = named("second derivative");
            let mut first = case(Case::op("", Map(e)));
            first.name = named("derivative");
            [first, second]
        })
        .collect()
}
