//! Activation functions, one file each, and their registry.
//!
//! Their argument may be anything: NaN in gives NaN out, and values and derivatives at ±∞ are the limits unless
//! the activation says otherwise. Wherever |x| ≤ 1e30, f64 values and dual numbers' tangents stay finite.
//!
//! A new activation is one file and one line in the `registry!` below: the tape's op, the gradient checks, the
//! normalized twin, the theory rows and the command-line names all come from that line.

use crate::check::{Case, elementwise_cases};
use crate::elementwise::{Elementwise, Parameter, build};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::tape::Var;

/// One activation as listings see it.
#[derive(Debug, Clone, Copy)]
pub struct ActivationEntry {
    /// The registered name.
    pub name: &'static str,
    /// Other names that [`with_activation`] accepts.
    pub aliases: &'static [&'static str],
    /// The formula.
    pub formula: &'static str,
    /// Where the function or its derivative is not smooth.
    pub kinks: &'static [f64],
    /// The family's parameter, if it is one.
    pub parameter: Option<Parameter>,
    /// The cases on which its derivatives are checked.
    pub cases: fn() -> Vec<Case>,
}

impl ActivationEntry {
    /// The function called `name`, its registered name or an alias, whatever stands behind it in parentheses: whether it
    /// takes that as a parameter is seen by [`with_activation`].
    pub fn named(name: &str) -> Option<&'static Self> {
        let base = name.split_once('(').map_or(name, |(base, _)| base);
        ACTIVATIONS.iter().find(|a| a.name == base || a.aliases.contains(&base))
    }
}

/// Something to be done with an activation whose type is known only at run time.
pub trait Visitor {
    /// What it yields.
    type Output;
    /// Does it.
    fn visit<E: Elementwise>(self, activation: E) -> Self::Output;
}

macro_rules! registry {
    ($($module:ident :: $type:ident,)*) => {
        $(mod $module; pub use $module::$type;)*

        /// Every activation, in reading order.
        pub const ACTIVATIONS: &[ActivationEntry] = &[$(
            ActivationEntry {
                name: <$type as Elementwise>::NAME,
                aliases: <$type as Elementwise>::ALIASES,
                formula: <$type as Elementwise>::FORMULA,
                kinks: <$type as Elementwise>::KINKS,
                parameter: <$type as Elementwise>::PARAMETER,
                cases: elementwise_cases::<$type>,
            },
        )*];

        /// Calls `visitor` with the activation called `name`: a registered name or an alias, with the family's parameter
        /// in parentheses where it is not the default, as in `swish(1.702)`.
        ///
        /// # Errors
        /// An unknown name (with the near ones), or a parameter that the function does not take.
        pub fn with_activation<V: Visitor>(name: &str, visitor: V) -> Result<V::Output> {
            let (base, parameter) = split_parameter(name)?;
            $(if base == <$type as Elementwise>::NAME || <$type as Elementwise>::ALIASES.contains(&base) {
                return Ok(visitor.visit(build::<$type>(parameter)?));
            })*
            let names = ACTIVATIONS.iter().flat_map(|a| [a.name].into_iter().chain(a.aliases.iter().copied()));
            Err(Error::unknown("activation", base, names))
        }
    };
}

registry! {
    identity::Identity,
    relu::Relu,
    leaky_relu::LeakyRelu,
    relu6::Relu6,
    elu::Elu,
    selu::Selu,
    celu::Celu,
    gelu::Gelu,
    gelu_tanh::GeluTanh,
    swish::Swish,
    mish::Mish,
    softplus::Softplus,
    sigmoid::Sigmoid,
    tanh::Tanh,
    softsign::Softsign,
    erf::Erf,
    sin::Sin,
    hard_tanh::HardTanh,
    hard_sigmoid::HardSigmoid,
    hard_swish::HardSwish,
}

mod normal;

/// x·s for a factor s that vanishes faster than x grows: 0 once s has underflowed, so that 0·∞ is the limit 0.
#[inline(always)]
fn damped<S: Scalar>(x: S, s: S) -> S {
    let product = x * s;
    if s == S::ZERO { S::ZERO } else { product }
}

/// Splits `swish(1.702)` into the name and the number.
fn split_parameter(text: &str) -> Result<(&str, Option<f64>)> {
    let Some((base, rest)) = text.split_once('(') else { return Ok((text, None)) };
    let number = rest.strip_suffix(')').and_then(|n| n.trim().parse().ok()).filter(|n: &f64| n.is_finite());
    match number {
        Some(n) => Ok((base, Some(n))),
        None => Err(Error::Argument {
            op: "activation",
            what: format!("`{text}` has no readable parameter"),
            legal: "a name, or a name with one number in parentheses such as swish(1.702)".into(),
        }),
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The registered activation `name` of every element, see [`with_activation`].
    ///
    /// # Errors
    /// As [`with_activation`].
    pub fn activation(self, name: &str) -> Result<Self> {
        struct Apply<'t, S>(Var<'t, S>);
        impl<'t, S: Scalar> Visitor for Apply<'t, S> {
            type Output = Var<'t, S>;
            fn visit<E: Elementwise>(self, activation: E) -> Var<'t, S> {
                self.0.map(activation)
            }
        }
        with_activation(name, Apply(self))
    }
}

/// Holds f, f′ and f″ at x to outside values, up to the (1 + x²) ulp by which Gaussian tails amplify a rounding of x.
#[cfg(test)]
#[track_caller]
fn assert_at<E: Elementwise>(e: E, x: f64, want: [f64; 3]) {
    let y = e.f(x);
    for (got, want) in [y, e.df(x, y), e.d2f(x, y)].into_iter().zip(want) {
        let allowed = (4.0 + x * x) * f64::EPSILON * want.abs();
        assert!((got - want).abs() <= allowed, "{e:?} at {x}: {got:e}, want {want:e}");
    }
}
