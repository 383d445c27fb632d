//! Sets of axes, and what the reductions over them share.

use std::fmt;

use crate::error::{Error, Result};
use crate::kernels::axes;
use crate::ops::broadcast;
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;

/// The axes a reduction runs over. The empty set is legal and reduces nothing; all axes are written out or
/// asked for by [`AxisSet::all`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AxisSet {
    /// Bit i stands for axis i.
    bits: u8,
}

impl AxisSet {
    /// The set of `axes`; `op` is named in errors.
    ///
    /// # Errors
    /// An axis named twice, or one that no tensor can have.
    pub fn new(op: &'static str, axes: &[usize]) -> Result<Self> {
        let wrong = |what, legal: &str| Err(Error::Argument { op, what, legal: legal.into() });
        let mut set = Self::default();
        for &axis in axes {
            if axis >= MAX_RANK {
                return wrong(format!("axis {axis} given"), "axes of a tensor, which are 0 to 5");
            }
            if set.contains(axis) {
                return wrong(format!("axis {axis} is given twice in {axes:?}"), "each axis once");
            }
            set.bits |= 1 << axis;
        }
        Ok(set)
    }

    /// Every axis of a tensor with `rank` axes.
    pub fn all(rank: usize) -> Self {
        Self { bits: (0..rank).fold(0, |bits, axis| bits | 1 << axis) }
    }

    /// Whether `axis` is in the set.
    pub fn contains(self, axis: usize) -> bool {
        axis < MAX_RANK && self.bits >> axis & 1 == 1
    }

    /// The axes, outermost first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_RANK).filter(move |&axis| self.contains(axis))
    }

    /// Checks that every axis exists, and returns the number of elements that make up one result.
    pub(super) fn count(self, op: &'static str, shape: Shape) -> Result<usize> {
        self.iter().try_fold(1, |n, axis| Ok(n * shape.dims()[shape.axis(op, axis)?]))
    }

    /// `shape` with every axis of the set gone, or of length 1 if `keep`.
    pub(super) fn reduced(self, shape: Shape, keep: bool) -> Shape {
        let axes: smallvec::SmallVec<[usize; MAX_RANK]> = self.iter().collect();
        shape.reduced(&axes, keep)
    }

    /// Σ term(o, x) over the set, for every element `o` of the result.
    pub(crate) fn sum<S: Scalar>(
        self,
        x: &Tensor<S>,
        keep: bool,
        term: impl Fn(usize, S) -> S + Sync,
    ) -> Tensor<S> {
        let data = axes::sum_over(x.data(), x.shape(), |axis| self.contains(axis), term);
        Tensor::filled(self.reduced(x.shape(), keep), data)
    }

    /// The result of a reduction, repeated to the shape it was reduced from.
    pub(super) fn expand<S: Scalar>(self, reduced: &Tensor<S>, shape: Shape) -> Tensor<S> {
        let reduced = reduced.with_shape(self.reduced(shape, true));
        // Nothing to repeat: share the data.
        if reduced.shape() == shape {
            return reduced;
        }
        Tensor::filled(shape, broadcast::expand(&reduced, shape).into_owned())
    }
}

impl fmt::Debug for AxisSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sets() {
        let set = AxisSet::new("sum", &[2, 0]).unwrap();
        assert_eq!(format!("{set:?}"), "[0, 2]");
        assert_eq!(AxisSet::all(3).iter().collect::<Vec<_>>(), [0, 1, 2]);
        let text = |axes: &[usize]| AxisSet::new("sum", axes).unwrap_err().to_string();
        assert_eq!(text(&[1, 1]), "sum: axis 1 is given twice in [1, 1]; want each axis once");
        assert!(text(&[6]).contains("axis 6"), "{}", text(&[6]));
        assert_eq!(set.count("sum", Shape::from([2, 3, 5])).unwrap(), 10);
        assert!(matches!(set.count("sum", Shape::from([2, 3])), Err(Error::Axis { axis: 2, .. })));
    }
}
