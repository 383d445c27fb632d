//! [`higher::jvp`], [`higher::hvp`] and [`higher::hessian`].

use autograd::higher::{self, hessian, hvp, jvp};
use autograd::ops::CrossEntropy;
use autograd::{Dual, Keep, Program, Tape, Tensor};
use proptest::prelude::*;

use super::programs::{
    Constant, Direction, FirstSum, Inverse, Logistic, Quadratic, Quartic, Rosenbrock, SmallNet,
};
use super::{dot, error, flat, normal};

const ROUNDING: f64 = 1e-13;

fn times(matrix: &[f64], v: &[f64]) -> Vec<f64> {
    matrix.chunks(v.len()).map(|row| dot(row, v)).collect()
}

#[test]
fn a_quadratic_form_has_its_matrix_and_the_transpose() {
    let f = Quadratic::new(6, |i, j| ((3 * i + 5 * j) as f64).sin());
    // In any shape: H is by the elements in row-major order.
    let x = [normal([2, 3], 1)];
    let got = hessian(&f, &x).unwrap();
    assert_eq!(got.dims(), [6, 6]);
    assert!(error(got.data(), &f.hessian()) < ROUNDING, "{got:?}");
}

#[test]
fn rosenbrock_s_second_derivatives() {
    for (a, b, c) in [(1.0, 1.0, 100.0), (-1.2, 1.0, 100.0), (0.3, -2.5, 7.0)] {
        let x = [Tensor::scalar(a), Tensor::scalar(b)];
        let want = [2.0 + 12.0 * c * a * a - 4.0 * c * b, -4.0 * c * a, -4.0 * c * a, 2.0 * c];
        let got = hessian(&Rosenbrock { c }, &x).unwrap();
        assert!(error(got.data(), &want) < ROUNDING, "{got:?} {want:?}");
        let at = hvp(&Rosenbrock { c }, &x, &[Tensor::scalar(1.0), Tensor::scalar(2.0)]).unwrap();
        let value = (1.0 - a) * (1.0 - a) + c * (b - a * a) * (b - a * a);
        let gradient = [-2.0 * (1.0 - a) - 4.0 * c * a * (b - a * a), 2.0 * c * (b - a * a)];
        assert!(error(&[at.value], &[value]) < ROUNDING && error(&flat(&at.gradient), &gradient) < ROUNDING);
        assert!(error(&flat(&at.product), &[want[0] + 2.0 * want[1], want[2] + 2.0 * want[3]]) < ROUNDING);
    }
}

/// H = Xᵀ diag(p(1 − p)) X / N.
#[test]
fn logistic_regression_has_its_closed_form() {
    let (n, d) = (11, 4);
    let labels = Tensor::new([n, 1], (0..n).map(|i| f64::from(i % 3 == 0)).collect()).unwrap();
    let f = Logistic { inputs: normal([n, d], 2), labels };
    let w = [normal([d, 1], 3)];
    let rows: Vec<&[f64]> = f.inputs.data().chunks(d).collect();
    let weight = |row: &[f64]| {
        let p = 1.0 / (1.0 + (-dot(row, w[0].data())).exp());
        p * (1.0 - p) / n as f64
    };
    let entry = |at: usize| rows.iter().map(|r| r[at / d] * r[at % d] * weight(r)).sum::<f64>();
    let want: Vec<f64> = (0..d * d).map(entry).collect();
    let got = hessian(&f, &w).unwrap();
    assert!(error(got.data(), &want) < ROUNDING, "{got:?} {want:?}");
}

/// (diag(p) − ppᵀ)/N for each sample, and nothing between samples; labels do not matter.
#[test]
fn softmax_cross_entropy_has_its_closed_form() {
    let (n, k) = (3, 4);
    let logits = normal([n, k], 4);
    let f = CrossEntropy { targets: [1, 3, 0].into(), smoothing: 0.2 };
    let p: Vec<Vec<f64>> = logits
        .data()
        .chunks(k)
        .map(|row| {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(|x| x.exp() / sum).collect()
        })
        .collect();
    let entry = |i: usize, j: usize| {
        if i / k != j / k {
            return 0.0;
        }
        let p = &p[i / k];
        (if i == j { p[i % k] } else { 0.0 } - p[i % k] * p[j % k]) / n as f64
    };
    let want: Vec<f64> = (0..n * k * n * k).map(|at| entry(at / (n * k), at % (n * k))).collect();
    let got = hessian(&f, &[logits]).unwrap();
    assert!(error(got.data(), &want) < ROUNDING, "{got:?} {want:?}");
}

