//! Derivatives along directions and of second order against closed forms, differences and each other.

mod products;
mod programs;
mod spectrum;
mod trace;

use autograd::random::{Purpose, Stream};
use autograd::{Shape, Tensor};

/// Standard normal numbers.
fn normal(shape: impl Into<Shape>, seed: u64) -> Tensor<f64> {
    let (shape, mut stream) = (shape.into(), Stream::new(seed, Purpose::Probe, 7));
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// All numbers, tensor after tensor.
fn flat(x: &[Tensor<f64>]) -> Vec<f64> {
    x.iter().flat_map(|x| x.data().to_vec()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) })
}

/// Largest distance relative to the largest entry wanted, or absolute if that is 0.
fn error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let size = largest(want);
    let apart: Vec<f64> = got.iter().zip(want).map(|(a, b)| a - b).collect();
    largest(&apart) / if size == 0.0 { 1.0 } else { size }
}
