//! What can be wrong with stored arrays.

use std::fmt;

/// A safetensors file, or a state in one, that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors file, or not a whole one.
    #[error(
        "no whole safetensors file ({0}); want the header's length in 8 bytes, the header, and its numbers"
    )]
    Format(String),
    /// An array that is not there.
    #[error("no array `{name}`; it holds {}", listed(held))]
    Missing {
        /// The name looked for.
        name: String,
        /// The names there are.
        held: Vec<String>,
    },
    /// An array of another kind of number.
    #[error("`{name}` is stored as {found}, want {legal}")]
    Kind {
        /// The array.
        name: String,
        /// How its numbers are stored, by the format's name.
        found: String,
        /// What would have been right.
        legal: &'static str,
    },
    /// An array of another shape.
    #[error("`{name}` has shape {found:?}, want {legal}")]
    Shape {
        /// The array.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// What would have been right.
        legal: String,
    },
    /// A number that cannot stand where it would go.
    #[error("`{name}` holds {found} at position {position}, want {legal}")]
    Number {
        /// The array.
        name: String,
        /// The first such number.
        found: String,
        /// Its place in row-major order, from 0.
        position: usize,
        /// What would have been right.
        legal: String,
    },
    /// A state of another model.
    #[error("the state is not this model's:{0}")]
    Misfit(Misfit),
}

/// Everything that keeps a state from being loaded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Misfit {
    /// Names and shapes of what the model has and the state has not, in the order of the model.
    pub missing: Vec<(String, Vec<usize>)>,
    /// What the state has and the model has not, in alphabetical order; each with the near ones of the missing names.
    pub unknown: Vec<autograd::Error>,
    /// What both have but does not fit, in the order of the model.
    pub unfit: Vec<WeightsError>,
}

impl Misfit {
    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unknown.is_empty() && self.unfit.is_empty()
    }
}

/// One line each.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.missing.iter().try_for_each(|(name, shape)| write!(f, "\n  missing `{name}` {shape:?}"))?;
        self.unknown.iter().try_for_each(|error| write!(f, "\n  {error}"))?;
        self.unfit.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// A few names of a list that may be long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0 => "nothing".into(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}
