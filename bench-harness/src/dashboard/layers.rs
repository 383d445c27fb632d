//! What the steps that were looked at say of each layer.

use super::history::History;
use crate::run::LayersAtStep;

/// The layers of the network in the last step that was looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    /// Whether any step is looked at.
    pub(super) are_looked_at: bool,
    /// Steps taken before the last one that was.
    pub(super) step: Option<u64>,
    /// From input to output.
    pub(super) rows: Vec<LayerNow>,
    /// Whether E\[(∂L/∂w)²\] is shown instead of E\[δ²\].
    pub(super) shows_weights: bool,
}

/// One layer.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerNow {
    pub(super) name: String,
    /// E\[δ²\].
    pub(super) delta: Option<f64>,
    /// E\[(∂L/∂w)²\].
    pub(super) weight_gradient: Option<f64>,
    /// λ as applied, with α; `None` where no activation follows.
    pub(super) factor: Option<f64>,
    /// The same over the steps.
    pub(super) factors: History,
}

impl Layers {
    /// One more step was looked at.
    pub(super) fn update(&mut self, at: &LayersAtStep) {
        let rows = &at.comparison.rows;
        let is_same = self.rows.len() == rows.len()
            && self.rows.iter().zip(rows).all(|(now, row)| now.name == row.layer);
        if !is_same {
            let named = |name: &String| LayerNow { name: name.clone(), ..LayerNow::default() };
            self.rows = rows.iter().map(|row| named(&row.layer)).collect();
        }
        for (now, row) in self.rows.iter_mut().zip(rows) {
            now.delta = row.measured.delta;
            now.weight_gradient = row.measured.weight_gradient;
            now.factor = row.measured.kappa;
            if let Some(factor) = now.factor {
                now.factors.push(at.step as f64, factor);
            }
        }
        self.step = Some(at.step);
        self.are_looked_at = true;
    }

    /// The gradient variances that are shown, from the input on. The output layer's E\[δ²\] is what the loss gives, and often so
    /// much larger that nothing could be seen of the others: it is left out.
    pub(super) fn gradients(&self) -> Vec<Option<f64>> {
        match self.shows_weights {
            true => self.rows.iter().map(|row| row.weight_gradient).collect(),
            false => {
                let below = self.rows.len().saturating_sub(1).max(1);
                self.rows.iter().take(below).map(|row| row.delta).collect()
            }
        }
    }

    /// The layers that have a factor.
    pub(super) fn with_factor(&self) -> Vec<&LayerNow> {
        self.rows.iter().filter(|row| row.factor.is_some()).collect()
    }

    /// Why there is nothing to show, if there is nothing.
    pub(super) fn absence(&self) -> Option<&'static str> {
        match (self.are_looked_at, self.step) {
            (false, _) => Some("--inspect-every N looks at the layers of every Nth step"),
            (true, None) => Some("waiting for the first step that is looked at"),
            (true, Some(_)) => self.rows.is_empty().then_some("the network has no layer with weights"),
        }
    }
}
