//! The `anact` command as a person and as a program meet it.

mod bench;
mod command;
mod data;
mod factors;
mod gradients;
mod moments;
mod program;
mod resume;
mod study;
mod theory;
