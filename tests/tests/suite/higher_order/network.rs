//! Losses of whole networks as functions of their parameters.

use anact::{GradientMode, Normalized, NormalizedSettings, StatisticsSource};
use autograd::check::{self, Case};
use autograd::higher::{self, EigenvalueSettings, hessian, hessian_trace, hvp, jvp, top_eigenvalue};
use autograd::ops::CrossEntropy;
use autograd::ops::activation::Swish;
use autograd::{Keep, Program, Result, Scalar, Tape, Tensor, Var};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::{
    BuildModel, Context, Dropout, Flatten, Init, Initializer, Layer, Linear, NetworkLoss, Parameter,
    Sequential, Visitor, Walk,
};

use super::small_net::{SmallNet, read};
use super::{asymmetry, difference_error, direction, dot, error, flat, largest, normal};

const LABELS: [usize; 4] = [4, 0, 2, 0];

fn loss() -> CrossEntropy {
    CrossEntropy { targets: LABELS.into(), smoothing: 0.1 }
}

fn images() -> Tensor<f64> {
    normal([4, 3, 8, 7], 5)
}

/// A tiny resnet8 with batch norm and nswish, statistics of the batch and the full gradient.
struct Residual;

impl BuildModel for Residual {
    fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>> {
        let settings = ModelSettings {
            input: [3, 8, 7],
            classes: 5,
            width: Some(2),
            depth: None,
            variant: Variant::default(),
            init: Init::HeNormal,
            seed: 3,
        };
        let normalized = NormalizedSettings {
            statistics: StatisticsSource::Batch,
            gradient: GradientMode::Full,
            ..NormalizedSettings::default()
        };
        let nswish = |channels| -> Box<dyn Layer<S>> {
            Box::new(
                Normalized::new(Swish::default(), normalized, channels).expect("settings that go together"),
            )
        };
        ModelEntry::<S>::named("resnet8")?.build(&settings, &nswish)
    }
}

/// The network after one training step, so that its running statistics are its own.
fn residual() -> Box<dyn Layer<f64>> {
    let mut model = Residual.build::<f64>().unwrap();
    let tape = Tape::new();
    model.forward(&Context::train(&tape, 0, 0), tape.constant(images())).unwrap();
    model
}

fn function(model: &mut dyn Layer<f64>, is_training: bool) -> NetworkLoss<Residual, CrossEntropy> {
    let f = NetworkLoss::new(Residual, model, loss(), &images()).unwrap();
    if is_training { f.in_training(1, 2) } else { f }
}

/// The same direction with length 1: 1,382 numbers that all move by h would move the function far, and a difference's own
/// error grows with the third power of that.
fn unit(v: &[Tensor<f64>]) -> Vec<Tensor<f64>> {
    let length = dot(&flat(v), &flat(v)).sqrt();
    let scaled = |v: &Tensor<f64>| Tensor::filled(v.shape(), v.data().iter().map(|v| v / length).collect());
    v.iter().map(scaled).collect()
}

#[test]
fn products_of_a_residual_network_are_differences_of_its_gradients() {
    let mut model = residual();
    for is_training in [true, false] {
        let f = function(model.as_mut(), is_training);
        let x = f.parameters();
        let worst = difference_error(&f, &x, &unit(&direction(&x, 7)));
        assert!(worst <= 1.0, "training {is_training}: {worst:.2} times the allowed error");
        let apart = asymmetry(&f, &x);
        assert!(apart <= 1e-11, "training {is_training}: asymmetry {apart:.1e}");
        // Forward mode by itself: ⟨∇f, v⟩.
        let v = direction(&x, 8);
        let at = hvp(&f, &x, &v).unwrap();
        let (value, slope) = jvp(&f, &x, &v).unwrap();
        let want = dot(&flat(&at.gradient), &flat(&v));
        assert_eq!(value.item().unwrap(), at.value);
        assert!(
            (slope.item().unwrap() - want).abs() <= 1e-12 * largest(&flat(&at.gradient)),
            "{slope:?} {want}"
        );
    }
}

/// The same loss and gradients as a training loop's own tape gives, and nothing of the model has moved.
#[test]
fn the_function_is_the_network_and_leaves_it_alone() {
    let mut model = residual();
    let before = read(model.as_mut());
    for is_training in [true, false] {
        let f = function(model.as_mut(), is_training);
        let x = f.parameters();
        let (value, gradient) = higher::gradient(&f, &x).unwrap();
        assert_eq!(higher::gradient(&f, &x).unwrap(), (value, gradient.clone()), "evaluations meet");
        assert_eq!(read(model.as_mut()), before);

        let mut copy = residual();
        let tape = Tape::new();
        let cx = if is_training { Context::train(&tape, 1, 2) } else { Context::eval(&tape) };
        let logits = copy.forward(&cx, tape.constant(images())).unwrap();
        let own = logits.cross_entropy(&LABELS, 0.1).unwrap();
        assert_eq!(value, own.value().item().unwrap());
        let gradients = tape.backward(own, Keep::Leaves).unwrap();
        for (name, gradient) in f.names().zip(&gradient) {
            assert_eq!(gradients.named(name).unwrap(), gradient, "{name}");
        }
        assert_eq!(f.names().count(), tape.parameters().len());
    }
}

