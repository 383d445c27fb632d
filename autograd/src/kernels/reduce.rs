//! Sums whose order of addition depends on the length alone.
//!
//! A slice is cut into blocks; inside a block eight running sums go side by side, and the block sums are added
//! pairwise in a tree. The error grows with the logarithm of the number of blocks, not with the length.

use super::map::for_each_chunk_of;
use super::source::BLOCK;
use super::vector::Loop;
use crate::scalar::Scalar;

/// Blocks per parallel task.
const TASK: usize = 16;
const LANES: usize = 8;

/// Σ x\[i\].
pub fn sum<S: Scalar>(x: &[S]) -> S {
    sum_of_columns([x], |[x]| x)
}

/// Σ x\[i\]·y\[i\].
pub fn dot<S: Scalar>(x: &[S], y: &[S]) -> S {
    sum_of_columns([x, y], |[x, y]| x * y)
}

/// Σ term(columns at i), with the bits of [`sum_of`]. Columns have equal lengths.
pub fn sum_of_columns<S: Scalar, const N: usize>(columns: [&[S]; N], term: impl Fn([S; N]) -> S + Sync) -> S {
    let n = columns[0].len();
    assert!(columns.iter().all(|c| c.len() == n), "a sum over columns needs equal lengths");
    let of = |start: usize, end: usize| block_sums(columns.map(|c| &c[start..end]), |row| [term(row)])[0];
    if n <= BLOCK { of(0, n) } else { sum_of_blocks(n, &of) }
}

/// Several sums over one block, side by side: Σ term(columns at i)\[k\] for every k, with the bits that [`sum_of`] would
/// give to each. At most 1024 elements, in columns of equal lengths.
#[inline]
pub fn block_sums<S: Scalar, const N: usize, const K: usize>(
    columns: [&[S]; N],
    term: impl Fn([S; N]) -> [S; K],
) -> [S; K] {
    let n = columns[0].len();
    assert!(
        n <= BLOCK && columns.iter().all(|c| c.len() == n),
        "a block has columns of equal lengths up to {BLOCK}"
    );
    S::vectorized(BlockSums { columns, term })
}

struct BlockSums<'a, S, F, const N: usize> {
    columns: [&'a [S]; N],
    term: F,
}

impl<S: Scalar, F: Fn([S; N]) -> [S; K], const N: usize, const K: usize> Loop for BlockSums<'_, S, F, N> {
    type Output = [S; K];
    #[inline(always)]
    fn run(self) -> [S; K] {
        let Self { columns, term } = self;
        let parts = columns.map(|c| c.as_chunks::<LANES>());
        let rows = parts[0].0.len();
        let whole = parts.map(|(whole, _)| &whole[..rows]);
        let mut sums = [[S::ZERO; LANES]; K];
        for i in 0..rows {
            // All terms of one sum before those of the next: the compiler makes a vector of each.
            let mut terms = [[S::ZERO; LANES]; K];
            for (k, terms) in terms.iter_mut().enumerate() {
                for (lane, out) in terms.iter_mut().enumerate() {
                    let mut row = [S::ZERO; N];
                    for (x, column) in row.iter_mut().zip(&whole) {
                        *x = column[i][lane];
                    }
                    *out = term(row)[k];
                }
            }
            for (sums, terms) in sums.iter_mut().zip(&terms) {
                let mut next = *sums;
                for (sum, &term) in next.iter_mut().zip(terms) {
                    *sum += term;
                }
                *sums = next;
            }
        }
        ends(sums, parts.map(|(_, rest)| rest), term)
    }
}

/// Adds what does not fill the lanes, and the lanes. Apart, so that the sums of the loop above stay in registers.
#[inline(never)]
fn ends<S: Scalar, const N: usize, const K: usize>(
    mut sums: [[S; LANES]; K],
    rest: [&[S]; N],
    term: impl Fn([S; N]) -> [S; K],
) -> [S; K] {
    for lane in 0..rest[0].len() {
        let terms = term(rest.map(|column| column[lane]));
        sums.iter_mut().zip(terms).for_each(|(sums, term)| sums[lane] += term);
    }
    sums.map(add_lanes)
}

