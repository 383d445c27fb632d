//! Derivatives of higher order across the crates: whole networks, the normalized node, PyTorch's values.

mod golden;
mod network;
mod node;
mod small_net;

use autograd::random::{Purpose, Stream};
use autograd::{Program, Shape, Tensor, higher};

fn normal(shape: impl Into<Shape>, seed: u64) -> Tensor<f64> {
    let (shape, mut stream) = (shape.into(), Stream::new(seed, Purpose::Probe, 3));
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// A direction: numbers between −1 and 1, so that no coordinate moves by more than the step of a difference.
fn direction(x: &[Tensor<f64>], seed: u64) -> Vec<Tensor<f64>> {
    let mut stream = Stream::new(seed, Purpose::Probe, 4);
    let mut draw = |x: &Tensor<f64>| {
        Tensor::filled(x.shape(), (0..x.len()).map(|_| stream.uniform_in(-1.0, 1.0)).collect())
    };
    x.iter().map(&mut draw).collect()
}

fn flat(x: &[Tensor<f64>]) -> Vec<f64> {
    x.iter().flat_map(|x| x.data().to_vec()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest absolute entry; NaN if there is one.
fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| autograd::check::worse(m, x.abs()))
}

/// Largest distance relative to the largest entry wanted.
fn error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    largest(&got.iter().zip(want).map(|(a, b)| a - b).collect::<Vec<_>>()) / largest(want)
}

/// The worst error of H·v against central differences of the f64 gradient as returned, as a share of what the checker's
/// policy allows each entry: h = 1e-5·max(1, |x|), 1e-8 + 1e-6·size.
fn difference_error(f: &impl Program, x: &[Tensor<f64>], v: &[Tensor<f64>]) -> f64 {
    let h = 1e-5 * largest(&flat(x)).max(1.0);
    let gradient = |h: f64| {
        let pair = |(x, v): (&Tensor<f64>, &Tensor<f64>)| {
            Tensor::filled(x.shape(), x.data().iter().zip(v.data()).map(|(x, v)| x + h * v).collect())
        };
        let moved: Vec<_> = x.iter().zip(v).map(pair).collect();
        flat(&higher::gradient(f, &moved).unwrap().1)
    };
    let (above, below) = (gradient(h), gradient(-h));
    let product = flat(&higher::hvp(f, x, v).unwrap().product);
    let share = |((a, b), p): ((&f64, &f64), &f64)| {
        let difference = (a - b) / (2.0 * h);
        (difference - p).abs() / (1e-8 + 1e-6 * difference.abs().max(p.abs()))
    };
    largest(&above.iter().zip(&below).zip(&product).map(share).collect::<Vec<_>>())
}

/// |⟨w, H v⟩ − ⟨v, H w⟩| relative to √n times the largest entry of both products, for two random directions.
fn asymmetry(f: &impl Program, x: &[Tensor<f64>]) -> f64 {
    let (v, w) = (direction(x, 1), direction(x, 2));
    let product = |v: &[Tensor<f64>]| flat(&higher::hvp(f, x, v).unwrap().product);
    let (hv, hw) = (product(&v), product(&w));
    let scale = largest(&hv).max(largest(&hw)) * (hv.len() as f64).sqrt();
    (dot(&flat(&w), &hv) - dot(&flat(&v), &hw)).abs() / scale
}
