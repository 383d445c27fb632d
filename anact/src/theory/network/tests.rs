//! Prediction against measurement where the theory's assumptions hold: independent inputs, weights and cotangents.

use super::*;
use autograd::ops::activation::{Relu, Swish, Tanh};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Pass, Shape, Tensor, ops};
use layers::residual::{BasicBlock, BlockSizes};
use layers::{
    Activation, AvgPool2d, BatchNorm2d, BatchNormSettings, Context, Conv2d, ConvSettings, Init, Initializer,
    Layer, Linear, MaxPool2d, Sequential,
};

use crate::layer::{Normalized, NormalizedSettings, StatisticsSource};

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

/// Every window's gradient goes to its winner, whose slope is not that of a typical z: behind a ReLU a winner of four is
/// on in 15 of 16 cases, so E[δ²] is nearly twice what the mean slope gives. Where all four are 0 the first is it.
#[test]
fn the_way_back_through_a_maximum_takes_the_winners_slopes() {
    let pool = MaxPool2d(ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] });
    let mut init = Initializer::new(Init::HeNormal, 8);
    let conv = |init: &mut Initializer| Conv2d::same(32, 32, 1, 1, init).unwrap();
    let mut net = Sequential::new()
        .named("conv1", conv(&mut init))
        .then(Activation(Relu))
        .then(pool)
        .named("conv2", conv(&mut init))
        .then(Activation(Relu));
    let rows = rows(&mut net, [64, 32, 8, 8]);
    let (row, measured) = (&rows[0], rows[0].measured.delta.unwrap());
    // The general form takes half of the units for on in the layer above; of 32 channels that share a mean, more may be.
    let theories = [(row.predicted.delta, 0.15), (row.per_unit.delta, 0.05), (row.two_state.delta, 0.05)];
    for (predicted, allowed) in theories {
        assert!((predicted.unwrap() / measured - 1.0).abs() < allowed, "{predicted:?} {measured}");
    }
}

/// The measured E[δ²] and E[(∂L/∂w)²] over each theory's: general form, per sample, per unit, two-state.
fn misses(row: &LayerRow) -> [[f64; 4]; 2] {
    let theories = [row.per_sample, row.per_unit, row.two_state];
    let over = |measured: Option<f64>, predicted: Option<f64>| measured.unwrap() / predicted.unwrap();
    let (delta, weight) = (row.measured.delta, row.measured.weight_gradient);
    let (d, w) = (|p| over(delta, p), |p| over(weight, p));
    [
        [d(row.predicted.delta), d(theories[0].delta), d(theories[1].delta), d(theories[2].delta)],
        [
            w(row.predicted.weight_gradient),
            w(theories[0].weight_gradient),
            w(theories[1].weight_gradient),
            w(theories[2].weight_gradient),
        ],
    ]
}

/// At the border of an image fewer weights meet, so both x² and δ² are smaller there: together, not independently. The
/// general form cannot know; place by place it is known.
#[test]
fn places_of_an_image_are_told_apart() {
    let mut init = Initializer::new(Init::HeNormal, 1);
    let mut net = Sequential::new();
    for layer in 0..8 {
        net = net
            .named(&format!("conv{layer}"), Conv2d::same(32, 32, 3, 1, &mut init).unwrap())
            .then(Activation(Relu));
    }
    let [delta, weight] = misses(&rows(&mut net, [16, 32, 6, 6])[0]);
    assert!(delta[0] > 1.7 && weight[0] > 1.7, "{delta:?} {weight:?}");
    for miss in delta[1..].iter().chain(&weight[1..]) {
        assert!((miss - 1.0).abs() < 0.1, "{delta:?} {weight:?}");
    }
}

/// x ↦ act(x + F(x)): a residual block without normalization.
#[derive(Debug)]
struct Block(Sequential<f64>);

impl Layer<f64> for Block {
    fn forward<'t>(&mut self, cx: &Context<'t, f64>, x: Var<'t, f64>) -> Result<Var<'t, f64>> {
        Ok((self.0.forward(cx, x)? + x).map(Relu))
    }
}

/// A sum keeps the units apart: a unit that is on behind one block is likelier to be on behind the next. A theory that takes
/// a place's units for alike loses that at every block.
#[test]
fn units_are_told_apart_along_a_residual_path() {
    let mut init = Initializer::new(Init::LecunNormal, 2);
    let mut net = Sequential::new();
    for block in 0..8 {
        let branch = Sequential::new()
            .named("fc1", Linear::new(256, 256, &mut init))
            .then(Activation(Relu))
            .named("fc2", Linear::new(256, 256, &mut init));
        net = net.named(&format!("block{block}"), Block(branch));
    }
    let [delta, weight] = misses(&rows(&mut net, [32, 256])[0]);
    assert!(delta[1] > 2.0 && weight[1] > 2.0, "{delta:?} {weight:?}");
    for miss in delta[2..].iter().chain(&weight[2..]) {
        assert!((miss - 1.0).abs() < 0.15, "{delta:?} {weight:?}");
    }
}

