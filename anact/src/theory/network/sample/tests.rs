//! The rules by themselves.

use autograd::ops::activation::{Swish, Tanh};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor, Var, ops};

use super::linear::Linear;
use super::run::run;
use super::state::{Layout, Mode, State};
use super::*;

fn normal(shape: impl Into<Shape>, index: u64) -> Tensor<f64> {
    let (shape, mut stream) = (shape.into(), Stream::new(9, Purpose::Probe, index));
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// By Monte Carlo over all weights that map x to z: E[g gᵀ] of g = Wᵀδ, for δ of a covariance with one strong direction.
#[test]
fn a_weight_layer_returns_what_it_knows() {
    let (n, outputs, draws) = (4, 6, 200_000);
    let tape = Tape::new();
    let (x, w) = (tape.variable(normal([1, n], 0)), tape.variable(normal([n, outputs], 1)));
    let z = x.matmul(w).unwrap();
    let (x, z) = (x.value().data().to_vec(), z.value());
    let linear = Linear::of(tape.vars().last().unwrap()).unwrap();
    let weight = w.value().data().iter().map(|w| w * w).sum::<f64>() / (n * outputs) as f64;
    let direction = normal([1, outputs], 2).data().to_vec();
    let state = State {
        layout: Layout::of(z.shape()).unwrap(),
        diagonal: (0..outputs).map(|k| 0.5 + 0.1 * k as f64).collect(),
        modes: vec![Mode { direction: direction.clone(), strength: vec![3.0] }],
    };
    let back = linear.back(x.clone(), z.data(), &state, Theory::TwoState);

    let mut stream = Stream::new(9, Purpose::Probe, 3);
    let x2: f64 = x.iter().map(|x| x * x).sum();
    let mut products = vec![0.0; n * n];
    for _ in 0..draws {
        let common = 3f64.sqrt() * stream.normal();
        let delta: Vec<f64> = (0..outputs)
            .map(|k| state.diagonal[k].sqrt() * stream.normal() + common * direction[k])
            .collect();
        let mut g = vec![0.0; n];
        for (k, delta) in delta.iter().enumerate() {
            let row: Vec<f64> = (0..n).map(|_| weight.sqrt() * stream.normal()).collect();
            // The row that maps x to z_k: what it does along x is replaced.
            let along: f64 = row.iter().zip(&x).map(|(w, x)| w * x).sum();
            for i in 0..n {
                g[i] += delta * (row[i] + (z.data()[k] - along) * x[i] / x2);
            }
        }
        (0..n * n).for_each(|ij| products[ij] += g[ij / n] * g[ij % n] / draws as f64);
    }
    let mode = &back.modes[0];
    let size = back.mean();
    for (ij, got) in products.iter().enumerate() {
        let (i, j) = (ij / n, ij % n);
        let own = if i == j { back.diagonal[i] } else { 0.0 };
        let want = own + mode.strength[0] * mode.direction[i] * mode.direction[j];
        // A product of Gaussians has a standard deviation of at most 2 of its size: 5 standard errors.
        let allowed = 5.0 * 2.0 * n as f64 * size / f64::from(draws).sqrt();
        assert!((got - want).abs() < allowed, "({i}, {j}): {got} {want} ± {allowed}");
    }
}

/// T ← m T + c Δ and Δ ← (a² − c/n) Δ + (b − m) T/n, for |z| = |x|: section 7 of the derivation.
#[test]
fn a_dense_layer_follows_the_recursion_of_two_numbers() {
    let n = 7;
    let tape = Tape::new();
    let below = tape.variable(normal([1, n], 0));
    let h = below.map(Tanh);
    // A reflection that takes h to a vector of the same length: an orthogonal matrix, Var[w] = 1/n.
    let v = normal([1, n], 4).data().to_vec();
    let v2: f64 = v.iter().map(|v| v * v).sum();
    let entry = |ij: usize| f64::from(u8::from(ij / n == ij % n)) - 2.0 * v[ij / n] * v[ij % n] / v2;
    let householder = (0..n * n).map(entry).collect();
    let w = tape.variable(Tensor::filled(Shape::from([n, n]), householder));
    let z = h.matmul(w).unwrap();
    let (zs, hs, us) = (values(below), values(h), values(z));
    let layout = Layout::of(z.shape()).unwrap();
    let state = State {
        layout,
        diagonal: vec![0.7; n],
        modes: vec![Mode { direction: us.clone(), strength: vec![0.4] }],
    };
    let two = |v: &[f64], state: &State| {
        let v2: f64 = v.iter().map(|v| v * v).sum();
        let t = state.length(0) / n as f64;
        (t, state.along(v, 0) / v2 / n as f64 - t / n as f64)
    };
    let (t, delta) = two(&us, &state);
    let at_h = Linear::of(z).unwrap().back(hs.clone(), &us, &state, Theory::TwoState);
    let slope = |i: usize| 1.0 - hs[i] * hs[i];
    let at_z = at_h.through(slope);

    let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
    let (z2, h2) = (mean(&|i| zs[i] * zs[i]), mean(&|i| hs[i] * hs[i]));
    let m = mean(&|i| slope(i).powi(2));
    let a = mean(&|i| zs[i] * hs[i] * slope(i)) / (z2 * h2).sqrt();
    let b = mean(&|i| (zs[i] * slope(i)).powi(2)) / z2;
    let c = mean(&|i| (hs[i] * slope(i)).powi(2)) / h2;
    let want = (m * t + c * delta, (a * a - c / n as f64) * delta + (b - m) * t / n as f64);
    let got = two(&zs, &at_z);
    assert!((got.0 - want.0).abs() < 1e-14 && (got.1 - want.1).abs() < 1e-14, "{got:?} {want:?}");
}

/// Where no weight is drawn nothing is left to expectation: the state of a known gradient is the tape's gradient, squared.
#[test]
fn without_weights_the_state_is_the_gradient() {
    let tape = Tape::new();
    let pools: [fn(Var<'_, f64>) -> Var<'_, f64>; 3] = [
        |x| x.max_pool2d(ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] }).unwrap(),
        |x| {
            let window =
                ops::AvgPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2], count_include_pad: true };
            x.avg_pool2d(window).unwrap()
        },
        |x| x.global_avg_pool().unwrap(),
    ];
    for (k, pool) in pools.into_iter().enumerate() {
        // A sum, so that the state is looked at at a node with a rule and not at a leaf.
        let x = tape.variable(normal([3, 2, 4, 6], 10)) + tape.variable(normal([3, 2, 4, 6], 11));
        let pooled = pool(x.map(Swish::default()).scale(-1.5));
        let flat = pooled.reshape([3, pooled.shape().len() / 3]).unwrap().map(Tanh);
        let cotangent = normal(flat.shape(), 12);
        let gradients = tape.backward_from(flat, cotangent.clone(), Keep::All).unwrap();
        let mut seen = 0;
        for theory in [Theory::PerUnit, Theory::TwoState] {
            run(&tape, flat, &cotangent, theory, &mut |node, state| {
                if node.id() == x.id() {
                    seen += 1;
                    let got = state.clone().forgetting().diagonal;
                    for (got, g) in got.iter().zip(gradients.wrt(x).unwrap().data()) {
                        assert!((got - g * g).abs() < 1e-14, "pool {k}: {got} {}", g * g);
                    }
                }
            });
        }
        assert_eq!(seen, 2);
    }
}

