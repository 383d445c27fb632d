//! Where an axis has its ticks, and how they are labelled.

use super::scale::Kind;

/// A mark on an axis; without a label it is a minor one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: Option<Label>,
}

/// `base`, or `base` with a raised `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) base: String,
    pub(super) exponent: Option<String>,
}

/// Ticks for the range, about `target` of them.
pub(super) fn ticks(kind: Kind, range: (f64, f64), target: usize, whole: bool) -> Vec<Tick> {
    match kind {
        Kind::Linear => linear(range, target, whole),
        Kind::Log10 => logarithmic(range, target),
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `target` + 1; with `whole`, of a whole number.
fn linear((lo, hi): (f64, f64), target: usize, whole: bool) -> Vec<Tick> {
    let raw = (hi - lo) / target.max(1) as f64;
    let power = floor_log10(raw);
    let step = [1_i64, 2, 5].into_iter().find(|&step| decimal(step, power) >= raw * (1.0 - 1e-9));
    let (step, power) = step.map_or((1, power + 1), |step| (step, power));
    let (step, power) = if whole && power < 0 { (1, 0) } else { (step, power) };
    let width = decimal(step, power);
    // The slack keeps a tick that rounding has put just outside its own end of the axis.
    let first = (lo / width - 1e-9).ceil() as i64;
    let last = (hi / width + 1e-9).floor() as i64;
    let counts: Vec<i64> = (first..=last).map(|n| n * step).collect();
    let largest = counts.iter().map(|n| n.unsigned_abs()).max().unwrap_or(0);
    counts
        .iter()
        .map(|&n| Tick { value: decimal(n, power), label: Some(linear_label(n, power, largest)) })
        .collect()
}

/// Label of n·10^power on an axis whose largest tick is `largest`·10^power: all get the same form.
fn linear_label(n: i64, power: i32, largest: u64) -> Label {
    let top = power + i32::try_from(largest.max(1).ilog10()).unwrap_or(0);
    if n == 0 {
        return Label { base: "0".into(), exponent: None };
    }
    if (-3..6).contains(&top) {
        let places = usize::try_from(-power).unwrap_or(0);
        return Label { base: typeset(&format!("{:.places$}", decimal(n, power))), exponent: None };
    }
    let places = usize::try_from(top - power).unwrap_or(0);
    let base = format!("{:.places$}×10", decimal(n, power - top));
    Label { base: typeset(&base), exponent: Some(typeset(&top.to_string())) }
}

/// Decades, thinned if there are many; where fewer than two fit, their multiples by 1, 2 and 5; where even
/// those are few, the ticks of a linear axis.
fn logarithmic((lo, hi): (f64, f64), target: usize) -> Vec<Tick> {
    let first = -floor_log10(1.0 / lo);
    let last = floor_log10(hi);
    if hi.log10() - lo.log10() >= 2.0 {
        return decades((lo, hi), first, last, target);
    }
    let inside = |v: f64| v >= lo * (1.0 - 1e-9) && v <= hi * (1.0 + 1e-9);
    let steps = (first - 1..=last + 1).flat_map(|power| [1, 2, 5].map(|step| (step, power)));
    let multiples: Vec<Tick> = steps
        .filter(|&(step, power)| inside(decimal(step, power)))
        .map(|(step, power)| Tick { value: decimal(step, power), label: Some(linear_label(step, power, 1)) })
        .collect();
    if multiples.len() >= 3 { multiples } else { linear((lo, hi), target.min(5), false) }
}

fn decades((lo, hi): (f64, f64), first: i32, last: i32, target: usize) -> Vec<Tick> {
    let count = usize::try_from(last - first + 1).unwrap_or(0);
    let stride = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|&n| count <= n * target + 1).unwrap_or(200);
    let mut ticks = Vec::new();
    for power in first - 1..=last {
        if power >= first {
            let labelled = power.rem_euclid(stride as i32) == 0;
            let label =
                labelled.then(|| Label { base: "10".into(), exponent: Some(typeset(&power.to_string())) });
            ticks.push(Tick { value: decimal(1, power), label });
        }
        // Finer marks show that the axis is logarithmic, until they would blur.
        if stride == 1 && count <= 6 {
            let minor = (2..10).map(|step| decimal(step, power)).filter(|&v| v >= lo && v <= hi);
            ticks.extend(minor.map(|value| Tick { value, label: None }));
        }
    }
    ticks
}

/// n·10^power, correctly rounded and the same on every machine, which `powi` does not promise.
fn decimal(n: i64, power: i32) -> f64 {
    format!("{n}e{power}").parse().expect("digits, an e and digits form a number")
}

/// The largest k with 10^k ≤ x, forgiving rounding errors just below a power.
fn floor_log10(x: f64) -> i32 {
    (x.log10() + 1e-9).floor() as i32
}

/// A true minus sign instead of the hyphen.
fn typeset(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(ticks: &[Tick]) -> Vec<String> {
        let label = |label: &Label| match &label.exponent {
            Some(exponent) => format!("{}^{exponent}", label.base).replace('−', "-"),
            None => label.base.replace('−', "-"),
        };
        ticks.iter().filter_map(|tick| tick.label.as_ref().map(label)).collect()
    }

    /// Range, target, whole numbers only, expected labels.
    type LinearRow = ((f64, f64), usize, bool, &'static [&'static str]);

    #[test]
    fn linear_ticks() {
        let rows: [LinearRow; 11] = [
            ((0.0, 1.0), 5, false, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            ((0.0, 100.0), 5, false, &["0", "20", "40", "60", "80", "100"]),
            ((-3.0, 7.0), 6, false, &["-2", "0", "2", "4", "6"]),
            ((0.1, 0.3), 5, false, &["0.10", "0.15", "0.20", "0.25", "0.30"]),
            ((1.0, 3.0), 8, false, &["1.0", "1.5", "2.0", "2.5", "3.0"]),
            ((1.0, 3.0), 8, true, &["1", "2", "3"]),
            ((0.0, 200.0), 8, true, &["0", "50", "100", "150", "200"]),
            (
                (0.0, 0.000_25),
                5,
                false,
                &["0", "0.5×10^-4", "1.0×10^-4", "1.5×10^-4", "2.0×10^-4", "2.5×10^-4"],
            ),
            (
                (0.0, 3e6),
                6,
                false,
                &["0", "0.5×10^6", "1.0×10^6", "1.5×10^6", "2.0×10^6", "2.5×10^6", "3.0×10^6"],
            ),
            ((999.0, 1001.0), 4, false, &["999.0", "999.5", "1000.0", "1000.5", "1001.0"]),
            ((-2e9, 0.0), 2, false, &["-2×10^9", "-1×10^9", "0"]),
        ];
        for (range, target, whole, expected) in rows {
            assert_eq!(plain(&linear(range, target, whole)), expected, "{range:?}");
        }
    }

    #[test]
    fn tick_values_are_the_nearest_numbers() {
        let values: Vec<f64> = linear((0.0, 0.35), 5, false).iter().map(|tick| tick.value).collect();
        // 3 × 0.1 computed in floating point would be 0.30000000000000004.
        assert_eq!(values, [0.0, 0.1, 0.2, 0.3]);
    }

    #[test]
    fn log_ticks() {
        let rows: [((f64, f64), usize, &[&str]); 7] = [
            ((1e-3, 1e2), 8, &["10^-3", "10^-2", "10^-1", "10^0", "10^1", "10^2"]),
            ((0.05, 8.0), 8, &["10^-1", "10^0"]),
            ((0.5, 20.0), 8, &["0.5", "1", "2", "5", "10", "20"]),
            ((0.9, 1.2), 8, &["0.9", "1.0", "1.1", "1.2"]),
            (
                (1e-30, 1e10),
                8,
                &["10^-30", "10^-25", "10^-20", "10^-15", "10^-10", "10^-5", "10^0", "10^5", "10^10"],
            ),
            ((2e-9, 6e-8), 8, &["2×10^-9", "5×10^-9", "1×10^-8", "2×10^-8", "5×10^-8"]),
            ((1e-300, 1e300), 8, &["10^-300", "10^-200", "10^-100", "10^0", "10^100", "10^200", "10^300"]),
        ];
        for (range, target, expected) in rows {
            assert_eq!(plain(&logarithmic(range, target)), expected, "{range:?}");
        }
    }

    #[test]
    fn minor_ticks_lie_between_decades() {
        let ticks = logarithmic((0.5, 120.0), 8);
        let minor: Vec<f64> =
            ticks.iter().filter(|tick| tick.label.is_none()).map(|tick| tick.value).collect();
        let expected =
            [0.5, 0.6, 0.7, 0.8, 0.9, 2., 3., 4., 5., 6., 7., 8., 9., 20., 30., 40., 50., 60., 70., 80., 90.];
        assert_eq!(minor, expected);
    }

    #[test]
    fn ticks_stay_few_at_extreme_ranges() {
        for range in [(-1.1e300, 1.1e300), (0.0, 1e-299), (1e15, 1e15 + 1e4), (0.5, 1.5)] {
            let count = linear(range, 6, false).len();
            assert!((1..=8).contains(&count), "{range:?}: {count}");
        }
    }
}
