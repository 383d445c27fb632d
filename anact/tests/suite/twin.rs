//! The fused node against the composed one: values, gradients and statistics, and the PReLU only the latter can do.

use anact::composed::{Composed, Parts, composed};
use anact::{Applied, Granularity, NodeStatistics, Normalize, Plan, Settings};
use anact::{ForwardMoment, GradientMode};
use autograd::check::{self, Case, Program};
use autograd::ops::activation::{ACTIVATIONS, LeakyRelu, Visitor, with_activation};
use autograd::{Elementwise, Keep, Result, Scalar, Tape, Tensor, Var};

use crate::gradients::all_settings;
use crate::groups::normal;

/// Value, ∂L/∂z, ∂L/∂α and statistics of what `record` makes of z and α.
fn run(
    z: &Tensor<f64>,
    groups: usize,
    record: impl for<'t> Fn(Var<'t, f64>, Var<'t, f64>) -> (Var<'t, f64>, NodeStatistics),
) -> ([Vec<f64>; 3], NodeStatistics) {
    let tape = Tape::new();
    let (z, alpha) = (tape.variable(z.clone()), tape.variable(normal([groups], 21)));
    let (y, statistics) = record(z, alpha);
    let gradients = tape.backward_from(y, normal(y.shape(), 22), Keep::Leaves).unwrap();
    let list = |t: Tensor<f64>| t.data().to_vec();
    ([list(y.value()), list(gradients.wrt(z).unwrap()), list(gradients.wrt(alpha).unwrap())], statistics)
}

fn fused<E: Elementwise>(
    e: E,
    plan: &Plan,
    z: &Tensor<f64>,
    groups: usize,
) -> ([Vec<f64>; 3], NodeStatistics) {
    run(z, groups, |z, alpha| {
        let y = Normalize::new(e, plan.clone()).apply(z, Some(alpha)).unwrap();
        (y, NodeStatistics::of(y).unwrap())
    })
}

fn twin<E: Elementwise>(
    e: E,
    plan: &Plan,
    z: &Tensor<f64>,
    groups: usize,
) -> ([Vec<f64>; 3], NodeStatistics) {
    run(z, groups, |z, alpha| {
        let Composed { output, statistics } = composed(Parts::of(e, z), Some(alpha), plan).unwrap();
        (output, statistics)
    })
}

/// The worst difference, relative to the largest entry of each list; equal entries differ by 0, NaN included.
fn difference(a: &[Vec<f64>; 3], b: &[Vec<f64>; 3]) -> f64 {
    let mut worst = 0.0f64;
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len());
        let size =
            a.iter().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs())).max(f64::MIN_POSITIVE);
        for (a, b) in a.iter().zip(b) {
            let same = a == b || (a.is_nan() && b.is_nan());
            let error = if same { 0.0 } else { (a - b).abs() / size };
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
    }
    worst
}

struct BothWays(Settings);
impl Visitor for BothWays {
    type Output = f64;
    fn visit<E: Elementwise>(self, e: E) -> f64 {
        let groups = if self.0.granularity == Granularity::Layer { 1 } else { 3 };
        let (plan, z) = (Plan::batch(self.0), normal([5, 3, 7, 31], 20));
        let ((a, statistics), (b, other)) = (fused(e, &plan, &z, groups), twin(e, &plan, &z, groups));
        for (a, b) in statistics.groups.iter().zip(&other.groups) {
            assert!((a.lambda / b.lambda - 1.0).abs() < 1e-12 && (a.mu - b.mu).abs() < 1e-12);
            let (a, b) = (a.moments.unwrap(), b.moments.unwrap());
            assert_eq!(a.count, b.count);
            assert!((a.z_var / b.z_var - 1.0).abs() < 1e-12 && (a.d2 / b.d2 - 1.0).abs() < 1e-12);
        }
        assert_eq!(statistics.groups.len(), groups);
        difference(&a, &b)
    }
}

/// Every activation, both modes, both moments, both granularities.
#[test]
fn the_node_is_its_composed_twin() {
    let (mut worst, mut compared) = (0.0f64, 0);
    for activation in ACTIVATIONS {
        for settings in all_settings() {
            let error = with_activation(activation.name, BothWays(settings)).unwrap();
            assert!(error <= 1e-12, "{} {settings:?}: {error:e}", activation.name);
            (worst, compared) = (worst.max(error), compared + 1);
        }
    }
    assert_eq!(compared, 8 * ACTIVATIONS.len());
    println!("{compared} comparisons, worst {worst:.1e}");
}

