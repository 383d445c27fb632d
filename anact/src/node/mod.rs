//! The normalized activation as one op.

use std::fmt::{self, Debug};

use autograd::kernels::reduce;
use autograd::{Backward, Elementwise, Error, Forward, Op, Result, Sample, SampledInput, Samples};
use autograd::{Scalar, Tensor, Var};

use crate::groups::{BLOCK, Groups};
use crate::moments::{BatchMoments, ForwardMoment, measure_groups};
use crate::statistics::Applied;
use table::Row;

mod cases;
mod loops;
mod plan;
mod table;

pub use cases::{NODES, normalize};
pub(crate) use loops::Loops;
pub use plan::{GradientMode, Plan, Settings};
pub use table::{GroupStatistics, NodeStatistics};

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
/// v = mean (z − z̄)²; μ = m₁, ρ = m₂/v ([`ForwardMoment::Raw`]) or (m₂ − m₁²)/v ([`ForwardMoment::Centered`]),
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
/// A **degenerate** group ([`BatchMoments::ratios`]) of a batch is treated exactly as if its λ and μ were given: the
/// fallback's, or λ = 1 and μ = 0 (the plain function) without one; its gradient is the detached one. So a finite z
/// never yields NaN; an element that is NaN or ∞ gives what IEEE arithmetic makes of it, and no other.
///
/// Cost: forward one reduction pass (not with given numbers) and one elementwise pass; backward the same (the
/// reduction only for Full, or if α wants a gradient). Saved: what [`NodeStatistics::of`] reads, one tensor
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

/// What the backward pass wants of one group.
struct Slopes<S> {
    kappa: S,
    /// The coefficients of the second term of the full gradient; `None` if λ is a constant.
    full: Option<FullSlopes<S>>,
}

/// S₁·∂λ/∂z = z_scale·(z − z̄) − f_scale·h·f′ − slope_scale·f′·f″, h = f − h_shift.
#[derive(Clone, Copy)]
pub(crate) struct FullSlopes<S> {
    g_mean: S,
    z_mean: S,
    h_shift: S,
    z_scale: S,
    f_scale: S,
    slope_scale: S,
}

