//! Whole networks, and with them every layer, on the smallest batches and on images that say nothing.

use anact::{NormalizedSettings, activation};
use autograd::{Keep, Result, Tape, Tensor};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::{Context, Init, Layer};

/// Every kind of activation layer: plain, learnt, normalized by batch and by running numbers, a rival.
const FUNCTIONS: &[&str] = &["relu", "prelu", "nrelu", "nswish", "nprelu", "gp-tanh"];

fn settings(input: [usize; 3]) -> ModelSettings {
    let variant = Variant::default();
    ModelSettings { input, classes: 3, width: Some(2), depth: None, variant, init: Init::HeNormal, seed: 1 }
}

fn build(name: &str, input: [usize; 3], function: &str) -> Result<Box<dyn Layer<f32>>> {
    let make = activation::<f32>(function, &NormalizedSettings::default())?;
    ModelEntry::named(name)?.build(&settings(input), &*make)
}

/// What a training step and an evaluation after it give: logits, then the gradients of the step, then logits.
fn step(model: &mut dyn Layer<f32>, x: &Tensor<f32>) -> Result<[Vec<f32>; 3]> {
    let tape = Tape::new();
    let logits = model.forward(&Context::train(&tape, 0, 0), tape.constant(x.clone()))?;
    let labels: Vec<usize> = (0..x.dims()[0]).map(|i| i % 3).collect();
    let gradients = tape.backward(logits.cross_entropy(&labels, 0.0)?, Keep::Leaves)?;
    let gradients = gradients.into_named().into_values().flat_map(|g| g.data().to_vec()).collect();
    let tape = Tape::new();
    let after = model.forward(&Context::eval(&tape), tape.constant(x.clone()))?;
    Ok([logits.value().data().to_vec(), gradients, after.value().data().to_vec()])
}

/// The networks that take few layers' time: one of each family and of each kind of block.
const NETWORKS: &[&str] = &["mlp", "cnn", "plain", "resnet8", "resnet18", "vgg11", "vgg11_bn", "allconv"];

/// Calls `f` with every network, each with two of the functions.
fn each(input: [usize; 3], mut f: impl FnMut(&str, &mut dyn Layer<f32>)) {
    for (i, name) in NETWORKS.iter().enumerate() {
        for function in [i, i + 3].map(|k| FUNCTIONS[k % FUNCTIONS.len()]) {
            match build(name, input, function) {
                Ok(mut model) => f(&format!("{name} with {function}"), &mut *model),
                // An image too small for it, which the error says.
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains(name) && text.contains("1 by 1"), "{text}");
                }
            }
        }
    }
}

/// And one less is refused with that size.
#[test]
fn the_smallest_size_that_an_error_names_works() {
    for (name, side) in [("cnn", 8), ("allconv", 9)] {
        let mut model = build(name, [1, side, side], "relu").unwrap();
        step(&mut *model, &Tensor::full([2, 1, side, side], 0.7)).unwrap();
        for input in [[1, side - 1, side], [1, side, side - 1]] {
            let text = build(name, input, "relu").unwrap_err().to_string();
            assert!(text.contains(&format!("at least {side} by {side}")), "{text}");
        }
    }
}

/// One sample; images that are constant, so that every batch norm sees no variance; dead ones.
#[test]
fn batches_of_one_and_constant_images_stay_finite() {
    for input in [[1, 1, 1], [3, 32, 32]] {
        each(input, |what, model| {
            let [c, h, w] = input;
            for (n, value) in [(1, 0.7), (2, 0.7), (2, 0.0), (2, -1e3)] {
                let numbers = step(model, &Tensor::full([n, c, h, w], value));
                let numbers = numbers.unwrap_or_else(|e| panic!("{what}, {n} images of {value}: {e}"));
                let finite = numbers.map(|x| !x.is_empty() && x.iter().all(|x| x.is_finite()));
                assert_eq!(finite, [true; 3], "{what}, {n} images {input:?} of {value}");
            }
        });
    }
}

/// A NaN in one pixel is seen in the loss, and in evaluation it stays in its sample.
#[test]
fn a_nan_pixel_shows() {
    let input = [3, 32, 32];
    each(input, |what, model| {
        let [c, h, w] = input;
        let ordinary = |i: usize| ((i * 7919) % 1009) as f32 * 2e-3 - 1.0;
        let mut x = Tensor::new([2, c, h, w], (0..2 * c * h * w).map(ordinary).collect()).unwrap();
        step(model, &x).unwrap();
        x.data_mut()[c * h * w + 5 * w + 7] = f32::NAN;
        let tape = Tape::new();
        let logits = model.forward(&Context::eval(&tape), tape.constant(x.clone())).unwrap().value();
        assert!(logits.data()[..3].iter().all(|x| x.is_finite()), "{what}: the sound image");
        assert!(logits.data()[3..].iter().all(|x| x.is_nan()), "{what}: {:?}", logits.data());
        let tape = Tape::new();
        let logits = model.forward(&Context::train(&tape, 0, 1), tape.constant(x)).unwrap();
        let loss = logits.cross_entropy(&[0, 1], 0.0).unwrap().value().item().unwrap();
        assert!(loss.is_nan(), "{what}: the loss is {loss}");
    });
}

#[test]
fn an_empty_batch_is_refused_by_the_loss_at_the_latest() {
    each([3, 32, 32], |what, model| {
        let text = step(model, &Tensor::zeros([0, 3, 32, 32])).unwrap_err().to_string();
        assert!(text.contains("[0, "), "{what}: {text}");
    });
}
