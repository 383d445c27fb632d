//! A NaN reaches everything that depends on it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use autograd::Tensor;
use autograd::check::{Case, Evaluation};

use super::{Departures, assert_exceptions, families, scattered, scattered32, some_of};

/// Numbers by which an element is replaced to see what depends on it.
const PROBES: [f64; 6] = [-7.3, 7.9, 0.11, -0.13, 1e3, 2.6];

fn all<S>(e: &Evaluation<S>) -> impl Iterator<Item = (usize, &Tensor<S>)> {
    std::iter::once(&e.output).chain(&e.gradients).enumerate()
}

/// What a NaN did, as places in the value (0) and the gradients (1 and on).
#[derive(Default)]
struct Seen {
    dropped: BTreeSet<usize>,
    spread: BTreeSet<usize>,
}

/// Compares runs with the element replaced by `PROBES` and by NaN.
fn look(base: &Evaluation<f64>, probed: &[Evaluation<f64>], nan: &Evaluation<f64>) -> Seen {
    let mut seen = Seen::default();
    for ((place, base), (_, nan)) in all(base).zip(all(nan)) {
        for i in 0..base.len() {
            let depends = probed.iter().any(|e| {
                let (_, probed) = all(e).nth(place).unwrap();
                probed.data()[i].to_bits() != base.data()[i].to_bits()
            });
            match (depends, nan.data()[i].is_nan()) {
                (true, false) => _ = seen.dropped.insert(place),
                (false, true) if !base.data()[i].is_nan() => _ = seen.spread.insert(place),
                _ => {}
            }
        }
    }
    seen
}

fn widened(e: &Evaluation<f32>) -> Evaluation<f64> {
    Evaluation { output: e.output.cast(), gradients: e.gradients.iter().map(Tensor::cast).collect() }
}

/// `case` in f32 or f64, with element `at` of input `input`, or of the cotangent behind the inputs, replaced.
fn run(case: &Case, single: bool, input: usize, at: usize, by: Option<f64>) -> Evaluation<f64> {
    let mut inputs = case.inputs().to_vec();
    if let (Some(x), Some(by)) = (inputs.get_mut(input), by) {
        x.data_mut()[at] = by;
    }
    let of_cotangent = by.filter(|_| input == case.inputs().len());
    let evaluated = if single {
        let cotangent = |shape| {
            let mut g = scattered32(shape);
            of_cotangent.into_iter().for_each(|by| g.data_mut()[at] = by as f32);
            g
        };
        let inputs: Vec<_> = inputs.iter().map(Tensor::cast).collect();
        case.evaluate_f32(&inputs, &cotangent).map(|e| widened(&e))
    } else {
        let cotangent = |shape| {
            let mut g = scattered(shape);
            of_cotangent.into_iter().for_each(|by| g.data_mut()[at] = by);
            g
        };
        case.evaluate_f64(&inputs, &cotangent)
    };
    evaluated.unwrap_or_else(|e| panic!("{}: {e}", case.name()))
}

/// Over all families, by every input in turn (`true`) or by the cotangent: those that drop a NaN in the value, those that
/// do in a gradient, and those that spread it.
fn survey(single: bool, by_input: bool) -> [BTreeMap<String, String>; 3] {
    let families = families();
    let mut found = [(); 3].map(|()| Departures::default());
    for (name, cases) in &families {
        for case in cases {
            let base = run(case, single, 0, 0, None);
            let lengths: Vec<usize> = match by_input {
                true => case.inputs().iter().map(Tensor::len).collect(),
                false => vec![base.output.len()],
            };
            for (input, n) in lengths.into_iter().enumerate() {
                let input = if by_input { input } else { case.inputs().len() };
                for at in some_of(n) {
                    let with = |by| run(case, single, input, at, Some(by));
                    let seen = look(&base, &PROBES.map(with), &with(f64::NAN));
                    // The value of a case of f″ is the slope of f.
                    let is_slope = case.name().contains("second derivative");
                    let places = [
                        seen.dropped.contains(&0) && !is_slope,
                        seen.dropped.iter().any(|&place| place > 0 || is_slope),
                        !seen.spread.is_empty(),
                    ];
                    for (found, _) in found.iter_mut().zip(places).filter(|(_, is)| *is) {
                        let seen = format!("{}, element {at} of input {input}", case.name());
                        found.note(name, "", case, "", seen);
                    }
                }
            }
        }
    }
    found.map(|found| found.by_name(&families))
}

#[test]
fn what_depends_on_a_nan_is_nan() {
    let [values, slopes, spread] = survey(false, true);
    assert_exceptions("values_that_drop_a_nan", &values);
    assert_exceptions("slopes_that_drop_a_nan", &slopes);
    assert_exceptions("nan_where_nothing_depends_on_it", &spread);
    // The fast convolutions of f32 may spread a NaN over a tile; all else is as in f64.
    let [values32, slopes32, _] = survey(true, true);
    let names = |a: BTreeMap<String, String>, b: BTreeMap<String, String>| {
        [a, b].map(|found| found.into_keys().collect::<Vec<_>>())
    };
    assert_eq!(names(values, slopes), names(values32, slopes32));
}

/// Of the gradient that comes from above.
#[test]
fn a_nan_from_above_is_passed_on() {
    for single in [true, false] {
        let [_, gradients, _] = survey(single, false);
        assert!(gradients.is_empty(), "a NaN from above is dropped: {gradients:?}");
    }
}