/// J = (I − uuᵀ)/r with u = x/r.
#[test]
fn a_jacobian_vector_product_has_its_closed_form_and_any_shape() {
    let (x, v) = (normal([2, 3], 5), normal([2, 3], 6));
    let r = dot(x.data(), x.data()).sqrt();
    let along = dot(x.data(), v.data()) / r;
    let want: Vec<f64> = x.data().iter().zip(v.data()).map(|(x, v)| (v - x / r * along) / r).collect();
    let (value, tangent) = jvp(&Direction, std::slice::from_ref(&x), &[v]).unwrap();
    assert_eq!(tangent.dims(), [2, 3]);
    assert!(error(value.data(), &x.data().iter().map(|x| x / r).collect::<Vec<_>>()) < ROUNDING);
    assert!(error(tangent.data(), &want) < ROUNDING, "{tangent:?} {want:?}");
}

fn small_net() -> (SmallNet, Vec<Tensor<f64>>) {
    let images = normal([5, 2, 4, 3], 10);
    (
        SmallNet { images },
        vec![normal([4, 2, 3, 3], 11), normal([4], 12), normal([4], 13), normal([3, 4], 14)],
    )
}

fn like(x: &[Tensor<f64>], seed: u64) -> Vec<Tensor<f64>> {
    x.iter().enumerate().map(|(i, x)| normal(x.shape(), seed + i as u64)).collect()
}

fn moved(x: &[Tensor<f64>], v: &[Tensor<f64>], h: f64) -> Vec<Tensor<f64>> {
    let pair = |(x, v): (&Tensor<f64>, &Tensor<f64>)| {
        Tensor::filled(x.shape(), x.data().iter().zip(v.data()).map(|(x, v)| x + h * v).collect())
    };
    x.iter().zip(v).map(pair).collect()
}

/// The policy of the checker: h = 1e-5·max(1, |x|), 1e-8 + 1e-6·size for every entry.
#[test]
fn the_product_of_a_network_is_the_difference_of_its_gradients() {
    let (f, x) = small_net();
    let v = like(&x, 20);
    let at = hvp(&f, &x, &v).unwrap();
    let h = 1e-5 * super::largest(&flat(&x)).max(1.0);
    let gradient = |h: f64| flat(&higher::gradient(&f, &moved(&x, &v, h)).unwrap().1);
    let (above, below) = (gradient(h), gradient(-h));
    let mut worst = 0.0f64;
    for ((a, b), p) in above.iter().zip(&below).zip(flat(&at.product)) {
        let difference = (a - b) / (2.0 * h);
        worst = worst.max((difference - p).abs() / (1e-8 + 1e-6 * difference.abs().max(p.abs())));
    }
    assert!(worst <= 1.0, "{worst} times the allowed error");
    // Value and gradient are those of a pass without tangents; matrix products round differently.
    let (value, plain) = higher::gradient(&f, &x).unwrap();
    assert!(error(&[at.value], &[value]) < ROUNDING && error(&flat(&at.gradient), &flat(&plain)) < ROUNDING);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// H(a·v + b·w) = a·Hv + b·Hw, and ⟨w, Hv⟩ = ⟨v, Hw⟩.
    #[test]
    fn products_are_linear_and_symmetric(seed in 0..1000u64, a in -3.0..3.0f64, b in -3.0..3.0f64) {
        let (f, x) = small_net();
        let (v, w) = (like(&x, 100 + seed), like(&x, 2000 + seed));
        let sum: Vec<_> = v.iter().zip(&w).map(|(v, w)| {
            Tensor::filled(v.shape(), v.data().iter().zip(w.data()).map(|(v, w)| a * v + b * w).collect())
        }).collect();
        let product = |v: &[Tensor<f64>]| flat(&hvp(&f, &x, v).unwrap().product);
        let (hv, hw, hs) = (product(&v), product(&w), product(&sum));
        let want: Vec<f64> = hv.iter().zip(&hw).map(|(v, w)| a * v + b * w).collect();
        let size = super::largest(&hv).max(super::largest(&hw));
        for (got, want) in hs.iter().zip(&want) {
            prop_assert!((got - want).abs() < 1e-12 * 6.0 * size, "{got} {want}");
        }
        let (left, right) = (dot(&flat(&w), &hv), dot(&flat(&v), &hw));
        prop_assert!((left - right).abs() < 1e-12 * size * (hv.len() as f64).sqrt(), "{left} {right}");
    }

    /// ⟨u, J v⟩ by dual numbers is ⟨Jᵀu, v⟩ by the tape.
    #[test]
    fn forward_and_reverse_mode_agree(seed in 0..1000u64, dims in prop::collection::vec(1..5usize, 1..4)) {
        let shape = autograd::Shape::new(&dims).unwrap();
        let (x, v, u) = (normal(shape, seed), normal(shape, seed + 1000), normal(shape, seed + 2000));
        let tape = Tape::new();
        let input = tape.variable(x.clone());
        let output = Direction.run(&tape, &[input]).unwrap();
        let pulled = tape.backward_from(output, u.clone(), Keep::Leaves).unwrap().wrt(input).unwrap();
        let (value, tangent) = jvp(&Direction, std::slice::from_ref(&x), std::slice::from_ref(&v)).unwrap();
        prop_assert_eq!(value, output.value());
        let (left, right) = (dot(u.data(), tangent.data()), dot(pulled.data(), v.data()));
        let size = (dot(u.data(), u.data()) * dot(v.data(), v.data()) / dot(x.data(), x.data())).sqrt();
        prop_assert!((left - right).abs() <= 1e-14 * size * shape.len() as f64, "{left} {right}");
    }

    /// Any matrix, any point, any direction.
    #[test]
    fn products_of_quadratic_forms(n in 1..9usize, seed in 0..1000u64) {
        let a = normal([n, n], seed);
        let f = Quadratic { matrix: a };
        let (x, v) = (normal([n], seed + 1), normal([n], seed + 2));
        let want = times(&f.hessian(), v.data());
        let got = hvp(&f, &[x], &[v]).unwrap();
        prop_assert!(error(&flat(&got.product), &want) < 1e-12 , "{:?} {:?}", got, want);
    }
}

