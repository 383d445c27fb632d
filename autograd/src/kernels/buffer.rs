//! Memory for large arrays, used again instead of being returned to the system.
//!
//! A training step frees as many large arrays as it fills, of the same sizes in every step. Returned to the system,
//! each would come back as fresh pages that fault one by one when first written, which cost a fifth of a small step.
//! So a large array that nobody holds any more waits in a pool for the next of its length. What is in it never
//! matters: an array is asked for either with zeros or to be overwritten, and debug builds fill the latter with NaN.

use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scalar::Scalar;

/// Arrays of fewer bytes are left to the system's allocator, which is good at those.
const LARGE: usize = 64 * 1024;

/// `n` numbers to be overwritten: what they are is not said.
pub fn to_overwrite<S: Scalar>(n: usize) -> Vec<S> {
    match recycled(n) {
        Some(mut old) => {
            if cfg!(debug_assertions) {
                old.fill(S::from_f64(f64::NAN));
            }
            old
        }
        None if cfg!(debug_assertions) => vec![S::from_f64(f64::NAN); n],
        None => vec![S::ZERO; n],
    }
}

/// `n` zeros.
pub fn zeros<S: Scalar>(n: usize) -> Vec<S> {
    match recycled(n) {
        Some(mut old) => {
            old.fill(S::ZERO);
            old
        }
        None => vec![S::ZERO; n],
    }
}

/// A copy of `data`.
pub fn copy<S: Scalar>(data: &[S]) -> Vec<S> {
    let mut copy = to_overwrite(data.len());
    copy.copy_from_slice(data);
    copy
}

/// Memory of the arrays of one scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Bytes of large tensors now.
    pub live: usize,
    /// The most that was live at any time.
    pub peak: usize,
    /// Bytes that wait to be used again; `live + idle` never exceeds `peak`.
    pub idle: usize,
}

/// What the large tensors of type `S` take now; `None` for types that are not pooled.
pub fn pool_use<S: Scalar>() -> Option<PoolUse> {
    S::pool().map(|pool| pool.shelf().used)
}

fn recycled<S: Scalar>(n: usize) -> Option<Vec<S>> {
    if n.saturating_mul(size_of::<S>()) < LARGE {
        return None;
    }
    S::pool()?.take(n).map(Vec::from)
}

/// Large arrays that wait to be used again.
pub struct Pool<S> {
    shelf: Mutex<Shelf<S>>,
}

struct Shelf<S> {
    /// Oldest first. There are as many as a step has large tensors: a few hundred, so looking through them costs
    /// nothing beside writing one.
    idle: VecDeque<Box<[S]>>,
    used: PoolUse,
}

impl<S> Debug for Pool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({:?})", self.shelf().used)
    }
}

impl<S> Pool<S> {
    /// An empty pool.
    #[expect(clippy::new_without_default, reason = "a static needs a const function")]
    pub const fn new() -> Self {
        let used = PoolUse { live: 0, peak: 0, idle: 0 };
        Self { shelf: Mutex::new(Shelf { idle: VecDeque::new(), used }) }
    }

    /// An idle array of `n` numbers, the last one that came in.
    fn take(&self, n: usize) -> Option<Box<[S]>> {
        let mut shelf = self.shelf();
        let at = shelf.idle.iter().rposition(|a| a.len() == n)?;
        let array = shelf.idle.remove(at)?;
        shelf.used.idle -= size_of_val(&*array);
        Some(array)
    }

    /// A tensor now holds so many bytes.
    fn lend(&self, bytes: usize) {
        let mut shelf = self.shelf();
        shelf.used.live += bytes;
        shelf.used.peak = shelf.used.peak.max(shelf.used.live);
        shelf.trim();
    }

