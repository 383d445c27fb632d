//! Every `f32`: e^x, the logistic function and tanh, by the loops that training runs.
//!
//! The reference is `f64` arithmetic on e^x from the standard library. So that 2³² values take seconds, it is evaluated at
//! the first of 1024 neighbours x₀, x₀ + h, … and carried on by e^{x₀ + i·h} = e^{x₀}·e^{i·h} with 1024 factors per binade,
//! which adds an error below 10⁻⁸ ulp of f32. Where a function has left its range or not yet left 1, ½ or x, its value is
//! known without a reference. An unoptimised build looks at every 997th neighbourhood only.

use autograd::kernels::vector::Loop;
use autograd::ops::Exp;
use autograd::ops::activation::{Sigmoid, Tanh};
use autograd::{Scalar, Slices};
use rayon::prelude::*;

use super::ulps;

const RUN: usize = 1024;
const STRIDE: usize = if cfg!(debug_assertions) { 997 } else { 1 };

/// What is known of a function for the x of one sign in [2^k, 2^(k+1)).
enum Known {
    /// It rounds to this.
    Constant(f32),
    /// It rounds to x.
    Argument,
    /// A function of |x| and e^{−|x|} in f64.
    Reference,
}

/// A function under test.
struct Subject {
    function: &'static dyn Slices<f32>,
    /// By the sign of x and k.
    known: fn(bool, i32) -> Known,
    /// From x and e^{−|x|}.
    reference: fn(f64, f64) -> f64,
    /// The same by the standard library alone.
    slow: fn(f64) -> f64,
    limit: f64,
}

struct Compare<'a, F> {
    x: &'a [f32],
    y: &'a [f32],
    start: f64,
    factors: &'a [f64],
    reference: F,
}

impl<F: Fn(f64, f64) -> f64> Loop for Compare<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut worst = 0.0;
        let mut all_numbers = true;
        for ((&x, &y), &factor) in self.x.iter().zip(self.y).zip(self.factors) {
            let error = ulps(y, (self.reference)(f64::from(x), self.start * factor));
            worst = if error > worst { error } else { worst };
            all_numbers &= error.is_finite();
        }
        if all_numbers { worst } else { f64::NAN }
    }
}

/// The largest error over all x of one sign and exponent.
fn binade(subject: &Subject, sign: u32, exponent: u32, compare: Comparison) -> f64 {
    let bits = |i: usize| sign << 31 | exponent << 23 | i as u32;
    let at = |i: usize| f64::from(f32::from_bits(bits(i)));
    let known = (subject.known)(sign == 1, exponent as i32 - 127);
    let factors: Vec<f64> = (0..RUN).map(|i| (-(at(i) - at(0)).abs()).exp()).collect();
    let (mut x, mut y) = ([0f32; RUN], [0f32; RUN]);
    let mut worst = 0f64;
    for start in (0..1 << 23).step_by(RUN * STRIDE) {
        x.iter_mut().enumerate().for_each(|(i, x)| *x = f32::from_bits(bits(start + i)));
        subject.function.values(&x, &mut y);
        let error = match known {
            Known::Constant(want) if y.iter().all(|&y| y == want) => 0.5,
            Known::Argument if x == y => 0.5,
            Known::Constant(_) | Known::Argument => f64::NAN,
            Known::Reference => {
                let (first, last) = ((-at(start).abs()).exp(), at(start + RUN - 1));
                let (fast, slow) =
                    ((subject.reference)(last, first * factors[RUN - 1]), (subject.slow)(last));
                assert!((fast - slow).abs() <= 1e-10 * slow.abs() + 1e-300, "{last}: {fast} {slow}");
                compare(&x, &y, first, &factors)
            }
        };
        assert!(error <= subject.limit, "{error} ulp near {}", x[0]);
        worst = worst.max(error);
    }
    worst
}

type Comparison = fn(&[f32], &[f32], f64, &[f64]) -> f64;

/// The largest error over all finite x; NaN gives NaN.
fn sweep(subject: &Subject, compare: Comparison) -> f64 {
    let binades: Vec<(u32, u32)> = (0..255).flat_map(|e| [(0, e), (1, e)]).collect();
    let worst = binades
        .par_iter()
        .map(|&(sign, exponent)| binade(subject, sign, exponent, compare))
        .reduce(|| 0.0, f64::max);
    for sign in [0u32, 1] {
        for start in (1..1 << 23).step_by(RUN * STRIDE) {
            let x: [f32; RUN] = std::array::from_fn(|i| {
                f32::from_bits(sign << 31 | 255 << 23 | (start + i as u32).min((1 << 23) - 1))
            });
            let mut y = [0f32; RUN];
            subject.function.values(&x, &mut y);
            assert!(y.iter().all(|y| y.is_nan()));
        }
    }
    worst
}

fn exp(x: f64, e: f64) -> f64 {
    if x < 0.0 { e } else { 1.0 / e }
}

#[test]
fn exponential() {
    // |x| < 2^−30 changes 1 by less than a hundredth of a unit; e^128 overflows and e^−128 is below half of the smallest number.
    let known = |is_left, k| match k {
        ..-30 => Known::Constant(1.0),
        7.. => Known::Constant(if is_left { 0.0 } else { f32::INFINITY }),
        _ => Known::Reference,
    };
    let subject = Subject { function: &Exp, known, reference: exp, slow: f64::exp, limit: 1.25 };
    let worst = sweep(&subject, |x, y, start, factors| {
        f32::vectorized(Compare { x, y, start, factors, reference: exp })
    });
    println!("exp {worst}");
}

fn logistic(x: f64, e: f64) -> f64 {
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[test]
fn logistic_function() {
    // ½ + x/4 − …
    let known = |is_left, k| match k {
        ..-30 => Known::Constant(0.5),
        7.. => Known::Constant(if is_left { 0.0 } else { 1.0 }),
        _ => Known::Reference,
    };
    let slow = |x: f64| 1.0 / (1.0 + (-x).exp());
    let subject = Subject { function: &Sigmoid, known, reference: logistic, slow, limit: 2.0 };
    let worst = sweep(&subject, |x, y, start, factors| {
        f32::vectorized(Compare { x, y, start, factors, reference: logistic })
    });
    println!("logistic {worst}");
}

/// What cancels in 1 − e^{−2|x|} for |x| ≥ 2^−13 are 12 of 53 bits.
#[inline(always)]
fn tanh(x: f64, e: f64) -> f64 {
    ((1.0 - e * e) / (1.0 + e * e)).copysign(x)
}

#[test]
fn hyperbolic_tangent() {
    // Below 2^−13, x − x³/3 + … is nearer to x than a tenth of a unit.
    let known = |is_left, k| match k {
        ..-13 => Known::Argument,
        4.. => Known::Constant(if is_left { -1.0 } else { 1.0 }),
        _ => Known::Reference,
    };
    let subject = Subject { function: &Tanh, known, reference: tanh, slow: f64::tanh, limit: 1.5 };
    let worst = sweep(&subject, |x, y, start, factors| {
        f32::vectorized(Compare { x, y, start, factors, reference: tanh })
    });
    println!("tanh {worst}");
}
