//! Shapes, NumPy broadcasting, and its inverse.

use std::fmt;

use crate::error::{Error, Result};

/// The largest number of axes a tensor may have.
pub const MAX_RANK: usize = 6;

/// The largest number of elements, axes of length 0 counted as 1: neither strides nor bytes can overflow, of whatever
/// scalar. Far beyond any memory.
const MAX_ELEMENTS: usize = isize::MAX as usize / 64;

/// The lengths of a tensor's axes, outermost first; row-major. A scalar has no axes and one element.
#[derive(Clone, Copy, Eq, Default)]
pub struct Shape {
    // Inline and Copy: a node of the tape costs no allocation for its shape.
    dims: [usize; MAX_RANK],
    rank: usize,
}

// Compared on every op: only the axes that exist, in line instead of through a call.
impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank && (0..self.rank).all(|axis| self.dims[axis] == other.dims[axis])
    }
}

impl std::hash::Hash for Shape {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.dims().hash(state);
    }
}

impl Shape {
    /// The shape of a single number.
    pub const SCALAR: Self = Self { dims: [0; MAX_RANK], rank: 0 };

    /// A shape from axis lengths.
    ///
    /// # Errors
    /// More than [`MAX_RANK`] axes, or more elements than 2⁵⁷. An axis of length 0 does not hide the others.
    pub fn new(dims: &[usize]) -> Result<Self> {
        if dims.len() > MAX_RANK {
            return Err(Error::Rank { op: "shape", rank: dims.len(), legal: "at most 6 axes" });
        }
        let elements = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
        if elements.is_none_or(|n| n > MAX_ELEMENTS) {
            return Err(Error::Argument {
                op: "shape",
                what: format!("{dims:?} has more elements than can be counted"),
                legal: format!("a product of axis lengths up to {MAX_ELEMENTS}, 0 counted as 1"),
            });
        }
        let mut shape = Self { dims: [0; MAX_RANK], rank: dims.len() };
        shape.dims[..dims.len()].copy_from_slice(dims);
        Ok(shape)
    }

    /// Axis lengths, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of elements: the product of the axis lengths, 1 for a scalar.
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// Whether an axis has length 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row-major strides in elements.
    pub fn strides(&self) -> [usize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.rank).rev() {
            strides[axis] = step;
            step *= self.dims[axis];
        }
        strides
    }

    /// Checks that `axis` exists.
    ///
    /// # Errors
    /// `axis ≥ rank`.
    pub fn axis(&self, op: &'static str, axis: usize) -> Result<usize> {
        if axis < self.rank { Ok(axis) } else { Err(Error::Axis { op, axis, shape: *self }) }
    }

    /// The shape that `self` and `other` broadcast to: aligned at the last axis, lengths equal or 1.
    /// Source: NumPy's broadcasting rules.
    ///
    /// # Errors
    /// Two lengths differ and neither is 1.
    pub fn broadcast(&self, other: &Self, op: &'static str) -> Result<Self> {
        let rank = self.rank.max(other.rank);
        let mut out = Self { dims: [0; MAX_RANK], rank };
        for axis in 0..rank {
            let (a, b) = (self.aligned(axis, rank), other.aligned(axis, rank));
            out.dims[axis] = match (a, b) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => {
                    return Err(Error::Shapes {
                        op,
                        left: *self,
                        right: *other,
                        rule: "axes aligned at the last must have equal lengths or length 1",
                    });
                }
            };
        }
        // The result may be far larger than either operand.
        Self::new(out.dims())
    }

    /// Strides with which a tensor of this shape is read as if it had the shape `out`: 0 along broadcast axes.
    pub fn broadcast_strides(&self, out: &Self) -> [usize; MAX_RANK] {
        let own = self.strides();
        let mut strides = [0; MAX_RANK];
        let missing = out.rank - self.rank;
        for (axis, &len) in self.dims().iter().enumerate() {
            strides[missing + axis] = if len == 1 { 0 } else { own[axis] };
        }
        strides
    }

    /// The shape after reducing `axes`; a reduced axis stays with length 1 if `keep`.
    pub fn reduced(&self, axes: &[usize], keep: bool) -> Self {
        let mut out = Self { dims: [0; MAX_RANK], rank: 0 };
        for (axis, &len) in self.dims().iter().enumerate() {
            let is_reduced = axes.contains(&axis);
            if is_reduced && !keep {
                continue;
            }
            out.dims[out.rank] = if is_reduced { 1 } else { len };
            out.rank += 1;
        }
        out
    }

    /// The length of `axis` when this shape is aligned at the last axis of a shape with `rank` axes.
    fn aligned(&self, axis: usize, rank: usize) -> usize {
        let missing = rank - self.rank;
        if axis < missing { 1 } else { self.dims[axis - missing] }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    /// A shape written out in the source. Panics above [`MAX_RANK`] axes; use [`Shape::new`] for lengths from outside.
    fn from(dims: [usize; N]) -> Self {
        Self::new(&dims).expect("a literal shape has at most 6 axes")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let shape = |d: &[usize]| Shape::new(d).unwrap();
        let cases: [(&[usize], &[usize], &[usize]); 5] = [
            (&[2, 3, 4], &[3, 1], &[2, 3, 4]),
            (&[], &[5], &[5]),
            (&[1, 7], &[6, 1], &[6, 7]),
            (&[0], &[1], &[0]),
            (&[8, 1, 6, 1], &[7, 1, 5], &[8, 7, 6, 5]),
        ];
        for (a, b, want) in cases {
            assert_eq!(shape(a).broadcast(&shape(b), "t").unwrap(), shape(want));
            assert_eq!(shape(b).broadcast(&shape(a), "t").unwrap(), shape(want));
        }
        let text = shape(&[2, 3]).broadcast(&shape(&[4]), "add").unwrap_err().to_string();
        assert!(text.contains("add") && text.contains("[2, 3]") && text.contains("[4]"), "{text}");
    }

    #[test]
    fn scalars_and_empty_shapes_count_right() {
        assert_eq!(Shape::SCALAR.len(), 1);
        assert_eq!(Shape::from([3, 0, 2]).len(), 0);
        assert!(Shape::new(&[1; 7]).is_err());
        for huge in
            [&[usize::MAX, 2][..], &[1 << 31, 1 << 31], &[0, usize::MAX], &[1 << 40, 0, 1 << 40], &[1 << 58]]
        {
            let text = Shape::new(huge).unwrap_err().to_string();
            assert!(
                text.starts_with("shape: ") && text.contains(&format!("{huge:?} has more elements")),
                "{text}"
            );
        }
        assert_eq!(Shape::new(&[0, 1 << 20, 1 << 20]).unwrap().len(), 0);
        assert_eq!(Shape::from([2, 3, 4]).reduced(&[1], true), Shape::from([2, 1, 4]));
        assert_eq!(Shape::from([2, 3, 4]).reduced(&[0, 2], false), Shape::from([3]));
    }
}
