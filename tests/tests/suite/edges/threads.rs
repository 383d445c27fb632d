//! Subnormal numbers on one thread and on three: the same bits, and f64's results rounded, so no thread and no kernel
//! flushes them to 0.

use autograd::check::{Case, Program};
use autograd::ops::activation::ACTIVATIONS;
use autograd::ops::{AvgPool2d, BatchNorm, Conv2d, MaxPool2d};
use autograd::{Result, Scalar, Tape, Tensor, Var};

use super::scattered32;

/// The smallest f32.
const SMALLEST: f64 = f32::from_bits(1) as f64;

/// Enough for several tasks.
const IMAGES: [usize; 4] = [4, 8, 33, 40];

/// Whole multiples of the smallest f32, up to 9.8e-39 and of both signs.
fn subnormal(shape: [usize; 4]) -> Tensor<f64> {
    let n = shape.iter().product();
    let numbers =
        (0..n).map(|i: usize| 1001.0 * (((i * 7919) % 14_001) as f64 - 7000.0) * SMALLEST).collect();
    Tensor::new(shape, numbers).unwrap()
}

fn ordinary(shape: [usize; 4]) -> Tensor<f64> {
    let n = shape.iter().product();
    Tensor::new(shape, (0..n).map(|i: usize| ((i * 7919) % 1009) as f64 * 1e-3 - 0.4).collect()).unwrap()
}

/// An op by its name, on x and a weight.
#[derive(Debug, Clone)]
struct Named(&'static str);

impl Program for Named {
    fn run<'t, S: Scalar>(&self, _tape: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let x = inputs[0];
        let (kernel, stride, padding) = ([2, 2], [2, 2], [0, 0]);
        match self.0 {
            "conv2d" => x.conv2d(inputs[1], None, Conv2d { padding: [1, 1], ..Conv2d::default() }),
            "matmul" => x.reshape([4 * 8, 33 * 40])?.matmul(inputs[1].reshape([33 * 40, 50])?),
            "max_pool2d" => x.max_pool2d(MaxPool2d { kernel, stride, padding }),
            "avg_pool2d" => x.avg_pool2d(AvgPool2d { kernel, stride, padding, count_include_pad: true }),
            "global_avg_pool" => x.global_avg_pool(),
            "sum" => x.sum(&[0, 2, 3], false),
            "batch_norm" => {
                let of = |x: Var<'t, S>| x.slice(&[0..1, 0..8, 0..1, 0..1]).and_then(|x| x.reshape([8]));
                x.batch_norm(of(inputs[1])?, of(inputs[1])?, BatchNorm::default())
            }
            name => x.activation(name),
        }
    }
}

#[test]
fn subnormal_numbers_are_numbers_on_any_thread() {
    let ops = ["conv2d", "matmul", "max_pool2d", "avg_pool2d", "global_avg_pool", "sum", "batch_norm"];
    for name in ops.into_iter().chain(ACTIVATIONS.iter().map(|a| a.name)) {
        let weight = match name {
            "conv2d" => ordinary([8, 8, 3, 3]),
            "matmul" => ordinary([33, 40, 50, 1]),
            _ => ordinary([1, 8, 1, 1]),
        };
        let inputs = [subnormal(IMAGES), weight];
        let case = Case::of_program(name, Named(name));
        let single = inputs.clone().map(|x| x.cast::<f32>());
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.evaluate_f32(&single, &scattered32).unwrap())
        };
        let (one, three) = (on(1), on(3));
        let inputs = single.clone().map(|x| x.cast::<f64>());
        let double = case.evaluate_f64(&inputs, &|shape| scattered32(shape).cast::<f64>()).unwrap();
        let all = |e: &autograd::check::Evaluation<f32>| {
            e.gradients.iter().chain([&e.output]).cloned().collect::<Vec<_>>()
        };
        let want = double.gradients.iter().chain([&double.output]);
        for ((a, b), want) in all(&one).iter().zip(all(&three)).zip(want) {
            let bits = |t: &Tensor<f32>| t.data().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(a), bits(&b), "{name} on one and three threads");
            let size = want.data().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            // Sums among subnormal numbers are rounded by half a place at every step.
            let places = match name {
                // The mean's rounding, over 5,280 numbers and divided by √ε in the gradient of γ.
                "batch_norm" => 5_280.0 / 1e-5f64.sqrt(),
                // The products of 360 tiles at half a place each, as much for what goes into them, and 7.4² times that from
                // the transforms of what comes out (2·√½/2 + 2·2√2 + 1 along either axis).
                "conv2d" => 55.0 * 360.0,
                _ => 300.0,
            };
            let allowed = 1e-5 * size + places * SMALLEST;
            let worst = a.data().iter().zip(want.data()).map(|(&a, &b)| (f64::from(a) - b).abs());
            let worst = worst.fold(0.0, f64::max);
            assert!(worst <= allowed, "{name}: off by {worst:e}, allowed {allowed:e} of {size:e}");
            assert!(size == 0.0 || a.data().iter().any(|&x| x != 0.0), "{name} flushes to 0");
        }
    }
}