    /// A tensor's array comes back.
    fn give(&self, array: Box<[S]>) {
        let mut shelf = self.shelf();
        let bytes = size_of_val(&*array);
        shelf.used.live -= bytes;
        shelf.used.idle += bytes;
        shelf.idle.push_back(array);
        shelf.trim();
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<S>> {
        // A panic elsewhere leaves the counts and the list whole.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Shelf<S> {
    /// Frees what waits longest, so that live and idle arrays together never take more than live ones once did.
    fn trim(&mut self) {
        while self.used.live + self.used.idle > self.used.peak {
            let Some(oldest) = self.idle.pop_front() else { return };
            self.used.idle -= size_of_val(&*oldest);
        }
    }
}

/// A large array; when dropped, it goes to its pool.
pub(crate) struct Buffer<S> {
    data: Box<[S]>,
    /// `None` for types without a pool, and arrays too small for it.
    give: Option<fn(Box<[S]>)>,
}

impl<S: Scalar> Buffer<S> {
    pub(crate) fn new(data: Vec<S>) -> Self {
        let data = data.into_boxed_slice();
        let bytes = size_of_val(&*data);
        let give = S::pool().filter(|_| bytes >= LARGE).map(|pool| {
            pool.lend(bytes);
            let give: fn(Box<[S]>) = |array| {
                if let Some(pool) = S::pool() {
                    pool.give(array);
                }
            };
            give
        });
        Self { data, give }
    }
}

impl<S> std::ops::Deref for Buffer<S> {
    type Target = [S];
    fn deref(&self) -> &[S] {
        &self.data
    }
}

impl<S> std::ops::DerefMut for Buffer<S> {
    fn deref_mut(&mut self) -> &mut [S] {
        &mut self.data
    }
}

impl<S> Drop for Buffer<S> {
    fn drop(&mut self) {
        if let Some(give) = self.give {
            give(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(n: usize) -> Box<[f32]> {
        vec![1.0; n].into_boxed_slice()
    }

    #[test]
    fn an_array_is_used_again_for_the_same_length_only() {
        let pool = Pool::<f32>::new();
        pool.lend(400);
        let first = array(100);
        let address = first.as_ptr();
        pool.give(first);
        assert!(pool.take(99).is_none());
        let again = pool.take(100).unwrap();
        assert_eq!(again.as_ptr(), address);
        assert!(pool.take(100).is_none());
    }

    /// Other lengths, as of a last short batch, push out the oldest: the sum never exceeds what was live at once.
    #[test]
    fn idle_and_live_never_exceed_the_peak() {
        let pool = Pool::<f32>::new();
        for length in [100, 50, 70, 100, 10, 90] {
            for _ in 0..3 {
                pool.lend(4 * length);
            }
            for _ in 0..3 {
                pool.give(array(length));
            }
            let used = pool.shelf().used;
            assert!(used.live + used.idle <= used.peak, "{used:?}");
            assert_eq!(used.peak, 1200);
            assert_eq!(used.idle, pool.shelf().idle.iter().map(|a| size_of_val(&**a)).sum::<usize>());
        }
    }

    /// Other tests use the same pool meanwhile and may push an array out, but not time and again.
    #[test]
    fn a_tensor_s_array_serves_the_next_of_its_length() {
        let length = LARGE / size_of::<f64>() + 17;
        let is_used_again = || {
            let first = Buffer::new(vec![7.0f64; length]);
            let address = first.as_ptr();
            drop(first);
            let second = to_overwrite::<f64>(length);
            second.as_ptr() == address
        };
        assert!((0..100).any(|_| is_used_again()));
    }

    #[test]
    fn what_is_taken_is_zero_or_poisoned() {
        let n = LARGE;
        drop(Buffer::new(vec![7.0f32; n]));
        assert!(zeros::<f32>(n).iter().all(|&x| x == 0.0));
        drop(Buffer::new(vec![7.0f32; n]));
        let stale = to_overwrite::<f32>(n);
        assert_eq!(stale.len(), n);
        if cfg!(debug_assertions) {
            assert!(stale.iter().all(|x| x.is_nan()));
        }
    }
}