/// Dense layers, Swish, and dropout in training.
struct Dense;

impl BuildModel for Dense {
    fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>> {
        let mut init = Initializer::new(Init::HeNormal, 2);
        Ok(Box::new(
            Sequential::new()
                .named("flatten", Flatten)
                .named("fc1", Linear::new(6, 4, &mut init))
                .named("act1", layers::Activation(Swish::default()))
                .named("dropout", Dropout::new(0.4)?)
                .named("fc2", Linear::new(4, 5, &mut init)),
        ))
    }
}

/// Trace and spectrum from products against the dense matrix.
#[test]
fn trace_and_largest_eigenvalue_are_those_of_the_dense_matrix() {
    let mut model = Dense.build::<f64>().unwrap();
    let f = NetworkLoss::new(Dense, model.as_mut(), loss(), &normal([4, 6], 9)).unwrap();
    let x = f.parameters();
    let n: usize = x.iter().map(Tensor::len).sum();
    let h = hessian(&f, &x).unwrap();
    let rows: Vec<&[f64]> = h.data().chunks(n).collect();
    let apart = (0..n * n).map(|at| rows[at / n][at % n] - rows[at % n][at / n]).collect::<Vec<_>>();
    assert!(largest(&apart) <= 1e-14 * largest(h.data()), "asymmetry {:.1e}", largest(&apart));

    let trace: f64 = (0..n).map(|i| rows[i][i]).sum();
    let estimate = hessian_trace(&f, &x, 300, 1).unwrap();
    assert!((estimate.mean - trace).abs() < 4.0 * estimate.standard_error, "{} {trace}", estimate.mean);

    let settings = EigenvalueSettings { tolerance: 1e-10, ..EigenvalueSettings::default() };
    let top = top_eigenvalue(&f, &x, &settings).unwrap();
    let v = flat(&top.eigenvector);
    let residual =
        rows.iter().zip(&v).map(|(row, x)| (dot(row, &v) - top.eigenvalue * x).powi(2)).sum::<f64>().sqrt();
    assert!(top.converged && residual <= 1e-10 * top.eigenvalue, "{residual:.1e}");
    // Power iteration on H + c·I, whose largest eigenvalue is that of H plus c: another method, on the dense matrix.
    let c = rows.iter().map(|row| row.iter().map(|h| h.abs()).sum::<f64>()).fold(0.0, f64::max);
    let mut y = vec![1.0; n];
    for _ in 0..4000 {
        y = rows.iter().zip(&y).map(|(row, y_i)| dot(row, &y) + c * y_i).collect();
        let length = dot(&y, &y).sqrt();
        y.iter_mut().for_each(|y| *y /= length);
    }
    let quotient: f64 = rows.iter().zip(&y).map(|(row, y_i)| dot(row, &y) * y_i).sum();
    assert!((quotient - top.eigenvalue).abs() <= 1e-9 * top.eigenvalue, "{quotient} {}", top.eigenvalue);
}

#[test]
fn dropout_masks_are_those_of_their_key_in_every_evaluation() {
    let mut model = Dense.build::<f64>().unwrap();
    let mut at = |key: Option<(u64, u64)>| {
        let f = NetworkLoss::new(Dense, model.as_mut(), loss(), &normal([4, 6], 9)).unwrap();
        let f = if let Some((seed, step)) = key { f.in_training(seed, step) } else { f };
        let x = f.parameters();
        let worst = difference_error(&f, &x, &direction(&x, 3));
        assert!(worst <= 1.0, "{key:?}: {worst:.2} times the allowed error");
        hvp(&f, &x, &direction(&x, 3)).unwrap()
    };
    assert_eq!(at(Some((1, 2))), at(Some((1, 2))));
    assert_ne!(at(Some((1, 2))), at(Some((1, 3))));
    assert_ne!(at(Some((1, 2))), at(None));
}

/// A frozen parameter keeps its value and is no input; the others' gradients are what they were.
#[test]
fn frozen_parameters_are_constants() {
    struct Freeze;
    impl Visitor<f64> for Freeze {
        fn parameter(&mut self, name: &str, parameter: &mut Parameter<f64>) {
            parameter.is_frozen = name.starts_with("fc1");
            parameter.value = direction(std::slice::from_ref(&parameter.value), 6).swap_remove(0);
        }
    }
    let mut model = Dense.build::<f64>().unwrap();
    Walk::over(model.as_mut(), &mut Freeze);
    let batch = normal([4, 6], 9);
    let frozen = NetworkLoss::new(Dense, model.as_mut(), loss(), &batch).unwrap();
    assert_eq!(frozen.names().collect::<Vec<_>>(), ["fc2.weight", "fc2.bias"]);
    let (x, v) = (frozen.parameters(), direction(&frozen.parameters(), 4));
    let got = hvp(&frozen, &x, &v).unwrap();

    struct Thaw;
    impl Visitor<f64> for Thaw {
        fn parameter(&mut self, _name: &str, parameter: &mut Parameter<f64>) {
            parameter.is_frozen = false;
        }
    }
    Walk::over(model.as_mut(), &mut Thaw);
    let whole = NetworkLoss::new(Dense, model.as_mut(), loss(), &batch).unwrap();
    let zeros = [Tensor::zeros([4, 6]), Tensor::zeros([4])];
    let want = hvp(&whole, &whole.parameters(), &[&zeros[..], &v[..]].concat()).unwrap();
    assert_eq!(
        (got.value, &got.gradient[..], &got.product[..]),
        (want.value, &want.gradient[2..], &want.product[2..])
    );
}

