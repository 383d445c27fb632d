//! The `anact` command as a person and as a program meet it.

mod bench;
mod campaign;
mod command;
mod compare;
mod dashboard;
mod data;
mod factors;
mod faults;
mod gradients;
mod logs;
mod moments;
mod output;
mod plan;
mod program;
mod resume;
mod study;
mod theory;
