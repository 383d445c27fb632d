//! How well the conditions hold under which gradient variance is the same in all layers.

use anact::theory::LayerRow;

use super::summary::deviation;

/// The normalization property: the mean over layers of |log λ²ρ| + |log λ²ρ′| as measured, 0 where it holds exactly.
/// Infinite if a layer's ratios are 0, infinite or have no value, as those of a dead layer; `None` if no layer's
/// activation is known to the theory.
pub fn normalization_property(rows: &[LayerRow]) -> Option<f64> {
    let layers: Vec<f64> = rows
        .iter()
        .filter(|row| row.measured.kappa.is_some())
        .map(|row| {
            let log = |ratio: Option<f64>| ratio.map_or(f64::INFINITY, |r| r.ln().abs());
            let sum = log(row.measured.scaled_rho) + log(row.measured.scaled_rho_prime);
            if sum.is_nan() { f64::INFINITY } else { sum }
        })
        .collect();
    (!layers.is_empty()).then(|| layers.iter().sum::<f64>() / layers.len() as f64)
}

/// The standard deviation over layers of log E\[(∂L/∂w)²\] as measured: 0 if gradient variance is the same in all
/// layers. Infinite if a layer's gradients vanish; `None` without layers.
pub fn gradient_flatness(rows: &[LayerRow]) -> Option<f64> {
    let logs: Vec<f64> = rows.iter().filter_map(|row| row.measured.weight_gradient).map(f64::ln).collect();
    (!logs.is_empty()).then(|| deviation(&logs).unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use anact::theory::Quantities;

    use super::*;

    fn row(ratios: Option<(f64, f64)>, gradient: f64) -> LayerRow {
        let measured = Quantities {
            kappa: ratios.map(|_| 1.0),
            scaled_rho: ratios.map(|r| r.0),
            scaled_rho_prime: ratios.map(|r| r.1),
            weight_gradient: Some(gradient),
            ..Quantities::default()
        };
        LayerRow {
            layer: String::new(),
            activation: None,
            predicted: Quantities::default(),
            with_measured_ratios: Quantities::default(),
            per_sample: Default::default(),
            two_state: Default::default(),
            slope: None,
            log_q_spread: None,
            measured,
        }
    }

    /// By hand: (ln 2 + ln 4) / 2 over two layers, and the last layer without activation does not count.
    #[test]
    fn the_property_by_hand() {
        let rows = [row(Some((0.5, 1.0)), 1.0), row(Some((1.0, 4.0)), 1.0), row(None, 1.0)];
        assert!((normalization_property(&rows).unwrap() - 1.5 * std::f64::consts::LN_2).abs() < 1e-15);
        assert_eq!(normalization_property(&[row(Some((1.0, 1.0)), 1.0)]), Some(0.0));
        assert_eq!(normalization_property(&[row(None, 1.0)]), None);
        for dead in [(0.0, 1.0), (1.0, 0.0), (f64::NAN, 1.0), (f64::INFINITY, 0.0)] {
            assert_eq!(normalization_property(&[row(Some(dead), 1.0)]), Some(f64::INFINITY), "{dead:?}");
        }
    }

    /// Of ln 1 and ln e² the standard deviation is 1.
    #[test]
    fn the_flatness_by_hand() {
        let e2 = std::f64::consts::E.powi(2);
        let got = gradient_flatness(&[row(None, 1.0), row(None, e2)]).unwrap();
        assert!((got - 1.0).abs() < 1e-15, "{got}");
        assert_eq!(gradient_flatness(&[row(None, 3.0), row(None, 3.0)]), Some(0.0));
        assert_eq!(gradient_flatness(&[row(None, 0.0), row(None, 1.0)]), Some(f64::INFINITY));
        assert_eq!(gradient_flatness(&[]), None);
    }
}
