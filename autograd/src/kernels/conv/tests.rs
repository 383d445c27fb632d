use proptest::prelude::*;

use super::winograd::tests::{self as winograd_tests, noise};
use super::{Geometry, Settings, forward, input_gradient, reference, weight_gradient};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// Small whole numbers of both signs: products and sums are exact in any order, so the fast passes must agree with
/// the definition exactly.
fn whole<S: Scalar>(n: usize, salt: usize) -> Vec<S> {
    (0..n).map(|i| S::from_f64(((i * 7919 + salt * 104_729) % 11) as f64 - 5.0)).collect()
}

fn geometry(settings: Settings, x: [usize; 4], weight: [usize; 4]) -> Option<Geometry> {
    Geometry::new("conv2d", &settings, Shape::from(x), Shape::from(weight), None).ok()
}

fn plain() -> Settings {
    Settings { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1, exact: false }
}

/// All passes against the definition.
fn agree(g: &Geometry) {
    let x = whole::<f64>(g.samples * g.input_sample(), 1);
    let w = whole::<f64>(g.groups * g.group_weight(), 2);
    let bias = whole::<f64>(g.groups * g.outputs, 3);
    let dy = whole::<f64>(g.samples * g.output_sample(), 4);
    // Passes overwrite: what was there before must not matter.
    let mut y = vec![9.0; dy.len()];
    forward(g, &x, &w, None, &mut y);
    let mut want = reference::forward(g, &x, &w);
    assert_eq!(y, want, "forward of {g:?}");
    forward(g, &x, &w, Some(&bias), &mut y);
    for (i, y) in want.iter_mut().enumerate() {
        *y += bias[i / g.output_plane() % bias.len()];
    }
    assert_eq!(y, want, "bias of {g:?}");
    let (want_dx, want_dw) = reference::gradients(g, &x, &w, &dy);
    let mut dx = vec![9.0; x.len()];
    input_gradient(g, &w, &dy, &mut dx);
    assert_eq!(dx, want_dx, "input gradient of {g:?}");
    assert_eq!(weight_gradient(g, &x, &dy), want_dw, "weight gradient of {g:?}");
}

proptest! {
    #[test]
    fn fast_passes_equal_the_definition(
        n in 0usize..5, groups in 1usize..4, channels in 1usize..4, outputs in 1usize..4,
        size in prop::array::uniform2(1usize..8), kernel in prop::array::uniform2(1usize..5),
        stride in prop::array::uniform2(1usize..4), padding in prop::array::uniform2(0usize..4),
        dilation in prop::array::uniform2(1usize..4),
    ) {
        let settings = Settings { stride, padding, dilation, groups, exact: false };
        let x = [n, groups * channels, size[0], size[1]];
        if let Some(g) = geometry(settings, x, [groups * outputs, channels, kernel[0], kernel[1]]) {
            agree(&g);
        }
    }

    /// Most convolutions of a network have stride 1, where the input gradient takes another way.
    #[test]
    fn stride_one_equals_the_definition(
        n in 1usize..20, channels in 1usize..4, outputs in 1usize..4, size in prop::array::uniform2(1usize..8),
        kernel in prop::array::uniform2(1usize..4), padding in prop::array::uniform2(0usize..4),
    ) {
        let settings = Settings { padding, ..plain() };
        if let Some(g) = geometry(settings, [n, channels, size[0], size[1]], [outputs, channels, kernel[0], kernel[1]]) {
            agree(&g);
        }
    }
}

/// Images, batches and channels so large that there are several tiles of rows and of channels, several samples in a
/// tile, and a remainder of each.
#[test]
fn many_tiles_equal_the_definition() {
    let same = Settings { padding: [1, 1], ..plain() };
    let cases = [
        (same, [2, 40, 33, 18], [5, 40, 3, 3]),
        (Settings { stride: [2, 2], ..same }, [2, 40, 61, 35], [5, 40, 3, 3]),
        (Settings { groups: 2, ..same }, [1, 80, 33, 18], [6, 40, 3, 3]),
        (same, [43, 3, 5, 4], [4, 3, 3, 3]),
        (same, [19, 40, 4, 4], [7, 40, 3, 3]),
        (Settings { stride: [2, 1], ..same }, [19, 40, 4, 5], [7, 40, 3, 3]),
        (plain(), [3, 5, 17, 16], [4, 5, 1, 1]),
        (Settings { groups: 5, ..plain() }, [3, 5, 17, 16], [10, 1, 1, 1]),
        (plain(), [19, 5, 3, 3], [4, 5, 1, 1]),
    ];
    for (settings, x, weight) in cases {
        agree(&geometry(settings, x, weight).unwrap());
    }
}

