//! The integrals by quadrature: panels between kinks, nested rules, halved where the rules disagree.
//!
//! Fejér's second rule with 15 nodes is contained in that with 31, so one evaluation of the function at 31 points gives
//! both. On a panel around which f is analytic the error of the rule with n nodes falls like ρ^{−n} with some ρ > 1
//! (Trefethen, *Approximation Theory and Approximation Practice* (2013), theorem 19.3): the relative error with 31 nodes
//! is about the square of that with 15. Ten times the square of the relative difference is what is reported, and a panel
//! where it exceeds 10⁻¹⁶ of the whole integral is halved. Panels end at kinks, since the argument needs smoothness.

use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

use autograd::Elementwise;

use super::integrands::{COUNT, Factors, Integrals, place};

/// Standard deviations to each side: the mass outside is below 10⁻²⁵.
const REACH: f64 = 10.5;
/// Ends of panels in standard deviations, to each side.
const SIGMAS: [f64; 4] = [0.0, 2.5, 5.5, REACH];
/// Ends of panels in z, to each side: activations have their features near 0 whatever s is, and look like lines beyond.
const FEATURES: [f64; 5] = [0.0, 2.0, 5.0, 13.0, 35.0];
/// The error at which a panel is accepted, relative to the whole integral.
const TOLERANCE: f64 = 1e-16;
/// At most this many halvings, whatever the function does.
const HALVINGS: usize = 2000;
/// Below this s, differences of f and f′ are integrals of f′ and f″, which do not cancel.
pub(super) const NARROW: f64 = 1e-2;

/// One node: its place in (−1, 1), its weight, and its weight in the coarse rule (0 where it is no node of that).
type Node = (f64, f64, f64);

/// Fejér's second rule with 31 nodes x_j = cos θ_j, θ_j = jπ/32, and the rule with 15 nodes in it; weights
/// 4 sin θ_j/(n + 1)·Σ_{k=1}^{(n+1)/2} sin((2k − 1)θ_j)/(2k − 1).
///
/// Source: Waldvogel, *Fast construction of the Fejér and Clenshaw–Curtis quadrature rules* (2006).
fn rule() -> &'static [Node; 31] {
    static RULE: OnceLock<[Node; 31]> = OnceLock::new();
    RULE.get_or_init(|| {
        let weight = |j: usize, n: usize| {
            let theta = j as f64 * PI / (n + 1) as f64;
            let terms = (1..=n.div_ceil(2)).map(|k| (2 * k - 1) as f64).map(|k| (k * theta).sin() / k);
            4.0 * theta.sin() / (n + 1) as f64 * terms.sum::<f64>()
        };
        std::array::from_fn(|i| {
            let j = 31 - i;
            let coarse = if j % 2 == 0 { weight(j / 2, 15) } else { 0.0 };
            // sin of the distance from the middle: exactly 0 there, and symmetric.
            let x = ((16.0 - j as f64) * PI / 32.0).sin();
            (x, weight(j, 31), coarse)
        })
    })
}

/// Gauss–Legendre with five nodes on [0, 1], for differences of f. Abramowitz and Stegun, 25.4.30: on [−1, 1] the nodes are
/// 0 and ±⅓√(5 ∓ 2√(10/7)), with weights 128/225 and (322 ± 13√70)/900.
fn five() -> &'static [(f64, f64); 5] {
    static FIVE: OnceLock<[(f64, f64); 5]> = OnceLock::new();
    FIVE.get_or_init(|| {
        let node = |sign: f64| (5.0 - sign * 2.0 * (10.0f64 / 7.0).sqrt()).sqrt() / 3.0;
        let weight = |sign: f64| (322.0 + sign * 13.0 * 70.0f64.sqrt()) / 900.0;
        let (a, b, u, v) = (node(1.0), node(-1.0), weight(1.0), weight(-1.0));
        [(-b, v), (-a, u), (0.0, 128.0 / 225.0), (a, u), (b, v)].map(|(x, w)| (0.5 * (1.0 + x), 0.5 * w))
    })
}

