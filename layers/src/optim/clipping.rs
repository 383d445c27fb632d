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
                let what = "the norm of all gradients";
                return Err(Error::NotFinite { op: "gradient clipping", what, value: norm });
            }
            let clipped_by = (limit / (norm + NORM_OFFSET)).min(1.0);
            Ok((Clip::by(clipped_by), StepReport { gradient_norm: Some(norm), clipped_by }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        assert_eq!(norm::<f64>(&[]), 0.0);
        assert_eq!(norm::<f32>(&[&[], &[-3.0]]), 3.0);
        assert_eq!(norm(&[&[2.0f64, -3.0][..], &[6.0]]), 7.0);
        // n ones more than a task holds, with a remainder: √n, and n is a square.
        let ones = vec![1.0f32; 301 * 301];
        assert_eq!(norm(&[&ones[..]]), 301.0);
        assert_eq!(norm(&[&ones[..7], &ones[7..]]), 301.0);
    }

    /// Squares of these have no place in an f32.
    #[test]
    fn the_norm_of_f32_is_summed_in_f64() {
        let size = f64::from(1e30f32);
        assert_eq!(norm(&[&[1e30f32; 4]]), 2.0 * size);
        let tiny = f64::from(1e-30f32);
        assert_eq!(norm(&[&[1e-30f32; 4]]), 2.0 * tiny);
    }

    #[test]
    fn the_norm_has_the_same_bits_on_any_number_of_threads() {
        let numbers: Vec<f32> = (0..5 * CHUNK + 77).map(|i| (0.7 * i as f32).sin()).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| norm(&[&numbers[..3], &numbers[3..]]).to_bits())
        };
        assert!([2, 3, 8].map(on).iter().all(|&bits| bits == on(1)));
        let slow = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        assert!((f64::from_bits(on(1)) / slow - 1.0).abs() < 1e-13);
    }

    #[test]
    fn small_gradients_are_left_alone_and_infinite_ones_refused() {
        let clip_by = |x: f64| clip(Clipping::Norm(2.0), &[&[x]]);
        let (kept, report) = clip_by(1.5).unwrap();
        assert_eq!((kept.factors, report.gradient_norm, report.clipped_by), ([1.0; 2], Some(1.5), 1.0));
        let (cut, report) = clip_by(-4.0).unwrap();
        assert_eq!((cut.factors, report.gradient_norm), ([2.0 / 4.000001, 1.0], Some(4.0)));
        assert_eq!(report.clipped_by, cut.factors[0]);
        for x in [f64::NAN, f64::INFINITY] {
            let text = clip_by(x).unwrap_err().to_string();
            assert!(text.starts_with("gradient clipping: the norm of all gradients is"), "{text}");
        }
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Clipping::Norm(limit).check().is_err() && Clipping::Value(limit).check().is_err());
        }
    }

    /// By the definition in f64: a factor below the smallest f32 of full precision costs no digits, and one below the smallest f32
    /// does not make gradients 0.
    #[test]
    fn a_factor_that_f32_does_not_have_costs_no_digits() {
        let g = [f32::MAX, -1e30, 1e25, 0.7];
        let gradients = vec![g; 1000].concat();
        let norm = gradients.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        for limit in [1e-30, 1e-7, 1.0, 1e3, 1e30] {
            let (clip, report) = clip::<f32>(Clipping::Norm(limit), &[&gradients]).unwrap();
            assert!((report.gradient_norm.unwrap() / norm - 1.0).abs() < 1e-12, "{report:?}");
            for g in g {
                let (got, want) = (f64::from(clip.apply(g)), f64::from(g) * (limit / norm));
                let allowed = 4.0 * f64::from(f32::EPSILON) * want.abs() + 4.0 * f64::from(f32::from_bits(1));
                assert!(
                    (got - want).abs() <= allowed,
                    "{g:e} of {norm:e} to {limit:e}: {got:e} for {want:e}"
                );
            }
        }
    }
}
