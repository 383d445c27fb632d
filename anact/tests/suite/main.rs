//! The node, its twin and the theory, against values from outside and against each other.

mod after_norm;
mod degenerate;
mod gaussian;
mod gaussian_more;
mod gaussian_routes;
mod golden;
mod gradients;
mod groups;
mod per_sample;
mod reference;
mod rivals;
mod twin;
