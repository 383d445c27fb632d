//! Prediction against measurement where the theory's assumptions hold: independent inputs, weights and cotangents.

use super::*;
use autograd::ops::activation::{Relu, Tanh};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tensor};
use layers::residual::{BasicBlock, BlockSizes};
use layers::{Activation, Context, Conv2d, ConvSettings, Init, Initializer, Layer, Linear, Sequential};

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
    for layer in 0..5 {
        net = net.named(&format!("fc{layer}"), Linear::new(256, 256, &mut init)).then(Activation(Relu));
    }
    let rows = rows(&mut net, [256, 256]);
    assert_eq!(rows.len(), 5);
    assert_eq!((rows[4].layer.as_str(), rows[4].activation.as_deref()), ("fc4", Some("relu")));
    // Width and batch of 256: fluctuations of a few per cent per layer.
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
