//! A model's state in the safetensors format, under torchvision's names, and named arrays in that format at large.
//!
//! Writing: [`to_safetensors`] stores parameters and buffers in the model's precision, f64 values as F64 and counts
//! as I64, so that the file opens in any framework that reads safetensors. Reading: [`load_safetensors`] takes a
//! state of either precision, and takes it whole or not at all. Only bytes are seen here; files are the caller's.

mod array;
mod error;
mod load;
mod read;
mod write;

pub use array::{Array, encode};
pub use error::{Misfit, WeightsError};
pub use load::load_safetensors;
pub use read::StoredArrays;
pub use write::{State, state, to_safetensors};

/// The model that the tests write and read.
#[cfg(test)]
mod testing {
    use autograd::{Scalar, Tape, Tensor};

    use crate::batch_norm::BatchNorm2d;
    use crate::context::Context;
    use crate::conv::{Conv2d, ConvSettings};
    use crate::init::{Init, Initializer};
    use crate::layer::Layer;
    use crate::layer::testing::{scattered, set};
    use crate::linear::Linear;
    use crate::pooling::GlobalAvgPool;
    use crate::sequential::Sequential;

    /// A model after one step, so that no buffer holds its first value.
    pub(super) fn model<S: Scalar>(seed: u64) -> Sequential<S> {
        let mut init = Initializer::new(Init::HeNormal, seed);
        let conv = ConvSettings { inputs: 2, outputs: 3, bias: true, ..<_>::default() };
        let mut model = Sequential::new()
            .named("conv1", Conv2d::new(conv, &mut init).unwrap())
            .named("bn1", BatchNorm2d::new(3, <_>::default()).unwrap())
            .named("pool", GlobalAvgPool)
            .named("fc", Linear::new(3, 4, &mut init));
        set(&mut model, "conv1.bias", &[0.1, -0.2, 0.3]);
        let x = scattered(2 * 2 * 5 * 5).into_iter().map(S::from_f64).collect();
        let tape = Tape::new();
        let x = tape.constant(Tensor::new([2, 2, 5, 5], x).unwrap());
        model.forward(&Context::train(&tape, 0, 0), x).unwrap();
        model
    }
}
