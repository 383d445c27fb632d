//! Pooling layers. None has state.

use autograd::{Result, Scalar, Var, ops};

use crate::context::Context;
use crate::layer::Layer;

/// The largest value of each window; see [`ops::MaxPool2d`].
#[derive(Debug, Clone, Copy)]
pub struct MaxPool2d(pub ops::MaxPool2d);

impl<S: Scalar> Layer<S> for MaxPool2d {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.max_pool2d(self.0)
    }
}

/// The mean of each window; see [`ops::AvgPool2d`].
#[derive(Debug, Clone, Copy)]
pub struct AvgPool2d(pub ops::AvgPool2d);

impl<S: Scalar> Layer<S> for AvgPool2d {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.avg_pool2d(self.0)
    }
}

/// The mean of each channel: [N, C, H, W] to [N, C].
#[derive(Debug, Clone, Copy)]
pub struct GlobalAvgPool;

impl<S: Scalar> Layer<S> for GlobalAvgPool {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.global_avg_pool()
    }
}