/// Parameters in front of a detached value get zeros.
#[test]
fn parameters_on_no_path_have_zeros() {
    struct Sum;
    impl Program for Sum {
        fn run<'t, S: Scalar>(&self, _tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
            Ok(x[0].sum_all())
        }
    }
    struct Unused;
    impl BuildModel for Unused {
        fn build<S: Scalar>(&self) -> Result<Box<dyn Layer<S>>> {
            let mut init = Initializer::new(Init::HeNormal, 2);
            let fc = |init: &mut Initializer| Linear::new(2, 2, init);
            Ok(Box::new(
                Sequential::new().named("a", fc(&mut init)).named("cut", Cut).named("b", fc(&mut init)),
            ))
        }
    }
    #[derive(Debug)]
    struct Cut;
    impl<S: Scalar> Layer<S> for Cut {
        fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
            Ok(x.detach())
        }
    }
    let mut model = Unused.build::<f64>().unwrap();
    let f = NetworkLoss::new(Unused, model.as_mut(), Sum, &normal([3, 2], 1)).unwrap();
    let x = f.parameters();
    let at = hvp(&f, &x, &direction(&x, 2)).unwrap();
    let gradient = flat(&at.gradient);
    // a.weight and a.bias; b.bias is added in each of three rows.
    assert_eq!((&gradient[..6], &gradient[10..]), (&[0.0; 6][..], &[3.0; 2][..]));
    // The gradient of b.weight is what b is fed, which moves with a although no gradient flows there.
    let product = flat(&at.product);
    assert_eq!((&product[..6], &product[10..]), (&[0.0; 6][..], &[0.0; 2][..]));
    assert!(
        difference_error(&f, &x, &direction(&x, 2)) <= 1.0 && product[6..10].iter().all(|p| p.abs() > 1e-3)
    );
}

/// The checker gives inputs as constants, too: all its routes hold for a whole network.
#[test]
fn a_network_passes_the_gradient_checker() {
    let mut model = SmallNet.build::<f64>().unwrap();
    let three = CrossEntropy { targets: [2, 0, 1, 1].into(), smoothing: 0.1 };
    let f = NetworkLoss::new(SmallNet, model.as_mut(), three, &normal([4, 1, 5, 4], 6)).unwrap();
    let f = f.in_training(0, 0);
    let x = f.parameters();
    check::assert_case(&x.into_iter().fold(Case::of_program("small net", f), Case::values));
}

#[test]
fn products_in_f32_are_near_those_in_f64() {
    let mut model = SmallNet.build::<f32>().unwrap();
    let batch = normal([4, 1, 5, 4], 6).cast::<f32>();
    let three = CrossEntropy { targets: [2, 0, 1, 1].into(), smoothing: 0.0 };
    let f = NetworkLoss::new(SmallNet, model.as_mut(), three, &batch).unwrap().in_training(0, 0);
    // The model is of f32; its function is evaluated in either precision.
    let (double, single) = (f.parameters::<f64>(), f.parameters::<f32>());
    let v = direction(&double, 5);
    let want = hvp(&f, &double, &v).unwrap();
    let got = hvp(&f, &single, &v.iter().map(Tensor::cast).collect::<Vec<_>>()).unwrap();
    let got = flat(&got.product.iter().map(Tensor::cast).collect::<Vec<_>>());
    let apart = error(&got, &flat(&want.product));
    assert!(apart < 1e-4, "relative error {apart:.1e}");
}

#[test]
fn mistakes_are_named() {
    let mut model = Dense.build::<f64>().unwrap();
    let batch = normal([4, 6], 9);
    let text = NetworkLoss::new(SmallNet, model.as_mut(), loss(), &batch).unwrap_err().to_string();
    assert_eq!(
        text,
        "network loss: the builder makes a network with conv1.weight [2, 1, 3, 3]; want the given model's fc1.weight \
         [4, 6] in that place"
    );
    let f = NetworkLoss::new(Dense, model.as_mut(), loss(), &batch).unwrap();
    let mut x = f.parameters::<f64>();
    let text = |x: &[Tensor<f64>]| higher::gradient(&f, x).unwrap_err().to_string();
    assert_eq!(text(&x[1..]), "network loss: 3 inputs given; want one for each of the 4 parameters");
    x[1] = normal([5], 1);
    assert_eq!(text(&x), "network loss: the input for fc1.bias has shape [5]; want [4]");
}
