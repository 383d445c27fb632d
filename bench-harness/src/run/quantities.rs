//! What a layer's row holds, as columns: heading, name in files, and how to read it.

use anact::theory::{LayerRow, Quantities};

/// A number that is both predicted and measured.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    /// As formulas have it.
    pub heading: &'static str,
    /// In files.
    pub name: &'static str,
    /// Reads it.
    pub read: fn(&Quantities) -> Option<f64>,
}

const fn quantity(
    heading: &'static str,
    name: &'static str,
    read: fn(&Quantities) -> Option<f64>,
) -> Quantity {
    Quantity { heading, name, read }
}

/// Everything that is predicted and measured: on the way forward, the factor, what it makes of ρ and ρ′, and on the way
/// back. λ is the factor as applied, κ = λ + 0.3·tanh α, which is λ before training.
pub const QUANTITIES: [Quantity; 9] = [
    quantity("E[x²]", "x2", |q| q.input),
    quantity("Var[z]", "variance_z", |q| q.variance_z),
    quantity("ρ", "rho", |q| q.rho),
    quantity("ρ′", "rho_prime", |q| q.rho_prime),
    quantity("λ", "lambda", |q| q.kappa),
    quantity("λ²ρ", "lambda2_rho", |q| q.scaled_rho),
    quantity("λ²ρ′", "lambda2_rho_prime", |q| q.scaled_rho_prime),
    quantity(DELTA, "delta2", |q| q.delta),
    quantity(WEIGHT_GRADIENT, "weight_gradient2", |q| q.weight_gradient),
];

/// The heading of E\[δ²\].
pub const DELTA: &str = "E[δ²]";
/// The heading of the weights' gradient variance.
pub const WEIGHT_GRADIENT: &str = "E[(∂L/∂w)²]";

/// One of the theories of what comes back to a layer, each giving up one assumption of the one before.
#[derive(Debug, Clone, Copy)]
pub struct Theory {
    /// For people.
    pub heading: &'static str,
    /// In files.
    pub name: &'static str,
    /// Its E\[δ²\].
    pub delta: fn(&LayerRow) -> Option<f64>,
    /// Its E\[(∂L/∂w)²\].
    pub weight_gradient: fn(&LayerRow) -> Option<f64>,
}

/// The name of the theory with the fewest assumptions.
pub const TWO_STATE: &str = "two_state";

/// From the most assumptions to the fewest.
pub const THEORIES: [Theory; 5] = [
    Theory {
        heading: "general form",
        name: "predicted",
        delta: |r| r.predicted.delta,
        weight_gradient: |r| r.predicted.weight_gradient,
    },
    Theory {
        heading: "measured ρ, ρ′",
        name: "measured_ratios",
        delta: |r| r.with_measured_ratios.delta,
        weight_gradient: |r| r.with_measured_ratios.weight_gradient,
    },
    Theory {
        heading: "per sample",
        name: "per_sample",
        delta: |r| r.per_sample.delta,
        weight_gradient: |r| r.per_sample.weight_gradient,
    },
    Theory {
        heading: "per unit",
        name: "per_unit",
        delta: |r| r.per_unit.delta,
        weight_gradient: |r| r.per_unit.weight_gradient,
    },
    Theory {
        heading: "two-state",
        name: TWO_STATE,
        delta: |r| r.two_state.delta,
        weight_gradient: |r| r.two_state.weight_gradient,
    },
];
