//! Shapes, NumPy broadcasting, and its inverse.

use std::fmt;

use crate::error::{Error, Result};
use crate::scalar::Dual;

/// The largest number of axes a tensor may have.
pub const MAX_RANK: usize = 6;

/// The bytes of the largest scalar in use: second derivatives of an exact directional derivative.
const LARGEST_SCALAR: usize = size_of::<Dual<Dual<f64>>>();

/// The largest number of elements, axes of length 0 counted as 1, so that neither strides nor bytes can overflow: an array of the
/// largest scalar takes no more than `isize::MAX` bytes, the most that one allocation may have. On machines of 64 bits
/// 2⁵⁸ − 1, far beyond any memory; on machines of 32 bits 2²⁶ − 1, a quarter of a gigabyte of f32.
const MAX_ELEMENTS: usize = isize::MAX as usize / LARGEST_SCALAR;

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
    /// More than [`MAX_RANK`] axes, or so many elements that the largest scalar, of 32 bytes, would take more than `isize::MAX`
    /// bytes. An axis of length 0 does not hide the others.
    pub fn new(dims: &[usize]) -> Result<Self> {
        if dims.len() > MAX_RANK {
            return Err(Error::Rank { op: "shape", rank: dims.len(), legal: "at most 6 axes" });
        }
        if !is_countable(dims, MAX_ELEMENTS) {
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

/// Whether the product of `dims`, 0 counted as 1, is at most `most`.
fn is_countable(dims: &[usize], most: usize) -> bool {
    dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1))).is_some_and(|n| n <= most)
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
        let half = 1 << (usize::BITS / 2);
        for huge in [
            &[usize::MAX, 2][..],
            &[half, half],
            &[0, usize::MAX],
            &[half, 0, half],
            &[MAX_ELEMENTS + 1],
            &[2, 0, MAX_ELEMENTS / 2 + 1],
        ] {
            let text = Shape::new(huge).unwrap_err().to_string();
            assert!(
                text.starts_with("shape: ") && text.contains(&format!("{huge:?} has more elements")),
                "{text}"
            );
        }
        assert_eq!(Shape::new(&[MAX_ELEMENTS]).unwrap().len(), MAX_ELEMENTS);
        assert_eq!(Shape::new(&[0, 1 << 12, 1 << 12]).unwrap().len(), 0);
        assert_eq!(Shape::from([2, 3, 4]).reduced(&[1], true), Shape::from([2, 1, 4]));
        assert_eq!(Shape::from([2, 3, 4]).reduced(&[0, 2], false), Shape::from([3]));
    }

    /// The largest scalar takes 32 bytes: 2ⁿ⁻¹ − 1 bytes on a machine of n bits hold 2ⁿ⁻⁶ − 1 of them. In u128, whatever the
    /// machine.
    #[test]
    fn the_limit_is_one_of_bytes() {
        let bytes = (1u128 << (usize::BITS - 1)) - 1;
        assert_eq!(MAX_ELEMENTS as u128, bytes / 32);
        assert_eq!(MAX_ELEMENTS as u128, (1u128 << (usize::BITS - 6)) - 1);
    }

    /// Against the product in u128, at the limits of small machines too.
    #[test]
    fn products_are_counted_without_overflow() {
        let lengths = [0, 1, 2, 3, 5, 7, 64, 255, 4096, 65_535];
        for most in [1, 6, 1000, 65_535, (1 << 26) - 1] {
            for i in 0..lengths.len().pow(3) {
                let dims =
                    [i, i / lengths.len(), i / lengths.len().pow(2)].map(|i| lengths[i % lengths.len()]);
                let product: u128 = dims.iter().map(|&d| d.max(1) as u128).product();
                assert_eq!(is_countable(&dims, most), product <= most as u128, "{dims:?}, {most}");
            }
        }
        assert!(!is_countable(&[usize::MAX, usize::MAX], usize::MAX));
        assert!(is_countable(&[], 1) && is_countable(&[usize::MAX, 1], usize::MAX));
    }
}
