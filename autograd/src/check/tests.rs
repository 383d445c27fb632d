//! The tester is tested: correct ops pass, planted bugs are rejected by each route on its own.

use super::*;
use crate::elementwise::{Elementwise, Map};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::Mul;

/// y = x·x with a gradient that is wrong in a chosen way.
#[derive(Debug, Clone, Copy)]
struct WrongSquare {
    factor: f64,
}

impl<S: Scalar> Op<S> for WrongSquare {
    fn name(&self) -> &'static str {
        "wrong square"
    }
    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("wrong square", inputs, "1")?;
        Ok(Forward::of(Tensor::filled(x.shape(), x.data().iter().map(|&x| x * x).collect())))
    }
    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let c = S::from_f64(2.0 * self.factor);
        let g = cx.inputs[0].data().iter().zip(cx.upstream.data()).map(|(&x, &g)| c * x * g).collect();
        vec![Some(Tensor::filled(cx.inputs[0].shape(), g))]
    }
}

fn square(factor: f64) -> Report {
    run(&Case::op("planted", WrongSquare { factor }).normal([5])).unwrap()
}

/// Both routes must reject, each by itself.
fn assert_rejected(report: &Report) {
    assert!(!(report.dual <= DUAL_TOLERANCE), "the dual route accepts {report:?}");
    assert!(!(report.difference <= 1.0), "the finite-difference route accepts {report:?}");
}

#[test]
fn a_correct_op_passes() {
    assert_eq!(square(1.0).failures, Vec::<String>::new());
}

#[test]
fn a_factor_and_a_sign_are_caught() {
    assert_rejected(&square(1.001));
    assert_rejected(&square(-1.0));
    assert_rejected(&square(f64::NAN));
}

/// A gradient that is too large by a thousandth, in small and in large units, by dual numbers: differences have an absolute tolerance.
#[test]
fn an_error_is_a_share_of_the_derivative() {
    for unit in [1e-12, 1.0, 1e12] {
        let x = Tensor::vector([1.0, -2.0, 0.5].map(|x| x * unit).to_vec());
        let report = run(&Case::op("planted", WrongSquare { factor: 1.001 }).values(x)).unwrap();
        // Of the largest entry of the gradient that the op gives, 1.001 times what it should be; directions are the coordinates.
        let share = 0.001 / 1.001;
        assert!((report.dual / share - 1.0).abs() < 1e-9, "in units of {unit:e}: {report:?}");
    }
}

/// x·x whose two contributions are not added: the gradient of one use only.
#[test]
fn a_missing_accumulation_is_caught() {
    assert_rejected(&square(0.5));
}

/// The exact GELU with the density term off by √2, a bug that one engine shipped and froze in its test.
#[derive(Debug, Clone, Copy, Default)]
struct WrongGelu;

impl Elementwise for WrongGelu {
    const NAME: &'static str = "wrong gelu";
    const FORMULA: &'static str = "x·Φ(x)";
    fn f<S: Scalar>(&self, x: S) -> S {
        S::from_f64(0.5) * x * (S::ONE + (x * S::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
    }
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let cdf = S::from_f64(0.5) * (S::ONE + (x * S::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf());
        let density = S::from_f64(1.0 / std::f64::consts::PI.sqrt()) * (S::from_f64(-0.5) * x * x).exp();
        cdf + x * density
    }
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

#[test]
fn a_gelu_density_off_by_a_root_is_caught() {
    assert_rejected(&run(&Case::op("planted", Map(WrongGelu)).normal([9])).unwrap());
}

/// An op that ignores `needs`, and one whose f32 is poor.
#[test]
fn inconsistencies_are_reported() {
    #[derive(Debug, Clone, Copy)]
    struct Coarse;
    impl<S: Scalar> Op<S> for Coarse {
        fn name(&self) -> &'static str {
            "coarse"
        }
        fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
            // (x + 1e6) − 1e6 is x in f64 and nearly noise in f32.
            let big = S::from_f64(1e6);
            let x = &inputs[0];
            Ok(Forward::of(Tensor::filled(x.shape(), x.data().iter().map(|&x| (x + big) - big).collect())))
        }
        fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
            vec![Some(cx.upstream.clone())]
        }
    }
    let report = run(&Case::op("planted", Coarse).normal([7])).unwrap();
    assert!(report.failures.iter().any(|f| f.contains("f32")), "{report:?}");
}