/// What the loops need to know of a function; its type is forgotten, so they are compiled once.
pub(super) trait Integrand {
    /// f, f′ and f″ at z.
    fn at(&self, z: f64) -> [f64; 3];
    /// f′ and f″ at z.
    fn slopes(&self, z: f64) -> [f64; 2];
    fn kinks(&self) -> Vec<f64>;
}

impl<E: Elementwise> Integrand for E {
    fn at(&self, z: f64) -> [f64; 3] {
        let y = self.f(z);
        [y, self.df(z, y), self.d2f(z, y)]
    }
    fn slopes(&self, z: f64) -> [f64; 2] {
        let y = self.f(z);
        [self.df(z, y), self.d2f(z, y)]
    }
    fn kinks(&self) -> Vec<f64> {
        Elementwise::kinks(self)
    }
}

/// A function under N(m, s²).
pub(super) struct Quadrature<'f> {
    function: &'f dyn Integrand,
    kinks: Vec<f64>,
    mean: f64,
    std: f64,
    /// f(m) and f′(m).
    pivot: [f64; 2],
    /// f′ on both sides of 0.
    at_zero: [f64; 2],
}

impl<'f> Quadrature<'f> {
    pub(super) fn new(function: &'f dyn Integrand, mean: f64, std: f64) -> Self {
        let [y, slope, _] = function.at(mean);
        let at_zero = [0.0f64.next_down(), 0.0f64.next_up()].map(|z| function.slopes(z)[0]);
        Self { function, kinks: function.kinks(), mean, std, pivot: [y, slope], at_zero }
    }

    /// The factors of all integrands at a point.
    /// Whether differences were taken without cancellation comes with them.
    fn factors(&self, Point { e, z }: Point) -> (Factors<f64>, bool) {
        let h = self.std * e;
        let [f, p, q] = self.function.at(z);
        let (mut d, mut p_moved) = (f - self.pivot[0], p - self.pivot[1]);
        let mut r = p * h - d;
        let mut is_exact = false;
        let is_between = |k: f64| (k - self.mean) * (k - z) < 0.0;
        if self.std <= NARROW && !self.kinks.iter().any(|&k| is_between(k)) {
            let mut sums = [0.0; 3];
            for &(x, w) in five() {
                let [slope, second] = self.function.slopes(self.mean + h * x);
                sums[0] += w * slope;
                sums[1] += w * second;
                sums[2] += w * x * second;
            }
            let by_slopes = [h * sums[0], h * sums[1], h * h * sums[2]];
            // Taken only where it agrees with the plain difference up to the rounding of that.
            let sizes = f.abs() + self.pivot[0].abs() + (p * z).abs() + (p * self.mean).abs();
            let rounding = 16.0 * f64::EPSILON * sizes;
            if (by_slopes[0] - d).abs() <= rounding {
                [d, r] = [by_slopes[0], by_slopes[2]];
                // f′ may jump at m itself.
                is_exact =
                    (by_slopes[1] - p_moved).abs() <= 16.0 * f64::EPSILON * (p.abs() + self.pivot[1].abs());
                if is_exact {
                    p_moved = by_slopes[1];
                }
            }
        }
        (Factors { z, e, f, d, p, p_moved, q, r }, is_exact)
    }

    /// The integrals over z from `low` to `high`. NaN is passed on.
    pub(super) fn over(&self, low: f64, high: f64) -> Integrals {
        let ends = self.ends(low, high);
        let mut open: Vec<Panel> = ends.windows(2).map(|p| self.panel(p[0], p[1])).collect();
        let mut size = [f64::MIN_POSITIVE; COUNT];
        for panel in &open {
            (0..COUNT).for_each(|k| size[k] += panel.size[k]);
        }
        let mut total = Integrals::ZERO;
        let mut halvings = 0;
        // A stack from the left keeps the order of additions fixed.
        open.reverse();
        while let Some(panel) = open.pop() {
            let middle = panel.low.middle(panel.high);
            let disagree = (0..COUNT).any(|k| panel.error[k] > (TOLERANCE * size[k]).max(panel.noise[k]));
            let is_open = panel.low.e < middle.e && middle.e < panel.high.e && halvings < HALVINGS;
            if is_open && (disagree || panel.hides_a_corner) {
                halvings += 1;
                open.extend([self.panel(middle, panel.high), self.panel(panel.low, middle)]);
            } else {
                total.add(&Integrals { value: panel.value, error: panel.error });
            }
        }
        // Rounding: of each term, and of z = m + sε where that is near a multiple of many s.
        (0..COUNT).for_each(|k| total.error[k] += f64::EPSILON * size[k]);
        total
    }

