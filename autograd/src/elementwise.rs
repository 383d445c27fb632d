//! Scalar functions with their first two derivatives: one definition for tape, checker and theory.

use std::fmt::{self, Debug};

use crate::error::{Error, Result};
use crate::jet::Jet;
use crate::kernels::buffer;
use crate::kernels::map;
use crate::kernels::source::{Source, for_each_block};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::piece::Piece;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::slices::Slices;
use crate::tensor::Tensor;

/// The one number that tells members of a family apart, such as the β of Swish.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its symbol.
    pub name: &'static str,
    /// The value that a bare name stands for.
    pub default: f64,
    /// The smallest legal value.
    pub min: f64,
    /// The largest legal value.
    pub max: f64,
}

/// A function of one number, applied to every element.
///
/// `f`, `df` and `d2f` are written once, generic over the scalar: the tape evaluates them in `f32`, the checker
/// in `f64` and dual numbers, and the Gaussian theory integrates the very same `f` and `df`. They carry `#[inline(always)]`
/// and compute both sides of a choice, `if x > 0 { a } else { b }` with `a` and `b` at hand, where that is cheap: so the
/// compiler can evaluate them for several elements at once.
pub trait Elementwise: Debug + Copy + Default + Send + Sync + 'static {
    /// The registered name.
    const NAME: &'static str;
    /// The formula, as listings print it.
    const FORMULA: &'static str;
    /// Other names that lookups accept.
    const ALIASES: &'static [&'static str] = &[];
    /// Points where `f` or `df` is not smooth. The checker keeps away from them, the quadrature splits there.
    const KINKS: &'static [f64] = &[];
    /// The open interval on which `f` is defined.
    const DOMAIN: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
    /// The family's parameter, if it is one.
    const PARAMETER: Option<Parameter> = None;
    /// Whether f(x) = c·x with a constant c.
    const LINEAR: bool = false;

    /// The member with this parameter; families override it.
    fn with_parameter(_value: f64) -> Self {
        Self::default()
    }
    /// The parameter's value; families override it.
    fn parameter(&self) -> Option<f64> {
        None
    }
    /// Where this member is not smooth; families whose kinks move with their parameters override it.
    fn kinks(&self) -> Vec<f64> {
        Self::KINKS.to_vec()
    }
    /// Its pieces in ascending order, if it consists of polynomials and exponentials: what the theory's closed forms are
    /// made from. The ends between them are the [kinks](Self::kinks).
    fn pieces(&self) -> Option<Vec<Piece>> {
        None
    }
    /// Its name as listings and tapes print it, with the parameter where it is not the default: `swish`, `swish(1.702)`.
    fn label(&self) -> String {
        match (Self::PARAMETER, self.parameter()) {
            (Some(p), Some(v)) if v != p.default => format!("{}({v})", Self::NAME),
            _ => Self::NAME.to_string(),
        }
    }

    /// f(x).
    fn f<S: Scalar>(&self, x: S) -> S;
    /// f′(x), where y = f(x) is given because many derivatives are short in it.
    fn df<S: Scalar>(&self, x: S, y: S) -> S;
    /// f″(x), where y = f(x). Zero between the kinks of a piecewise linear function.
    fn d2f<S: Scalar>(&self, x: S, y: S) -> S;

    /// f, f′ and f″ at once, for integrals: functions override it to share an exponential between the three, and those that
    /// saturate to keep the digits of what is left (see [`Jet`]). A test holds every override to `f`, `df` and `d2f`.
    fn jet(&self, x: f64) -> Jet {
        let y = self.f(x);
        Jet::new(y, self.df(x, y), self.d2f(x, y))
    }
}

/// Builds a member from the parameter written behind a name; `None` stands for the default.
///
/// # Errors
/// A parameter for a function that has none, or one out of range.
pub fn build<E: Elementwise>(parameter: Option<f64>) -> Result<E> {
    match (E::PARAMETER, parameter) {
        (_, None) => Ok(E::default()),
        (Some(p), Some(v)) if p.min <= v && v <= p.max => Ok(E::with_parameter(v)),
        (Some(p), Some(v)) => Err(Error::Argument {
            op: E::NAME,
            what: format!("parameter {} is {v}", p.name),
            legal: format!("a number from {} to {}", p.min, p.max),
        }),
        (None, Some(v)) => Err(Error::Argument {
            op: E::NAME,
            what: format!("parameter {v} given"),
            legal: "no parameter: this function has none".into(),
        }),
    }
}

/// The op that applies an [`Elementwise`] function.
///
/// y = f(x); ∂L/∂x = g · f′(x). Any shape. Nothing saved. Cannot fail.
#[derive(Clone, Copy)]
pub struct Map<E>(pub E);

impl<E: Elementwise> Debug for Map<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.label())
    }
}

impl<E: Elementwise, S: Scalar> Op<S> for Map<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(E::NAME, inputs, "1")?;
        Ok(Forward::of(Tensor::filled(x.shape(), values(&self.0, &x.data(), x.len()))))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(backward(&self.0, cx))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        if E::LINEAR { inputs[0].samples } else { inputs[0].samples.row_by_row() }
    }
}

/// f of all numbers of `z`, of which there are `n`.
pub(crate) fn values<S: Scalar>(function: &dyn Slices<S>, z: &dyn Source<S>, n: usize) -> Vec<S> {
    let mut y = buffer::to_overwrite(n);
    map::for_each_chunk(&mut y, |at, y| {
        for_each_block(z, at, y, |_, z, y| function.values(z, y));
    });
    y
}

fn backward<S: Scalar>(function: &dyn Slices<S>, cx: &Backward<'_, S>) -> Tensor<S> {
    let (x, y, g) = (cx.inputs[0].data(), cx.output.data(), cx.upstream.data());
    let mut out = buffer::to_overwrite(x.len());
    map::for_each_chunk(&mut out, |at, out| {
        let here = at..at + out.len();
        function.gradients(&x[here.clone()], &y[here.clone()], &g[here], out);
    });
    Tensor::filled(cx.inputs[0].shape(), out)
}

/// f′ as a function of its own: f → f′, f′ → f″. Lets the tape differentiate through a derivative, and the
/// checker test `d2f` the way it tests `df`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Derivative<E>(pub E);

impl<E: Elementwise> Elementwise for Derivative<E> {
    const NAME: &'static str = "derivative";
    const FORMULA: &'static str = "f′(x)";
    const KINKS: &'static [f64] = E::KINKS;
    const DOMAIN: (f64, f64) = E::DOMAIN;

    fn kinks(&self) -> Vec<f64> {
        self.0.kinks()
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        self.0.df(x, self.0.f(x))
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        self.0.d2f(x, self.0.f(x))
    }
    /// f‴ is not part of the contract, so this is NaN: nothing may use it unnoticed.
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::from_f64(f64::NAN)
    }
}
