//! What stands in front of a pre-activated block's convolutions.

use autograd::{Result, Scalar, Var};

use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::context::Context;
use crate::layer::{Layer, Walk};

/// φ₁(bn1(x)), or x where the network before has activated it already: the first block behind a stem that does.
#[derive(Debug)]
pub(super) struct Preactivation<S: Scalar>(Option<(BatchNorm2d<S>, Box<dyn Layer<S>>)>);

impl<S: Scalar> Preactivation<S> {
    pub(super) fn new(
        channels: usize,
        is_activated: bool,
        activation: MakeActivation<'_, S>,
    ) -> Result<Self> {
        if is_activated {
            return Ok(Self(None));
        }
        Ok(Self(Some((BatchNorm2d::new(channels, BatchNormSettings::default())?, activation(channels)))))
    }

    pub(super) fn record<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let Some((norm, act)) = &mut self.0 else { return Ok(x) };
        let normed = cx.norm("bn1", norm, x)?;
        cx.call_normed("act1", act.as_mut(), normed)
    }

    pub(super) fn visit(&mut self, walk: &mut Walk<'_, S>) {
        if let Some((norm, act)) = &mut self.0 {
            walk.child("bn1", norm);
            walk.child("act1", act.as_mut());
        }
    }
}
