//! The names of the normalized activations: `nX` for every registered activation X.
//!
//! There is no second list: `nrelu`, `nswish`, `nhard_tanh` come from the activation registry, and the parameter of a
//! family carries over, as in `nswish(1.702)`. Aliases have their twins too: `nsilu` is `nswish`.

use autograd::ops::activation::{ACTIVATIONS, ActivationEntry, Visitor, with_activation};
use autograd::{Error, Result};

/// One normalized activation as listings see it.
#[derive(Debug, Clone)]
pub struct NormalizedEntry {
    /// Its name, such as `nswish`.
    pub name: String,
    /// Its formula.
    pub formula: String,
    /// The plain function.
    pub activation: &'static ActivationEntry,
}

/// Every normalized activation, in the order of the activation registry.
pub fn normalized() -> impl Iterator<Item = NormalizedEntry> {
    ACTIVATIONS.iter().map(|activation| NormalizedEntry {
        name: format!("n{}", activation.name),
        formula: format!("κ·(f(x) − μ), f(x) = {}", activation.formula),
        activation,
    })
}

/// The plain activation's name, with its parameter: `nswish(1.702)` → `swish(1.702)`. `None` if `name` is not the name
/// of a normalized activation.
pub fn plain_name(name: &str) -> Option<&str> {
    let plain = name.strip_prefix('n')?;
    ActivationEntry::named(plain).map(|_| plain)
}

/// The formula of a node of this crate, by its op's name and its settings as text; `None` for other ops.
pub fn node_formula(op: &str, settings: &str) -> Option<String> {
    if op == crate::rivals::NAME {
        return crate::rivals::formula(settings);
    }
    if op != crate::node::NAME {
        return None;
    }
    let formula = ActivationEntry::named(plain_name(settings.split(' ').next()?)?)?.formula;
    Some(format!("κ·(f(x) − μ), κ = λ + {}·tanh α, f(x) = {formula}", crate::node::ADJUSTMENT))
}

/// Calls `visitor` with the plain function of the normalized activation `name`.
///
/// # Errors
/// An unknown name (with the near ones), or a parameter that the function does not take.
pub fn with_normalized<V: Visitor>(name: &str, visitor: V) -> Result<V::Output> {
    match plain_name(name) {
        Some(plain) => with_activation(plain, visitor),
        None => {
            let plain =
                ACTIVATIONS.iter().flat_map(|a| [a.name].into_iter().chain(a.aliases.iter().copied()));
            let names: Vec<String> = plain.map(|name| format!("n{name}")).collect();
            Err(Error::unknown("normalized activation", name, names.iter().map(String::as_str)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::Elementwise;

    struct Label;
    impl Visitor for Label {
        type Output = String;
        fn visit<E: Elementwise>(self, activation: E) -> String {
            activation.label()
        }
    }

    #[test]
    fn every_activation_has_a_normalized_twin() {
        assert_eq!(normalized().count(), ACTIVATIONS.len());
        for entry in normalized() {
            assert_eq!(with_normalized(&entry.name, Label).unwrap(), entry.activation.name);
            for alias in entry.activation.aliases {
                assert_eq!(with_normalized(&format!("n{alias}"), Label).unwrap(), entry.activation.name);
            }
        }
    }

    #[test]
    fn nodes_have_the_formula_of_their_function() {
        use crate::{NormalizedSettings, activation};
        use autograd::{Tape, Tensor};

        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![-1.0, 0.5, 2.0]));
        let mut layer = activation("nswish(1.702)", &NormalizedSettings::default()).unwrap()(1);
        let y = layer.forward(&layers::Context::train(&tape, 0, 0), x).unwrap();
        let formula = node_formula(y.op_name(), &y.op_text()).unwrap();
        assert_eq!(formula, "κ·(f(x) − μ), κ = λ + 0.3·tanh α, f(x) = x·σ(βx)");
        let mut rival = activation("gp-tanh", &NormalizedSettings::default()).unwrap()(1);
        let y = rival.forward(&layers::Context::train(&tape, 0, 0), x).unwrap();
        let formula = node_formula(y.op_name(), &y.op_text()).unwrap();
        // The paper's constants.
        assert_eq!(formula, "1.4674·f(x) + 0.3885, f(x) = tanh x");
        assert_eq!(node_formula("conv2d", "nswish"), None);
        assert_eq!(node_formula("normalize", "conv2d"), None);
    }

    #[test]
    fn parameters_carry_over_and_errors_name_what_is_near() {
        assert_eq!(with_normalized("nswish(1.702)", Label).unwrap(), "swish(1.702)");
        let text = |name| with_normalized(name, Label).unwrap_err().to_string();
        assert!(
            text("nswihs").starts_with("unknown normalized activation `nswihs`; did you mean nswish"),
            "{}",
            text("nswihs")
        );
        assert!(text("swish").contains("nswish"), "{}", text("swish"));
        assert!(text("nrelu(2)").contains("no parameter"), "{}", text("nrelu(2)"));
        assert!(text("nswish(x)").contains("readable"), "{}", text("nswish(x)"));
    }
}
