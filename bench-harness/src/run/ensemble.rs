//! Means over seeds of the layers' numbers, with their standard errors.
//!
//! Second moments of gradients are products over layers, so their fluctuations over seeds are multiplicative: means and
//! errors are taken of logarithms. The mean is then the geometric one, and the standard error of the mean logarithm is
//! its relative error.

use anact::theory::LayerRow;
use serde::Serialize;

use super::quantities::{QUANTITIES, Quantity, THEORIES, Theory};
use crate::error::{Error, Result};
use crate::statistics::mean_and_error;
use crate::table::sig;

/// A mean over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error: relative for a geometric mean, absolute for an arithmetic one. `None` for one seed, and
    /// where the mean is 0 or not finite.
    pub error: Option<f64>,
    /// The seeds that had a number.
    pub seeds: usize,
    /// What kind of mean; geometric in files, unless a field says otherwise.
    #[serde(skip)]
    pub scale: Scale,
}

/// On what scale a mean is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Of logarithms, with a relative error.
    Geometric,
    /// Of the numbers themselves, with an error in their unit.
    Arithmetic,
}

/// Relative errors below this are rounding, of numbers that are given and not predicted.
const ROUNDING: f64 = 1e-12;

impl Mean {
    /// The geometric mean of numbers of one sign; `None` without numbers. A zero makes it 0; a NaN, or numbers of both
    /// signs, make it NaN.
    pub fn geometric(values: &[f64]) -> Option<Self> {
        let first = *values.first()?;
        let sign = if first < 0.0 { -1.0 } else { 1.0 };
        // ln of what has the other sign is NaN, and so is then the mean; ln of a zero of either sign is −∞.
        let logs: Vec<f64> = values.iter().map(|x| (sign * x).ln()).collect();
        let (mean, error) = mean_and_error(&logs);
        Some(Self { mean: sign * mean.exp(), error, seeds: values.len(), scale: Scale::Geometric })
    }

    /// The arithmetic mean; `None` without numbers.
    pub fn arithmetic(values: &[f64]) -> Option<Self> {
        let (mean, error) = mean_and_error(values);
        (!values.is_empty()).then_some(Self { mean, error, seeds: values.len(), scale: Scale::Arithmetic })
    }

    /// One standard error below and above a geometric mean; the mean itself where there is no error.
    pub fn range(&self) -> (f64, f64) {
        let factor = self.error.unwrap_or(0.0).exp();
        (self.mean / factor, self.mean * factor)
    }

    /// `1.02 ± 0.013 (2)`: the mean, its error in the same unit, and the seeds that had a number if these are not all,
    /// which are `seeds`.
    pub fn text(&self, seeds: usize) -> String {
        let error = self.error.map(|error| match self.scale {
            Scale::Geometric => self.mean * error,
            Scale::Arithmetic => error,
        });
        let error = error.map(|e| if e.abs() < ROUNDING * self.mean.abs() { 0.0 } else { e });
        let error = error.map_or_else(String::new, |e| format!(" ± {}", sig(e, 2)));
        let some = if self.seeds == seeds { String::new() } else { format!(" ({})", self.seeds) };
        format!("{}{error}{some}", sig(self.mean, 3))
    }
}

/// A number over seeds, predicted and measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Its name in files, see [`QUANTITIES`].
    pub name: &'static str,
    /// The theory's.
    pub predicted: Option<Mean>,
    /// The tape's.
    pub measured: Option<Mean>,
    /// Measured over predicted, seed by seed.
    pub ratio: Option<Mean>,
}

/// What a theory says comes back to a layer, over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TheoryMeans {
    /// Its name in files, see [`THEORIES`].
    pub name: &'static str,
    /// E\[δ²\].
    pub delta: Option<Mean>,
    /// Measured over predicted E\[δ²\], seed by seed.
    pub delta_ratio: Option<Mean>,
    /// E\[(∂L/∂w)²\].
    pub weight_gradient: Option<Mean>,
    /// Measured over predicted E\[(∂L/∂w)²\], seed by seed.
    pub weight_gradient_ratio: Option<Mean>,
}

