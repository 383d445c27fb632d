//! The node that is fused with the normalization before it against the chain of ops: the same bits in everything.

use anact::{
    Applied, GradientMode, Granularity, NodeStatistics, Normalize, NormalizeAfterNorm, Normalized,
    NormalizedSettings, Plan, Settings, StatisticsSource,
};
use autograd::ops::BatchNorm;
use autograd::ops::activation::{ACTIVATIONS, Relu, Swish, Visitor, with_activation};
use autograd::{Elementwise, Keep, Scalar, Shape, Tape, Tensor, Var};
use layers::{BatchNorm2d, BatchNormSettings, Context, Execution, Sequential, weights};
use proptest::prelude::*;

use crate::gradients::all_settings;
use crate::groups::normal;

/// Operands for x of one shape.
struct Operands<S> {
    /// x, γ, β, α for the layer, α for its channels, and a shortcut.
    tensors: [Tensor<S>; 6],
    upstream: Tensor<S>,
    has_shortcut: bool,
}

/// Bits of the value and of every gradient.
type Bits = Vec<Vec<u64>>;

fn bits<S: Scalar>(t: &Tensor<S>) -> Vec<u64> {
    t.data().iter().map(|x| x.to_f64().to_bits()).collect()
}

impl<S: Scalar> Operands<S> {
    fn new(dims: &[usize], has_shortcut: bool, seed: u64) -> Self {
        let (x, c) = (Shape::new(dims).unwrap(), dims[1]);
        let of = |shape: Shape, index: u64| normal(shape, 10 * seed + index);
        let c = Shape::from([c]);
        Self {
            tensors: [of(x, 0), of(c, 1), of(c, 2), of(Shape::from([1]), 3), of(c, 4), of(x, 5)],
            upstream: of(x, 6),
            has_shortcut,
        }
    }

    fn run(
        &self,
        granularity: Granularity,
        record: impl for<'t> Fn([Var<'t, S>; 4], Option<Var<'t, S>>) -> Var<'t, S>,
    ) -> (Bits, NodeStatistics) {
        let tape = Tape::new();
        let leaf = |i: usize| tape.variable(self.tensors[i].clone());
        let alpha = if granularity == Granularity::Layer { 3 } else { 4 };
        let inputs = [leaf(0), leaf(1), leaf(2), leaf(alpha)];
        let shortcut = self.has_shortcut.then(|| leaf(5));
        let y = record(inputs, shortcut);
        let statistics = NodeStatistics::of(y).unwrap();
        let gradients = tape.backward_from(y, self.upstream.clone(), Keep::Leaves).unwrap();
        let wanted = inputs.into_iter().chain(shortcut);
        let all = wanted.map(|v| bits(&gradients.wrt(v).unwrap()));
        (std::iter::once(bits(&y.value())).chain(all).collect(), statistics)
    }

    fn channels(&self) -> usize {
        self.tensors[1].len()
    }
}

/// The plans whose bits differ in a visitor's function, if any do.
struct Compare<'a, S>(&'a Operands<S>, &'a [Settings]);

impl<S: Scalar> Visitor for Compare<'_, S> {
    type Output = Vec<String>;
    fn visit<E: Elementwise>(self, function: E) -> Vec<String> {
        let norm = BatchNorm::default();
        let mut differ = Vec::new();
        for &settings in self.1 {
            let groups = if settings.granularity == Granularity::Layer { 1 } else { self.0.channels() };
            let values = (0..groups).map(|g| Applied { lambda: 1.3 - g as f64 / 4.0, mu: 0.2 }).collect();
            let mut plans = vec![Plan::batch(settings)];
            if settings.gradient == GradientMode::Detached {
                plans.push(Plan::given(settings, values).unwrap());
            }
            for plan in plans {
                let node = || Normalize::new(function, plan.clone());
                let chain = self.0.run(settings.granularity, |[x, gamma, beta, alpha], shortcut| {
                    let z = x.batch_norm(gamma, beta, norm).unwrap();
                    node().apply(shortcut.map_or(z, |r| z + r), Some(alpha)).unwrap()
                });
                let fused = self.0.run(settings.granularity, |[x, gamma, beta, alpha], shortcut| {
                    let inputs: Vec<_> = [x, gamma, beta, alpha].into_iter().chain(shortcut).collect();
                    x.tape().apply(NormalizeAfterNorm { norm, node: node() }, &inputs).unwrap()
                });
                if chain != fused {
                    differ.push(format!("{plan:?}"));
                }
            }
        }
        differ
    }
}