impl<S: Scalar> FullSlopes<S> {
    fn of(row: &Row<S>, moments: &BatchMoments<S>, moment: ForwardMoment, [s0, s1]: [S; 2]) -> Self {
        let n = S::from_f64(moments.count as f64);
        let forward = moments.forward(moment);
        // Divided in this order, nothing overflows that the gradient itself would not.
        let common = s1 / n / (row.lambda + row.lambda);
        let z_scale = common / forward;
        let h_shift = match moment {
            ForwardMoment::Raw => S::ZERO,
            ForwardMoment::Centered => moments.m1,
        };
        Self {
            g_mean: s0 / n,
            z_mean: moments.z_mean,
            h_shift,
            z_scale,
            f_scale: z_scale * (moments.z_var / forward),
            slope_scale: common / moments.d2 / moments.d2,
        }
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
    let groups = Groups::of(NAME, z.shape(), plan.settings().granularity)?;
    check_alpha(alpha, groups)?;
    plan.check(groups.count)?;
    let rows: Vec<Row<S>> = if plan.measures() {
        let moments = measure_groups(function, z.data(), groups);
        moments.into_iter().enumerate().map(|(g, m)| row(plan, g, Some(m))).collect()
    } else {
        (0..groups.count).map(|g| row(plan, g, None)).collect()
    };
    let applied: Vec<(S, S)> = kappas(&rows, alpha).zip(&rows).map(|(kappa, r)| (kappa, r.mu)).collect();
    let y = groups.fill(|group, at, y| {
        let (kappa, mu) = applied[group];
        function.normalized(kappa, mu, &z.data()[at..][..y.len()], y);
    });
    Ok(Forward { output: Tensor::filled(z.shape(), y), saved: vec![table::pack(&rows)] })
}

fn row<S: Scalar>(plan: &Plan, group: usize, moments: Option<BatchMoments<S>>) -> Row<S> {
    let ratios = moments.and_then(|m| m.ratios(plan.settings().moment));
    match ratios.and_then(|r| r.factor()).zip(moments) {
        Some((lambda, m)) => Row { lambda, mu: m.m1, degenerate: false, moments },
        None => {
            let Applied { lambda, mu } = plan.constant(group);
            let (lambda, mu) = (S::from_f64(lambda), S::from_f64(mu));
            Row { lambda, mu, degenerate: moments.is_some(), moments }
        }
    }
}

fn backward<S: Scalar>(function: &dyn Loops<S>, plan: &Plan, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
    let (z, alpha, g) = (cx.inputs[0], cx.inputs.get(1).copied(), cx.upstream.data());
    let Settings { moment, gradient, granularity } = plan.settings();
    let groups = Groups::of(NAME, z.shape(), granularity).expect("forward took this shape");
    let rows = table::unpack(&cx.saved[0], groups.elements());
    let is_full = gradient == GradientMode::Full;
    let wants_alpha = cx.needs.get(1) == Some(&true);
    let sums = (is_full || wants_alpha).then(|| upstream_sums(function, z.data(), g, groups, &rows));

    let by_z = cx.needs[0].then(|| {
        let slopes: Vec<Slopes<S>> = kappas(&rows, alpha)
            .zip(&rows)
            .enumerate()
            .map(|(i, (kappa, row))| {
                let sums = sums.as_ref().filter(|_| is_full && !row.degenerate);
                let full = sums.zip(row.moments.as_ref());
                Slopes { kappa, full: full.map(|(s, m)| FullSlopes::of(row, m, moment, s[i])) }
            })
            .collect();
        let by_z = groups.fill(|group, at, out| {
            let (z, g, slopes) = (&z.data()[at..][..out.len()], &g[at..][..out.len()], &slopes[group]);
            match &slopes.full {
                Some(full) => function.full(slopes.kappa, full, z, g, out),
                None => function.detached(slopes.kappa, z, g, out),
            }
        });
        Tensor::filled(z.shape(), by_z)
    });
    let by_alpha = alpha.map(|alpha| {
        let sums = sums.as_ref().filter(|_| wants_alpha)?;
        let slope = |(&a, s): (&S, &[S; 2])| {
            let t = a.tanh();
            S::from_f64(ADJUSTMENT) * (S::ONE - t * t) * s[1]
        };
        Some(Tensor::filled(alpha.shape(), alpha.data().iter().zip(sums).map(slope).collect()))
    });
    std::iter::once(by_z).chain(by_alpha).collect()
}

/// S₀ = Σ g and S₁ = Σ g·(f − μ) of every group.
fn upstream_sums<S: Scalar>(
    function: &dyn Loops<S>,
    z: &[S],
    g: &[S],
    groups: Groups,
    rows: &[Row<S>],
) -> Vec<[S; 2]> {
    let leaf = |group: usize, positions: std::ops::Range<usize>| {
        let (mut z_scratch, mut g_scratch) = ([S::ZERO; BLOCK], [S::ZERO; BLOCK]);
        let z = groups.read(z, group, positions.clone(), &mut z_scratch);
        let g = groups.read(g, group, positions, &mut g_scratch);
        let mut values = [S::ZERO; BLOCK];
        function.values(z, &mut values[..z.len()]);
        let mu = rows[group].mu;
        reduce::block_sums([g, &values[..g.len()]], |[g, value]| [g, g * (value - mu)])
    };
    groups.reduce(&leaf, &|a, b| [a[0] + b[0], a[1] + b[1]])
}

fn operands<'a, S>(inputs: &[&'a Tensor<S>]) -> Result<(&'a Tensor<S>, Option<&'a Tensor<S>>)> {
    match inputs {
        [z] => Ok((z, None)),
        [z, alpha] => Ok((z, Some(alpha))),
        _ => Err(Error::Inputs { op: NAME, given: inputs.len(), legal: "z, or z and α" }),
    }
}

fn check_alpha<S: Scalar>(alpha: Option<&Tensor<S>>, groups: Groups) -> Result<()> {
    match alpha {
        Some(alpha) if alpha.dims() != [groups.count] => Err(Error::Operand {
            op: NAME,
            what: "α",
            shape: alpha.shape(),
            legal: format!("[{}], one for each group", groups.count),
        }),
        _ => Ok(()),
    }
}

/// κ of every group.
fn kappas<'a, S: Scalar>(rows: &'a [Row<S>], alpha: Option<&'a Tensor<S>>) -> impl Iterator<Item = S> + 'a {
    rows.iter().enumerate().map(move |(g, row)| match alpha {
        Some(alpha) => row.lambda + S::from_f64(ADJUSTMENT) * alpha.data()[g].tanh(),
        None => row.lambda,
    })
}
