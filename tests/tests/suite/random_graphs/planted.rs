//! An op that is wrong on purpose.

use autograd::{Backward, Forward, Op, Result, Scalar, Tensor, inputs_of};

/// What is wrong with the gradient of [`PlantedSquare`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bug {
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
    /// The gradient is right and loses its tangents, so that second derivatives are wrong.
    LostTangents,
}

/// y = x² of every element, with a gradient that is wrong in a chosen way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlantedSquare(pub(crate) Bug);

impl<S: Scalar> Op<S> for PlantedSquare {
    fn name(&self) -> &'static str {
        "planted square"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("planted square", inputs, "1")?;
        Ok(Forward::of(Tensor::filled(x.shape(), x.data().iter().map(|&x| x * x).collect())))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let factor = match self.0 {
            Bug::None | Bug::MissingElement | Bug::LostTangents => 2.0,
            Bug::Factor => 2.002,
            Bug::Sign => -2.0,
            Bug::MissingUse => 1.0,
        };
        let slope = S::from_f64(factor);
        let x = cx.inputs[0];
        let seen = |x: S| if self.0 == Bug::LostTangents { S::from_f64(x.to_f64()) } else { x };
        let pairs = x.data().iter().zip(cx.upstream.data());
        let mut g: Vec<S> = pairs.map(|(&x, &g)| slope * seen(x) * g).collect();
        if self.0 == Bug::MissingElement {
            g[0] = S::ZERO;
        }
        vec![Some(Tensor::filled(x.shape(), g))]
    }
}
