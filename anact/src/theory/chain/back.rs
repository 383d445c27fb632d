//! The way back, and the rows.

use super::forward::{ActivationSums, Layer};
use super::{ChainRow, DenseNet};
use crate::theory::network::log_spread;

/// A sample's δ.
#[derive(Debug, Clone, Copy)]
struct Delta {
    /// |δ|² by itself.
    per_sample: f64,
    /// |δ|² with the radial mode.
    length: f64,
    /// (ẑ·δ)².
    radial: f64,
}

/// One row for each layer.
pub(super) fn rows(net: &DenseNet, layers: &[Layer]) -> Vec<ChainRow> {
    let depth = layers.len();
    let units = |layer: usize| net.widths[layer + 1] as f64;
    let at_output = Delta { per_sample: units(depth - 1), length: units(depth - 1), radial: 1.0 };
    let mut deltas = vec![at_output; layers[0].samples.len()];
    let mut pooled = 1.0;
    let mut rows = vec![row(&layers[depth - 1], units(depth - 1), pooled, &deltas)];
    for layer in (0..depth - 1).rev() {
        let (n, above) = (units(layer), units(layer + 1));
        let weight = net.gain / n;
        pooled *= above * weight * layers[layer].scaled_rho_prime;
        for (i, delta) in deltas.iter_mut().enumerate() {
            let (upper, ActivationSums { trace, c, b, a2 }) =
                (layers[layer + 1].samples[i], layers[layer].samples[i].activation);
            let across = weight * delta.length;
            let along = if upper.x2 > 0.0 { delta.radial * upper.z2 / upper.x2 } else { across };
            *delta = Delta {
                per_sample: weight * delta.per_sample * trace,
                length: across * (trace - c) + along * c,
                radial: across * (b - a2) + along * a2,
            };
        }
        rows.push(row(&layers[layer], n, pooled, &deltas));
    }
    rows.reverse();
    rows
}

fn row(layer: &Layer, units: f64, pooled: f64, deltas: &[Delta]) -> ChainRow {
    let mean = |of: fn(&Delta) -> f64| deltas.iter().map(of).sum::<f64>() / deltas.len() as f64 / units;
    let slopes: Vec<f64> = layer.samples.iter().filter_map(|s| s.slope).collect();
    ChainRow {
        variance_z: layer.variance_z,
        lambda: layer.lambda,
        slope: (!slopes.is_empty()).then(|| slopes.iter().sum::<f64>() / slopes.len() as f64),
        log_q_spread: log_spread(layer.samples.iter().map(|s| s.z2)),
        pooled,
        per_sample: mean(|d| d.per_sample),
        two_state: mean(|d| d.length),
    }
}
