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
