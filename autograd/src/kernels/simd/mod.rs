//! Vectors of f32 for kernels whose registers are planned by hand, and the choice of instruction set.
//!
//! A kernel is written once over [`Vector`] and run by [`dispatch_to`], which compiles it for every instruction set. Data come in rows of 16 numbers, [`Row`], whatever the width of a vector is.
//! Loops that the compiler vectorizes by itself use [`vector`](super::vector) instead.
//!
//! A build with `--cfg anact_portable` has the portable vectors only, whatever the machine is: no intrinsics, and no choice at
//! run time that bits could depend on.

#[cfg(all(target_arch = "x86_64", not(anact_portable)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(anact_portable)))]
mod avx512;
#[cfg(all(target_arch = "aarch64", not(anact_portable)))]
mod neon;
mod portable;

/// Numbers per row: the width of the widest vector.
pub(crate) const WIDTH: usize = 16;

/// Vectors of the narrowest kind in a row.
pub(crate) const PARTS: usize = 4;

/// One cache line: 16 channels, outputs or positions side by side.
pub(crate) type Row = [f32; WIDTH];

/// A vector of f32 of one instruction set. Every method is inlined into the kernel.
pub(crate) trait Vector: Copy {
    /// Numbers in a vector; divides [`WIDTH`].
    const LANES: usize;
    /// Rows of a product's tile whose sums stay in registers beside the operands.
    const TILE: usize;

    /// The same number in every lane.
    fn splat(x: f32) -> Self;
    /// Part `part` of a row, which has `WIDTH / LANES` parts.
    fn load(row: &Row, part: usize) -> Self;
    /// Writes part `part` of a row.
    fn store(self, row: &mut Row, part: usize);
    /// self + other.
    fn add(self, other: Self) -> Self;
    /// self − other.
    fn sub(self, other: Self) -> Self;
    /// self · other.
    fn mul(self, other: Self) -> Self;
    /// self · factor + term, in one rounding where the machine can.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Exchanges rows and columns of eight by eight numbers: column i of `rows`, from `at` on, becomes the first or
    /// second half of `out[i]`.
    fn transpose(rows: [&[f32; 8]; 8], out: &mut [Row; 8], half: usize) {
        for (i, out) in out.iter_mut().enumerate() {
            for (j, row) in rows.iter().enumerate() {
                out[8 * half + j] = row[i];
            }
        }
    }
    /// The inverse of [`Vector::transpose`]: half `half` of eight rows becomes eight columns.
    fn transpose_back(rows: &[Row; 8], half: usize, out: &mut [[f32; 8]; 8]) {
        for (j, out) in out.iter_mut().enumerate() {
            for (out, row) in out.iter_mut().zip(rows) {
                *out = row[8 * half + j];
            }
        }
    }
}

/// Calls `$kernel::<V, R>` where R, from 1 to 8, is the number of rows of a tile: the loops over them are unrolled.
macro_rules! with_rows {
    ($rows:expr, $kernel:ident::<$vector:ident>($($argument:expr),*)) => {
        match $rows {
            1 => $kernel::<$vector, 1>($($argument),*),
            2 => $kernel::<$vector, 2>($($argument),*),
            3 => $kernel::<$vector, 3>($($argument),*),
            4 => $kernel::<$vector, 4>($($argument),*),
            5 => $kernel::<$vector, 5>($($argument),*),
            6 => $kernel::<$vector, 6>($($argument),*),
            7 => $kernel::<$vector, 7>($($argument),*),
            8 => $kernel::<$vector, 8>($($argument),*),
            rows => unreachable!("a tile has 1 to 8 rows, not {rows}"),
        }
    };
}
pub(crate) use with_rows;

/// A kernel over vectors of any instruction set.
pub(crate) trait Kernel {
    /// What it yields.
    type Output;
    /// Runs it. Carries `#[inline(always)]`, as does everything it calls in its loops.
    fn run<V: Vector>(self) -> Self::Output;
}

/// The instruction sets a kernel can be compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
    Avx2,
    #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
    Avx512,
    #[cfg(all(target_arch = "aarch64", not(anact_portable)))]
    Neon,
}

impl Level {
    /// All that this machine has, the widest last.
    pub(crate) fn available() -> impl DoubleEndedIterator<Item = Self> {
        const LEVELS: &[Level] = &[
            Level::Portable,
            #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
            Level::Avx2,
            #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
            Level::Avx512,
            #[cfg(all(target_arch = "aarch64", not(anact_portable)))]
            Level::Neon,
        ];
        LEVELS.iter().copied().filter(|level| level.is_available())
    }

