//! The node's way forth and back over a z that need not be stored; the op alone and the one that is fused with the
//! normalization before it are both this.

use autograd::kernels::channels::Channels;
use autograd::kernels::map::for_each_chunk;
use autograd::kernels::source::{Block, Source, write_blocks};
use autograd::kernels::{buffer, reduce};
use autograd::{Error, Result, Scalar, Shape, Tensor};

use super::loops::Shifted;
use super::table::{self, Row};
use super::{ADJUSTMENT, GradientMode, Loops, Plan};
use crate::groups::{BLOCK, Groups};
use crate::moments::{BatchMoments, ForwardMoment, measure_and_write, measure_groups};

/// What both ways need to know.
pub(super) struct Way<'a, S> {
    /// The op's name, for errors.
    pub(super) op: &'static str,
    pub(super) function: &'a dyn Loops<S>,
    pub(super) plan: &'a Plan,
    /// The shape of z.
    pub(super) shape: Shape,
    pub(super) alpha: Option<&'a Tensor<S>>,
}

impl<'a, S: Scalar> Way<'a, S> {
    fn groups(&self) -> Result<Groups> {
        Groups::of(self.op, self.shape, self.plan.settings().granularity)
    }

    /// y, and what is to be saved.
    pub(super) fn forward(&self, z: &dyn Source<S>) -> Result<(Vec<S>, Tensor<S>)> {
        let groups = self.groups()?;
        self.check_alpha(groups)?;
        self.plan.check(groups.count)?;
        if groups.count == 1 && self.plan.measures() {
            return self.forward_in_place(z);
        }
        let moments = self.plan.measures().then(|| measure_groups(self.function, z, groups));
        let rows = self.plan.rows(groups.count, moments)?;
        let applied = self.applied(&rows);
        let y = groups.fill(z, |group, z, y| {
            let (kappa, mu) = applied[group];
            self.function.normalized(kappa, mu, z, y);
        });
        Ok((y, table::pack(&rows)))
    }

    /// [`Way::forward`] of one group that is measured: f is computed once, and stands in y until μ and κ are known.
    fn forward_in_place(&self, z: &dyn Source<S>) -> Result<(Vec<S>, Tensor<S>)> {
        let mut y = buffer::to_overwrite(self.shape.len());
        let moments = measure_and_write(self.function, z, &mut y);
        let rows = self.plan.rows(1, Some(vec![moments]))?;
        let (kappa, mu) = self.applied(&rows)[0];
        for_each_chunk(&mut y, |_, y| S::vectorized(Shifted { kappa, mu, y }));
        Ok((y, table::pack(&rows)))
    }

    /// The way back with the upstream gradient `g`; `saved` is what [`Way::forward`] gave.
    pub(super) fn back(
        &self,
        z: &dyn Source<S>,
        saved: &Tensor<S>,
        g: &'a [S],
        wants_alpha: bool,
    ) -> Back<'a, S> {
        let groups = self.groups().expect("forward took this shape");
        let rows = table::unpack(saved, groups.elements());
        let settings = self.plan.settings();
        let is_full = settings.gradient == GradientMode::Full;
        let on_the_way = !is_full && groups.count == 1;
        let sums = (is_full || (wants_alpha && !on_the_way))
            .then(|| upstream_sums(self.function, z, g, groups, &rows));
        let slopes = self.kappas(&rows).zip(&rows).enumerate().map(|(i, (kappa, row))| {
            let sums = sums.as_ref().filter(|_| is_full && !row.degenerate);
            let full = sums.zip(row.moments.as_ref());
            Slopes { kappa, full: full.map(|(s, m)| FullSlopes::of(row, m, settings.moment, s[i])) }
        });
        let slopes = slopes.collect();
        let by_alpha = match (wants_alpha, sums) {
            (false, _) => Sums::Unwanted,
            (true, Some(sums)) => Sums::Known(sums),
            (true, None) => Sums::OnTheWay(rows[0].mu),
        };
        // Sums taken on the way begin anew where those of a normalization do, which the op may be fused with.
        let stretch = match by_alpha {
            Sums::OnTheWay(_) if self.shape.dims().len() >= 2 => Channels::of(self.shape).stretch(),
            _ => BLOCK,
        };
        Back { function: self.function, groups, stretch, g, slopes, by_alpha }
    }

    fn check_alpha(&self, groups: Groups) -> Result<()> {
        match self.alpha {
            Some(alpha) if alpha.dims() != [groups.count] => Err(Error::Operand {
                op: self.op,
                what: "α",
                shape: alpha.shape(),
                legal: format!("[{}], one for each group", groups.count),
            }),
            _ => Ok(()),
        }
    }

    /// κ and μ of every group.
    fn applied(&self, rows: &[Row<S>]) -> Vec<(S, S)> {
        self.kappas(rows).zip(rows).map(|(kappa, row)| (kappa, row.mu)).collect()
    }

    /// κ of every group.
    fn kappas<'r>(&'r self, rows: &'r [Row<S>]) -> impl Iterator<Item = S> + 'r {
        rows.iter().enumerate().map(move |(g, row)| match self.alpha {
            Some(alpha) => row.lambda + S::from_f64(ADJUSTMENT) * alpha.data()[g].tanh(),
            None => row.lambda,
        })
    }
}