/// A layer over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerMeans {
    /// Its path.
    pub layer: String,
    /// The activation that it feeds.
    pub activation: Option<String>,
    /// In the order of [`QUANTITIES`].
    pub quantities: Vec<Compared>,
    /// In the order of [`THEORIES`].
    pub theories: Vec<TheoryMeans>,
    /// a, the arithmetic mean.
    pub slope: Option<Mean>,
    /// The standard deviation over samples of log q, the arithmetic mean.
    pub log_q_spread: Option<Mean>,
}

impl LayerMeans {
    /// What a theory says.
    pub fn theory(&self, theory: &Theory) -> &TheoryMeans {
        self.theories.iter().find(|t| t.name == theory.name).expect("every theory has its means")
    }

    /// A quantity as measured.
    pub fn measured(&self, quantity: &Quantity) -> Option<Mean> {
        self.quantities.iter().find(|c| c.name == quantity.name).and_then(|c| c.measured)
    }
}

/// The same network with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ensemble {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Layers from input to output.
    pub layers: Vec<LayerMeans>,
}

impl Ensemble {
    /// The means over seeds; a seed in which a number is absent is left out of that number's mean, and so is one in which
    /// a ratio would be 0/0.
    ///
    /// # Errors
    /// [`Error::LayersDiffer`] unless every seed has the same layers with the same activations.
    pub fn of<'a>(runs: impl IntoIterator<Item = (u64, &'a [LayerRow])>) -> Result<Self> {
        let runs: Vec<(u64, &[LayerRow])> = runs.into_iter().collect();
        let Some(&(first_seed, first)) = runs.first() else {
            return Ok(Self { seeds: Vec::new(), layers: Vec::new() });
        };
        for &(seed, rows) in &runs {
            if let Some((expected, found)) = difference(first, rows) {
                return Err(Error::LayersDiffer { first: first_seed, expected, seed, found });
            }
        }
        let layer = |i: usize| layer_means(&runs.iter().map(|(_, rows)| &rows[i]).collect::<Vec<_>>());
        Ok(Self {
            seeds: runs.iter().map(|(seed, _)| *seed).collect(),
            layers: (0..first.len()).map(layer).collect(),
        })
    }
}

/// The first layer in which two lists differ, as each has it.
fn difference(a: &[LayerRow], b: &[LayerRow]) -> Option<(String, String)> {
    let name = |rows: &[LayerRow], i: usize| {
        rows.get(i).map_or_else(
            || "no layer".to_string(),
            |r| r.activation.as_ref().map_or_else(|| r.layer.clone(), |a| format!("{} with {a}", r.layer)),
        )
    };
    (0..a.len().max(b.len())).map(|i| (name(a, i), name(b, i))).find(|(a, b)| a != b)
}

/// Reads a number of a row.
type Read<'r> = &'r dyn Fn(&LayerRow) -> Option<f64>;