/// The two agree where the batch says nothing, too, and with given numbers.
#[test]
fn the_twins_agree_on_degenerate_and_given_statistics() {
    let tables: [&[f64]; 6] = [
        &[0.7; 6],
        &[-1.0, -2.0, -3.0, -4.0, -5.0, -6.0],
        &[1.0, -2.0, -1.0, -1.5, 3.0, 4.0],
        &[f64::NAN, 1.0, 2.0, -3.0, -1.0, 0.5],
        &[1e200, 1.0, 2.0, -3.0, -1.0, 0.5],
        &[],
    ];
    let e = LeakyRelu::default();
    for table in tables {
        let z = Tensor::new([table.len() / 2, 2], table.to_vec()).unwrap();
        for settings in all_settings() {
            let groups = if settings.granularity == Granularity::Layer { 1 } else { 2 };
            let values: Vec<Applied> =
                (0..groups).map(|g| Applied { lambda: 2.0 + g as f64, mu: 0.3 }).collect();
            let mut plans = vec![Plan::batch(settings), Plan::batch_or(settings, values.clone()).unwrap()];
            if settings.gradient == GradientMode::Detached {
                plans.push(Plan::given(settings, values).unwrap());
            }
            for plan in plans {
                let ((a, one), (b, two)) = (fused(e, &plan, &z, groups), twin(e, &plan, &z, groups));
                // NaN in one channel's z reaches that channel's gradient only in the composed node.
                if table.iter().all(|x| x.is_finite()) {
                    assert!(difference(&a, &b) <= 1e-12, "{plan:?} {table:?}: {a:?} {b:?}");
                }
                let flags = |s: &NodeStatistics| s.groups.iter().map(|g| g.degenerate).collect::<Vec<_>>();
                assert_eq!(flags(&one), flags(&two), "{plan:?} {table:?}");
            }
        }
    }
}

/// Normalized PReLU as a function of z, slope and α.
struct NormalizedPrelu(Plan);
impl Program for NormalizedPrelu {
    fn run<'t, S: Scalar>(&self, _: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let &[z, slope, alpha] = inputs else { panic!("three inputs") };
        Ok(composed(Parts::prelu(z, slope)?, Some(alpha), &self.0)?.output)
    }
}

/// Gradients to z, slope and α by both routes of the checker; with Full, through the statistics.
#[test]
fn normalized_prelu_learns_its_slope() {
    for settings in all_settings().filter(|s| s.gradient == GradientMode::Full) {
        let groups = if settings.granularity == Granularity::Layer { 1 } else { 3 };
        let detached = Settings { gradient: GradientMode::Detached, ..settings };
        let given = Plan::given(detached, vec![Applied { lambda: 1.2, mu: 0.1 }; groups]).unwrap();
        for (slopes, plan) in
            [1, 3].into_iter().flat_map(|n| [(n, Plan::batch(settings)), (n, given.clone())])
        {
            let case = Case::of_program(&format!("prelu {plan:?}, {slopes} slopes"), NormalizedPrelu(plan));
            let case = case.clear_of([4, 3, 5], &[0.0]).positive([slopes]).normal([groups]);
            check::assert_case(&case.single_tolerance(1e-4));
        }
    }
}

/// With a slope that is not learned it is the leaky ReLU; detached, the slope's gradient is that of given statistics.
#[test]
fn normalized_prelu_is_a_leaky_relu() {
    let z = normal([4, 3, 5], 30);
    for settings in all_settings().filter(|s| s.moment == ForwardMoment::Raw) {
        let groups = if settings.granularity == Granularity::Layer { 1 } else { 3 };
        let plan = Plan::batch(settings);
        let prelu = |plan: &Plan| {
            let tape = Tape::<f64>::new();
            let slope = tape.variable(Tensor::vector(vec![0.3]));
            let (z, alpha) = (tape.variable(z.clone()), tape.variable(normal([groups], 21)));
            let node = composed(Parts::prelu(z, slope).unwrap(), Some(alpha), plan).unwrap();
            let gradients = tape.backward_from(node.output, normal(z.shape(), 22), Keep::Leaves).unwrap();
            let list = |t: Tensor<f64>| t.data().to_vec();
            let lists =
                [node.output.value(), gradients.wrt(z).unwrap(), gradients.wrt(alpha).unwrap()].map(list);
            (lists, node.statistics, gradients.wrt(slope).unwrap().item().unwrap())
        };
        let (lists, statistics, by_slope) = prelu(&plan);
        let leaky = fused(LeakyRelu::with_parameter(0.3), &plan, &z, groups);
        assert!(difference(&lists, &leaky.0) <= 1e-12);
        if settings.gradient == GradientMode::Detached {
            let values = statistics.groups.iter().map(|g| Applied { lambda: g.lambda, mu: g.mu }).collect();
            let (_, _, given) = prelu(&Plan::given(settings, values).unwrap());
            assert!((by_slope / given - 1.0).abs() < 1e-12);
        }
    }
}
