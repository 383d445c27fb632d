//! The node composed of the tape's own ops: slow, and obvious.
//!
//! It is what [`Normalize`](crate::Normalize) is held to in value and gradients, and it takes functions that the fused
//! node cannot: those with inputs of their own, such as a PReLU whose slope is learned, so that gradients flow to
//! them through f, and in [`GradientMode::Full`] through the statistics too. All it asks for is f(z) and f′(z) on
//! the tape.

use autograd::{
    Backward, Derivative, Elementwise, Error, Forward, Op, Result, SampledInput, Samples, Scalar, Shape,
};
use autograd::{Tensor, Var};
use autograd::{inputs_of, ops::activation::Tanh};

use crate::groups::Granularity;
use crate::moments::{BatchMoments, ForwardMoment};
use crate::node::{ADJUSTMENT, GradientMode, GroupStatistics, NodeStatistics, Plan};

const NAME: &str = "normalize (composed)";

/// z, f(z) and f′(z) as values on one tape.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'t, S: Scalar> {
    /// The input.
    pub z: Var<'t, S>,
    /// f(z).
    pub f: Var<'t, S>,
    /// f′(z), the derivative by z.
    pub df: Var<'t, S>,
}

impl<'t, S: Scalar> Parts<'t, S> {
    /// Of an elementwise function.
    pub fn of<E: Elementwise>(function: E, z: Var<'t, S>) -> Self {
        Self { z, f: z.map(function), df: z.map(Derivative(function)) }
    }

    /// Of a PReLU with learned slope: \[1\], or \[C\] for z of shape (N, C, …).
    ///
    /// # Errors
    /// Another shape of `slope`.
    pub fn prelu(z: Var<'t, S>, slope: Var<'t, S>) -> Result<Self> {
        let f = z.prelu(slope)?;
        // f′ = 1 for z > 0, else the slope: PReLU of the sign, times the sign. At z = 0 the left derivative.
        // Of the detached z, so that the tape knows that the signs are those of the samples.
        let signs = z.detach().map(Sign);
        Ok(Self { z, f, df: signs.prelu(slope)? * signs })
    }
}

/// 1 for x > 0, else −1.
#[derive(Debug, Clone, Copy, Default)]
struct Sign;

impl Elementwise for Sign {
    const NAME: &'static str = "sign";
    const FORMULA: &'static str = "1 if x > 0 else −1";
    const KINKS: &'static [f64] = &[0.0];

    fn f<S: Scalar>(&self, x: S) -> S {
        if x > S::ZERO { S::ONE } else { -S::ONE }
    }
    fn df<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

/// The composed node's output and what it used.
#[derive(Debug, Clone)]
pub struct Composed<'t, S: Scalar> {
    /// y, of z's shape.
    pub output: Var<'t, S>,
    /// As [`NodeStatistics::of`] reads them from the fused node.
    pub statistics: NodeStatistics,
}

/// y = (λ + 0.3·tanh α)·(f − μ): the formulas of [`Normalize`](crate::Normalize), each written once as an op.
///
/// Degenerate groups are treated as there. Where some channels of several are degenerate, the gradient of theirs
/// that flows through statistics is 0 times a derivative: it is NaN, unlike the fused node's, if that derivative is
/// infinite, as for a mean that overflows.
///
/// # Errors
/// Shapes that do not fit, as there.
pub fn composed<'t, S: Scalar>(
    parts: Parts<'t, S>,
    alpha: Option<Var<'t, S>>,
    plan: &Plan,
) -> Result<Composed<'t, S>> {
    let Parts { z, f, .. } = parts;
    let (axes, kept) = axes(z.shape(), plan.settings().granularity)?;
    let groups = kept.len();
    plan.check(groups)?;
    if let Some(alpha) = alpha.filter(|a| a.shape() != Shape::from([groups])) {
        let legal = format!("[{groups}], one for each group");
        return Err(Error::Operand { op: NAME, what: "α", shape: alpha.shape(), legal });
    }

    let batch = if plan.measures() && !z.value().is_empty() { Some(Batch::of(parts, &axes)?) } else { None };
    let mut moments = batch.as_ref().map(Batch::moments);
    let moment = plan.settings().moment;
    let sound = |g: usize| moments.as_ref().is_some_and(|m| m[g].ratios(moment).is_some());
    let degenerate: Vec<usize> = (0..groups).filter(|&g| !sound(g)).collect();
    // What a group takes instead of its own value.
    let instead = |value: &dyn Fn(usize) -> f64| {
        let mut values = vec![None; groups];
        degenerate.iter().for_each(|&g| values[g] = Some(value(g)));
        Replace { values }
    };
    let one = z.tape().constant(Tensor::full(kept, S::ONE));

    let (lambda, mu) = match batch.filter(|_| degenerate.len() < groups) {
        None => {
            let constant = |pick: fn(f64, f64) -> f64| {
                let value = |g| S::from_f64(pick(plan.constant(g).lambda, plan.constant(g).mu));
                let values = Tensor::filled(kept, (0..groups).map(value).collect());
                if plan.depends_on_batch() { z.constant_from(values) } else { z.tape().constant(values) }
            };
            (constant(|lambda, _| lambda), constant(|_, mu| mu))
        }
        Some(batch) => {
            let forward = match moment {
                ForwardMoment::Raw => batch.m2,
                ForwardMoment::Centered => batch.f_var,
            };
            let sane = |v: Var<'t, S>| z.tape().apply(instead(&|_| 1.0), &[v]);
            let (forward, z_var, d2) = (sane(forward)?, sane(batch.z_var)?, sane(batch.d2)?);
            let (rho, rho_prime) = (forward / z_var, d2);
            let lambda = (one / rho + one / rho_prime).scale(0.5).sqrt();
            let lambda = z.tape().apply(instead(&|g| plan.constant(g).lambda), &[lambda])?;
            let mu = z.tape().apply(instead(&|g| plan.constant(g).mu), &[batch.m1])?;
            match plan.settings().gradient {
                GradientMode::Full => (lambda, mu),
                GradientMode::Detached => (lambda.detach(), mu.detach()),
            }
        }
    };
    let kappa = match alpha {
        None => lambda,
        Some(alpha) => lambda + alpha.reshape(kept)?.map(Tanh).scale(ADJUSTMENT),
    };
    let output = kappa * (f - mu);

    if plan.measures() && moments.is_none() {
        moments = Some(vec![BatchMoments::default(); groups]);
    }
    let (lambda, mu) = (lambda.value(), mu.value());
    let group = |g: usize| GroupStatistics {
        lambda: lambda.data()[g].to_f64(),
        mu: mu.data()[g].to_f64(),
        degenerate: plan.measures() && degenerate.contains(&g),
        moments: moments.as_ref().map(|m| m[g].to_f64()),
    };
    Ok(Composed { output, statistics: NodeStatistics { groups: (0..groups).map(group).collect() } })
}

