use proptest::prelude::*;

use super::{Filters, Tiles, by_outputs, forward, weight_gradient};
use crate::kernels::conv::{Geometry, Settings, reference};
use crate::kernels::simd::Level;
use crate::shape::Shape;

fn geometry(x: [usize; 4], outputs: usize, padding: [usize; 2]) -> Option<Geometry> {
    let settings = Settings { stride: [1, 1], padding, dilation: [1, 1], groups: 1, exact: false };
    let weight = Shape::from([outputs, x[1], 3, 3]);
    Geometry::new("conv2d", &settings, Shape::from(x), weight, None).ok()
}

/// Numbers between −1 and 1 without a pattern (Steele, Lea and Flood's SplitMix64).
pub(in crate::kernels::conv) fn noise(n: usize, salt: u64) -> Vec<f32> {
    let number = |i: usize| {
        let mut z = (i as u64 + 1 + (salt << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(number).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}

fn rms(x: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = x.fold((0.0, 0.0), |(n, sum), x| (n + 1.0, sum + x * x));
    f64::sqrt(sum / f64::max(n, 1.0))
}

/// The root mean square of the differences.
pub(in crate::kernels::conv) fn distance(got: &[f32], want: &[f64]) -> f64 {
    rms(got.iter().zip(want).map(|(a, b)| f64::from(*a) - b))
}

/// What rounding errors are relative to: the root mean square of the sums' sizes if their terms had random signs, √Σ x²w².
/// Where the terms cancel more than that, the result is smaller, but not its error.
pub(in crate::kernels::conv) fn sizes(g: &Geometry, x: &[f32], w: &[f32], dy: &[f32]) -> [f64; 3] {
    let squares = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(*x).powi(2)).collect() };
    let [x, w, dy] = [x, w, dy].map(squares);
    let (dx, dw) = reference::gradients(g, &x, &w, &dy);
    [reference::forward(g, &x, &w), dx, dw].map(|x| rms(x.iter().map(|x| x.sqrt())))
}

/// All passes by tiles of either size with every instruction set against the definition in f64.
///
/// The bound, (8 + √C)·ε relative to [`sizes`], is about twice what is seen with plain code and four times with fused
/// multiplication and addition: sums over channels are added one by one.
fn agree(g: &Geometry) {
    let x = noise(g.samples * g.input_sample(), 1);
    let w = noise(g.group_weight(), 2);
    let bias = noise(g.outputs, 3);
    let dy = noise(g.samples * g.output_sample(), 4);
    let mut y = reference::forward(g, &wide(&x), &wide(&w));
    for (i, y) in y.iter_mut().enumerate() {
        *y += f64::from(bias[i / g.output_plane() % bias.len()]);
    }
    let (_, dw) = reference::gradients(g, &wide(&x), &wide(&w), &wide(&dy));
    let [y_size, _, dw_size] = sizes(g, &x, &w, &dy);
    let close = |what: &str, got: &[f32], want: &[f64], size: f64, level, out| {
        let error = distance(got, want);
        let bound = (8.0 + (g.channels as f64).sqrt()) * f64::from(f32::EPSILON) * size;
        assert!(error <= bound, "{what} of {g:?} by {level:?} and tiles of {out}: {error:e} > {bound:e}");
    };
    // The same filters, stored as the turned ones of the transposed convolution.
    let mut turned = vec![0.0; w.len()];
    for (i, w) in w.iter().enumerate() {
        let (o, c, tap) = (i / 9 / g.channels, i / 9 % g.channels, i % 9);
        turned[9 * (c * g.outputs + o) + 8 - tap] = *w;
    }
    for level in Level::available() {
        for out in [4, 2] {
            let mut got = vec![f32::NAN; y.len()];
            forward(level, g, out, &x, Filters { data: &w, turned: false }, Some(&bias), &mut got);
            close("forward", &got, &y, y_size, level, out);
            let mut again = vec![f32::NAN; y.len()];
            forward(level, g, out, &x, Filters { data: &turned, turned: true }, Some(&bias), &mut again);
            assert_eq!(again, got, "turned filters of {g:?}");
            close("weight gradient", &weight_gradient(level, g, out, &x, &dy), &dw, dw_size, level, out);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn winograd_equals_the_definition(
        n in 1usize..4, channels in 1usize..40, outputs in 1usize..40, size in prop::array::uniform2(1usize..21),
        padding in prop::array::uniform2(0usize..4),
    ) {
        if let Some(g) = geometry([n, channels, size[0], size[1]], outputs, padding) {
            agree(&g);
        }
    }
}

/// Several blocks of tiles, tasks of several images, several tasks of outputs, and a remainder of each.
#[test]
fn many_blocks_equal_the_definition() {
    for (x, outputs) in [([37, 16, 4, 4], 272), ([3, 130, 16, 17], 20), ([21, 33, 8, 8], 17)] {
        agree(&geometry(x, outputs, [1, 1]).unwrap());
    }
}

/// So many channels and outputs that the outputs are cut up, with a remainder of both; for the weight gradient also more
/// images than one run holds.
#[test]
fn many_outputs_equal_the_definition() {
    let (narrow, wide) =
        (geometry([3, 200, 5, 6], 200, [1, 1]).unwrap(), geometry([3, 345, 4, 4], 345, [1, 1]).unwrap());
    assert!(Tiles::new(&narrow, 4).weight_bytes() > by_outputs::GRADIENT_BYTES);
    assert!(Tiles::new(&wide, 4).weight_bytes() > by_outputs::WEIGHT_BYTES);
    agree(&narrow);
    agree(&wide);
    let long = geometry([150, 200, 8, 8], 180, [1, 1]).unwrap();
    assert!(by_outputs::runs(&long, &Tiles::new(&long, 4)).count() > 1);
    let (x, dy) =
        (noise(long.samples * long.input_sample(), 1), noise(long.samples * long.output_sample(), 4));
    // The sum over all images is that over two halves.
    let half = Geometry { samples: 75, ..long };
    let of = |part: usize| {
        let (x, dy) = (&x[part * x.len() / 2..][..x.len() / 2], &dy[part * dy.len() / 2..][..dy.len() / 2]);
        weight_gradient(Level::widest(), &half, 4, x, dy)
    };
    let want: Vec<f64> = of(0).iter().zip(of(1)).map(|(a, b)| f64::from(*a) + f64::from(b)).collect();
    let error = distance(&weight_gradient(Level::widest(), &long, 4, &x, &dy), &want);
    let size = rms(want.iter().copied());
    assert!(error <= 16.0 * f64::from(f32::EPSILON) * size, "{error:e} of {size:e}");
}

/// What the documentation says of large inputs: those of one tile share a rounding error of ε times the largest, and other
/// tiles do not notice.
#[test]
fn a_large_number_costs_digits_in_its_tile_only() {
    let g = geometry([1, 16, 8, 8], 16, [1, 1]).unwrap();
    let (mut x, w) = (noise(16 * 64, 1), noise(16 * 144, 2));
    let run = |x: &[f32]| {
        let mut y = vec![0.0; 16 * 64];
        forward(Level::widest(), &g, 4, x, Filters { data: &w, turned: false }, None, &mut y);
        y
    };
    let before = run(&x);
    x[0] = 1e6;
    let (after, want) = (run(&x), reference::forward(&g, &wide(&x), &wide(&w)));
    for (i, (after, want)) in after.iter().zip(want).enumerate() {
        let (row, column) = (i % 64 / 8, i % 8);
        if row >= 4 || column >= 4 {
            assert_eq!(after.to_bits(), before[i].to_bits(), "{row} {column}");
        } else {
            assert!(
                (f64::from(*after) - want).abs() <= 16.0 * f64::from(f32::EPSILON) * 1e6,
                "{row} {column}"
            );
        }
    }
    // Up to 1e37 nothing overflows that would not by sums.
    let huge: Vec<f32> = x.iter().map(|x| x.signum() * 1e37).collect();
    let small: Vec<f32> = w.iter().map(|w| w * 1e-3).collect();
    let mut y = vec![0.0; 16 * 64];
    forward(Level::widest(), &g, 4, &huge, Filters { data: &small, turned: false }, None, &mut y);
    assert!(y.iter().all(|y| y.is_finite()));
}

/// A number that is not one spoils the tiles it lies in and no others.
#[test]
fn a_nan_stays_in_its_tile() {
    let g = geometry([1, 8, 12, 12], 8, [1, 1]).unwrap();
    let (mut x, w) = (noise(8 * 144, 1), noise(8 * 72, 2));
    x[0] = f32::NAN;
    let mut y = vec![0.0; 8 * 144];
    forward(Level::widest(), &g, 4, &x, Filters { data: &w, turned: false }, None, &mut y);
    for (i, y) in y.iter().enumerate() {
        let (row, column) = (i % 144 / 12, i % 12);
        assert_eq!(y.is_nan(), row < 4 && column < 4, "{row} {column}");
    }
}

/// The root mean square error relative to the result, by channels, of the forward pass and the weight gradient: what
/// `docs/SPEED.md` states. Eight rows and columns of bell-shaped numbers, 16 outputs, two images.
///
/// `cargo test --release -p autograd --lib errors_grow -- --nocapture` prints them.
#[test]
fn errors_grow_slowly_with_the_channels() {
    // Sums of twelve numbers: nearly normal.
    let bell = |n: usize, salt: u64| -> Vec<f32> {
        let twelve = noise(12 * n, salt);
        twelve.chunks_exact(12).map(|x| x.iter().sum::<f32>() * 0.5).collect()
    };
    for (channels, bounds) in
        [(16, [2e-7, 6e-7]), (64, [4e-7, 1e-6]), (256, [8e-7, 2e-6]), (512, [1e-6, 3e-6])]
    {
        let g = geometry([2, channels, 8, 8], 16, [1, 1]).unwrap();
        let (x, w) = (bell(g.samples * g.input_sample(), 1), bell(g.group_weight(), 2));
        let dy = bell(g.samples * g.output_sample(), 3);
        let want = reference::forward(&g, &wide(&x), &wide(&w));
        let (_, want_dw) = reference::gradients(&g, &wide(&x), &wide(&w), &wide(&dy));
        let relative = |got: &[f32], want: &[f64]| distance(got, want) / rms(want.iter().copied());
        let direct = relative(&reference::forward(&g, &x, &w), &want);
        for (out, bound) in [2, 4].into_iter().zip(bounds) {
            let mut y = vec![0.0; want.len()];
            forward(Level::widest(), &g, out, &x, Filters { data: &w, turned: false }, None, &mut y);
            let error = relative(&y, &want);
            let dw = relative(&weight_gradient(Level::widest(), &g, out, &x, &dy), &want_dw);
            println!(
                "{channels} channels, tiles of {out}: y {error:.1e}, by sums {direct:.1e}; weight gradient {dw:.1e}"
            );
            assert!(error <= bound, "{channels} channels, tiles of {out}: {error:e} > {bound:e}");
            assert!(dw <= 8e-7, "weight gradient, {channels} channels, tiles of {out}: {dw:e}");
        }
    }
}
