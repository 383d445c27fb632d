//! Reading and writing arrays through strides: broadcasting, permuting, slicing and padding are all one loop.

use super::{buffer, map};
use crate::scalar::Scalar;
use crate::shape::MAX_RANK;

/// Nested loops over an array, outermost first. Axes of length 1 are dropped and neighbours merged where one steps
/// over exactly the other, so the innermost loop is as long as it can be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    dims: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
    rank: usize,
}

impl Layout {
    /// The loops over `(length, stride)` pairs, of which there are at most [`MAX_RANK`].
    pub fn new(axes: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut layout = Self::default();
        for (len, stride) in axes {
            if len == 1 {
                continue;
            }
            if layout.rank > 0 && layout.strides[layout.rank - 1] == len * stride {
                layout.dims[layout.rank - 1] *= len;
            } else {
                layout.dims[layout.rank] = len;
                layout.rank += 1;
            }
            layout.strides[layout.rank - 1] = stride;
        }
        layout
    }

    /// The number of elements visited.
    pub fn len(&self) -> usize {
        self.dims[..self.rank].iter().product()
    }

    /// Whether nothing is visited.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The loops but the innermost, and the length and stride of that one; (1, 1) if there is none.
    pub fn split(mut self) -> (Self, usize, usize) {
        let Some(inner) = self.rank.checked_sub(1) else { return (self, 1, 1) };
        self.rank = inner;
        (self, self.dims[inner], self.strides[inner])
    }

    /// Offsets in row-major order, from the `start`-th on.
    pub fn offsets(self, start: usize) -> Offsets {
        let left = self.len().saturating_sub(start);
        let mut offsets = Offsets { layout: self, index: [0; MAX_RANK], offset: 0, left };
        let mut flat = start;
        for axis in (0..self.rank).rev() {
            let len = self.dims[axis].max(1);
            offsets.index[axis] = flat % len;
            offsets.offset += offsets.index[axis] * self.strides[axis];
            flat /= len;
        }
        offsets
    }
}

/// See [`Layout::offsets`].
#[derive(Debug, Clone)]
pub struct Offsets {
    layout: Layout,
    index: [usize; MAX_RANK],
    offset: usize,
    left: usize,
}

impl Iterator for Offsets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.offset;
        for axis in (0..self.layout.rank).rev() {
            self.index[axis] += 1;
            self.offset += self.layout.strides[axis];
            if self.index[axis] < self.layout.dims[axis] {
                break;
            }
            self.offset -= self.index[axis] * self.layout.strides[axis];
            self.index[axis] = 0;
        }
        Some(offset)
    }
}

/// The elements `x[start + offset]` for every offset of `layout`, in order.
pub fn gather<S: Scalar>(x: &[S], layout: Layout, start: usize) -> Vec<S> {
    let mut out = buffer::to_overwrite(layout.len());
    if out.is_empty() {
        return out;
    }
    let (outer, len, stride) = layout.split();
    map::for_each_chunk(&mut out, |at, mut out| {
        // A chunk may begin in the middle of a row.
        let mut column = at % len;
        for offset in outer.offsets(at / len) {
            let (row, rest) = out.split_at_mut(out.len().min(len - column));
            let from = start + offset + column * stride;
            match stride {
                _ if row.is_empty() => return,
                1 => row.copy_from_slice(&x[from..from + row.len()]),
                0 => row.fill(x[from]),
                _ => row.iter_mut().zip(x[from..].iter().step_by(stride)).for_each(|(y, &x)| *y = x),
            }
            (out, column) = (rest, 0);
        }
    });
    out
}

/// The inverse of [`gather`]: writes the elements of `x` in order to `y[start + offset]`.
pub fn scatter<T: Copy>(y: &mut [T], layout: Layout, start: usize, x: &[T]) {
    assert_eq!(x.len(), layout.len(), "every element has one place");
    if x.is_empty() {
        return;
    }
    let (outer, len, stride) = layout.split();
    for (offset, row) in outer.offsets(0).zip(x.chunks_exact(len)) {
        let to = start + offset;
        match stride {
            1 => y[to..to + len].copy_from_slice(row),
            _ => row.iter().enumerate().for_each(|(i, &x)| y[to + i * stride] = x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_where_they_can() {
        let parts = |axes: &[(usize, usize)]| {
            let layout = Layout::new(axes.iter().copied());
            let (outer, len, stride) = layout.split();
            (layout.len(), outer.len(), len, stride)
        };
        // A contiguous [2, 1, 3, 4] is one loop; with its last axes swapped it stays three.
        assert_eq!(parts(&[(2, 12), (1, 7), (3, 4), (4, 1)]), (24, 1, 24, 1));
        assert_eq!(parts(&[(2, 12), (4, 1), (3, 4)]), (24, 8, 3, 4));
        // A channel repeated over rows and columns.
        assert_eq!(parts(&[(5, 1), (3, 0), (4, 0)]), (60, 5, 12, 0));
        assert_eq!(parts(&[]), (1, 1, 1, 1));
    }

    /// Long enough for several chunks that begin in the middle of a row.
    #[test]
    fn gather_and_scatter_are_inverse() {
        let (rows, columns) = (211usize, 307usize);
        let x: Vec<f64> = (0..rows * columns).map(|i| i as f64).collect();
        let transposed = Layout::new([(columns, 1), (rows, columns)]);
        let y = gather(&x, transposed, 0);
        for i in [0, 1, rows, 16 * 1024, x.len() - 1] {
            assert_eq!(y[i], (i % rows * columns + i / rows) as f64);
        }
        let mut back = vec![0.0; x.len()];
        scatter(&mut back, transposed, 0, &y);
        assert_eq!(back, x);
    }
}