/// The doors of f32, where the sizes choose the algorithm, against the definition in f64.
#[test]
fn f32_passes_are_close_to_the_definition() {
    let wide = |x: &[f32]| -> Vec<f64> { x.iter().copied().map(f64::from).collect() };
    let close = |what: &str, got: &[f32], want: &[f64], size: f64| {
        let error = winograd_tests::distance(got, want);
        assert!(error <= 16.0 * f64::from(f32::EPSILON) * size, "{what}: {error:e} of {size:e}");
    };
    let same = Settings { padding: [1, 1], ..plain() };
    let cases = [
        (same, [3, 32, 8, 10], [31, 32, 3, 3], Some(4)),
        (same, [3, 32, 2, 2], [32, 32, 3, 3], Some(2)),
        (same, [3, 3, 9, 10], [20, 3, 3, 3], None),
        (Settings { exact: true, ..same }, [3, 32, 8, 10], [31, 32, 3, 3], None),
        (Settings { stride: [2, 2], ..same }, [3, 24, 9, 10], [20, 24, 3, 3], None),
        (Settings { groups: 2, ..same }, [3, 48, 9, 10], [40, 24, 3, 3], None),
        (Settings { dilation: [2, 2], ..same }, [3, 24, 9, 10], [20, 24, 3, 3], None),
        (Settings { padding: [3, 3], ..plain() }, [2, 32, 8, 10], [32, 32, 3, 3], Some(4)),
        (plain(), [2, 24, 16, 17], [20, 24, 1, 1], None),
    ];
    for (settings, x, weight, tile) in cases {
        let g = geometry(settings, x, weight).unwrap();
        assert_eq!(g.winograd_tile(), tile, "{g:?}");
        let (x, w) = (noise(g.samples * g.input_sample(), 1), noise(g.groups * g.group_weight(), 2));
        let dy = noise(g.samples * g.output_sample(), 3);
        let [y_size, dx_size, dw_size] = winograd_tests::sizes(&g, &x, &w, &dy);
        let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
        forward(&g, &x, &w, None, &mut y);
        input_gradient(&g, &w, &dy, &mut dx);
        let (want_dx, want_dw) = reference::gradients(&g, &wide(&x), &wide(&w), &wide(&dy));
        close("forward", &y, &reference::forward(&g, &wide(&x), &wide(&w)), y_size);
        close("input gradient", &dx, &want_dx, dx_size);
        close("weight gradient", &weight_gradient(&g, &x, &dy), &want_dw, dw_size);
    }
}

#[test]
fn an_empty_batch_has_an_empty_output_and_zero_gradients() {
    let g = geometry(plain(), [0, 2, 5, 5], [3, 2, 3, 3]).unwrap();
    agree(&g);
    assert_eq!(weight_gradient::<f64>(&g, &[], &[]), [0.0; 54]);
    // No channels at all: sums of nothing.
    agree(&geometry(plain(), [2, 0, 5, 5], [3, 0, 3, 3]).unwrap());
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let same = Settings { padding: [1, 1], ..plain() };
    // By sums, of either stride; by transforms, cut by tiles and cut by outputs.
    let strided = Settings { stride: [2, 2], ..same };
    let cases = [
        (same, [37, 6, 9, 8], 7),
        (strided, [11, 6, 19, 16], 7),
        (same, [37, 32, 8, 8], 32),
        (same, [9, 345, 4, 4], 345),
    ];
    for (settings, x, outputs) in cases {
        let g = geometry(settings, x, [outputs, x[1], 3, 3]).unwrap();
        let noise = |n: usize, salt: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * 7919 + salt) % 1009) as f32 * 1.3e-3 - 0.6).collect()
        };
        let x = noise(g.samples * g.input_sample(), 1);
        let w = noise(g.group_weight(), 2);
        let dy = noise(g.samples * g.output_sample(), 3);
        let on = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let (mut y, mut dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
                forward(&g, &x, &w, None, &mut y);
                input_gradient(&g, &w, &dy, &mut dx);
                let all = [y, dx, weight_gradient(&g, &x, &dy)].concat();
                all.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            })
        };
        let one = on(1);
        assert!([2, 3, 8].iter().all(|&t| on(t) == one));
    }
}
