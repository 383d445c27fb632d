//! What kind of activation a name means.

use anact::rivals::is_rival;
use anact::{NORMALIZED_PRELU, registry};
use serde::Serialize;

/// The side an activation is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// A plain function.
    Vanilla,
    /// The normalized twin of one.
    Normalized,
    /// A function scaled in another way, named after it: `gp-tanh`.
    Rival,
}

impl Family {
    /// All of them, in the order of legends.
    pub const ALL: [Self; 3] = [Self::Vanilla, Self::Normalized, Self::Rival];

    /// Of an activation's name, with or without a parameter in parentheses.
    pub fn of(name: &str) -> Self {
        if registry::plain_name(name).is_some() || name == NORMALIZED_PRELU {
            Self::Normalized
        } else if is_rival(name) {
            Self::Rival
        } else {
            Self::Vanilla
        }
    }

    /// As in legends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vanilla => "vanilla",
            Self::Normalized => "normalized",
            Self::Rival => "rival",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for name in ["relu", "swish(1.702)", "selu", "prelu", "elu(0.5)", "silu", "leaky_relu(-0.5)"] {
            assert_eq!(Family::of(name), Family::Vanilla, "{name}");
        }
        for name in ["nrelu", "nswish(1.702)", "nprelu", "nsilu", "nleaky_relu(-0.5)"] {
            assert_eq!(Family::of(name), Family::Normalized, "{name}");
        }
        for name in ["gp-tanh", "he-swish(2)", "dks(50)-tanh", "forward-silu"] {
            assert_eq!(Family::of(name), Family::Rival, "{name}");
        }
    }
}
