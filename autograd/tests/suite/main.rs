//! Tests of the engine's public face, in one binary: PyTorch's values, laws over all ops and activations, gradients
//! sample by sample.

mod activation_laws;
mod elementary;
mod golden;
mod golden_activations;
mod golden_conv_pool_norm;
mod golden_ops;
mod higher_order;
mod layout_laws;
mod looking;
mod memory;
mod per_sample;
