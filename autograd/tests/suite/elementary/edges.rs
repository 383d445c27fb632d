//! Limits, signed zeros, and the same bits one by one and in vectors of any width.

use autograd::Scalar;
use autograd::kernels::vector::Loop;

type Function = fn(f32) -> f32;

const ALL: [(&str, Function); 7] = [
    ("exp", Scalar::exp),
    ("exp_m1", Scalar::exp_m1),
    ("ln", Scalar::ln),
    ("ln_1p", Scalar::ln_1p),
    ("tanh", Scalar::tanh),
    ("erf", Scalar::erf),
    ("erfc", Scalar::erfc),
];

#[test]
fn limits() {
    const INF: f32 = f32::INFINITY;
    let at = |name: &str, x: f32| ALL.iter().find(|f| f.0 == name).unwrap().1(x);
    // By definition, except for the bounds of the range: ln of the largest f32 is 88.7228…, of half the smallest −103.97….
    for (name, x, want) in [
        ("exp", INF, INF),
        ("exp", -INF, 0.0),
        ("exp", 0.0, 1.0),
        ("exp", 88.73, INF),
        ("exp", -103.98, 0.0),
        ("exp", -103.97, f32::from_bits(1)),
        ("exp_m1", INF, INF),
        ("exp_m1", -INF, -1.0),
        ("exp_m1", 88.73, INF),
        ("ln", INF, INF),
        ("ln", 0.0, -INF),
        ("ln", -0.0, -INF),
        ("ln", 1.0, 0.0),
        ("ln_1p", INF, INF),
        ("ln_1p", -1.0, -INF),
        ("tanh", INF, 1.0),
        ("tanh", -INF, -1.0),
        ("erf", INF, 1.0),
        ("erf", -INF, -1.0),
        ("erfc", INF, 0.0),
        ("erfc", -INF, 2.0),
        ("erfc", 0.0, 1.0),
    ] {
        assert_eq!(at(name, x), want, "{name}({x})");
    }
    for (name, f) in ALL {
        assert!(f(f32::NAN).is_nan(), "{name}(NaN)");
    }
    for (name, x) in [("ln", -1.0), ("ln", -INF), ("ln_1p", -1.5), ("ln_1p", -INF)] {
        assert!(at(name, x).is_nan(), "{name}({x})");
    }
}

/// What is x to first order (but erf, by 2/√π) is so down to the smallest numbers, and keeps the sign of −0.
#[test]
fn small_numbers_and_signed_zeros() {
    for (name, f) in ALL.into_iter().filter(|f| ["exp_m1", "ln_1p", "tanh"].contains(&f.0)) {
        for bits in [0, 1, 2, 3, 1000, 0x007f_ffff, 0x0080_0000, 0x0080_0001] {
            let x = f32::from_bits(bits);
            assert_eq!(f(x).to_bits(), x.to_bits(), "{name}({x:e})");
            assert_eq!(f(-x).to_bits(), (-x).to_bits(), "{name}({:e})", -x);
        }
    }
    assert_eq!(<f32 as Scalar>::erf(-0.0).to_bits(), (-0f32).to_bits());
    assert_eq!(<f32 as Scalar>::erf(0.0).to_bits(), 0);
}

struct Apply<'a, F>(F, &'a [f32], &'a mut [f32]);

impl<F: Fn(f32) -> f32> Loop for Apply<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, &x) in self.2.iter_mut().zip(self.1) {
            *y = (self.0)(x);
        }
    }
}

/// Every 65,521st `f32` one by one through a function pointer, in plain loops, and in wide ones.
#[test]
fn the_same_bits_in_any_loop() {
    let x: Vec<f32> = (0..(1usize << 32) / 65_521).map(|i| f32::from_bits((i * 65_521) as u32)).collect();
    fn compare(name: &str, x: &[f32], f: impl Fn(f32) -> f32 + Copy, one: Function) {
        let (mut plain, mut wide) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        Apply(f, x, &mut plain).run();
        f32::vectorized(Apply(f, x, &mut wide));
        for ((&x, p), w) in x.iter().zip(plain).zip(wide) {
            let alone = one(x);
            let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
            assert!(same(alone, p) && same(alone, w), "{name}({x:e}): {alone:e} {p:e} {w:e}");
        }
    }
    compare("exp", &x, <f32 as Scalar>::exp, ALL[0].1);
    compare("exp_m1", &x, <f32 as Scalar>::exp_m1, ALL[1].1);
    compare("ln", &x, <f32 as Scalar>::ln, ALL[2].1);
    compare("ln_1p", &x, <f32 as Scalar>::ln_1p, ALL[3].1);
    compare("tanh", &x, <f32 as Scalar>::tanh, ALL[4].1);
    compare("erf", &x, <f32 as Scalar>::erf, ALL[5].1);
    compare("erfc", &x, <f32 as Scalar>::erfc, ALL[6].1);
}