    /// The ends of the panels in units of ε, ascending.
    fn ends(&self, low: f64, high: f64) -> Vec<Point> {
        let in_e = |z: f64| (z - self.mean) / self.std;
        let zero = in_e(0.0);
        // Where f decays towards 0 from both sides, its moments may come from there rather than from around m.
        let (mut left, mut right) = (-REACH, REACH);
        let of_e = |e: f64| Point { e, z: self.mean + self.std * e };
        let of_z = |z: f64| Point { e: in_e(z), z };
        let mut sigmas: Vec<f64> = SIGMAS.iter().flat_map(|&e| [e, -e]).collect();
        if zero.abs() < 60.0 {
            (left, right) = (left.min(zero - REACH), right.max(zero + REACH));
            let beyond = |from: f64, to: f64| {
                (1..).map(move |i| from + 4.0 * f64::from(i)).take_while(move |&e| e < to)
            };
            sigmas.extend(beyond(REACH, right).chain([right]));
            sigmas.extend(beyond(REACH, -left).chain([-left]).map(|e| -e));
        }
        let features = FEATURES.iter().flat_map(|&z| [z, -z]).chain(self.kinks.iter().copied());
        let mut ends: Vec<Point> = sigmas.into_iter().map(of_e).chain(features.map(of_z)).collect();
        let (left, right) = (
            if in_e(low) > left { of_z(low) } else { of_e(left) },
            if in_e(high) < right { of_z(high) } else { of_e(right) },
        );
        ends.retain(|p| left.e < p.e && p.e < right.e);
        if left.e < right.e {
            ends.extend([left, right]);
        }
        ends.sort_by(|a, b| a.e.total_cmp(&b.e));
        ends.dedup_by(|a, b| a.e == b.e);
        ends
    }

    /// Both rules on one panel.
    fn panel(&self, low: Point, high: Point) -> Panel {
        let middle = low.middle(high);
        // Near 0 z has more digits than ε, near m the other way round.
        let by_z = middle.z.abs() < 0.5 * self.mean.abs();
        let half = if by_z { 0.5 * (high.z - low.z) / self.std } else { 0.5 * (high.e - low.e) };
        let half_z = if by_z { 0.5 * (high.z - low.z) } else { half * self.std };
        let mut panel = Panel {
            low,
            high,
            value: [0.0; COUNT],
            size: [0.0; COUNT],
            noise: [0.0; COUNT],
            error: [0.0; COUNT],
            hides_a_corner: false,
        };
        let mut rough = [0.0; COUNT];
        // The greatest |f|, |p| and |p·h| whose differences were taken.
        let (mut rounded, mut mass) = ([0.0f64; 3], 0.0);
        let mut slopes = [0.0; 2];
        for (i, &(x, fine, coarse)) in rule().iter().enumerate() {
            let e = middle.e + half * x;
            let z = if by_z { middle.z + half_z * x } else { self.mean + self.std * e };
            let density = half * (-0.5 * e * e).exp() / TAU.sqrt();
            let (factors, is_exact) = self.factors(Point { e, z });
            if !is_exact {
                let h = (self.std * e).abs();
                let sizes = [factors.f.abs(), factors.p.abs(), factors.p.abs() * h];
                (0..3).for_each(|k| rounded[k] = rounded[k].max(sizes[k]));
            }
            mass += fine * density;
            if i == 0 {
                slopes[0] = factors.p;
            }
            slopes[1] = factors.p;
            let values = factors.products();
            let (fine, coarse) = (fine * density, coarse * density);
            for k in 0..COUNT {
                panel.value[k] += fine * values[k];
                panel.size[k] += fine * values[k].abs();
                rough[k] += coarse * values[k];
            }
        }
        for (k, rough) in rough.iter().enumerate() {
            let difference = (panel.value[k] - rough).abs();
            let squared = 10.0 * difference * (difference / panel.size[k]);
            panel.error[k] = if panel.size[k] > 0.0 { difference.min(squared) } else { difference };
        }
        panel.add_noise(rounded, self.pivot, mass);
        // A transition at 0 that is narrower than the distance of the first node would pass unseen.
        let moves = |a: f64, b: f64| (a - b).abs() > 0.02 * a.abs().max(b.abs());
        let is_narrow = half * self.std < 1e-9;
        panel.hides_a_corner = !is_narrow
            && ((low.z == 0.0 && moves(slopes[0], self.at_zero[1]))
                || (high.z == 0.0 && moves(slopes[1], self.at_zero[0])));
        panel
    }
}

