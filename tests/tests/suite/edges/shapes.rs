//! Shapes nobody meant: empty, of one, with other axes than the op wants.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use autograd::check::{Case, Evaluation};
use autograd::ops::{Concat, Conv2d, MaxPool2d, Pad};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Result, Shape, Tape, Tensor};

use super::{assert_exceptions, families, scattered};

/// Variants of every case.
const VARIANTS: usize = 40;

fn evaluate(case: &Case, shapes: &[Vec<usize>]) -> Result<Evaluation<f64>> {
    let inputs: Vec<_> = shapes.iter().map(|dims| scattered(Shape::new(dims).unwrap())).collect();
    case.evaluate_f64(&inputs, &scattered)
}

/// Shapes near those of the case: axes cut, lengthened, dropped and added.
fn variant(case: &Case, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut shapes: Vec<Vec<usize>> = case.inputs().iter().map(|x| x.dims().to_vec()).collect();
    let mut below = |n: usize| stream.below(n as u64) as usize;
    for _ in 0..=below(3) {
        let (i, length) = (below(shapes.len()), below(4));
        match (below(6), shapes[i].len()) {
            (0, rank) if rank < 6 => shapes[i].insert(below(rank + 1), length),
            (1, rank @ 1..) => _ = shapes[i].remove(below(rank)),
            (2..4, rank @ 1..) => {
                // The same axis of all inputs, so that they go on fitting.
                let axis = below(rank);
                shapes.iter_mut().filter_map(|dims| dims.get_mut(axis)).for_each(|len| *len = length);
            }
            (_, rank @ 1..) => {
                let axis = below(rank);
                shapes[i][axis] = length;
            }
            _ => {}
        }
    }
    shapes
}

/// An error that names the op, or values and gradients of the right shapes.
#[test]
fn no_shape_panics() {
    for (name, cases) in families() {
        for (k, case) in cases.iter().enumerate() {
            let mut stream = Stream::new(0x5EED, Purpose::Probe, k as u64);
            for _ in 0..VARIANTS {
                let shapes = variant(case, &mut stream);
                let outcome = catch_unwind(AssertUnwindSafe(|| evaluate(case, &shapes)));
                match outcome {
                    Err(_) => panic!("{}, {name}: shapes {shapes:?} panic", case.name()),
                    Ok(Err(error)) => {
                        let text = error.to_string();
                        let (op, said) = text.split_once(':').unwrap_or_default();
                        assert!(!op.contains(' ') && !said.is_empty(), "{}: {text}", case.name());
                    }
                    Ok(Ok(e)) => {
                        let of_gradients: Vec<_> = e.gradients.iter().map(|g| g.dims().to_vec()).collect();
                        assert_eq!(of_gradients, shapes, "{}", case.name());
                    }
                }
            }
        }
    }
}

/// The case with the first input's axis 0 cut to 0, and with it that of every other input of its shape (a residual) or,
/// if it is refused so, of its number of rows.
fn without_rows(case: &Case) -> Option<Result<Evaluation<f64>>> {
    let first = case.inputs()[0].shape();
    let rows = *first.dims().first()?;
    let like_first = |x: &Tensor<f64>| x.shape() == first;
    let as_many = |x: &Tensor<f64>| x.dims().len() > 1 && x.dims()[0] == rows;
    let cut = |goes_along: &dyn Fn(&Tensor<f64>) -> bool| {
        let cut = |x: &Tensor<f64>| {
            let mut dims = x.dims().to_vec();
            if goes_along(x) {
                dims[0] = 0;
            }
            dims
        };
        evaluate(case, &case.inputs().iter().map(cut).collect::<Vec<_>>())
    };
    Some(cut(&like_first).or_else(|error| cut(&as_many).map_err(|_| error)))
}

#[test]
fn an_empty_batch_is_empty_or_refused() {
    let mut refused = BTreeMap::new();
    for (name, cases) in families() {
        for case in &cases {
            match without_rows(case) {
                None => {}
                Some(Err(error)) => {
                    assert!(error.to_string().contains("[0"), "{name} names the empty axis: {error}");
                    refused.insert(name.to_string(), error.to_string());
                }
                Some(Ok(e)) => {
                    let numbers = e.gradients.iter().chain([&e.output]).flat_map(|t| t.data().to_vec());
                    assert!(numbers.into_iter().all(f64::is_finite), "{} of nothing", case.name());
                }
            }
        }
    }
    assert_exceptions("empty_batches_that_are_refused", &refused);
}

/// Sizes whose products overflow are errors, in a shape and in what an op would make of a small one.
#[test]
fn sizes_beyond_counting_are_errors() {
    const HALF: usize = usize::MAX / 2;
    for dims in [&[usize::MAX, 2][..], &[0, usize::MAX], &[1 << 40, 0, 1 << 40], &[1 << 30; 3]] {
        let text = Shape::new(dims).unwrap_err().to_string();
        assert!(text.contains("more elements than can be counted"), "{text}");
    }
    let tape = Tape::<f32>::new();
    let image = tape.constant(Tensor::zeros([1, 1, 3, 3]));
    let weight = tape.constant(Tensor::zeros([1, 1, 2, 2]));
    let pool = |kernel, stride, padding| MaxPool2d { kernel, stride, padding };
    let nothing = tape.constant(Tensor::zeros([0, 1 << 50]));
    let outcomes = [
        image.conv2d(weight, None, Conv2d { padding: [HALF, HALF], ..Conv2d::default() }),
        image.conv2d(weight, None, Conv2d { padding: [1 << 40, 1 << 40], ..Conv2d::default() }),
        image.conv2d(weight, None, Conv2d { dilation: [HALF, usize::MAX], ..Conv2d::default() }),
        image.max_pool2d(pool([usize::MAX; 2], [1; 2], [HALF; 2])),
        image.max_pool2d(pool([2; 2], [1; 2], [HALF; 2])),
        tape.apply(Pad::new(&[(HALF, HALF), (0, 0), (1, HALF), (0, 0)], 0.0).unwrap(), &[image]),
        image.slice(&[0..1, 0..1, 0..usize::MAX, HALF..usize::MAX]),
        tape.apply(Concat { axis: 1 }, &[nothing; 1 << 8]),
        tape.constant(Tensor::zeros([0, 1 << 30, 1])).try_add(tape.constant(Tensor::zeros([0, 1, 1 << 40]))),
    ];
    for outcome in outcomes {
        let text = outcome.expect_err("nobody can count that").to_string();
        assert!(text.contains(": "), "{text}");
    }
    // A stride beyond the image is none that overflows: one place.
    let far = Conv2d { stride: [usize::MAX; 2], ..Conv2d::default() };
    assert_eq!(image.conv2d(weight, None, far).unwrap().shape().dims(), [1, 1, 1, 1]);
    let pooled =
        tape.variable(Tensor::zeros([1, 1, 3, 3])).max_pool2d(pool([2; 2], [usize::MAX; 2], [0; 2])).unwrap();
    assert_eq!(pooled.shape().dims(), [1, 1, 1, 1]);
    assert!(tape.backward_from(pooled, Tensor::full([1; 4], 1.0), Keep::Leaves).is_ok());
}