#[test]
fn inputs_on_no_path_have_zeros() {
    let x = [normal([3], 1), normal([2, 2], 2), Tensor::zeros([0])];
    let at = hvp(&FirstSum, &x, &like(&x, 3)).unwrap();
    assert_eq!(flat(&at.gradient), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(flat(&at.product), [0.0; 7]);
    assert_eq!(at.product[2].dims(), [0]);
    let constant = hvp(&Constant, &x, &like(&x, 3)).unwrap();
    assert_eq!(
        (constant.value, flat(&constant.gradient), flat(&constant.product)),
        (1.0, vec![0.0; 7], vec![0.0; 7])
    );
    assert_eq!(higher::gradient(&Constant, &x).unwrap().1[1], Tensor::zeros([2, 2]));
    assert_eq!(jvp(&Constant, &x, &x).unwrap().1.data(), [0.0]);
    assert_eq!(hessian::<f64>(&Constant, &[]).unwrap().dims(), [0, 0]);
}

#[test]
fn single_precision_and_third_derivatives() {
    let x = [Tensor::vector(vec![2.0f32, -1.0])];
    let at = hvp(&Quartic, &x, &[Tensor::vector(vec![1.0, 2.0])]).unwrap();
    // 12·x²·v, exact in f32.
    assert_eq!(
        (at.value, at.gradient[0].data(), at.product[0].data()),
        (17.0, &[32.0, -4.0][..], &[48.0, 24.0][..])
    );
    // A product over dual numbers carries its own derivative: 24·x·v·w.
    let x = [Tensor::vector(vec![Dual::new(2.0, 0.5)])];
    let at = hvp(&Quartic, &x, &[Tensor::vector(vec![Dual::new(3.0, 0.0)])]).unwrap();
    assert_eq!((at.product[0].data()[0].value, at.product[0].data()[0].tangent), (144.0, 72.0));
}

/// Not an error: the caller sees what IEEE arithmetic makes of it.
#[test]
fn numbers_that_are_not_finite_come_through() {
    let at = hvp(&Inverse, &[Tensor::scalar(0.0)], &[Tensor::scalar(1.0)]).unwrap();
    assert_eq!((at.value, at.gradient[0].data()), (f64::INFINITY, &[f64::NEG_INFINITY][..]));
    assert!(!at.product[0].data()[0].is_finite());
    let nan =
        hvp(&Quartic, &[Tensor::vector(vec![f64::NAN, 1.0])], &[Tensor::vector(vec![1.0, 1.0])]).unwrap();
    assert!(nan.product[0].data()[0].is_nan() && nan.product[0].data()[1] == 12.0);
}

#[test]
fn mistakes_are_named() {
    let x = [normal([3], 1)];
    let text = |v: &[Tensor<f64>]| hvp(&FirstSum, &x, v).unwrap_err().to_string();
    assert_eq!(text(&[]), "hvp: a direction of 0 tensors given; want 1: one for each input");
    assert_eq!(
        text(&[normal([3], 1), normal([3], 1)]),
        "hvp: a direction of 2 tensors given; want 1: one for each input"
    );
    assert_eq!(
        text(&[normal([1, 3], 1)]),
        "hvp: shapes [3] and [1, 3] do not fit: a direction has the shape of its input"
    );
    assert!(jvp(&FirstSum, &x, &[]).unwrap_err().to_string().starts_with("jvp: "));
    let several = hvp(&Direction, &x, &x).unwrap_err().to_string();
    assert_eq!(several, "hvp: the function's value has shape [3], want a single number");
    assert!(
        higher::gradient(&Direction, &x)
            .unwrap_err()
            .to_string()
            .starts_with("gradient: the function's value")
    );
    let many = hessian(&FirstSum, &[Tensor::<f64>::zeros([2049])]).unwrap_err().to_string();
    assert!(
        many.contains("2049") && many.contains("at most 2048") && many.contains("hessian_trace"),
        "{many}"
    );
    // What the ops refuse comes through.
    let labels = CrossEntropy { targets: [7].into(), smoothing: 0.0 };
    assert!(
        hvp(&labels, &[normal([1, 3], 1)], &[normal([1, 3], 1)]).unwrap_err().to_string().contains("label 7")
    );
}
