//! What a layer's row holds, as columns: heading, name in files, and how to read it.

use anact::theory::{LayerRow, Quantities};

use super::ensemble::{LayerMeans, Mean};

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
    FACTOR,
    quantity("λ²ρ", "lambda2_rho", |q| q.scaled_rho),
    quantity("λ²ρ′", "lambda2_rho_prime", |q| q.scaled_rho_prime),
    DELTA,
    WEIGHT_GRADIENT,
];

/// The factor as applied.
pub const FACTOR: Quantity = quantity("λ", "lambda", |q| q.kappa);
/// E\[δ²\].
pub const DELTA: Quantity = quantity("E[δ²]", "delta2", |q| q.delta);
/// The weights' gradient variance.
pub const WEIGHT_GRADIENT: Quantity = quantity("E[(∂L/∂w)²]", "weight_gradient2", |q| q.weight_gradient);

/// One of the theories of what comes back to a layer. From the third on each gives up one assumption of the one before;
/// the first two pool the batch, but know the winners of a maximum, which per sample takes a place's units for alike.
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

/// The general form alone.
pub const GENERAL_FORM: Theory = Theory {
    heading: "general form",
    name: "predicted",
    delta: |r| r.predicted.delta,
    weight_gradient: |r| r.predicted.weight_gradient,
};
/// The general form with ρ and ρ′ as measured.
pub const MEASURED_RATIOS: Theory = Theory {
    heading: "measured ρ, ρ′",
    name: "measured_ratios",
    delta: |r| r.with_measured_ratios.delta,
    weight_gradient: |r| r.with_measured_ratios.weight_gradient,
};
/// Every sample by itself.
pub const PER_SAMPLE: Theory = Theory {
    heading: "per sample",
    name: "per_sample",
    delta: |r| r.per_sample.delta,
    weight_gradient: |r| r.per_sample.weight_gradient,
};
/// Every unit by itself.
pub const PER_UNIT: Theory = Theory {
    heading: "per unit",
    name: "per_unit",
    delta: |r| r.per_unit.delta,
    weight_gradient: |r| r.per_unit.weight_gradient,
};
/// With the share of δ that returns along the activations.
pub const TWO_STATE: Theory = Theory {
    heading: "two-state",
    name: "two_state",
    delta: |r| r.two_state.delta,
    weight_gradient: |r| r.two_state.weight_gradient,
};

/// From the pooled ones to the one with the fewest assumptions.
pub const THEORIES: [Theory; 5] = [GENERAL_FORM, MEASURED_RATIOS, PER_SAMPLE, PER_UNIT, TWO_STATE];

/// A number that is measured alone and says why a theory breaks.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// For people.
    pub heading: &'static str,
    /// In files.
    pub name: &'static str,
    /// Of one run.
    pub read: fn(&LayerRow) -> Option<f64>,
    /// Over seeds.
    pub mean: fn(&LayerMeans) -> Option<Mean>,
}

/// How differences between the samples' norms grow, and how far they have grown.
pub const CAUSES: [Cause; 2] = [
    Cause { heading: "slope a", name: "slope", read: |r| r.slope, mean: |l| l.slope },
    Cause {
        heading: "spread of log q",
        name: "log_q_spread",
        read: |r| r.log_q_spread,
        mean: |l| l.log_q_spread,
    },
];
