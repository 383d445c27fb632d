//! How well the conditions hold under which gradient variance is the same in all layers.

use anact::theory::{LayerRow, Quantities};

use super::fit::deviation;

/// The normalization property: the mean over layers of |log λ²ρ| + |log λ²ρ′| as measured, 0 where it holds exactly.
/// Infinite if a layer's ratios are 0, infinite or have no value, as those of a dead layer; `None` if no layer's
/// activation is known to the theory.
pub fn normalization_property(rows: &[LayerRow]) -> Option<f64> {
    property(rows.iter().map(|row| row.measured))
}

/// The standard deviation over layers of log E\[(∂L/∂w)²\] as measured: 0 if gradient variance is the same in all
/// layers. Infinite if a layer's gradients vanish; `None` without layers.
pub fn gradient_flatness(rows: &[LayerRow]) -> Option<f64> {
    flatness(rows.iter().map(|row| row.measured))
}

fn property(measured: impl Iterator<Item = Quantities>) -> Option<f64> {
    let layers: Vec<f64> = measured
        .filter(|q| q.kappa.is_some())
        .map(|q| {
            let log = |ratio: Option<f64>| ratio.map_or(f64::INFINITY, |r| r.ln().abs());
            let sum = log(q.scaled_rho) + log(q.scaled_rho_prime);
            if sum.is_nan() { f64::INFINITY } else { sum }
        })
        .collect();
    (!layers.is_empty()).then(|| layers.iter().sum::<f64>() / layers.len() as f64)
}

fn flatness(measured: impl Iterator<Item = Quantities>) -> Option<f64> {
    let logs: Vec<f64> = measured.filter_map(|q| q.weight_gradient).map(f64::ln).collect();
    (!logs.is_empty()).then(|| deviation(&logs).unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(ratios: Option<(f64, f64)>, gradient: f64) -> Quantities {
        Quantities {
            kappa: ratios.map(|_| 1.0),
            scaled_rho: ratios.map(|r| r.0),
            scaled_rho_prime: ratios.map(|r| r.1),
            weight_gradient: Some(gradient),
            ..Quantities::default()
        }
    }

    /// By hand: (ln 2 + ln 4) / 2 over two layers, and the last layer without activation does not count.
    #[test]
    fn the_property_by_hand() {
        let p = |ratios: &[Option<(f64, f64)>]| property(ratios.iter().map(|&r| layer(r, 1.0)));
        let got = p(&[Some((0.5, 1.0)), Some((1.0, 4.0)), None]).unwrap();
        assert!((got - 1.5 * std::f64::consts::LN_2).abs() < 1e-15, "{got}");
        assert_eq!(p(&[Some((1.0, 1.0))]), Some(0.0));
        assert_eq!(p(&[None]), None);
        for dead in [(0.0, 1.0), (1.0, 0.0), (f64::NAN, 1.0), (f64::INFINITY, 0.0)] {
            assert_eq!(p(&[Some(dead)]), Some(f64::INFINITY), "{dead:?}");
        }
    }

    /// Of ln 1 and ln e² the standard deviation is 1.
    #[test]
    fn the_flatness_by_hand() {
        let f = |gradients: &[f64]| flatness(gradients.iter().map(|&g| layer(None, g)));
        let got = f(&[1.0, std::f64::consts::E.powi(2)]).unwrap();
        assert!((got - 1.0).abs() < 1e-15, "{got}");
        assert_eq!(f(&[3.0, 3.0]), Some(0.0));
        assert_eq!(f(&[0.0, 1.0]), Some(f64::INFINITY));
        assert_eq!(f(&[]), None);
    }
}
