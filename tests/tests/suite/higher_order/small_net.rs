//! The network of `tests/golden/hvp.json`.

use std::collections::BTreeMap;

use autograd::ops::activation::Swish;
use autograd::{Result, Scalar, Tensor};
use layers::{
    Activation, BatchNorm2d, BatchNormSettings, BufferMut, BuildModel, Conv2d, ConvSettings, GlobalAvgPool,
    Init, Initializer, Layer, Linear, Parameter, Sequential, Visitor, Walk,
};

/// `conv1 bn1 act pool fc`: 1 channel in, 2 inside, 3 classes.
#[derive(Debug)]
pub(crate) struct SmallNet;

impl BuildModel for SmallNet {
    fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>> {
        let mut init = Initializer::new(Init::HeNormal, 1);
        let conv = ConvSettings { inputs: 1, outputs: 2, padding: 1, bias: false, ..<_>::default() };
        Ok(Box::new(
            Sequential::new()
                .named("conv1", Conv2d::new(conv, &mut init)?)
                .named("bn1", BatchNorm2d::new(2, BatchNormSettings::default())?)
                .named("act", Activation(Swish::default()))
                .named("pool", GlobalAvgPool)
                .named("fc", Linear::new(2, 3, &mut init)),
        ))
    }
}

/// Parameters and buffers by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Numbers(pub(crate) BTreeMap<String, Tensor<f64>>);

/// Reads them all.
pub(crate) fn read<S: Scalar>(model: &mut dyn Layer<S>) -> Numbers {
    let mut numbers = Numbers::default();
    Walk::over(model, &mut numbers);
    numbers
}

impl<S: Scalar> Visitor<S> for Numbers {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        self.0.insert(name.into(), parameter.value.cast());
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let value = match buffer {
            BufferMut::Tensor(t) => t.cast(),
            BufferMut::Values(v) => Tensor::vector(v.clone()),
            BufferMut::Count(n) => Tensor::scalar(*n as f64),
        };
        self.0.insert(name.into(), value);
    }
}

/// Sets those that are named.
pub(crate) struct Write<'a>(pub(crate) &'a BTreeMap<String, Tensor<f64>>);

impl<S: Scalar> Visitor<S> for Write<'_> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if let Some(value) = self.0.get(name) {
            parameter.value = value.cast();
        }
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        if let (BufferMut::Tensor(kept), Some(value)) = (buffer, self.0.get(name)) {
            *kept = value.cast();
        }
    }
}