/// A NaN in an f32 gradient must not be forgotten because the value, compared after it, is fine.
#[test]
fn a_nan_in_f32_only_is_reported() {
    #[derive(Debug, Clone, Copy)]
    struct Overflowing;
    impl<S: Scalar> Op<S> for Overflowing {
        fn name(&self) -> &'static str {
            "overflowing"
        }
        fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
            Ok(Forward::of(inputs[0].clone()))
        }
        fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
            // ∞ − ∞ in f32, 0 in f64.
            let big = S::from_f64(1e300);
            let g = cx.upstream.data().iter().map(|&g| g + (big - big)).collect();
            vec![Some(Tensor::filled(cx.upstream.shape(), g))]
        }
    }
    let report = run(&Case::op("planted", Overflowing).normal([3])).unwrap();
    assert!(report.single.is_nan() && report.failures.iter().any(|f| f.contains("f32")), "{report:?}");
}

#[test]
fn a_large_case_is_checked_along_random_directions() {
    let report = run(&Case::op("large", Mul).normal([20, 20]).normal([20, 20])).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert!(report.dual > 0.0);
    let wrong = run(&Case::op("large", WrongSquare { factor: 1.001 }).normal([20, 20])).unwrap();
    assert_rejected(&wrong);
}

#[test]
fn a_case_that_does_not_fit_its_op_is_an_error() {
    assert!(run(&Case::op("shapes", Mul).normal([2]).normal([3])).is_err());
}

/// x·y with right values and gradients, and wrong second derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WrongSecond {
    /// None is wrong.
    Right,
    /// Both gradients lose their tangents: H = 0, which is symmetric.
    RoundTrip,
    /// Only one does.
    OneRoundTrip,
    /// The tangents have the wrong sign.
    Sign,
    /// They are doubled.
    Twice,
}

impl<S: Scalar> Op<S> for WrongSecond {
    fn name(&self) -> &'static str {
        "wrong second"
    }
    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let [x, y] = inputs_of("wrong second", inputs, "2")?;
        let product = x.data().iter().zip(y.data()).map(|(&x, &y)| x * y).collect();
        Ok(Forward::of(Tensor::filled(x.shape(), product)))
    }
    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let plain = |s: S| S::from_f64(s.to_f64());
        let seen = |input: usize, s: S| match (self, input) {
            (Self::Right, _) | (Self::OneRoundTrip, 1) => s,
            (Self::RoundTrip | Self::OneRoundTrip, _) => plain(s),
            (Self::Sign, _) => plain(s) + plain(s) - s,
            (Self::Twice, _) => s * s / plain(s),
        };
        let by = |input: usize| {
            let other = cx.inputs[1 - input].data().iter().zip(cx.upstream.data());
            let g = other.map(|(&s, &g)| seen(input, s) * g).collect();
            Some(Tensor::filled(cx.inputs[input].shape(), g))
        };
        vec![by(0), by(1)]
    }
}

/// First derivatives pass in all of them; what is wrong shows in the routes of the second, in the difference always.
#[test]
fn bugs_of_second_order_only_are_caught() {
    let check = |bug: WrongSecond| run(&Case::op("planted", bug).normal([7]).normal([7])).unwrap();
    assert_eq!(check(WrongSecond::Right).failures, Vec::<String>::new());
    for (bug, is_symmetric) in [
        (WrongSecond::RoundTrip, true),
        (WrongSecond::OneRoundTrip, false),
        (WrongSecond::Sign, true),
        (WrongSecond::Twice, true),
    ] {
        let report = check(bug);
        assert!(report.dual <= DUAL_TOLERANCE && report.difference <= 1.0, "{bug:?}: {report:?}");
        assert!(!(report.second_difference <= 1.0), "{bug:?}: differences accept {report:?}");
        assert_eq!(report.second_symmetry <= DUAL_TOLERANCE, is_symmetric, "{bug:?}: {report:?}");
        assert_eq!(report.failures.len(), if is_symmetric { 1 } else { 2 }, "{bug:?}: {report:?}");
    }
}

/// e^x whose slope has the right value everywhere and does not move with x.
#[derive(Debug, Clone, Copy, Default)]
struct FrozenSlope;

impl Elementwise for FrozenSlope {
    const NAME: &'static str = "frozen slope";
    const FORMULA: &'static str = "e^x";
    fn f<S: Scalar>(&self, x: S) -> S {
        x.exp()
    }
    fn df<S: Scalar>(&self, _x: S, y: S) -> S {
        S::from_f64(y.to_f64())
    }
    fn d2f<S: Scalar>(&self, _x: S, y: S) -> S {
        y
    }
}

#[test]
fn a_slope_without_its_own_slope_is_caught() {
    let report = run(&Case::op("planted", Map(FrozenSlope)).normal([300])).unwrap();
    assert!(report.dual <= DUAL_TOLERANCE && report.difference <= 1.0, "{report:?}");
    assert!(!(report.second_difference <= 1.0) && report.failures.len() == 1, "{report:?}");
}
