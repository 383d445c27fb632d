//! Tests across the crates, in one binary.

mod checkpoint_blocks;
mod conv_geometries;
mod edges;
mod higher_order;
mod hostile;
mod inventories;
mod looking;
mod models;
mod per_sample;
mod random_graphs;
mod readers;
mod reproducibility;
mod tidy;
mod variants;
