//! Algebraic laws of the layout ops, reductions and softmax, on random shapes and numbers.

use autograd::ops::Permute;
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor, Var};
use proptest::prelude::*;

/// One to four axes; with 0 among the lengths if `empty`.
fn dims(empty: bool) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(usize::from(!empty)..7, 1..5)
}

fn normal(dims: &[usize], seed: u64) -> Tensor<f64> {
    let shape = Shape::new(dims).unwrap();
    let mut stream = Stream::new(seed, Purpose::Probe, 0);
    Tensor::new(shape, (0..shape.len()).map(|_| stream.normal()).collect()).unwrap()
}

fn bits(x: &Tensor<f64>) -> (Shape, Vec<u64>) {
    (x.shape(), x.data().iter().map(|x| x.to_bits()).collect())
}

/// The gradient of ⟨`cotangent`, y⟩ with respect to x.
fn pull(y: Var<'_, f64>, x: Var<'_, f64>, cotangent: &Tensor<f64>) -> Tensor<f64> {
    y.tape().backward_from(y, cotangent.clone(), Keep::Leaves).unwrap().wrt(x).unwrap()
}

/// The largest distance, and 0 for nothing.
fn distance(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.data().iter().zip(b.data()).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

/// A random order of 0..n.
fn order(n: usize, seed: u64) -> Vec<usize> {
    let mut stream = Stream::new(seed, Purpose::Probe, 1);
    let mut axes: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|i| axes.swap(i, stream.below(i as u64 + 1) as usize));
    axes
}