    /// The widest that this machine has.
    pub(crate) fn widest() -> Self {
        #[cfg(test)]
        if let Some(level) = held::level() {
            return level;
        }
        Self::available().next_back().expect("the portable level is always there")
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
            Self::Avx512 => std::arch::is_x86_feature_detected!("avx512f") && Self::Avx2.is_available(),
            #[cfg(all(target_arch = "aarch64", not(anact_portable)))]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
        }
    }
}

/// Tests that have every kernel run as on a machine with fewer instructions.
#[cfg(test)]
pub(crate) mod held {
    use std::cell::Cell;

    use super::Level;

    thread_local! {
        static LEVEL: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// Runs `job` on a pool of one thread for which `level` is the widest there is.
    pub(crate) fn to<R: Send>(level: Level, job: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread more");
        pool.install(|| {
            LEVEL.set(Some(level));
            job()
        })
    }

    /// What this thread is held to.
    pub(crate) fn level() -> Option<Level> {
        LEVEL.get()
    }
}

/// Runs `kernel` with the vectors of `level`. Panics if the machine does not have it.
pub(crate) fn dispatch_to<K: Kernel>(level: Level, kernel: K) -> K::Output {
    assert!(level.is_available(), "this machine has no {level:?}");
    match level {
        Level::Portable => kernel.run::<portable::Portable>(),
        #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
        // SAFETY: asserted just above.
        Level::Avx2 => unsafe { avx2::run(kernel) },
        #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
        // SAFETY: asserted just above.
        Level::Avx512 => unsafe { avx512::run(kernel) },
        #[cfg(all(target_arch = "aarch64", not(anact_portable)))]
        // SAFETY: asserted just above.
        Level::Neon => unsafe { neon::run(kernel) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All;

    impl Kernel for All {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<V: Vector>(self) -> Vec<f32> {
            let (x, y): (Row, Row) =
                (std::array::from_fn(|i| i as f32), std::array::from_fn(|i| (3 * i % 7) as f32));
            let mut out = Vec::new();
            for part in 0..WIDTH / V::LANES {
                let (x, y) = (V::load(&x, part), V::load(&y, part));
                for z in [x.add(y), x.sub(y), x.mul(y), x.mul_add(y, V::splat(0.5))] {
                    let mut row = [0.0; WIDTH];
                    z.store(&mut row, part);
                    out.extend(&row[part * V::LANES..][..V::LANES]);
                }
            }
            // In the order of the operations, whatever the width.
            let lanes = V::LANES;
            (0..4)
                .flat_map(|op| (0..WIDTH).map(move |i| (i / lanes * 4 + op) * lanes + i % lanes))
                .map(|i| out[i])
                .collect()
        }
    }

    #[test]
    fn every_instruction_set_computes_the_same() {
        let want: Vec<f32> = (0..4)
            .flat_map(|op| (0..16).map(move |i| (op, i as f32, (3 * i % 7) as f32)))
            .map(|(op, x, y)| [x + y, x - y, x * y, x * y + 0.5][op])
            .collect();
        for level in Level::available() {
            assert_eq!(dispatch_to(level, All), want, "{level:?}");
        }
    }

    #[test]
    fn a_thread_is_held_to_the_vectors_asked_for() {
        for level in Level::available() {
            assert_eq!(held::to(level, Level::widest), level);
        }
        assert_eq!(Some(Level::widest()), Level::available().next_back());
    }

    struct Transposes;

    impl Kernel for Transposes {
        type Output = ([Row; 8], [[f32; 8]; 8]);
        #[inline(always)]
        fn run<V: Vector>(self) -> Self::Output {
            let rows: [[f32; 8]; 8] = std::array::from_fn(|j| std::array::from_fn(|i| (10 * j + i) as f32));
            let mut out = [[-1.0; WIDTH]; 8];
            V::transpose(rows.each_ref(), &mut out, 1);
            let mut back = [[0.0; 8]; 8];
            V::transpose_back(&out, 1, &mut back);
            (out, back)
        }
    }

    #[test]
    fn transposing_exchanges_rows_and_columns() {
        for level in Level::available() {
            let (out, back) = dispatch_to(level, Transposes);
            for (i, row) in out.iter().enumerate() {
                assert!(row[..8].iter().all(|&x| x == -1.0), "{level:?}");
                assert!(row[8..].iter().enumerate().all(|(j, &x)| x == (10 * j + i) as f32), "{level:?}");
            }
            assert!(
                back.iter()
                    .enumerate()
                    .all(|(j, r)| r.iter().enumerate().all(|(i, &x)| x == (10 * j + i) as f32))
            );
        }
    }
}
