//! Elementwise loops, split over threads where that pays.

use rayon::prelude::*;

use super::buffer;
use super::vector::Loop;
use crate::scalar::Scalar;

/// Elements per task. Below this, waking a thread costs more than it saves.
const CHUNK: usize = 16 * 1024;

/// y\[i\] = f(x\[i\]).
pub fn map<A: Copy + Sync, R: Scalar>(x: &[A], f: impl Fn(A) -> R + Sync) -> Vec<R> {
    let mut y = buffer::to_overwrite(x.len());
    for_each_chunk(&mut y, |at, y| {
        for (y, &x) in y.iter_mut().zip(&x[at..]) {
            *y = f(x);
        }
    });
    y
}

/// y\[i\] = f(a\[i\], b\[i\]).
pub fn map2<A, B, R>(a: &[A], b: &[B], f: impl Fn(A, B) -> R + Sync) -> Vec<R>
where
    A: Copy + Sync,
    B: Copy + Sync,
    R: Scalar,
{
    assert_eq!(a.len(), b.len(), "elementwise operands have equal lengths");
    let mut y = buffer::to_overwrite(a.len());
    for_each_chunk(&mut y, |at, y| {
        for ((y, &a), &b) in y.iter_mut().zip(&a[at..]).zip(&b[at..]) {
            *y = f(a, b);
        }
    });
    y
}

/// y\[i\] = f(a\[i\], b\[i\], c\[i\]).
pub fn map3<A, R>(a: &[A], b: &[A], c: &[A], f: impl Fn(A, A, A) -> R + Sync) -> Vec<R>
where
    A: Copy + Sync,
    R: Scalar,
{
    assert!(a.len() == b.len() && a.len() == c.len(), "elementwise operands have equal lengths");
    let mut y = buffer::to_overwrite(a.len());
    for_each_chunk(&mut y, |at, y| {
        for (((y, &a), &b), &c) in y.iter_mut().zip(&a[at..]).zip(&b[at..]).zip(&c[at..]) {
            *y = f(a, b, c);
        }
    });
    y
}

/// y\[i\] += x\[i\].
pub fn add_assign<S: Scalar>(y: &mut [S], x: &[S]) {
    assert_eq!(x.len(), y.len(), "elementwise operands have equal lengths");
    for_each_chunk(y, |at, y| S::vectorized(AddAssign { x: &x[at..][..y.len()], y }));
}

/// [`add_assign`] of one chunk.
pub(super) struct AddAssign<'a, S> {
    pub(super) x: &'a [S],
    pub(super) y: &'a mut [S],
}

impl<S: Scalar> Loop for AddAssign<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y += x;
        }
    }
}

/// Calls `f(start, chunk)` for consecutive chunks of `y`, in parallel if there are several.
pub fn for_each_chunk<R: Send>(y: &mut [R], f: impl Fn(usize, &mut [R]) + Sync) {
    for_each_chunk_of(CHUNK, y, f);
}

/// [`for_each_chunk`] with chunks of `size` elements.
pub fn for_each_chunk_of<R: Send>(size: usize, y: &mut [R], f: impl Fn(usize, &mut [R]) + Sync) {
    if y.len() <= size {
        f(0, y);
    } else {
        in_parallel(size, y, &f);
    }
}

/// Where elementwise work and sums meet rayon. Behind a `dyn` call per chunk, rayon's machinery
/// is compiled once per scalar type instead of once per function: minutes off the build, nothing off the speed.
fn in_parallel<R: Send>(size: usize, y: &mut [R], f: &(dyn Fn(usize, &mut [R]) + Sync)) {
    y.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| f(i * size, chunk));
}
