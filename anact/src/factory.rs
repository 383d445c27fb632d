//! From a name on a command line to the activations of a network.

use autograd::ops::activation::{ACTIVATIONS, Visitor, with_activation};
use autograd::{Elementwise, Error, Result, Scalar};
use layers::{Activation, Layer, PRelu};

use crate::layer::{Normalized, NormalizedSettings};
use crate::normalized_prelu::NormalizedPRelu;
use crate::registry::{plain_name, with_normalized};
use crate::rivals::{self, RIVALS, with_frozen};

/// Makes the activation of one site from its number of channels.
pub type Factory<S> = Box<dyn Fn(usize) -> Box<dyn Layer<S>>>;

/// The learnable activation, which is no function of one number alone and so has no place in that registry.
pub const PRELU: &str = "prelu";
/// Its normalized twin.
pub const NORMALIZED_PRELU: &str = "nprelu";

/// A factory for the activation called `name`: a registered function, its normalized twin `n…`, each with its
/// family's parameter in parentheses if need be, `prelu` or `nprelu`, or a [rival](crate::rivals) such as `gp-tanh`.
///
/// # Errors
/// An unknown name (with the near ones), a parameter that the function does not take, settings of the
/// normalization that do not go together, or a rival that is not defined for the function.
pub fn activation<S: Scalar>(name: &str, settings: &NormalizedSettings) -> Result<Factory<S>> {
    let settings = settings.checked()?;
    if name == PRELU {
        return Ok(Box::new(|_| Box::new(PRelu::default())));
    }
    if name == NORMALIZED_PRELU {
        // Built once to refuse what it cannot do here rather than at a site.
        NormalizedPRelu::<S>::new(settings, 1)?;
        return Ok(Box::new(move |channels| {
            Box::new(NormalizedPRelu::new(settings, channels).expect("these settings were accepted above"))
        }));
    }
    if plain_name(name).is_some() {
        return with_normalized(name, MakeNormalized { settings, scalar: std::marker::PhantomData });
    }
    if rivals::is_rival(name) {
        return with_frozen(name, MakePlain(std::marker::PhantomData));
    }
    with_activation(name, MakePlain(std::marker::PhantomData)).map_err(|e| match e {
        Error::UnknownName { .. } => {
            let rivals =
                RIVALS.iter().flat_map(|r| ACTIVATIONS.iter().map(|a| format!("{}-{}", r.prefix, a.name)));
            let known: Vec<String> = names().into_iter().chain(rivals).collect();
            Error::unknown("activation", name, known.iter().map(String::as_str))
        }
        other => other,
    })
}

/// Every name that [`activation`] knows, except for the rivals', which are a prefix before any of the plain ones.
pub fn names() -> Vec<String> {
    listing().into_iter().flat_map(|l| [l.name, l.normalized]).collect()
}

/// One activation with its normalized twin, as listings print them.
#[derive(Debug, Clone)]
pub struct ActivationListing {
    /// The plain function's name.
    pub name: String,
    /// The normalized twin's name.
    pub normalized: String,
    /// f(x).
    pub formula: String,
    /// The family's parameter with its default, or nothing.
    pub parameter: String,
    /// Where f or f′ is not smooth.
    pub kinks: String,
}

/// Every activation, in reading order.
pub fn listing() -> Vec<ActivationListing> {
    let row = |name: &str, formula: &str, parameter: String, kinks: String| ActivationListing {
        name: name.to_string(),
        normalized: format!("n{name}"),
        formula: formula.to_string(),
        parameter,
        kinks,
    };
    let registered = ACTIVATIONS.iter().map(|a| {
        let parameter = a.parameter.map_or_else(String::new, |p| format!("{} = {}", p.name, p.default));
        let kinks = a.kinks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        row(a.name, a.formula, parameter, kinks)
    });
    let learnt = row(PRELU, "x if x > 0 else a·x", "a learnt, from 0.25".into(), "0".into());
    registered.chain([learnt]).collect()
}

struct MakePlain<S>(std::marker::PhantomData<S>);

impl<S: Scalar> Visitor for MakePlain<S> {
    type Output = Factory<S>;
    fn visit<E: Elementwise>(self, function: E) -> Factory<S> {
        Box::new(move |_| Box::new(Activation(function)))
    }
}

struct MakeNormalized<S> {
    settings: NormalizedSettings,
    scalar: std::marker::PhantomData<S>,
}

impl<S: Scalar> Visitor for MakeNormalized<S> {
    type Output = Factory<S>;
    fn visit<E: Elementwise>(self, function: E) -> Factory<S> {
        let settings = self.settings;
        Box::new(move |channels| {
            Box::new(Normalized::new(function, settings, channels).expect("the settings were checked"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::{Tape, Tensor};
    use layers::Context;

    /// Every listed name builds a layer that runs, in both modes.
    #[test]
    fn every_name_builds_a_layer_that_runs() {
        let listed = names();
        assert_eq!(listed.len(), 2 * (ACTIVATIONS.len() + 1));
        for name in listed {
            let make = activation::<f64>(&name, &NormalizedSettings::default()).unwrap();
            let mut layer = make(3);
            let x: Vec<f64> = (0..24).map(|i| f64::from(i) / 6.0 - 2.0).collect();
            let x = Tensor::new([2, 3, 4], x).unwrap();
            let tape = Tape::new();
            let train = layer.forward(&Context::train(&tape, 0, 0), tape.variable(x.clone())).unwrap();
            assert_eq!(train.shape(), x.shape(), "{name}");
            let other = Tape::new();
            let eval = layer.forward(&Context::eval(&other), other.variable(x)).unwrap();
            assert!(eval.value().data().iter().all(|y| y.is_finite()), "{name}");
        }
    }

    #[test]
    fn unknown_names_answer_with_near_ones() {
        let text = |name| activation::<f32>(name, &NormalizedSettings::default()).err().unwrap().to_string();
        assert!(text("nswihs").contains("nswish"), "{}", text("nswihs"));
        assert!(text("swihs").contains("swish"), "{}", text("swihs"));
        assert!(text("nrelu(3)").contains("no parameter"), "{}", text("nrelu(3)"));
        assert!(text("gptanh").contains("gp-tanh"), "{}", text("gptanh"));
    }
}