proptest! {
    /// Value and gradient come back bit for bit.
    #[test]
    fn a_permutation_and_its_inverse_cancel(dims in dims(true), seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed));
        let axes = order(dims.len(), seed);
        let there = x.permute(&axes).unwrap();
        let back = there.permute(Permute::new(&axes).unwrap().inverse().axes()).unwrap();
        prop_assert_eq!(bits(&back.value()), bits(&x.value()));
        let g = normal(&dims, !seed);
        prop_assert_eq!(bits(&pull(back, x, &g)), bits(&g));
        for (place, &axis) in axes.iter().enumerate() {
            prop_assert_eq!(there.shape().dims()[place], dims[axis]);
        }
    }

    #[test]
    fn concat_then_slice_gives_every_part_back(
        dims in dims(true), lengths in prop::collection::vec(0usize..5, 1..5), pick: usize, seed: u64
    ) {
        let axis = pick % dims.len();
        let tape = Tape::new();
        let part = |(i, &len): (usize, &usize)| {
            let mut dims = dims.clone();
            dims[axis] = len;
            tape.variable(normal(&dims, seed ^ i as u64))
        };
        let parts: Vec<_> = lengths.iter().enumerate().map(part).collect();
        let whole = Var::concat(&parts, axis).unwrap();
        let mut start = 0;
        for part in parts {
            let mut ranges: Vec<_> = dims.iter().map(|&len| 0..len).collect();
            ranges[axis] = start..start + part.shape().dims()[axis];
            start = ranges[axis].end;
            let back = whole.slice(&ranges).unwrap();
            prop_assert_eq!(bits(&back.value()), bits(&part.value()));
            let g = normal(part.shape().dims(), !seed);
            prop_assert_eq!(bits(&pull(back, part, &g)), bits(&g));
        }
    }

    #[test]
    fn pad_then_slice_is_the_identity(dims in dims(true), seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed));
        let mut stream = Stream::new(seed, Purpose::Probe, 2);
        let pads: Vec<_> = dims.iter().map(|_| (stream.below(3) as usize, stream.below(3) as usize)).collect();
        let ranges: Vec<_> = pads.iter().zip(&dims).map(|(pad, len)| pad.0..pad.0 + len).collect();
        let back = x.pad(&pads, 7.0).unwrap().slice(&ranges).unwrap();
        prop_assert_eq!(bits(&back.value()), bits(&x.value()));
        let g = normal(&dims, !seed);
        prop_assert_eq!(bits(&pull(back, x, &g)), bits(&g));
    }

    #[test]
    fn a_reshape_and_back_is_the_identity(dims in dims(true), pick: usize, seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed));
        let back = x.flatten_from(pick % dims.len()).unwrap().reshape(x.shape()).unwrap();
        prop_assert_eq!(bits(&back.value()), bits(&x.value()));
        let g = normal(&dims, !seed);
        prop_assert_eq!(bits(&pull(back, x, &g)), bits(&g));
    }

    /// Axes in a random order, one by one, against all at once; the gradient is one everywhere.
    #[test]
    fn a_sum_may_be_taken_axis_by_axis(dims in dims(true), seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed));
        let turn = order(dims.len(), seed).into_iter().fold(x, |y, axis| y.sum(&[axis], true).unwrap());
        let turn = turn.sum_all();
        prop_assert!(distance(&turn.value(), &x.sum_all().value()) <= 1e-13 * (1.0 + x.value().len() as f64));
        let gradient = pull(turn, x, &Tensor::scalar(1.0));
        prop_assert_eq!(gradient, Tensor::full(x.shape(), 1.0));
    }

    /// Var x = (n / (n − 1)) (mean x² − (mean x)²), by other ops.
    #[test]
    fn variance_is_the_mean_square_less_the_squared_mean(n in 2usize..200, seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&[n], seed));
        let mean = x.mean_all().unwrap();
        let other = ((x * x).mean_all().unwrap() - mean * mean).scale(n as f64 / (n as f64 - 1.0));
        let var = x.var_all(1).unwrap();
        prop_assert!(distance(&var.value(), &other.value()) < 1e-13);
        let one = Tensor::scalar(1.0);
        prop_assert!(distance(&pull(var, x, &one), &pull(other, x, &one)) < 1e-13);
    }

    /// Logits up to about ±1000.
    #[test]
    fn softmax_rows_are_distributions(dims in dims(false), scale in 0.0f64..300.0, seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed)).scale(scale);
        let p = x.softmax().unwrap();
        let sums = p.sum(&[dims.len() - 1], false).unwrap().value();
        prop_assert!(p.value().data().iter().all(|&p| (0.0..=1.0).contains(&p)));
        prop_assert!(distance(&sums, &Tensor::full(sums.shape(), 1.0)) < 1e-14);
        prop_assert!(distance(&p.value(), &x.log_softmax().unwrap().exp().value()) < 1e-12);
    }

    #[test]
    fn log_softmax_ignores_a_shift(dims in dims(false), shift in -100.0f64..100.0, seed: u64) {
        let tape = Tape::new();
        let x = tape.variable(normal(&dims, seed));
        let moved = (x + tape.constant(Tensor::scalar(shift))).log_softmax().unwrap();
        let still = x.log_softmax().unwrap();
        prop_assert!(distance(&moved.value(), &still.value()) < 1e-13);
        // The gradient along a shift is therefore zero.
        let g = normal(&dims, !seed);
        let along = tape.constant(pull(still, x, &g)).sum(&[dims.len() - 1], false).unwrap().value();
        prop_assert!(distance(&along, &Tensor::zeros(along.shape())) < 1e-13);
    }

    /// The loss written out with log_softmax and a table of label distributions.
    #[test]
    fn cross_entropy_is_the_written_out_sum(
        n in 1usize..7, classes in 1usize..9, smoothing in 0.0f64..0.99, seed: u64
    ) {
        let tape = Tape::new();
        let x = tape.variable(normal(&[n, classes], seed));
        let mut stream = Stream::new(seed, Purpose::Probe, 3);
        let targets: Vec<usize> = (0..n).map(|_| stream.below(classes as u64) as usize).collect();
        let mut q = Tensor::full([n, classes], smoothing / classes as f64);
        for (row, &target) in q.data_mut().chunks_mut(classes).zip(&targets) {
            row[target] += 1.0 - smoothing;
        }
        let other = (tape.constant(q) * x.log_softmax().unwrap()).sum_all().scale(-1.0 / n as f64);
        let loss = x.cross_entropy(&targets, smoothing).unwrap();
        prop_assert!(distance(&loss.value(), &other.value()) < 1e-13);
        let one = Tensor::scalar(1.0);
        prop_assert!(distance(&pull(loss, x, &one), &pull(other, x, &one)) < 1e-13);
    }

    /// (A·B)ᵀ = Bᵀ·Aᵀ, and a transposed right factor is the product with the transpose.
    #[test]
    fn products_and_transposes(m in 0usize..20, k in 0usize..20, n in 0usize..20, seed: u64) {
        let tape = Tape::new();
        let a = tape.variable(normal(&[m, k], seed));
        let b = tape.variable(normal(&[k, n], !seed));
        let y = a.matmul(b).unwrap().value();
        let other = b.transpose().unwrap().matmul(a.transpose().unwrap()).unwrap().transpose().unwrap();
        prop_assert!(distance(&y, &other.value()) < 1e-13);
        let other = a.matmul_transposed(b.transpose().unwrap()).unwrap();
        prop_assert!(distance(&y, &other.value()) < 1e-13);
    }
}
