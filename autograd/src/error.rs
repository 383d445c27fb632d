//! What can go wrong: one enum whose texts say what, where, and what would have been right.

use crate::inspect::Anomaly;
use crate::shape::Shape;

/// The result of anything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A user's mistake, as a value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two operands whose shapes do not fit.
    #[error("{op}: shapes {left} and {right} do not fit: {rule}")]
    Shapes {
        /// The op.
        op: &'static str,
        /// The first operand's shape.
        left: Shape,
        /// The second operand's shape.
        right: Shape,
        /// What would have been right.
        rule: &'static str,
    },
    /// An operand of the wrong shape.
    #[error("{op}: {what} has shape {shape}, want {legal}")]
    Operand {
        /// The op.
        op: &'static str,
        /// Which operand.
        what: &'static str,
        /// Its shape.
        shape: Shape,
        /// What would have been right.
        legal: String,
    },
    /// A number of axes that the op cannot take.
    #[error("{op}: {rank} axes given, want {legal}")]
    Rank {
        /// The op.
        op: &'static str,
        /// The number of axes.
        rank: usize,
        /// What would have been right.
        legal: &'static str,
    },
    /// An axis that is not there.
    #[error("{op}: axis {axis} does not exist in shape {shape}, whose axes are 0 to rank - 1")]
    Axis {
        /// The op.
        op: &'static str,
        /// The axis asked for.
        axis: usize,
        /// The operand's shape.
        shape: Shape,
    },
    /// A tensor whose data does not fill its shape.
    #[error("tensor: {elements} elements given for shape {shape}, which holds {}", shape.len())]
    Elements {
        /// The number of elements given.
        elements: usize,
        /// The shape.
        shape: Shape,
    },
    /// A setting out of its legal range.
    #[error("{op}: {what}; want {legal}")]
    Argument {
        /// The op or layer.
        op: &'static str,
        /// What was wrong.
        what: String,
        /// What would have been right.
        legal: String,
    },
    /// A number that everything after it depends on is infinite or NaN.
    #[error("{op}: {what} is {value}; a smaller learning rate may help")]
    NotFinite {
        /// Who needs it.
        op: &'static str,
        /// Which number.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// A class label that does not exist.
    #[error("{op}: label {label} of sample {sample} is out of range, want 0 to {} of {classes} classes", classes.saturating_sub(1))]
    Label {
        /// The op.
        op: &'static str,
        /// Position in the batch.
        sample: usize,
        /// The label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A number of inputs that the op does not take.
    #[error("{op}: {given} inputs given, want {legal}")]
    Inputs {
        /// The op.
        op: &'static str,
        /// The number given.
        given: usize,
        /// What would have been right.
        legal: &'static str,
    },
    /// `backward` from a value that is not a single number.
    #[error(
        "backward: the value has shape {shape}; start from a single number, or give a cotangent of that shape to `backward_from`"
    )]
    NotScalar {
        /// The shape of the value.
        shape: Shape,
    },
    /// A gradient that does not exist.
    #[error("no gradient for {name}: {reason}")]
    NoGradient {
        /// The value.
        name: String,
        /// Why there is none.
        reason: &'static str,
    },
    /// Parameters that a backward pass did not reach.
    #[error(
        "backward: no gradient for {}; declare them frozen, or allow it with `Pass::allowing_missing`",
        missing_text(missing)
    )]
    MissingGradients {
        /// Every one of them.
        missing: Vec<MissingGradient>,
    },
    /// A backward pass over values, or a search among them, after an earlier pass has freed them.
    #[error(
        "a backward pass has freed the values of this tape; run it without `Pass::releasing`, or record again"
    )]
    Released,
    /// A number that is not finite.
    #[error("{0}")]
    Anomaly(Box<Anomaly>),
    /// Per-sample gradients asked for where the samples do not keep apart.
    #[error(
        "per-sample gradients do not exist behind {path}: {reason}, so each sample's loss depends on all samples"
    )]
    Mixed {
        /// The node's path.
        path: String,
        /// What mixes the samples.
        reason: &'static str,
    },
    /// A handle that belongs to another tape.
    #[error("{op}: a value of another tape was given; every input must come from the tape it is used on")]
    ForeignVar {
        /// The op.
        op: &'static str,
    },
    /// Two different tensors recorded under one parameter name.
    #[error("parameter {name} is already on this tape with another tensor; names must be unique")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name that no registry entry has.
    #[error("unknown {kind} `{name}`{}", near_text(near))]
    UnknownName {
        /// What kind of thing was looked up.
        kind: &'static str,
        /// The name.
        name: String,
        /// Registered names that look like it.
        near: Vec<String>,
    },
}

/// A parameter without gradient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGradient {
    /// Its name.
    pub name: String,
    /// The op without derivative at which its paths to the loss end; `None` if there is no path at all.
    pub ends_at: Option<String>,
}

fn missing_text(missing: &[MissingGradient]) -> String {
    let reason = |m: &MissingGradient| match &m.ends_at {
        None => format!("{} (on no path to the loss)", m.name),
        Some(op) => format!("{} (its path ends at {op}, which has no derivative)", m.name),
    };
    missing.iter().map(reason).collect::<Vec<_>>().join(", ")
}

/// The tail of an unknown-name message.
fn near_text(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

impl Error {
    /// An [`Error::UnknownName`] with the nearest of `names`.
    pub fn unknown<'a>(kind: &'static str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        // Jaro-Winkler favours a common beginning, which suits names such as resnet20 or hard_swish.
        let mut scored: Vec<(f64, &str)> = names
            .into_iter()
            .map(|n| (strsim::jaro_winkler(name, n), n))
            .filter(|(s, _)| *s > 0.75)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let near = scored.iter().take(3).map(|(_, n)| (*n).to_string()).collect();
        Self::UnknownName { kind, name: name.to_string(), near }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_answer_with_near_ones() {
        let names = ["relu", "swish", "hard_swish", "gelu"];
        assert_eq!(
            Error::unknown("activation", "swihs", names).to_string(),
            "unknown activation `swihs`; did you mean swish?"
        );
        assert_eq!(Error::unknown("activation", "qqq", names).to_string(), "unknown activation `qqq`");
    }
}