/// The way back.
pub(super) struct Back<'a, S> {
    function: &'a dyn Loops<S>,
    groups: Groups,
    stretch: usize,
    g: &'a [S],
    slopes: Vec<Slopes<S>>,
    by_alpha: Sums<S>,
}

/// Where α's gradient takes S₁ from.
enum Sums<S> {
    /// α wants none.
    Unwanted,
    /// A pass of its own, S₀ and S₁ of every group: the full gradient wants them first, and channels lie in pieces.
    Known(Vec<[S; 2]>),
    /// The pass that writes ∂L/∂z, which has g and f − μ at hand, of the one group with this μ.
    OnTheWay(S),
}

impl<S: Scalar> Back<'_, S> {
    /// ∂L/∂z, and the sum of what [`Back::write`] gave.
    pub(super) fn fill(&self, z: &dyn Source<S>) -> (Vec<S>, S) {
        let mut by_z = buffer::to_overwrite(self.g.len());
        let mut of_blocks = write_blocks(z, self.stretch, &mut by_z, &|block| self.write(block));
        (by_z, reduce::tree(&mut of_blocks))
    }

    /// Whether α's gradient needs what [`Back::write`] gives.
    pub(super) fn sums_on_the_way(&self) -> bool {
        matches!(self.by_alpha, Sums::OnTheWay(_))
    }

    /// ∂L/∂z of a block; gives its part of S₁ if it is [wanted](Self::sums_on_the_way).
    pub(super) fn write(&self, block: Block<'_, S>) -> S {
        let Block { start, z, out, scratch: values } = block;
        let g = &self.g[start..][..z.len()];
        if let Sums::OnTheWay(mu) = self.by_alpha {
            self.function.detached(self.slopes[0].kappa, z, g, out, values);
            let [s1] = reduce::block_sums([g, &*values], |[g, value]| [g * (value - mu)]);
            return s1;
        }
        self.groups.for_each_run(start, z.len(), |group, run| {
            let (kappa, z, g, out) =
                (self.slopes[group].kappa, &z[run.clone()], &g[run.clone()], &mut out[run]);
            match &self.slopes[group].full {
                Some(full) => self.function.full(kappa, full, z, g, out),
                None => self.function.detached(kappa, z, g, out, &mut values[..z.len()]),
            }
        });
        S::ZERO
    }

    /// ∂L/∂α, if it is wanted; `on_the_way` is the sum of what [`Back::write`] gave, where it was called.
    pub(super) fn by_alpha(&self, alpha: &Tensor<S>, on_the_way: S) -> Option<Tensor<S>> {
        let s1: Vec<S> = match &self.by_alpha {
            Sums::Unwanted => return None,
            Sums::Known(sums) => sums.iter().map(|s| s[1]).collect(),
            Sums::OnTheWay(_) => vec![on_the_way],
        };
        let slope = |(&a, &s1): (&S, &S)| {
            // 1 − tanh²α = 4e/(1 + e)² with e = e^{−2|α|}, which does not cancel.
            let e = (a.minus_abs() + a.minus_abs()).exp();
            S::from_f64(4.0 * ADJUSTMENT) * (e / ((S::ONE + e) * (S::ONE + e))) * s1
        };
        Some(Tensor::filled(alpha.shape(), alpha.data().iter().zip(&s1).map(slope).collect()))
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
    pub(super) g_mean: S,
    pub(super) z_mean: S,
    pub(super) h_shift: S,
    pub(super) z_scale: S,
    pub(super) f_scale: S,
    pub(super) slope_scale: S,
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

/// S₀ = Σ g and S₁ = Σ g·(f − μ) of every group.
fn upstream_sums<S: Scalar>(
    function: &dyn Loops<S>,
    z: &dyn Source<S>,
    g: &[S],
    groups: Groups,
    rows: &[Row<S>],
) -> Vec<[S; 2]> {
    // Not from y/κ, which has f − μ with two roundings more: the terms of S₁ nearly cancel.
    let leaf = |group: usize, positions: std::ops::Range<usize>| {
        let (mut scratch, mut g_scratch) = ([S::ZERO; BLOCK], [S::ZERO; BLOCK]);
        let g = groups.read(&g, group, positions.clone(), &mut g_scratch);
        let z = groups.read(z, group, positions, &mut scratch);
        let mut values = [S::ZERO; BLOCK];
        function.values(z, &mut values[..z.len()]);
        let mu = rows[group].mu;
        reduce::block_sums([g, &values[..g.len()]], |[g, value]| [g, g * (value - mu)])
    };
    groups.reduce(&leaf, &|a, b| [a[0] + b[0], a[1] + b[1]])
}
