//! Limits for gradients.

use autograd::kernels::reduce::merge_tree;
use autograd::kernels::vector::Loop;
use autograd::{Error, Result, Scalar};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::optimizer::StepReport;
use super::rule::{CHUNK, Clip};

/// How gradients are kept from growing too large. Source: Pascanu et al., *On the difficulty of training recurrent neural
/// networks* (2013), algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clipping {
    /// All gradients are multiplied by min(1, limit/(norm + 10⁻⁶)), where the Euclidean norm goes over all of them, as
    /// `torch.nn.utils.clip_grad_norm_`.
    Norm(f64),
    /// Every element is cut to −limit..limit, as `torch.nn.utils.clip_grad_value_`.
    Value(f64),
}

impl Clipping {
    pub(super) fn check(self) -> Result<()> {
        let (Self::Norm(limit) | Self::Value(limit)) = self;
        if limit > 0.0 && limit.is_finite() {
            return Ok(());
        }
        Err(Error::Argument {
            op: "gradient clipping",
            what: format!("the limit is {limit}"),
            legal: "a positive number".into(),
        })
    }
}

/// What PyTorch adds to the norm, so that nothing is divided by 0.
const NORM_OFFSET: f64 = 1e-6;

/// What `clipping` makes of these gradients.
///
/// # Errors
/// Their norm is wanted and not finite.
pub(super) fn clip<S: Scalar>(clipping: Clipping, gradients: &[&[S]]) -> Result<(Clip<S>, StepReport)> {
    match clipping {
        Clipping::Value(limit) => Ok((
            Clip { bound: S::from_f64(limit), ..Clip::none() },
            StepReport { gradient_norm: None, clipped_by: 1.0 },
        )),
        Clipping::Norm(limit) => {
            let norm = norm(gradients);
            if !norm.is_finite() {
                let legal = "finite gradients; a smaller learning rate may help".into();
                let what = format!("the norm of all gradients is {norm}");
                return Err(Error::Argument { op: "gradient clipping", what, legal });
            }
            let clipped_by = (limit / (norm + NORM_OFFSET)).min(1.0);
            let clip = Clip { factor: S::from_f64(clipped_by), ..Clip::none() };
            Ok((clip, StepReport { gradient_norm: Some(norm), clipped_by }))
        }
    }
}

/// √Σ g², summed in f64 whatever the precision, in a tree over stretches of fixed length.
fn norm<S: Scalar>(gradients: &[&[S]]) -> f64 {
    let stretches: Vec<&[S]> = gradients.iter().flat_map(|g| g.chunks(CHUNK)).collect();
    let mut sums: Vec<f64> = stretches.into_par_iter().map(|x| S::vectorized(SquareSum(x))).collect();
    merge_tree(&mut sums, |a, b| a + b).unwrap_or(0.0).sqrt()
}

/// Running sums side by side.
const LANES: usize = 8;

/// Σ x².
struct SquareSum<'a, S>(&'a [S]);

impl<S: Scalar> Loop for SquareSum<'_, S> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let (rows, rest) = self.0.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for row in rows {
            for (sum, x) in sums.iter_mut().zip(row) {
                let x = x.to_f64();
                *sum += x * x;
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            let x = x.to_f64();
            *sum += x * x;
        }
        merge_tree(&mut sums, |a, b| a + b).unwrap_or(0.0)
    }
}
