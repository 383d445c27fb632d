//! Value and two derivatives at one point, in the precision that integrals need.

/// f, f′ and f″ at one point: f's 2-jet, with f as a constant plus a rest.
///
/// Where f nears a constant, as tanh nears 1, the rest holds the digits that f has lost by rounding; two jets with the same
/// `limit` give f(x) − f(y) = rest − rest without cancellation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jet {
    /// The constant that f nears where it saturates; 0 elsewhere.
    pub limit: f64,
    /// f − `limit`.
    pub rest: f64,
    /// f′.
    pub df: f64,
    /// f″.
    pub d2f: f64,
}

impl Jet {
    /// Where f has no constant to be told apart.
    pub fn new(f: f64, df: f64, d2f: f64) -> Self {
        Self { limit: 0.0, rest: f, df, d2f }
    }

    /// f.
    pub fn f(&self) -> f64 {
        self.limit + self.rest
    }
}