/// A mode may take away from the diagonal; asking along and across it shows that its direction went the same way.
#[test]
fn a_mode_that_takes_away_keeps_its_direction() {
    let layout = Layout::of(Shape::from([1, 3])).unwrap();
    let mode = Mode { direction: vec![3.0, 0.0, 4.0], strength: vec![-0.02] };
    let state = State { layout, diagonal: vec![1.0; 3], modes: vec![mode] };
    // Along w: |w|²·1 − 0.02·|w|⁴ = 25 − 12.5; across it nothing is missing.
    assert!((state.along(&[3.0, 0.0, 4.0], 0) - 12.5).abs() < 1e-12);
    assert!((state.along(&[4.0, 0.0, -3.0], 0) - 25.0).abs() < 1e-12);
    assert!((state.length(0) - 2.5).abs() < 1e-12);
    // Through diag(2, 1, −1) the same question is asked of w turned by it.
    let turned = state.through(|i| [2.0, 1.0, -1.0][i]);
    let want = 6.0 * 6.0 * 4.0 + 16.0 - 0.02 * (36.0f64 + 16.0).powi(2);
    assert!((turned.along(&[6.0, 0.0, -4.0], 0) - want).abs() < 1e-12);
    assert!((turned.clone().forgetting().length(0) - turned.length(0)).abs() < 1e-12);
}

/// x + x has the slope 2: four times the second moment, not the two of independent branches.
#[test]
fn a_value_added_to_itself_is_doubled() {
    let tape = Tape::new();
    let x = tape.variable(normal([2, 3], 0)).map(Tanh);
    let y = x + x;
    let cotangent = normal([2, 3], 1);
    run(&tape, y, &cotangent, Theory::PerUnit, &mut |node, state| {
        if node.id() == x.id() {
            for (got, g) in state.diagonal.iter().zip(cotangent.data()) {
                assert!((got - 4.0 * g * g).abs() < 1e-14);
            }
        }
    });
}

/// Values without samples, a value of zeros, a single place: no number comes from nothing, and none is NaN.
#[test]
fn degenerate_values_have_a_defined_result() {
    assert_eq!(Layout::of(Shape::from([0, 3])), None);
    assert_eq!(Layout::of(Shape::from([3])), None);
    assert_eq!(log_spread([1.0]), None);
    assert_eq!(log_spread([0.0, f64::NAN, f64::INFINITY, 2.0]), None);
    let tape = Tape::new();
    let (x, w) = (tape.variable(Tensor::full([2, 3], 0.0)), tape.variable(normal([3, 3], 0)));
    let z = x.map(Tanh).matmul(w).unwrap();
    let mut means = Vec::new();
    run(&tape, z, &normal([2, 3], 1), Theory::TwoState, &mut |_, state| means.push(state.mean()));
    assert_eq!(means.len(), 2);
    assert!(means.iter().all(|m| m.is_finite() && *m > 0.0), "{means:?}");
}
