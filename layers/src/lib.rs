//! Neural-network layers, initialisation, optimisers and models on the [`autograd`] tape.
//!
//! Modules in reading order: a [`Parameter`] is a tensor that is learnt; a [`Layer`] uses parameters to turn one
//! value on the tape into another and shows them to a [`Visitor`]; a [`Context`] says on which tape and in which
//! [`Mode`]; [`optim`] moves parameters along gradients; [`models`] builds whole networks by name; a [`NetworkLoss`] is
//! a network's loss as a function of its parameters, for derivatives of higher order.
//!
//! Nothing here knows a particular activation function: networks are given a factory, so that stateful ones get
//! a state of their own at every site.
#![forbid(unsafe_code)]

pub mod accuracy;
mod activation;
mod batch_norm;
mod context;
mod conv;
mod dropout;
mod execution;
mod flatten;
mod gathering;
pub mod init;
mod layer;
mod linear;
pub mod models;
mod network_loss;
mod normed;
pub mod optim;
mod parameter;
mod pooling;
pub mod residual;
mod sequential;
mod stochastic_depth;
pub mod weights;

pub use activation::{Activation, MakeActivation, PRelu};
pub use autograd::{Error, Result};
pub use batch_norm::{BatchNorm2d, BatchNormSettings};
pub use context::{Context, Mode};
pub use conv::{Conv2d, ConvSettings};
pub use dropout::Dropout;
pub use execution::Execution;
pub use flatten::Flatten;
pub use gathering::gather_statistics;
pub use init::{INITS, Init, InitEntry, Initializer};
pub use layer::{BufferMut, Layer, Visitor, Walk, parameter_count};
pub use linear::Linear;
pub use network_loss::{BuildModel, NetworkLoss};
pub use normed::{Normed, PendingNorm};
pub use parameter::{Parameter, Role};
pub use pooling::{AvgPool2d, GlobalAvgPool, MaxPool2d};
pub use sequential::Sequential;
pub use stochastic_depth::StochasticDepth;
