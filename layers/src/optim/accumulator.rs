//! Gradients of a batch that is computed in parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use autograd::kernels::map;
use autograd::{Error, Gradients, Result, Scalar, Tensor};

/// Adds up the gradients of several micro-batches to those of the whole batch.
///
/// A gradient of a mean loss over nᵢ samples counts nᵢ times, so that the mean Σ nᵢ gᵢ/Σ nᵢ is the whole batch's also where
/// the last part is smaller. (With batch norm it is not: each part is normalized by its own statistics.) A single part
/// keeps its bits.
#[derive(Debug)]
pub struct Accumulator<S> {
    /// Σ (nᵢ/n₁) gᵢ.
    sums: BTreeMap<Arc<str>, Tensor<S>>,
    /// n₁.
    first: usize,
    samples: usize,
}

impl<S: Scalar> Default for Accumulator<S> {
    fn default() -> Self {
        Self { sums: BTreeMap::new(), first: 0, samples: 0 }
    }
}

impl<S: Scalar> Accumulator<S> {
    /// The samples so far.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Adds the gradients of the mean loss over `samples` samples. On an error nothing is added.
    ///
    /// # Errors
    /// No samples, or parameters or shapes other than those so far.
    pub fn add(&mut self, gradients: Gradients<S>, samples: usize) -> Result<()> {
        let refuse = |what: String, legal: &str| Error::Argument {
            op: "gradient accumulation",
            what,
            legal: legal.into(),
        };
        if samples == 0 {
            return Err(refuse("gradients of no samples".into(), "at least 1 sample"));
        }
        let named = gradients.into_named();
        if self.samples == 0 {
            (self.sums, self.first, self.samples) = (named, samples, samples);
            return Ok(());
        }
        for (name, sum) in &self.sums {
            let Some(part) = named.get(name) else {
                return Err(refuse(
                    format!("{name} has no gradient in this part"),
                    "the same parameters in all",
                ));
            };
            if part.shape() != sum.shape() {
                let rule = "the gradients of a parameter have one shape in all parts";
                return Err(Error::Shapes {
                    op: "gradient accumulation",
                    left: sum.shape(),
                    right: part.shape(),
                    rule,
                });
            }
        }
        if let Some(name) = named.keys().find(|name| !self.sums.contains_key(*name)) {
            return Err(refuse(
                format!("{name} has a gradient in this part only"),
                "the same parameters in all",
            ));
        }
        let weight = S::from_f64(samples as f64 / self.first as f64);
        for (sum, part) in self.sums.values_mut().zip(named.values()) {
            let part = part.data();
            map::for_each_chunk(sum.data_mut(), |start, sums| {
                for (sum, &g) in sums.iter_mut().zip(&part[start..]) {
                    *sum += weight * g;
                }
            });
        }
        self.samples += samples;
        Ok(())
    }

    /// The gradients of the mean loss over all samples so far. The accumulator is empty afterwards.
    ///
    /// # Errors
    /// There are none.
    pub fn take(&mut self) -> Result<Gradients<S>> {
        let Self { mut sums, first, samples } = std::mem::take(self);
        if samples == 0 {
            let (what, legal) = ("no gradients were added".into(), "at least one part".into());
            return Err(Error::Argument { op: "gradient accumulation", what, legal });
        }
        if samples != first {
            let weight = S::from_f64(first as f64 / samples as f64);
            for sum in sums.values_mut() {
                map::for_each_chunk(sum.data_mut(), |_, sums| sums.iter_mut().for_each(|sum| *sum *= weight));
            }
        }
        Ok(Gradients::of_named(sums))
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape};

    use super::*;
    use crate::context::Context;
    use crate::init::{Init, Initializer};
    use crate::layer::Layer;
    use crate::layer::testing::scattered;
    use crate::linear::Linear;

    /// The gradients of the mean loss over these rows of five images.
    fn gradients(rows: std::ops::Range<usize>) -> Gradients<f64> {
        let mut model = Linear::<f64>::new(3, 4, &mut Initializer::new(Init::HeNormal, 7));
        let (tape, labels) = (Tape::new(), [2, 0, 3, 3, 1]);
        let x = scattered(15)[3 * rows.start..3 * rows.end].to_vec();
        let x = tape.constant(Tensor::new([rows.len(), 3], x).unwrap());
        let loss = model.forward(&Context::train(&tape, 0, 0), x).unwrap();
        let loss = loss.cross_entropy(&labels[rows], 0.0).unwrap();
        tape.backward(loss, Keep::Leaves).unwrap()
    }

    /// The last part is smaller.
    #[test]
    fn parts_add_up_to_the_whole_batch() {
        let mut parts = Accumulator::default();
        for rows in [0..2, 2..4, 4..5] {
            parts.add(gradients(rows.clone()), rows.len()).unwrap();
        }
        assert_eq!(parts.samples(), 5);
        let (sum, whole) = (parts.take().unwrap(), gradients(0..5));
        for name in ["weight", "bias"] {
            let pairs = sum.named(name).unwrap().data().iter().zip(whole.named(name).unwrap().data());
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-15, "{name}: {a} {b}"));
        }
        assert_eq!(parts.samples(), 0);
        assert!(parts.take().unwrap_err().to_string().contains("no gradients were added"));
    }

    #[test]
    fn one_part_keeps_its_bits() {
        let mut part = Accumulator::default();
        part.add(gradients(0..3), 3).unwrap();
        assert_eq!(part.take().unwrap().into_named(), gradients(0..3).into_named());
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_and_not_added() {
        let named = |rows: &[(&str, usize)]| {
            Gradients::of_named(
                rows.iter().map(|&(n, len)| (Arc::from(n), Tensor::full([len], 1.0))).collect(),
            )
        };
        let mut sums = Accumulator::<f64>::default();
        assert!(sums.add(named(&[("a", 2)]), 0).unwrap_err().to_string().contains("no samples"));
        sums.add(named(&[("a", 2), ("b", 1)]), 1).unwrap();
        let text = |e: Error| e.to_string();
        assert!(
            text(sums.add(named(&[("a", 2)]), 1).unwrap_err()).contains("b has no gradient in this part")
        );
        let more = sums.add(named(&[("a", 2), ("b", 1), ("c", 1)]), 1).unwrap_err();
        assert!(text(more).contains("c has a gradient in this part only"));
        assert!(text(sums.add(named(&[("a", 2), ("b", 2)]), 1).unwrap_err()).contains("[1] and [2]"));
        assert_eq!(sums.take().unwrap().named("a").unwrap().data(), [1.0, 1.0]);
    }
}
