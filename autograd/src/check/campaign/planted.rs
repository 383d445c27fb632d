//! An op that is wrong on purpose.

use crate::error::Result;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// What is wrong with the gradient of x², which may be planted in a graph to see whether a check finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Nothing: the control.
    None,
    /// The gradient times 1.001.
    Factor,
    /// The gradient negated.
    Sign,
    /// x·x with the gradient of one of its two uses only.
    MissingUse,
    /// The first element's gradient is dropped.
    MissingElement,
    /// The first element's gradient is NaN.
    NotANumber,
    /// The gradient is right and loses its tangents, so that second derivatives are wrong.
    LostTangents,
}

const NAME: &str = "planted square";

/// y = x² of every element, with a gradient that is wrong in a chosen way.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlantedSquare(pub(super) Bug);

impl Bug {
    /// Every one that is wrong, with the name that commands know it by and what it does.
    pub const ALL: &[(&str, Self, &str)] = &[
        ("factor", Self::Factor, "the gradient times 1.001"),
        ("sign", Self::Sign, "the gradient negated"),
        ("missing-use", Self::MissingUse, "the gradient of one of two uses"),
        ("missing-element", Self::MissingElement, "no gradient for the first element"),
        ("nan", Self::NotANumber, "NaN for the first element"),
        ("lost-tangents", Self::LostTangents, "the right gradient, constant to second derivatives"),
    ];
}

impl<S: Scalar> Op<S> for PlantedSquare {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        Ok(Forward::of(Tensor::filled(x.shape(), x.data().iter().map(|&x| x * x).collect())))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let factor = match self.0 {
            Bug::None | Bug::MissingElement | Bug::NotANumber | Bug::LostTangents => 2.0,
            Bug::Factor => 2.002,
            Bug::Sign => -2.0,
            Bug::MissingUse => 1.0,
        };
        let slope = S::from_f64(factor);
        let x = cx.inputs[0];
        let seen = |x: S| if self.0 == Bug::LostTangents { S::from_f64(x.to_f64()) } else { x };
        let pairs = x.data().iter().zip(cx.upstream.data());
        let mut g: Vec<S> = pairs.map(|(&x, &g)| slope * seen(x) * g).collect();
        match self.0 {
            Bug::MissingElement => g[0] = S::ZERO,
            Bug::NotANumber => g[0] = S::from_f64(f64::NAN),
            _ => {}
        }
        vec![Some(Tensor::filled(x.shape(), g))]
    }
}
