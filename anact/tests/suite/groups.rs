//! Groups and threads: bits, not tolerances.

use anact::{Applied, Granularity, NodeStatistics, Normalize, Plan, Settings};
use anact::{ForwardMoment, GradientMode};
use autograd::ops::activation::Swish;
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Scalar, Shape, Tape, Tensor};
use proptest::prelude::*;

use crate::gradients::all_settings;

pub(crate) fn normal<S: Scalar>(shape: impl Into<Shape>, index: u64) -> Tensor<S> {
    let (shape, mut stream) = (shape.into(), Stream::new(11, Purpose::Probe, index));
    Tensor::filled(shape, (0..shape.len()).map(|_| S::from_f64(stream.normal())).collect())
}

/// Value, ∂L/∂z, ∂L/∂α.
pub(crate) fn run<S: Scalar>(
    settings: Settings,
    z: &Tensor<S>,
    g: &Tensor<S>,
    alpha: &[S],
) -> [Tensor<S>; 3] {
    let tape = Tape::new();
    let (z, alpha) = (tape.variable(z.clone()), tape.variable(Tensor::vector(alpha.to_vec())));
    let y = Normalize::new(Swish::default(), Plan::batch(settings)).apply(z, Some(alpha)).unwrap();
    let gradients = tape.backward_from(y, g.clone(), Keep::Leaves).unwrap();
    [y.value(), gradients.wrt(z).unwrap(), gradients.wrt(alpha).unwrap()]
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let shape = [3, 5, 4099];
    let (z, g) = (normal::<f32>(shape, 0), normal::<f32>(shape, 1));
    let alpha = [0.1f32, -0.2, 0.3, 0.0, 1.0];
    for settings in all_settings() {
        let groups = if settings.granularity == Granularity::Layer { 1 } else { 5 };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let results = pool.install(|| run(settings, &z, &g, &alpha[..groups]));
            results.map(|t| t.data().iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        let one = on(1);
        for threads in [2, 3, 8] {
            assert!(on(threads) == one, "{settings:?} on {threads} threads");
        }
    }
}

/// A channel of (N, C, …) gives the very bits that its elements give as a layer of their own, laid out as a vector.
#[test]
fn per_channel_is_per_layer_channel_by_channel() {
    for dims in [vec![7, 3], vec![2, 3, 5], vec![4, 3, 17, 19], vec![1, 3, 1], vec![3, 3, 1100]] {
        let shape = Shape::new(&dims).unwrap();
        let (z, g) = (normal::<f64>(shape, 2), normal::<f64>(shape, 3));
        let alpha = [0.4, -0.7, 0.0];
        let plane: usize = dims[2..].iter().product();
        for settings in all_settings().filter(|s| s.granularity == Granularity::Channel) {
            let [y, by_z, by_alpha] = run(settings, &z, &g, &alpha);
            for c in 0..3 {
                let pick = |t: &Tensor<f64>| {
                    let planes = t.data().chunks(plane).skip(c).step_by(3);
                    Tensor::vector(planes.flatten().copied().collect())
                };
                let layer = Settings { granularity: Granularity::Layer, ..settings };
                let [want_y, want_z, want_alpha] = run(layer, &pick(&z), &pick(&g), &alpha[c..=c]);
                assert_eq!(pick(&y), want_y, "{settings:?} {shape}");
                assert_eq!(pick(&by_z), want_z, "{settings:?} {shape}");
                assert_eq!(by_alpha.data()[c], want_alpha.data()[0], "{settings:?} {shape}");
            }
        }
    }
}

proptest! {
    /// ∂L/∂α = 0.3·Σ g·(f − μ) for α = 0, against one running sum in f64, for planes below and above a block; and by the
    /// same bits if z wants no gradient.
    #[test]
    fn the_gradient_of_alpha_is_the_sum_that_it_is_said_to_be(
        (n, c, p) in (1usize..6, 1usize..5, 1usize..1500),
        mu in -1.0..1.0f64,
    ) {
        let (z, g) = (normal::<f32>([n, c, p], 4), normal::<f32>([n, c, p], 5));
        let of = |wants_z: bool| {
            let tape = Tape::new();
            let leaf = if wants_z { tape.variable(z.clone()) } else { tape.constant(z.clone()) };
            let alpha = tape.variable(Tensor::zeros([1]));
            let plan = Plan::given(Settings::default(), vec![Applied { lambda: 1.5, mu }]).unwrap();
            let y = Normalize::new(Swish::default(), plan).apply(leaf, Some(alpha)).unwrap();
            tape.backward_from(y, g.clone(), Keep::Leaves).unwrap().wrt(alpha).unwrap().data()[0]
        };
        let terms = z.data().iter().zip(g.data()).map(|(&z, &g)| {
            let (z, g) = (f64::from(z), f64::from(g));
            let f = z / (1.0 + (-z).exp());
            (0.3 * g * (f - mu), 0.3 * g.abs() * (f.abs() + mu.abs()))
        });
        let (want, size) = terms.fold((0.0, 0.0), |sums, term| (sums.0 + term.0, sums.1 + term.1));
        let got = of(true);
        prop_assert!((f64::from(got) - want).abs() <= 1e-6 * size, "{} {}", got, want);
        prop_assert_eq!(got.to_bits(), of(false).to_bits());
    }
}

#[test]
fn given_numbers_are_applied_per_group_and_read_back() {
    let settings = Settings { granularity: Granularity::Channel, ..Settings::default() };
    let values = vec![Applied { lambda: 2.0, mu: 0.5 }, Applied { lambda: -1.0, mu: 0.0 }];
    let tape = Tape::<f64>::new();
    let z = tape.variable(Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap());
    let node = Normalize::new(autograd::ops::Scale(1.0), Plan::given(settings, values.clone()).unwrap());
    let y = node.apply(z, None).unwrap();
    assert_eq!(y.value().data(), [1.0, -2.0, 5.0, -4.0]);
    assert_eq!(y.op_text(), "nscale(1) raw detached channel given");
    let statistics = NodeStatistics::of(y).unwrap();
    assert_eq!(
        statistics.groups.iter().map(|g| (g.lambda, g.mu)).collect::<Vec<_>>(),
        [(2.0, 0.5), (-1.0, 0.0)]
    );
    assert_eq!((statistics.moments(), statistics.degenerate()), (None, 0));
    assert!(NodeStatistics::of(z).is_none());
}

#[test]
fn mistakes_are_answered_with_what_would_be_legal() {
    let channel = Settings { granularity: Granularity::Channel, ..Settings::default() };
    let full = Settings { gradient: GradientMode::Full, moment: ForwardMoment::Raw, ..Settings::default() };
    let swish = Swish::default();
    let text = |plan: autograd::Result<Plan>| plan.unwrap_err().to_string();
    assert!(text(Plan::given(full, vec![])).contains("`detached`"));
    let nan = vec![Applied { lambda: f64::NAN, mu: 0.0 }];
    assert!(text(Plan::given(Settings::default(), nan)).contains("finite"));

    let tape = Tape::<f64>::new();
    let (vector, matrix) = (tape.variable(Tensor::zeros([5])), tape.variable(Tensor::zeros([2, 3])));
    let alpha = tape.variable(Tensor::zeros([2]));
    let refused = |node: Normalize<Swish>, z, alpha| node.apply(z, alpha).unwrap_err().to_string();
    assert!(refused(Normalize::new(swish, Plan::batch(channel)), vector, None).contains("two axes"));
    assert!(refused(Normalize::new(swish, Plan::batch(channel)), matrix, Some(alpha)).contains("[3]"));
    let given = Normalize::new(swish, Plan::given(channel, vec![Applied::default(); 2]).unwrap());
    assert!(refused(given, matrix, None).contains("3: one for each group"));
}
