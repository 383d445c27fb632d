//! Prediction against measurement where the theory's assumptions hold: independent inputs, weights and cotangents.

use super::*;
use autograd::ops::activation::{Relu, Tanh};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tensor, ops};
use layers::residual::{BasicBlock, BlockSizes};
use layers::{
    Activation, AvgPool2d, BatchNorm2d, BatchNormSettings, Context, Conv2d, ConvSettings, Init, Initializer,
    Layer, Linear, MaxPool2d, Sequential,
};

use crate::layer::{Normalized, NormalizedSettings};

fn normal(shape: impl Into<Shape>, index: u64) -> Tensor<f64> {
    let (shape, mut stream) = (shape.into(), Stream::new(5, Purpose::Probe, index));
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// The rows of `net` for standard normal input and i.i.d. normal cotangents.
fn rows(net: &mut dyn Layer<f64>, input: impl Into<Shape>) -> Vec<LayerRow> {
    let tape = Tape::new();
    let x = tape.variable(normal(input, 0));
    let y = net.forward(&Context::train(&tape, 0, 0), x).unwrap();
    let gradients = tape.backward_from(y, normal(y.shape(), 1), Keep::All).unwrap();
    compare(&tape, y, &gradients).unwrap()
}

/// Every pair of numbers within `tolerance` of each other.
fn assert_close(rows: &[LayerRow], tolerance: f64) {
    for row in rows {
        let (p, m) = (&row.predicted, &row.measured);
        let pairs = [
            ("Var[z]", p.variance_z, m.variance_z),
            ("ρ", p.rho, m.rho),
            ("ρ′", p.rho_prime, m.rho_prime),
            ("κ", p.kappa, m.kappa),
            ("E[δ²]", p.delta, m.delta),
            ("E[(∂L/∂w)²]", p.weight_gradient, m.weight_gradient),
        ];
        for (what, predicted, measured) in pairs {
            match (predicted, measured) {
                (Some(p), Some(m)) => {
                    assert!(
                        (p / m - 1.0).abs() < tolerance,
                        "{} {what}: predicted {p}, measured {m}",
                        row.layer
                    );
                }
                (p, m) => assert_eq!(p.is_some(), m.is_some(), "{} {what}", row.layer),
            }
        }
    }
}

#[test]
fn a_dense_net_behaves_as_predicted() {
    let mut init = Initializer::new(Init::HeNormal, 3);
    let mut net = Sequential::new();
    for layer in 0..4 {
        net = net.named(&format!("fc{layer}"), Linear::new(512, 512, &mut init)).then(Activation(Relu));
    }
    let rows = rows(&mut net, [128, 512]);
    assert_eq!(rows.len(), 4);
    assert_eq!((rows[3].layer.as_str(), rows[3].activation.as_deref()), ("fc3", Some("relu")));
    // A width of 512 leaves fluctuations of a few per cent per layer, which add up.
    assert_close(&rows, 0.15);
    assert_eq!(rows[0].predicted.kappa, Some(1.0));
    assert!((rows[0].predicted.rho.unwrap() - 0.5).abs() < 1e-12);
}

/// √2 for ReLU on any zero-mean Gaussian: He's factor, moved into the activation.
#[test]
fn the_normalized_node_is_recognised() {
    let mut init = Initializer::new(Init::LecunNormal, 3);
    let mut net = Sequential::new();
    for layer in 0..4 {
        let act = Normalized::new(Tanh, NormalizedSettings::default(), 256).unwrap();
        net = net.named(&format!("fc{layer}"), Linear::new(256, 256, &mut init)).then(act);
    }
    let relu = Normalized::new(Relu, NormalizedSettings::default(), 256).unwrap();
    net = net.named("last", Linear::new(256, 256, &mut init)).then(relu);
    let rows = rows(&mut net, [256, 256]);
    assert_eq!(rows[0].activation.as_deref(), Some("ntanh"));
    assert_close(&rows, 0.15);
    assert!((rows[4].predicted.kappa.unwrap() - std::f64::consts::SQRT_2).abs() < 1e-12);
}

/// Zero padding, stride and dilation: the counts n, m and P at the borders. On 7 × 7 images with kernel 3 a count that
/// ignored the border would be off by 22 % and more.
#[test]
fn a_convolution_counts_its_borders() {
    let settings = [
        ConvSettings { padding: 1, ..ConvSettings::default() },
        ConvSettings { padding: 1, stride: 2, ..ConvSettings::default() },
        ConvSettings { padding: 2, dilation: 2, groups: 2, ..ConvSettings::default() },
        ConvSettings { kernel: 1, stride: 2, ..ConvSettings::default() },
    ];
    for s in settings {
        let s = ConvSettings { inputs: 64, outputs: 64, bias: false, ..s };
        let mut conv = Conv2d::new(s, &mut Initializer::new(Init::LecunNormal, 2)).unwrap();
        let tape = Tape::new();
        let x = tape.variable(normal([48, 64, 7, 7], 0));
        let y = conv.forward(&Context::train(&tape, 0, 0), x).unwrap();
        let gradients = tape.backward_from(y, normal(y.shape(), 1), Keep::All).unwrap();
        assert_close(&compare(&tape, y, &gradients).unwrap(), 0.05);
        // And E[δ²] of the input, which no row shows: m.
        let fans = fans::Fans::of(y).unwrap();
        let weight = measure::second_moment(y.inputs()[1].value().data());
        let input = measure::second_moment(gradients.wrt(x).unwrap().data());
        assert!(
            (fans.outward * weight / input - 1.0).abs() < 0.05,
            "{s:?}: {} {input}",
            fans.outward * weight
        );
    }
}

/// Rows of a residual block: the branch's second convolution owns the activation after the sum, the shortcut none.
#[test]
fn a_residual_block_is_read_right() {
    let sizes = BlockSizes { inputs: 16, width: 32, stride: 2 };
    let mut init = Initializer::new(Init::LecunNormal, 4);
    let mut block = BasicBlock::<f64>::new(sizes, &|_| Box::new(Activation(Relu)), &mut init).unwrap();
    let rows = rows(&mut block, [32, 16, 8, 8]);
    let read: Vec<_> = rows.iter().map(|r| (r.layer.as_str(), r.activation.as_deref())).collect();
    let want = [("conv1", Some("relu")), ("conv2", Some("relu")), ("downsample.0", None)];
    assert_eq!(read, want);
    // Batch norm: Var[z] = 1 behind bn1; the sum of two normalized branches has 2.
    assert!((rows[0].predicted.variance_z.unwrap() - 1.0).abs() < 1e-9);
    assert!((rows[1].predicted.variance_z.unwrap() - 2.0).abs() < 1e-9);
    assert_close(&rows, 0.15);
}

/// Behind a ReLU, whose mean is not 0, batch normalization divides by n·Var[w]·Var[x]: a prediction with E[x²] would be
/// off by π/(π − 1) = 1.47 for every layer, by 4.7 over four.
#[test]
fn batch_normalization_divides_by_the_variance_inside_a_channel() {
    let mut init = Initializer::new(Init::HeNormal, 6);
    let mut net = Sequential::new();
    for layer in 0..5 {
        net = net
            .named(&format!("fc{layer}"), Linear::new(256, 256, &mut init))
            .then(BatchNorm2d::new(256, BatchNormSettings::default()).unwrap())
            .then(Activation(Relu));
    }
    assert_close(&rows(&mut net, [512, 256]), 0.15);
}

/// A mean pooling whose windows overlap, behind independent values: K² in the window whatever the stride.
#[test]
fn mean_pooling_averages_its_window() {
    let pool = AvgPool2d(ops::AvgPool2d {
        kernel: [3; 2],
        stride: [2; 2],
        padding: [0; 2],
        count_include_pad: true,
    });
    let conv = |init: &mut Initializer| Conv2d::same(32, 32, 1, 1, init).unwrap();
    let mut init = Initializer::new(Init::LecunNormal, 7);
    let mut net =
        Sequential::new().named("conv1", conv(&mut init)).then(pool).named("conv2", conv(&mut init));
    let rows = rows(&mut net, [64, 32, 11, 11]);
    // Windows of stride 2 overlap in one row or column; their δ add on the way back as if independent, as they are here.
    assert_close(&rows, 0.1);
}

/// Nothing is predicted in front of a maximum, and everything behind it.
#[test]
fn the_way_back_ends_at_a_maximum() {
    let pool = MaxPool2d(ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] });
    let mut init = Initializer::new(Init::HeNormal, 8);
    let mut net = Sequential::new()
        .named("conv1", Conv2d::same(8, 8, 3, 1, &mut init).unwrap())
        .then(Activation(Relu))
        .then(pool)
        .named("conv2", Conv2d::same(8, 8, 3, 1, &mut init).unwrap())
        .then(Activation(Relu));
    let rows = rows(&mut net, [4, 8, 8, 8]);
    assert_eq!((rows[0].predicted.delta, rows[0].predicted.weight_gradient), (None, None));
    assert!(rows[0].predicted.rho.is_some() && rows[0].measured.delta.is_some());
    assert!(rows[1].predicted.delta.is_some() && rows[1].predicted.weight_gradient.is_some());
}
