//! The cases on which the node's gradients are checked, and the node by an activation's name.

use autograd::check::{Case, CheckedOp};
use autograd::ops::activation::{ACTIVATIONS, Visitor, with_activation};
use autograd::ops::{BatchNorm, OpEntry, shortcut_to};
use autograd::{Elementwise, Result, Scalar, Var};

use super::{GradientMode, Normalize, NormalizeAfterNorm, Plan, Settings};
use crate::groups::Granularity;
use crate::moments::ForwardMoment;
use crate::statistics::Applied;

/// The node as the checker sees it, with every registered activation.
///
/// With batch statistics only the full gradient is checked: the detached one is not the derivative of that forward
/// pass, on purpose. With given statistics the detached gradient is.
pub const NODES: &[OpEntry] = &[
    OpEntry {
        name: "normalize_batch",
        formula: "κ·(f(z) − μ), batch statistics, full gradient",
        cases: batch,
    },
    OpEntry { name: "normalize_given", formula: "κ·(f(z) − μ), given statistics", cases: given },
    OpEntry {
        name: "batch_norm_normalize",
        formula: "κ·(f(z) − μ), z = γ · (x − mean) / √(var + ε) + β + r",
        cases: after_norm,
    },
];

/// The normalized activation `name` (the plain function's name) of `z`, by `plan`.
///
/// # Errors
/// An unknown name, or shapes that do not fit.
pub fn normalize<'t, S: Scalar>(
    name: &str,
    plan: Plan,
    z: Var<'t, S>,
    alpha: Option<Var<'t, S>>,
) -> Result<Var<'t, S>> {
    struct Apply<'t, S> {
        plan: Plan,
        z: Var<'t, S>,
        alpha: Option<Var<'t, S>>,
    }
    impl<'t, S: Scalar> Visitor for Apply<'t, S> {
        type Output = Result<Var<'t, S>>;
        fn visit<E: Elementwise>(self, function: E) -> Self::Output {
            Normalize::new(function, self.plan).apply(self.z, self.alpha)
        }
    }
    with_activation(name, Apply { plan, z, alpha })?
}

/// Builds the cases of one activation.
struct Cases {
    plans: Vec<Plan>,
}

impl Visitor for Cases {
    type Output = Vec<Case>;

    fn visit<E: Elementwise>(self, function: E) -> Vec<Case> {
        self.plans.into_iter().map(|plan| case(Normalize::new(function, plan), E::KINKS)).collect()
    }
}

/// z [3, 2, 5] away from the kinks, and an α per group.
fn case<E: Elementwise>(node: Normalize<E>, kinks: &[f64]) -> Case
where
    Normalize<E>: CheckedOp,
{
    let groups = match node.plan().settings().granularity {
        Granularity::Layer => 1,
        Granularity::Channel => 2,
    };
    Case::op("z and α", node).clear_of([3, 2, 5], kinks).normal([groups])
}

fn all(plans: &dyn Fn() -> Vec<Plan>) -> Vec<Case> {
    let cases = |name| with_activation(name, Cases { plans: plans() }).expect("a registered name");
    ACTIVATIONS.iter().flat_map(|a| cases(a.name)).collect()
}

fn batch() -> Vec<Case> {
    let plan =
        |moment, granularity| Plan::batch(Settings { moment, gradient: GradientMode::Full, granularity });
    all(&|| {
        vec![
            plan(ForwardMoment::Raw, Granularity::Layer),
            plan(ForwardMoment::Centered, Granularity::Layer),
            plan(ForwardMoment::Raw, Granularity::Channel),
            plan(ForwardMoment::Centered, Granularity::Channel),
        ]
    })
}

fn given() -> Vec<Case> {
    let values = || vec![Applied { lambda: 1.7, mu: 0.3 }, Applied { lambda: 0.6, mu: -0.2 }];
    let settings = Settings { granularity: Granularity::Channel, ..Settings::default() };
    all(&|| vec![Plan::given(settings, values()).expect("these numbers are finite")])
}

/// The fused op: batch statistics with a shortcut that keeps z clear of the kinks, and given ones per channel once.
fn after_norm() -> Vec<Case> {
    struct AfterNorm;
    impl Visitor for AfterNorm {
        type Output = [Case; 2];
        fn visit<E: Elementwise>(self, function: E) -> [Case; 2] {
            let norm = BatchNorm { eps: 0.1 };
            let full = Settings { gradient: GradientMode::Full, ..Settings::default() };
            let channel = Settings { granularity: Granularity::Channel, ..Settings::default() };
            let values = vec![Applied { lambda: 1.7, mu: 0.3 }, Applied { lambda: 0.6, mu: -0.2 }];
            let given = Plan::given(channel, values).expect("these numbers are finite");
            [(Plan::batch(full), 1), (given, 2)].map(|(plan, groups)| {
                let node = Normalize::new(function, plan);
                let case = Case::op("with a shortcut", NormalizeAfterNorm { norm, node });
                let case = case.normal([3, 2, 5]).normal([2]).normal([2]);
                let shortcut = shortcut_to(norm, case.inputs(), E::KINKS);
                case.normal([groups]).values(shortcut)
            })
        }
    }
    let of = |name| with_activation(name, AfterNorm).expect("a registered name");
    // The samples' check is four times as long for each input, so given numbers are left to one function.
    let cases = ACTIVATIONS.iter().flat_map(|a| of(a.name).into_iter().take(1));
    cases.chain(of("swish").into_iter().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::check::assert_case;

    #[test]
    fn every_normalized_gradient_is_right() {
        for entry in NODES {
            (entry.cases)().iter().for_each(assert_case);
        }
    }

    #[test]
    fn every_node_treats_samples_as_it_says() {
        for case in NODES.iter().flat_map(|entry| (entry.cases)()) {
            let failures = autograd::check::samples(&case).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
            assert!(failures.is_empty(), "{}", failures.join("\n"));
        }
    }
}
