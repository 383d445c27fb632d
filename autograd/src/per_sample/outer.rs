//! The weight of a matrix product: cₙ = uₙvₙᵀ, folded without being formed.

use super::fold::{Fold, Sums};
use crate::kernels::map::for_each_chunk_of;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Least number of products per parallel task.
const TASK: usize = 64 * 1024;

/// cₙ[r, s] = u[n, r]·v[n, s]. For Y = X·Wᵀ, u = ∂L/∂Y and v = X; for Y = X·W the other way round.
pub(super) struct OuterProducts<'a, S> {
    u: &'a Tensor<S>,
    v: &'a Tensor<S>,
}

impl<'a, S: Scalar> OuterProducts<'a, S> {
    /// Of u [N, R] and v [N, S].
    pub(super) fn new(u: &'a Tensor<S>, v: &'a Tensor<S>) -> Self {
        Self { u, v }
    }

    /// Folds every sample into `fold`, of shape [R, S].
    ///
    /// Σ cₙ² alone would be the product (u²)ᵀ(v²), but the variance from it cancels where the mean is large. Distances from
    /// the mean cost three operations instead of one and lose nothing.
    pub(super) fn fold(&self, fold: &mut Fold) {
        let (rows, columns) = (self.u.dims()[1], self.v.dims()[1]);
        let samples = self.u.dims()[0];
        let (u, v) = (self.u.data(), self.v.data());
        let tall = TASK.div_ceil((samples * columns).max(1)).min(rows.max(1));
        let (centre, sums) = fold.parts(samples);
        for_each_chunk_of(tall * columns.max(1), sums, |at, sums| {
            let lines = sums.chunks_mut(columns.max(1)).zip(centre[at..].chunks(columns.max(1)));
            for (i, (sums, centre)) in lines.enumerate() {
                let row = at / columns.max(1) + i;
                for n in 0..samples {
                    let u = u[n * rows + row].to_f64();
                    let products = v[n * columns..][..columns].iter().map(|v| u * v.to_f64());
                    sums.iter_mut().zip(centre).zip(products).for_each(
                        |((sum, centre), c): ((&mut Sums, &f64), f64)| {
                            sum.add(c - centre);
                        },
                    );
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Beside every cₙ formed and folded on its own. The larger one is cut into tasks, in the middle of which rows go on counting.
    #[test]
    fn products_are_folded_as_if_they_were_formed() {
        for [samples, rows, columns] in [[1, 1, 1], [2, 3, 4], [3, 300, 101]] {
            let stream = &mut Stream::new(1, Purpose::Probe, 0);
            let mut normal = |dims: [usize; 2]| {
                Tensor::<f64>::filled(dims.into(), (0..dims[0] * dims[1]).map(|_| stream.normal()).collect())
            };
            let (u, v) = (normal([samples, rows]), normal([samples, columns]));
            let gradient = normal([rows, columns]);
            let mut at_once = Fold::around(&gradient, samples);
            OuterProducts::new(&u, &v).fold(&mut at_once);
            let mut one_by_one = Fold::around(&gradient, samples);
            for (u, v) in u.data().chunks(rows).zip(v.data().chunks(columns)) {
                let c = u.iter().flat_map(|u| v.iter().map(move |v| u * v)).collect();
                one_by_one.add(Some(&Tensor::filled(gradient.shape(), c)));
            }
            assert!(at_once.is_full() && one_by_one.is_full());
            let (found, expected) = (at_once.finish(), one_by_one.finish());
            assert_eq!(found.mean().data(), expected.mean().data());
            assert_eq!(found.variance().data(), expected.variance().data());
        }
    }
}