fn compare<S: Scalar>(
    name: &str,
    settings: &[Settings],
    dims: &[usize],
    has_shortcut: bool,
    seed: u64,
) -> Vec<String> {
    with_activation(name, Compare(&Operands::<S>::new(dims, has_shortcut, seed), settings)).unwrap()
}

/// Every activation, both moments, gradients and granularities, with and without a shortcut.
#[test]
fn the_bits_are_those_of_the_chain() {
    let settings: Vec<_> = all_settings().collect();
    for a in ACTIVATIONS {
        for (dims, has_shortcut) in [([2, 3, 7, 7], true), ([3, 2, 4, 4], false)] {
            let single = compare::<f32>(a.name, &settings, &dims, has_shortcut, 1);
            let double = compare::<f64>(a.name, &settings, &dims, has_shortcut, 2);
            assert!(single.is_empty() && double.is_empty(), "{} {dims:?} {single:?} {double:?}", a.name);
        }
    }
}

/// Planes of one element up to several blocks.
#[test]
fn the_bits_are_those_of_the_chain_for_planes_of_any_size() {
    let settings: Vec<_> = all_settings().collect();
    let shapes: [&[usize]; 6] =
        [&[9, 5], &[3, 4, 1, 1], &[5, 3, 4, 4], &[3, 2, 8, 8], &[3, 2, 32, 32], &[2, 3, 37, 41]];
    for (i, dims) in shapes.into_iter().enumerate() {
        for has_shortcut in [false, true] {
            let single = compare::<f32>("swish", &settings, dims, has_shortcut, i as u64);
            let double = compare::<f64>("leaky_relu", &settings, dims, has_shortcut, i as u64);
            assert!(single.is_empty() && double.is_empty(), "{dims:?} {single:?} {double:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_bits_are_those_of_the_chain_for_any_shape(
        (n, c, h, w) in (1usize..5, 1usize..6, 1usize..20, 1usize..20),
        has_shortcut: bool,
        setting in 0usize..8,
        seed in 0u64..1000,
    ) {
        let settings: Vec<_> = all_settings().skip(setting).take(1).collect();
        let differ = compare::<f32>("swish", &settings, &[n, c, h, w], has_shortcut, seed);
        prop_assert!(differ.is_empty(), "{:?}", differ);
    }
}

/// Steps of a layer behind a norm, fused or not: bits of values, gradients and state, and the running statistics.
fn train<E: Elementwise>(e: E, settings: NormalizedSettings, fused: bool) -> (Bits, Vec<u8>) {
    let mut net = Sequential::<f32>::new()
        .named("bn1", BatchNorm2d::new(3, BatchNormSettings::default()).unwrap())
        .named("act1", Normalized::new(e, settings, 3).unwrap());
    let mut all = Vec::new();
    for step in 0..4 {
        let tape = Tape::new();
        let x = tape.variable(normal([4, 3, 5, 7], 50 + step));
        let cx = Context::train(&tape, 0, step).executing(Execution { fused, ..Execution::default() });
        // In the third step a constant batch: degenerate, with the running values as fallback.
        let x = if step == 2 { x.detach() * tape.variable(Tensor::scalar(0.0)) } else { x };
        let y = layers::Layer::forward(&mut net, &cx, x).unwrap();
        assert_eq!(y.scope(), "act1");
        let names: Vec<_> = tape.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["act1.alpha", "bn1.bias", "bn1.weight"]);
        assert_eq!(y.op_name(), if fused { "batch_norm_normalize" } else { "normalize" });
        let gradients = tape.backward_from(y, normal(y.shape(), 60 + step), Keep::Leaves).unwrap();
        all.push(bits(&y.value()));
        all.extend(names.iter().map(|name| bits(gradients.named(name).unwrap())));
    }
    (all, weights::to_safetensors(&mut net))
}

/// Running and batch statistics, both gradients and granularities; the running statistics move alike.
#[test]
fn a_fused_layer_trains_by_the_same_bits() {
    for node in all_settings() {
        for statistics in [StatisticsSource::Running, StatisticsSource::Batch] {
            let settings = NormalizedSettings {
                statistics,
                moment: node.moment,
                gradient: node.gradient,
                granularity: node.granularity,
                ..NormalizedSettings::default()
            };
            if settings.checked().is_ok() {
                assert!(train(Swish::default(), settings, true) == train(Swish::default(), settings, false));
                assert!(train(Relu, settings, true) == train(Relu, settings, false), "{settings:?}");
            }
        }
    }
}