fn layer_means(rows: &[&LayerRow]) -> LayerMeans {
    let values = |read: Read<'_>| rows.iter().filter_map(|r| read(r)).collect::<Vec<f64>>();
    let level = |read: Read<'_>| Mean::geometric(&values(read));
    let ratio = |measured: Read<'_>, predicted: Read<'_>| {
        let ratio = |row: &LayerRow| match (measured(row)?, predicted(row)?) {
            (0.0, 0.0) => None,
            (measured, predicted) => Some(measured / predicted),
        };
        Mean::geometric(&values(&ratio))
    };
    let compared = |q: &Quantity| {
        let (predicted, measured) =
            (|r: &LayerRow| (q.read)(&r.predicted), |r: &LayerRow| (q.read)(&r.measured));
        Compared {
            name: q.name,
            predicted: level(&predicted),
            measured: level(&measured),
            ratio: ratio(&measured, &predicted),
        }
    };
    let theory = |t: &Theory| TheoryMeans {
        name: t.name,
        delta: level(&t.delta),
        delta_ratio: ratio(&|r| r.measured.delta, &t.delta),
        weight_gradient: level(&t.weight_gradient),
        weight_gradient_ratio: ratio(&|r| r.measured.weight_gradient, &t.weight_gradient),
    };
    LayerMeans {
        layer: rows[0].layer.clone(),
        activation: rows[0].activation.clone(),
        quantities: QUANTITIES.iter().map(compared).collect(),
        theories: THEORIES.iter().map(theory).collect(),
        slope: Mean::arithmetic(&values(&|r| r.slope)),
        log_q_spread: Mean::arithmetic(&values(&|r| r.log_q_spread)),
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use anact::theory::{BackwardMoments, Quantities};

    use super::super::quantities::{CAUSES, DELTA, GENERAL_FORM, PER_SAMPLE, TWO_STATE};
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-14 * b.abs()
    }

    /// √(1·4) = 2; the logarithms 0 and 2·ln 2 lie ln 2 from their mean, so the error is √(2·ln²2/1/2) = ln 2. Of 2, 4 and 8
    /// it is √(2·ln²2/2/3) = ln 2/√3.
    #[test]
    fn the_geometric_mean_and_its_relative_error() {
        for (sign, values) in [(1.0, [1.0, 4.0]), (-1.0, [-1.0, -4.0])] {
            let m = Mean::geometric(&values).unwrap();
            assert!(close(m.mean, sign * 2.0) && close(m.error.unwrap(), LN_2) && m.seeds == 2, "{m:?}");
        }
        let m = Mean::geometric(&[2.0, 8.0, 4.0]).unwrap();
        assert!(close(m.mean, 4.0) && close(m.error.unwrap(), LN_2 / 3.0_f64.sqrt()), "{m:?}");
        let (low, high) = Mean { mean: 6.0, error: Some(LN_2), seeds: 2, scale: Scale::Geometric }.range();
        assert!(close(low, 3.0) && close(high, 12.0), "{low} {high}");
    }

    /// The mean of 1, 2 and 6 is 3; squares 4 + 1 + 9 = 14, so the error is √(14/2/3).
    #[test]
    fn the_arithmetic_mean_and_its_error() {
        let m = Mean::arithmetic(&[1.0, 2.0, 6.0]).unwrap();
        assert!(close(m.mean, 3.0) && close(m.error.unwrap(), (7.0_f64 / 3.0).sqrt()), "{m:?}");
        let one = Mean { mean: -0.5, error: None, seeds: 1, scale: Scale::Arithmetic };
        assert_eq!(Mean::arithmetic(&[-0.5]), Some(one));
        assert_eq!(Mean::arithmetic(&[]), None);
    }

    #[test]
    fn one_seed_zeros_and_numbers_that_are_none() {
        assert_eq!(Mean::geometric(&[]), None);
        let one = Mean::geometric(&[3.0]).unwrap();
        assert!(close(one.mean, 3.0) && one.error.is_none() && one.range() == (one.mean, one.mean));
        let zero = Mean { mean: 0.0, error: None, seeds: 2, scale: Scale::Geometric };
        assert_eq!(Mean::geometric(&[0.0, 5.0]), Some(zero));
        assert_eq!(Mean::geometric(&[5.0, f64::INFINITY]).unwrap().mean, f64::INFINITY);
        for values in [[1.0, f64::NAN], [f64::NAN, 1.0], [1.0, -1.0], [0.0, f64::INFINITY]] {
            let m = Mean::geometric(&values).unwrap();
            assert!(m.mean.is_nan() && m.error.is_none() && m.seeds == 2, "{values:?}: {m:?}");
        }
        // The smallest and the largest numbers there are: their product would be neither.
        let extreme = Mean::geometric(&[f64::MAX, f64::MAX, f64::MAX]).unwrap();
        assert!((extreme.mean / f64::MAX - 1.0).abs() < 1e-12 && extreme.error.unwrap() < 1e-12);
    }

    /// A layer with these E\[δ²\].
    fn row(layer: &str, predicted: Option<f64>, measured: Option<f64>, two_state: Option<f64>) -> LayerRow {
        LayerRow {
            layer: layer.into(),
            activation: Some("nswish".into()),
            predicted: Quantities { delta: predicted, ..Quantities::default() },
            with_measured_ratios: Quantities::default(),
            per_sample: BackwardMoments::default(),
            per_unit: BackwardMoments::default(),
            two_state: BackwardMoments { delta: two_state, weight_gradient: None },
            slope: Some(2.0),
            log_q_spread: None,
            measured: Quantities { delta: measured, ..Quantities::default() },
        }
    }

    fn of(runs: &[Vec<LayerRow>]) -> Result<Ensemble> {
        Ensemble::of((7..).zip(runs.iter().map(Vec::as_slice)))
    }

    /// Ratios 2 and 8 of one seed each: 4, though the ratio of the means of the measured and predicted numbers is another.
    #[test]
    fn ratios_are_averaged_seed_by_seed() {
        let runs = [
            vec![row("fc", Some(1.0), Some(2.0), Some(4.0))],
            vec![row("fc", Some(100.0), Some(800.0), None)],
        ];
        let e = of(&runs).unwrap();
        assert_eq!((e.seeds.as_slice(), e.layers.len()), ([7, 8].as_slice(), 1));
        let layer = &e.layers[0];
        let delta = layer.quantities.iter().find(|q| q.name == DELTA.name).unwrap();
        assert!(close(delta.predicted.unwrap().mean, 10.0) && close(delta.measured.unwrap().mean, 40.0));
        let ratio = delta.ratio.unwrap();
        assert!(close(ratio.mean, 4.0) && close(ratio.error.unwrap(), LN_2), "{ratio:?}");
        // The second seed has no number of the two-state theory.
        let two_state = layer.theory(&TWO_STATE).delta_ratio.unwrap();
        assert!(close(two_state.mean, 0.5) && two_state.error.is_none() && two_state.seeds == 1);
        assert_eq!(layer.theory(&GENERAL_FORM).delta_ratio, delta.ratio);
        assert_eq!(layer.measured(&DELTA), delta.measured);
        let per_sample = layer.theory(&PER_SAMPLE);
        assert_eq!((per_sample.delta, per_sample.weight_gradient_ratio), (None, None));
        let slope = Mean { mean: 2.0, error: Some(0.0), seeds: 2, scale: Scale::Arithmetic };
        assert_eq!(CAUSES.map(|c| (c.mean)(layer)), [Some(slope), None]);
    }

    #[test]
    fn means_are_written_with_what_is_known_of_them() {
        let text = |mean, error, seeds, scale| Mean { mean, error, seeds, scale }.text(3);
        // The error of a geometric mean is relative.
        assert_eq!(text(20.0, Some(0.25), 3, Scale::Geometric), "20.0 ± 5.0");
        assert_eq!(text(20.0, Some(0.25), 3, Scale::Arithmetic), "20.0 ± 0.25");
        assert_eq!(text(20.0, Some(0.25), 2, Scale::Geometric), "20.0 ± 5.0 (2)");
        assert_eq!(text(1.0, Some(1e-16), 3, Scale::Geometric), "1.00 ± 0");
        assert_eq!(text(0.0, None, 3, Scale::Geometric), "0");
        assert_eq!(text(f64::NAN, None, 1, Scale::Geometric), "NaN (1)");
    }

    #[test]
    fn zeros_and_gaps_in_a_ratio() {
        let ratio = |predicted, measured| {
            let e = of(&[vec![row("fc", predicted, measured, None)]]).unwrap();
            e.layers[0].theory(&GENERAL_FORM).delta_ratio.map(|m| m.mean)
        };
        assert_eq!(ratio(Some(0.0), Some(0.0)), None);
        assert_eq!(ratio(Some(2.0), Some(0.0)), Some(0.0));
        assert_eq!(ratio(Some(0.0), Some(2.0)), Some(f64::INFINITY));
        assert_eq!((ratio(None, Some(2.0)), ratio(Some(2.0), None)), (None, None));
        assert!(ratio(Some(1.0), Some(f64::NAN)).unwrap().is_nan());
    }

    #[test]
    fn other_layers_are_refused_and_named() {
        let layer = |name: &str| row(name, None, None, None);
        let error = |a: Vec<LayerRow>, b: Vec<LayerRow>| of(&[a, b]).unwrap_err().to_string();
        let text = error(vec![layer("fc1"), layer("fc2")], vec![layer("fc1"), layer("conv2")]);
        let expected = "seed 8 has conv2 with nswish where seed 7 has fc2 with nswish; means over seeds want the same layers";
        assert_eq!(text, expected);
        let text = error(vec![layer("fc1"), layer("fc2")], vec![layer("fc1")]);
        assert!(text.contains("seed 8 has no layer where seed 7 has fc2"), "{text}");
        let plain = LayerRow { activation: None, ..layer("fc1") };
        assert!(error(vec![plain], vec![layer("fc1")]).contains("seed 7 has fc1;"));
        assert_eq!(of(&[]).unwrap().layers.len(), 0);
        assert_eq!(of(&[Vec::new(), Vec::new()]).unwrap().seeds, [7, 8]);
    }
}