/// Batch normalization centres every *channel* over the batch; it leaves the ratio of two samples' norms as it is, so it
/// does not stop samples from drifting apart: their spread behind it is the spread in front of it.
#[test]
fn batch_normalization_does_not_reset_a_samples_norm() {
    let mut init = Initializer::new(Init::LecunNormal, 3);
    let mut net = Sequential::new();
    for layer in 0..12 {
        net = net
            .named(&format!("fc{layer}"), Linear::new(256, 256, &mut init))
            .then(BatchNorm2d::new(256, BatchNormSettings::default()).unwrap())
            .then(Activation(Swish::default()));
    }
    let rows = rows(&mut net, [256, 256]);
    // z of these rows is behind the normalization; a > 1 at unit variance makes the spread grow.
    let spread: Vec<f64> = rows.iter().map(|r| r.log_q_spread.unwrap()).collect();
    assert!(rows[..11].iter().all(|r| r.slope.unwrap() > 1.05), "{rows:?}");
    assert!(spread[11] > 2.5 * spread[0], "{spread:?}");
}

/// The mean over seeds of measured over predicted, with its standard error, for narrow nets where samples and weights
/// remember much.
fn ensemble(seeds: u64, of: impl Fn(u64) -> [f64; 4]) -> [(f64, f64); 4] {
    let misses: Vec<[f64; 4]> = (0..seeds).map(of).collect();
    let n = seeds as f64;
    std::array::from_fn(|k| {
        let mean = misses.iter().map(|m| m[k]).sum::<f64>() / n;
        let variance = misses.iter().map(|m| (m[k] - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    })
}

#[test]
fn the_two_state_theory_is_unbiased_where_the_others_are_not() {
    let [pooled, _, per_unit, two_state] = ensemble(60, |seed| {
        let mut init = Initializer::new(Init::LecunNormal, seed);
        let mut net = Sequential::new();
        for layer in 0..10 {
            let settings =
                NormalizedSettings { statistics: StatisticsSource::Batch, ..NormalizedSettings::default() };
            let act = Normalized::new(Swish::default(), settings, 64).unwrap();
            net = net.named(&format!("fc{layer}"), Linear::new(64, 64, &mut init)).then(act);
        }
        let tape = Tape::new();
        let draw = |index| normal([32, 64], 2 * seed + index);
        let y = net.forward(&Context::train(&tape, 0, 0), tape.variable(draw(0))).unwrap();
        let gradients = tape.backward_from(y, draw(1), Keep::All).unwrap();
        misses(&compare(&tape, y, &gradients).unwrap()[0])[0]
    });
    assert!((two_state.0 - 1.0).abs() < 4.0 * two_state.1 && two_state.1 < 0.1, "{two_state:?}");
    assert!(per_unit.0 - 1.0 > 4.0 * per_unit.1, "{per_unit:?}");
    assert!(pooled.0 - 1.0 > 4.0 * pooled.1, "{pooled:?}");
}

/// A convolution that adds its bias itself is the one whose bias is added by a node of its own: W is known by W·x.
#[test]
fn a_bias_is_no_part_of_what_weights_are_known_by() {
    let (weights, bias) = (normal([8, 8, 1, 1], 20), normal([8], 21));
    let deltas = |is_inside: bool| {
        let tape = Tape::new();
        let mut x = tape.variable(normal([3, 8, 4, 4], 22)).map(Tanh);
        for layer in 0..3 {
            let w = tape.parameter(&format!("w{layer}"), &weights).unwrap();
            let b = tape.parameter(&format!("b{layer}"), &bias).unwrap();
            let z = match is_inside {
                true => x.conv2d(w, Some(b), ops::Conv2d::default()).unwrap(),
                false => {
                    let z = x.conv2d(w, None, ops::Conv2d::default()).unwrap();
                    z + b.reshape([1, 8, 1, 1]).unwrap()
                }
            };
            x = z.map(Swish::default());
        }
        let gradients = tape.backward_from(x, normal(x.shape(), 23), Keep::All).unwrap();
        let rows = compare(&tape, x, &gradients).unwrap();
        rows.iter().map(|r| r.two_state.delta.unwrap()).collect::<Vec<f64>>()
    };
    for (inside, outside) in deltas(true).into_iter().zip(deltas(false)) {
        assert!((inside / outside - 1.0).abs() < 1e-12, "{inside} {outside}");
    }
}

/// By hand: z = ±1 under tanh has E[f²] = tanh² 1 and E[f′²] = (1 − tanh² 1)², not those of a normal z, and the layer above
/// has Var[z] = n·Var[w]·tanh² 1; E[δ²] is multiplied by m·Var[w] and E[f′²].
#[test]
fn measured_ratios_are_those_of_the_tape() {
    let n = 4;
    let tape = Tape::new();
    let signs = (0..2 * n).map(|i| if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let x = tape.variable(Tensor::filled(Shape::from([2, n]), signs));
    // Identity weights, so that z is x.
    let one: Vec<f64> = (0..n * n).map(|ij| if ij / n == ij % n { 1.0 } else { 0.0 }).collect();
    let w1 = tape.parameter("w1", &Tensor::filled(Shape::from([n, n]), one)).unwrap();
    let w2 = tape.parameter("w2", &normal([n, n], 30)).unwrap();
    let h = x.matmul(w1).unwrap().map(Tanh);
    let y = h.matmul(w2).unwrap();
    let cotangent = normal([2, n], 31);
    let gradients = tape.backward_from(y, cotangent.clone(), Keep::All).unwrap();
    let rows = compare(&tape, y, &gradients).unwrap();
    let (first, second) = (&rows[0].with_measured_ratios, &rows[1].with_measured_ratios);
    let square = |x: &Tensor<f64>| x.data().iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let (t2, w2) = (1f64.tanh().powi(2), square(&w2.value()));
    let mean = x.value().data().iter().sum::<f64>() / (2 * n) as f64;
    let variance = 1.0 - mean * mean;
    let close = |got: Option<f64>, want: f64| {
        assert!((got.unwrap() / want - 1.0).abs() < 1e-12, "{got:?} {want}");
    };
    close(first.rho, t2 / variance);
    close(first.rho_prime, (1.0 - t2).powi(2));
    // w1 has mean 1/n and E[w²] = 1/n; the general form takes its mean for 0, so Var[z] = E[x²].
    close(first.variance_z, 1.0);
    close(second.variance_z, n as f64 * w2 * t2 / variance);
    close(second.delta, square(&cotangent));
    close(first.delta, n as f64 * w2 * (1.0 - t2).powi(2) * square(&cotangent));
    // A normal z of variance 1 has another ρ.
    assert!((rows[0].predicted.rho.unwrap() * variance / t2 - 1.0).abs() > 0.1);
}

/// At a border a mean over a padded window has fewer terms, whether padding counts as zeros or not.
#[test]
fn a_padded_mean_pooling_counts_its_borders() {
    for count_include_pad in [true, false] {
        let pool =
            AvgPool2d(ops::AvgPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2], count_include_pad });
        let conv = |init: &mut Initializer| Conv2d::same(64, 64, 1, 1, init).unwrap();
        let mut init = Initializer::new(Init::LecunNormal, 7);
        let mut net =
            Sequential::new().named("conv1", conv(&mut init)).then(pool).named("conv2", conv(&mut init));
        let rows = rows(&mut net, [64, 64, 6, 6]);
        assert_close(&rows, 0.06);
        for row in &rows {
            let miss = row.two_state.delta.unwrap() / row.measured.delta.unwrap();
            assert!((miss - 1.0).abs() < 0.05, "{} {miss}", row.layer);
        }
    }
}

/// `compared` names all that `compare` reads.
#[test]
fn a_pass_may_keep_only_what_is_compared() {
    let mut init = Initializer::new(Init::LecunNormal, 4);
    let sizes = BlockSizes { inputs: 8, width: 8, stride: 1 };
    let mut block = BasicBlock::<f64>::new(sizes, &|_| Box::new(Activation(Relu)), &mut init).unwrap();
    let tape = Tape::new();
    let x = tape.variable(normal([4, 8, 6, 6], 0));
    let y = block.forward(&Context::train(&tape, 0, 0), x).unwrap();
    let all = tape.backward_from(y, normal(y.shape(), 1), Keep::All).unwrap();
    let mut pass = Pass::new(Keep::Watched).with_cotangent(normal(y.shape(), 1));
    for node in compared(&tape, y) {
        pass = pass.watch_node(node);
    }
    let few = tape.run(pass, y).unwrap();
    assert_eq!(compare(&tape, y, &few).unwrap(), compare(&tape, y, &all).unwrap());
}
