//! The normalized activation as one op.

use std::fmt::{self, Debug};

use autograd::{Backward, Elementwise, Error, Forward, Op, Result, Sample, SampledInput, Samples};
use autograd::{Scalar, Tensor, Var};

mod after_norm;
mod cases;
mod loops;
mod plan;
mod table;
mod way;

pub use after_norm::NormalizeAfterNorm;
pub use cases::{NODES, normalize};
pub(crate) use loops::Loops;
pub use plan::{GradientMode, Plan, Settings};
pub use table::{GroupStatistics, NodeStatistics};
pub(crate) use way::FullSlopes;
use way::Way;

/// The op's name on a tape, whatever its function, plan and statistics.
pub const NAME: &str = "normalize";

/// The learnable adjustment of λ is at most this: κ = λ + 0.3·tanh α (the paper's constant).
pub const ADJUSTMENT: f64 = 0.3;

/// y = κ·(f(z) − μ), κ = λ + 0.3·tanh α, per group of elements (the whole tensor, or a channel).
///
/// Inputs: z, and optionally α of shape \[groups\]: \[1\] for [`Granularity::Layer`](crate::Granularity), \[C\] for
/// [`Granularity::Channel`](crate::Granularity), whose z is (N, C, …). Without α, κ = λ. The output has z's shape.
///
/// **From the batch** ([`Plan::batch`]), N elements: m₁ = mean f, m₂ = mean f², d₂ = mean f′², z̄ = mean z,
/// v = mean (z − z̄)²; μ = m₁, ρ = m₂/v ([`ForwardMoment::Raw`](crate::ForwardMoment)) or (m₂ − m₁²)/v ([`ForwardMoment::Centered`](crate::ForwardMoment)),
/// ρ′ = d₂, λ = √(½(1/ρ + 1/ρ′)). **Given** ([`Plan::given`]): λ and μ are constants.
///
/// With g = ∂L/∂y, S₀ = Σ g and S₁ = Σ g·(f − μ) over the group:
///
/// - ∂L/∂α = 0.3·(1 − tanh²α)·S₁;
/// - [`GradientMode::Detached`]: ∂L/∂z = g·κ·f′;
/// - [`GradientMode::Full`]: ∂L/∂z = κ·f′·(g − S₀/N) + S₁·∂λ/∂z, where, with M = ρv, h = f (Raw) or f − m₁ (Centered),
///   ∂λ/∂z = 1/(2λN)·\[(z − z̄ − h·f′/ρ)/M − f′·f″/ρ′²\].
///
/// At kinks f′ is what f says there, and f″ of a piecewise linear function is 0, which is its value almost
/// everywhere: the jumps of f′ contribute nothing to the gradient of ρ′.
///
/// A **degenerate** group ([`BatchMoments::ratios`](crate::BatchMoments::ratios)) of a batch is treated exactly as if its λ and μ were given: the
/// fallback's, or λ = 1 and μ = 0 (the plain function) without one; its gradient is the detached one. So a finite z
/// never yields NaN; an element that is NaN or ∞ gives what IEEE arithmetic makes of it, and no other.
///
/// Cost: forward one pass that computes f and f′ and their sums, and one that turns f into y in place (with given numbers,
/// or several channels, f is computed where y is written); backward one elementwise pass, which also takes S₁ if α wants a gradient
/// (before it a reduction pass for Full, or for α's gradient by channel); if α alone wants one, ∂L/∂z is computed all the
/// same. Saved: what [`NodeStatistics::of`] reads, one tensor
/// \[9, groups\] with the rows λ, μ, degenerate (0 or 1), m₁, m₂, Var\[f\], d₂, z̄, v; with given numbers \[2, groups\], λ and μ.
///
/// Errors: no (N, C, …) for a factor per channel; α of another shape; given numbers of another count of groups.
///
/// Source: the node is of *ANAct* (arXiv 2208.13315); both gradients, the centred moment, channels and the
/// treatment of degenerate groups are our own derivation.
#[derive(Clone)]
pub struct Normalize<E> {
    function: E,
    plan: Plan,
}

impl<E: Elementwise> Normalize<E> {
    /// The node over `function`.
    pub fn new(function: E, plan: Plan) -> Self {
        Self { function, plan }
    }

    /// f.
    pub fn function(&self) -> E {
        self.function
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Records the node on `z`'s tape.
    ///
    /// # Errors
    /// Shapes that do not fit, see [`Normalize`].
    pub fn apply<'t, S: Scalar>(self, z: Var<'t, S>, alpha: Option<Var<'t, S>>) -> Result<Var<'t, S>> {
        match alpha {
            None => z.tape().apply(self, &[z]),
            Some(alpha) => z.tape().apply(self, &[z, alpha]),
        }
    }
}

impl<E: Elementwise> Debug for Normalize<E> {
    /// `nswish(1.702) raw detached layer batch`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{} {:?}", self.function.label(), self.plan)
    }
}

impl<S: Scalar, E: Elementwise> Op<S> for Normalize<E> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        forward(&self.function, &self.plan, inputs)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        backward(&self.function, &self.plan, cx)
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        samples(&self.plan, inputs)
    }

    /// α sees f − μ and κ, which what was saved fixes, whether the batch was measured or not.
    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| backward(&self.function, &self.plan, cx))
    }
}

/// Given numbers keep samples apart, unless the batch has moved them; measured ones do not, whether or not the gradient knows it: with a detached
/// gradient the value of each sample still depends on all.
fn samples(plan: &Plan, inputs: &[SampledInput]) -> Samples {
    match Samples::row_by_row_with(inputs[0], &inputs[1..]) {
        Samples::Rows if plan.depends_on_batch() => {
            Samples::Coupled("its λ and μ are those of the whole batch")
        }
        other => other,
    }
}

fn forward<S: Scalar>(function: &dyn Loops<S>, plan: &Plan, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
    let (z, alpha) = operands(inputs)?;
    let way = Way { op: NAME, function, plan, shape: z.shape(), alpha };
    let (y, table) = way.forward(&z.data())?;
    Ok(Forward { output: Tensor::filled(z.shape(), y), saved: vec![table] })
}

fn backward<S: Scalar>(function: &dyn Loops<S>, plan: &Plan, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
    let (z, alpha) = (cx.inputs[0], cx.inputs.get(1).copied());
    let way = Way { op: NAME, function, plan, shape: z.shape(), alpha };
    let back = way.back(&z.data(), &cx.saved[0], cx.upstream.data(), cx.needs.get(1) == Some(&true));
    let pass = (cx.needs[0] || back.sums_on_the_way()).then(|| back.fill(&z.data()));
    let on_the_way = pass.as_ref().map_or(S::ZERO, |(_, sum)| *sum);
    let by_z = pass.map(|(by_z, _)| Tensor::filled(z.shape(), by_z)).filter(|_| cx.needs[0]);
    let by_alpha = alpha.map(|alpha| back.by_alpha(alpha, on_the_way));
    std::iter::once(by_z).chain(by_alpha).collect()
}

fn operands<'a, S>(inputs: &[&'a Tensor<S>]) -> Result<(&'a Tensor<S>, Option<&'a Tensor<S>>)> {
    match inputs {
        [z] => Ok((z, None)),
        [z, alpha] => Ok((z, Some(alpha))),
        _ => Err(Error::Inputs { op: NAME, given: inputs.len(), legal: "z, or z and α" }),
    }
}
