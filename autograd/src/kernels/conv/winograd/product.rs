//! Products of tiles of rows, the sums kept in registers.

use crate::kernels::simd::{PARTS, Row, Vector, WIDTH, with_rows};

/// out\[i\] = Σₖ a[k / 16][i][k % 16] · b\[k\], where `a` is `panels` of rows, `stride` apart, that begin at this tile.
#[inline(always)]
fn over_channels<V: Vector, const R: usize>(a: &[Row], stride: usize, b: &[[Row; WIDTH]], out: &mut [Row]) {
    let mut sums = [[V::splat(0.0); PARTS]; R];
    for (panel, b) in b.iter().enumerate() {
        let a: &[Row; R] = a[panel * stride..].first_chunk().expect("a tile of rows");
        for (k, b) in b.iter().enumerate() {
            let b: [V; PARTS] = load(b);
            for (sums, a) in sums.iter_mut().zip(a) {
                let a = V::splat(a[k]);
                for part in 0..WIDTH / V::LANES {
                    sums[part] = a.mul_add(b[part], sums[part]);
                }
            }
        }
    }
    for (sums, out) in sums.iter().zip(out) {
        for part in 0..WIDTH / V::LANES {
            sums[part].store(out, part);
        }
    }
}

/// out[i][j] += Σₜ a[t][first + i] · b[t][j].
#[inline(always)]
fn over_tiles<V: Vector, const R: usize>(a: &[Row], first: usize, b: &[Row], out: &mut [Row; WIDTH]) {
    let mut sums = [[V::splat(0.0); PARTS]; R];
    for (i, sums) in sums.iter_mut().enumerate() {
        *sums = load(&out[first + i]);
    }
    for (a, b) in a.iter().zip(b) {
        let b: [V; PARTS] = load(b);
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = V::splat(a[first + i]);
            for part in 0..WIDTH / V::LANES {
                sums[part] = a.mul_add(b[part], sums[part]);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for part in 0..WIDTH / V::LANES {
            sums[part].store(&mut out[first + i], part);
        }
    }
}

#[inline(always)]
fn load<V: Vector>(row: &Row) -> [V; PARTS] {
    let mut parts = [V::splat(0.0); PARTS];
    for (part, out) in parts.iter_mut().enumerate().take(WIDTH / V::LANES) {
        *out = V::load(row, part);
    }
    parts
}

/// The rows `out`, one for each tile, of one panel of outputs: products of the transformed inputs `a`, panels of
/// channels `stride` apart, with the panel's transformed weights `b`.
#[inline(always)]
pub(super) fn tiles<V: Vector>(a: &[Row], stride: usize, b: &[[Row; WIDTH]], out: &mut [Row]) {
    // Equal shares rather than a small one at the end.
    let shares = out.len().div_ceil(V::TILE);
    let mut start = 0;
    for share in 0..shares {
        let end = (share + 1) * out.len() / shares;
        let (a, out) = (&a[start..], &mut out[start..end]);
        with_rows!(end - start, over_channels::<V>(a, stride, b, out));
        start = end;
    }
}

/// Adds to `out`, 16 channels by 16 outputs, the products over tiles of one panel of transformed inputs `a` and one of
/// transformed output gradients `b`.
#[inline(always)]
pub(super) fn channels<V: Vector>(a: &[Row], b: &[Row], out: &mut [Row; WIDTH]) {
    // Loops rather than closures, which would be compiled apart and for narrow vectors.
    if V::TILE >= 8 {
        for i in 0..2 {
            over_tiles::<V, 8>(a, 8 * i, b, out);
        }
    } else {
        for i in 0..4 {
            over_tiles::<V, 4>(a, 4 * i, b, out);
        }
    }
}