/// The axes that a group's moments reduce, and the shape of what is left.
fn axes(shape: Shape, granularity: Granularity) -> Result<(Vec<usize>, Shape)> {
    let axes: Vec<usize> = match granularity {
        Granularity::Layer => (0..shape.rank()).collect(),
        Granularity::Channel if shape.rank() >= 2 => (0..shape.rank()).filter(|&axis| axis != 1).collect(),
        Granularity::Channel => {
            let legal = "at least two axes (N, C, …) for a factor per channel".into();
            return Err(Error::Operand { op: NAME, what: "the input", shape, legal });
        }
    };
    let kept = shape.reduced(&axes, true);
    Ok((axes, kept))
}

/// The moments on the tape, reduced axes kept.
struct Batch<'t, S> {
    count: usize,
    m1: Var<'t, S>,
    m2: Var<'t, S>,
    f_var: Var<'t, S>,
    d2: Var<'t, S>,
    z_mean: Var<'t, S>,
    z_var: Var<'t, S>,
}

impl<'t, S: Scalar> Batch<'t, S> {
    fn of(Parts { z, f, df }: Parts<'t, S>, axes: &[usize]) -> Result<Self> {
        let m1 = f.mean(axes, true)?;
        Ok(Self {
            count: z.shape().len() / m1.shape().len(),
            m1,
            m2: (f * f).mean(axes, true)?,
            f_var: variance(f, axes)?,
            d2: (df * df).mean(axes, true)?,
            z_mean: z.detach().mean(axes, true)?,
            z_var: variance(z, axes)?,
        })
    }

    fn moments(&self) -> Vec<BatchMoments<S>> {
        let values = [self.m1, self.m2, self.f_var, self.d2, self.z_mean, self.z_var].map(Var::value);
        let row = |g: usize| {
            let [m1, m2, f_var, d2, z_mean, z_var] = [0, 1, 2, 3, 4, 5].map(|k: usize| values[k].data()[g]);
            BatchMoments { count: self.count, m1, m2, f_var, d2, z_mean, z_var }
        };
        (0..self.m1.shape().len()).map(row).collect()
    }
}

/// The variance over `axes`, of the distance to each group's first element: equal numbers have a variance of exactly
/// 0 then, which their rounded mean would spoil.
fn variance<'t, S: Scalar>(x: Var<'t, S>, axes: &[usize]) -> Result<Var<'t, S>> {
    let (value, kept) = (x.value(), x.shape().reduced(axes, true));
    let inner: usize = x.shape().dims().iter().skip(2).product();
    let firsts = (0..kept.len()).map(|g| value.data()[g * inner]).collect();
    (x - x.constant_from(Tensor::filled(kept, firsts))).var(axes, true, 0)
}

/// y\[i\] = the i-th value where there is one, else x\[i\]; ∂L/∂x\[i\] = 0 or g\[i\]. Any shape with as many elements as
/// there are values. Nothing saved.
#[derive(Debug, Clone)]
struct Replace {
    values: Vec<Option<f64>>,
}

impl<S: Scalar> Op<S> for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("replace", inputs, "1")?;
        let pairs = x.data().iter().zip(&self.values);
        Ok(Forward::of(Tensor::filled(x.shape(), pairs.map(|(&x, v)| v.map_or(x, S::from_f64)).collect())))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let pairs = cx.upstream.data().iter().zip(&self.values);
        let g = pairs.map(|(&g, v)| if v.is_some() { S::ZERO } else { g }).collect();
        vec![Some(Tensor::filled(cx.upstream.shape(), g))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.row_by_row()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::check::{self, Case};

    #[test]
    fn replacing_has_the_right_gradient() {
        let op = Replace { values: vec![None, Some(2.0), None, Some(-1.0), None] };
        let case = Case::op("five", op.clone()).normal([5]).bilinear();
        check::assert_case(&case);
        assert_eq!(check::samples(&case).unwrap(), [""; 0]);
        let y = Op::<f64>::forward(&op, &[&Tensor::full([5], f64::NAN)]).unwrap().output;
        assert_eq!((y.data()[1], y.data()[3]), (2.0, -1.0));
    }
}
