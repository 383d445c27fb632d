//! The path around a block's convolutions.

use autograd::{Result, Scalar};

use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::sequential::Sequential;

/// Option B of He et al.: nothing where shapes agree, else a 1×1 convolution with batch normalization.
pub(super) fn shortcut<S: Scalar>(
    inputs: usize,
    outputs: usize,
    stride: usize,
    init: &mut Initializer,
) -> Result<Option<Sequential<S>>> {
    let Some(conv) = projection(inputs, outputs, stride, init)? else { return Ok(None) };
    Ok(Some(Sequential::new().then(conv).then(BatchNorm2d::new(outputs, BatchNormSettings::default())?)))
}

/// The same without batch normalization, as behind a pre-activation.
pub(super) fn projection<S: Scalar>(
    inputs: usize,
    outputs: usize,
    stride: usize,
    init: &mut Initializer,
) -> Result<Option<Conv2d<S>>> {
    if inputs == outputs && stride == 1 {
        return Ok(None);
    }
    Conv2d::same(inputs, outputs, 1, stride, init).map(Some)
}