/// The [`tree`] of the lanes, without its loops.
#[inline(always)]
fn add_lanes<S: Scalar>([a, b, c, d, e, f, g, h]: [S; LANES]) -> S {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Σ term(i) for i in 0..n.
pub fn sum_of<S: Scalar>(n: usize, term: impl Fn(usize) -> S + Sync) -> S {
    if n <= BLOCK {
        return block(0, n, &term);
    }
    sum_of_blocks(n, &|start, end| block(start, end, &term))
}

/// The tree over the sums of blocks.
fn sum_of_blocks<S: Scalar>(n: usize, block: &(dyn Fn(usize, usize) -> S + Sync)) -> S {
    let mut sums = vec![S::ZERO; n.div_ceil(BLOCK)];
    for_each_chunk_of(TASK, &mut sums, |at, sums| {
        for (i, sum) in sums.iter_mut().enumerate() {
            let start = (at + i) * BLOCK;
            *sum = block(start, (start + BLOCK).min(n));
        }
    });
    tree(&mut sums)
}

/// The sum of one block, by `LANES` running sums.
fn block<S: Scalar>(start: usize, end: usize, term: &impl Fn(usize) -> S) -> S {
    let mut lanes = [S::ZERO; LANES];
    let mut i = start;
    while i + LANES <= end {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(i + lane);
        }
        i += LANES;
    }
    for (lane, sum) in lanes.iter_mut().enumerate().take(end - i) {
        *sum += term(i + lane);
    }
    add_lanes(lanes)
}

/// Adds neighbours pairwise until one number is left; 0 for none. Overwrites its argument.
pub fn tree<S: Scalar>(sums: &mut [S]) -> S {
    merge_tree(sums, |a, b| a + b).unwrap_or(S::ZERO)
}

/// Merges neighbours pairwise until one result is left; `None` for none. Overwrites its argument.
pub fn merge_tree<R: Copy>(results: &mut [R], merge: impl Fn(R, R) -> R) -> Option<R> {
    let mut n = results.len();
    while n > 1 {
        for i in 0..n / 2 {
            results[i] = merge(results[2 * i], results[2 * i + 1]);
        }
        if n % 2 == 1 {
            results[n / 2] = results[n - 1];
        }
        n = n.div_ceil(2);
    }
    results.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whole numbers add exactly in any order, so the closed form n(n − 1)/2 must come out exactly.
        #[test]
        fn every_element_counts_once(n in 0usize..60_000) {
            let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let want = (n as f64) * (n as f64 - 1.0) / 2.0;
            prop_assert_eq!(sum(&x), if n == 0 { 0.0 } else { want });
        }
    }

    /// Side by side in vectors or one by one through an index: the same order of addition.
    #[test]
    fn columns_have_the_bits_of_single_sums() {
        let x: Vec<f32> = (0..3000).map(|i| ((i * 7919) % 1009) as f32 * 1e-3 - 0.4).collect();
        let y: Vec<f32> = x.iter().map(|x| x * x - 0.1).collect();
        for n in [0, 1, 7, 8, 9, 1000, 1023, 1024] {
            let got = block_sums([&x[..n], &y[..n]], |[x, y]| [x, x * y, y - x]);
            let want = [sum_of(n, |i| x[i]), sum_of(n, |i| x[i] * y[i]), sum_of(n, |i| y[i] - x[i])];
            assert_eq!(got.map(f32::to_bits), want.map(f32::to_bits), "{n}");
        }
        for n in [1025, 2048, 3000] {
            assert_eq!(dot(&x[..n], &y[..n]).to_bits(), sum_of(n, |i| x[i] * y[i]).to_bits(), "{n}");
        }
    }

    #[test]
    fn lanes_are_added_as_by_the_tree() {
        let lanes: [f32; LANES] = std::array::from_fn(|i| ((i * 7919) % 1009) as f32 * 0.1 - 40.0);
        assert_eq!(add_lanes(lanes).to_bits(), tree(&mut lanes.clone()).to_bits());
    }

    #[test]
    fn the_tree_keeps_f32_accurate() {
        // A running f32 sum of ten million times 0.1 is off by about 8 %.
        let x = vec![0.1f32; 10_000_000];
        assert!((f64::from(sum(&x)) / (0.1f32 as f64 * 1e7) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let x: Vec<f32> =
            (0..300_001).map(|i| ((i * 2_654_435_761usize) % 1000) as f32 * 1e-3 - 0.4).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sum(&x).to_bits())
        };
        assert!([2, 3, 8].iter().all(|&t| on(t) == on(1)));
    }
}
