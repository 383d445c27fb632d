//! Two tensors, number by number.

use super::align::Alignment;
use super::{Compared, NodeDifference};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

impl Alignment {
    /// Compares the tensors that `of` gives for each pair.
    pub(super) fn compare<'p, A: Scalar, B: Scalar>(
        &self,
        pairs: impl Iterator<Item = &'p (usize, usize)>,
        of: impl Fn(usize, usize) -> Option<(Tensor<A>, Tensor<B>)>,
        epsilon: f64,
    ) -> Compared {
        let mut compared = Compared::default();
        for &(i, j) in pairs.filter(|&&(i, j)| self.has_equal_shapes(i, j)) {
            let Some((a, b)) = of(i, j) else { continue };
            compared.nodes += 1;
            let Some((at, relative)) = worst(&a, &b).filter(|&(_, relative)| relative > epsilon) else {
                continue;
            };
            compared.differing += 1;
            let difference = NodeDifference {
                nodes: self.names(i, j),
                shape: a.dims().to_vec(),
                index: place(at, a.dims()),
                numbers: [a.data()[at].to_f64(), b.data()[at].to_f64()],
                relative,
            };
            if compared.largest.as_ref().is_none_or(|l| relative > l.relative) {
                compared.largest = Some(difference.clone());
            }
            compared.first.get_or_insert(difference);
        }
        compared
    }
}

/// Where two tensors differ most, and by how much relative to their largest finite entry; `None` if nowhere.
fn worst<A: Scalar, B: Scalar>(a: &Tensor<A>, b: &Tensor<B>) -> Option<(usize, f64)> {
    let pairs = || a.data().iter().zip(b.data()).map(|(x, y)| (x.to_f64(), y.to_f64()));
    let size = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
    let scale = pairs().fold(0.0f64, |m, (x, y)| m.max(size(x)).max(size(y)));
    let mut worst: Option<(usize, f64)> = None;
    for (at, (x, y)) in pairs().enumerate() {
        let relative = if x == y || x.is_nan() && y.is_nan() {
            continue;
        } else if x.is_finite() && y.is_finite() {
            // Scaled before the subtraction, which could overflow.
            (x / scale - y / scale).abs()
        } else {
            f64::INFINITY
        };
        if worst.is_none_or(|(_, most)| relative > most) {
            worst = Some((at, relative));
        }
    }
    worst
}

/// The place of the element `at` in row-major order.
fn place(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for (axis, &length) in dims.iter().enumerate().rev() {
        index[axis] = at % length;
        at /= length;
    }
    index
}
