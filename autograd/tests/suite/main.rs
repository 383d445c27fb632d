//! Tests of the engine's public face, in one binary: PyTorch's values, and laws over all ops and activations.

mod activation_laws;
mod golden;
mod golden_activations;
mod golden_conv_pool_norm;
mod golden_ops;
mod layout_laws;
mod looking;
mod memory;