/// A place on the line in both coordinates, z = m + s·ε, since either may have been rounded away from the other.
#[derive(Clone, Copy)]
struct Point {
    e: f64,
    z: f64,
}

impl Point {
    fn middle(self, other: Self) -> Self {
        Self { e: 0.5 * (self.e + other.e), z: 0.5 * (self.z + other.z) }
    }
}

/// A panel, and what the rules say about it.
struct Panel {
    low: Point,
    high: Point,
    value: [f64; COUNT],
    /// The integrals of the absolute values.
    size: [f64; COUNT],
    error: [f64; COUNT],
    /// What the rounding of differences leaves undecided: halving would not end there.
    noise: [f64; COUNT],
    hides_a_corner: bool,
}

impl Panel {
    /// d, p̃ and r are differences of numbers up to `rounded` and `pivot`, and rounded like these.
    fn add_noise(&mut self, rounded: [f64; 3], pivot: [f64; 2], mass: f64) {
        if rounded == [0.0; 3] {
            return;
        }
        let unit = 4.0 * f64::EPSILON;
        let d = unit * (rounded[0] + pivot[0].abs());
        let p = unit * (rounded[1] + pivot[1].abs());
        let r = d + unit * rounded[2];
        let size = self.size;
        self.noise[place::D] = mass * d;
        self.noise[place::DD] = d * (2.0 * size[place::D] + mass * d);
        self.noise[place::P_MOVED] = mass * p;
        self.noise[place::E_P_MOVED] = REACH * mass * p;
        self.noise[place::D_P_MOVED] = p * size[place::D] + d * size[place::P_MOVED] + mass * p * d;
        self.noise[place::R] = mass * r;
        self.noise[place::FR] = r * size[place::F];
        self.noise[place::DR] = r * size[place::D] + d * size[place::R] + mass * r * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interpolatory rule with n nodes, symmetric, is exact for x^j up to j = n: 2/(j + 1) for even j, else 0.
    #[test]
    fn both_rules_are_exact_up_to_their_degree() {
        for j in 0..=31 {
            let want = if j % 2 == 0 { 2.0 / f64::from(j + 1) } else { 0.0 };
            let sum = |weight: fn(&Node) -> f64| rule().iter().map(|n| weight(n) * n.0.powi(j)).sum::<f64>();
            assert!((sum(|n| n.1) - want).abs() < 2e-15, "31 nodes, x^{j}");
            assert!(j > 15 || (sum(|n| n.2) - want).abs() < 2e-15, "15 nodes, x^{j}");
        }
        assert!((rule().iter().map(|n| n.2 * n.0.powi(16)).sum::<f64>() - 2.0 / 17.0).abs() > 1e-9);
    }

    #[test]
    fn five_nodes_are_exact_to_degree_nine() {
        for j in 0..=9 {
            let got: f64 = five().iter().map(|(x, w)| w * x.powi(j)).sum();
            assert!((got * f64::from(j + 1) - 1.0).abs() < 4e-16 * 10.0, "x^{j}: {got}");
        }
    }
}
