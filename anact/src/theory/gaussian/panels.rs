//! Quadrature on panels between kinks: nested rules, halved where the rules disagree.
//!
//! Fejér's second rule with 7 nodes is contained in that with 15, and that in the rule with 31, so values are used again.
//! Panels that 15 nodes do not settle get 31, then are halved. On a panel around which f is analytic the error of the
//! rule with n nodes falls like ρ^{−n} with some ρ > 1 (Trefethen, *Approximation Theory and Approximation Practice* (2013), theorem 19.3): the relative error with 31 nodes
//! is about the square of that with 15. Ten times the square of the relative difference is what is reported, and a panel
//! where it exceeds 10⁻¹⁶ of the whole integral is halved. Panels end at kinks, since the argument needs smoothness.

use std::f64::consts::TAU;

use super::integrands::{COUNT, Integrals};
use super::quadrature::{Point, Quadrature, Sample, Sums, TOLERANCE, add, squared};
use super::rules::{Node, fejer};
use super::trapezoid::FAR;

/// Standard deviations to each side: the mass outside is below 10⁻²⁵.
const REACH: f64 = 10.5;
/// Standard deviations beyond z = 0, where f may fall towards it as fast as the density does from there.
const BEYOND: f64 = 9.0;
/// Ends of panels in standard deviations, to each side.
const SIGMAS: [f64; 3] = [2.5, 5.5, REACH];
/// Ends of panels in z, to each side: activations have their features near 0 whatever s is, and look like lines beyond.
const FEATURES: [f64; 9] = [0.0, 1.25, 2.5, 4.0, 7.0, 12.0, 20.0, 36.0, 60.0];
/// Where f′ falls like a power, panels grow with the distance from −1 or 1, where the pole of softsign is, by this.
const GROWTH: f64 = 3.4;
/// At most this many halvings, whatever the function does.
const HALVINGS: usize = 2000;

/// A panel, and what the rules say about it.
struct Panel {
    low: Point,
    high: Point,
    /// The nodes of 31 that are among the 15 so far, or all.
    is_fine: bool,
    /// The sums with the weights of 31 nodes, and of 15.
    fine: Sums,
    value: Sums,
    /// Of the absolute values, by 15 nodes.
    size: Sums,
    noise: Sums,
    error: Sums,
    /// f′ at the first and last node.
    slopes: [f64; 2],
}

/// The integrals over z from `low` to `high`. NaN is passed on.
pub(super) fn over(job: &Quadrature<'_>, low: f64, high: f64) -> Integrals {
    // f′ on both sides of 0.
    let at_zero = [0.0f64.next_down(), 0.0f64.next_up()].map(|z| job.function.at(z).df);
    let ends = ends(job, low, high);
    let mut open: Vec<Panel> = ends.windows(2).map(|p| Panel::new(job, p[0], p[1])).collect();
    let mut size = [f64::MIN_POSITIVE; COUNT];
    for panel in &open {
        (0..COUNT).for_each(|k| size[k] += panel.size[k]);
    }
    let mut total = Integrals::ZERO;
    let mut halvings = 0;
    // A stack from the left keeps the order of additions fixed.
    open.reverse();
    while let Some(mut panel) = open.pop() {
        let is_at_zero = panel.low.z == 0.0 || panel.high.z == 0.0;
        if is_at_zero || panel.disagrees(&size) {
            panel.refine(job);
        }
        let Panel { low, high, value, noise, error, .. } = panel;
        let middle = low.middle(high);
        let is_open = low.e < middle.e && middle.e < high.e && halvings < HALVINGS;
        if is_open && (panel.disagrees(&size) || panel.hides_a_corner(job.std, at_zero)) {
            halvings += 1;
            open.extend([Panel::new(job, middle, high), Panel::new(job, low, middle)]);
        } else {
            total.add(&Integrals { value, error, noise });
        }
    }
    (0..COUNT).for_each(|k| total.error[k] += f64::EPSILON * size[k]);
    total
}

impl Panel {
    /// By the rules of 15 and 7 nodes.
    fn new(job: &Quadrature<'_>, low: Point, high: Point) -> Self {
        let [fine, value, size, noise, error] = [[0.0; COUNT]; 5];
        let mut panel =
            Self { low, high, is_fine: false, fine, value, size, noise, error, slopes: [f64::NAN; 2] };
        let mut rough = [0.0; COUNT];
        panel.visit(job, |panel, node, density, sample, values| {
            add(&mut panel.fine, node.fine * density, values);
            add(&mut panel.value, node.coarse * density, values);
            add(&mut panel.size, node.coarse * density, &values.map(f64::abs));
            // How rounding adds up needs no more digits.
            if node.coarsest > 0.0 {
                add(&mut rough, node.coarsest * density, values);
                add(&mut panel.noise, node.coarsest * density, &job.noise(sample));
            }
        });
        panel.error = std::array::from_fn(|k| squared(panel.value[k], rough[k], panel.size[k]));
        panel
    }

    /// By the rules of 31 and 15 nodes.
    fn refine(&mut self, job: &Quadrature<'_>) {
        self.is_fine = true;
        let rough = self.value;
        self.visit(job, |panel, node, density, sample, values| {
            add(&mut panel.fine, node.fine * density, values);
            if panel.slopes[0].is_nan() {
                panel.slopes[0] = sample.factors.p;
            }
            panel.slopes[1] = sample.factors.p;
        });
        self.value = self.fine;
        self.error = std::array::from_fn(|k| squared(self.value[k], rough[k], self.size[k]));
    }

    /// Calls `each` at the nodes of 15, or at those that 31 have more.
    fn visit(
        &mut self,
        job: &Quadrature<'_>,
        mut each: impl FnMut(&mut Self, &Node, f64, &Sample, &[f64; COUNT]),
    ) {
        let (low, high) = (self.low, self.high);
        let middle = low.middle(high);
        // Near 0 z has more digits than ε, near m the other way round.
        let by_z = middle.z.abs() < 0.5 * job.mean.abs();
        let half = if by_z { 0.5 * (high.z - low.z) / job.std } else { 0.5 * (high.e - low.e) };
        let half_z = if by_z { 0.5 * (high.z - low.z) } else { half * job.std };
        let is_fine = self.is_fine;
        for node in fejer().iter().filter(|n| (n.coarse == 0.0) == is_fine) {
            let e = middle.e + half * node.x;
            let z = if by_z { middle.z + half_z * node.x } else { job.mean + job.std * e };
            let density = half * (-0.5 * e * e).exp() / TAU.sqrt();
            let sample = job.sample(Point { e, z }, by_z);
            each(self, node, density, &sample, &sample.factors.products());
        }
    }

    /// Whether the rules differ by more than the whole may be off and rounding explains.
    fn disagrees(&self, whole: &Sums) -> bool {
        (0..COUNT).any(|k| self.error[k] > (TOLERANCE * whole[k]).max(self.noise[k]))
    }

    /// A transition at 0 that is narrower than the distance of the first node would pass unseen.
    fn hides_a_corner(&self, std: f64, at_zero: [f64; 2]) -> bool {
        let moves = |a: f64, b: f64| (a - b).abs() > 0.02 * a.abs().max(b.abs());
        let is_wide = 0.5 * (self.high.e - self.low.e) * std >= 1e-9;
        is_wide
            && ((self.low.z == 0.0 && moves(self.slopes[0], at_zero[1]))
                || (self.high.z == 0.0 && moves(self.slopes[1], at_zero[0])))
    }
}

/// The ends of the panels in units of ε, ascending.
fn ends(job: &Quadrature<'_>, low: f64, high: f64) -> Vec<Point> {
    let in_e = |z: f64| (z - job.mean) / job.std;
    let zero = in_e(0.0);
    // Where f decays towards 0 from both sides, its moments may come from there rather than from around m.
    let (mut left, mut right) = (-REACH, REACH);
    let of_e = |e: f64| Point { e, z: job.mean + job.std * e };
    let of_z = |z: f64| Point { e: in_e(z), z };
    let mut sigmas: Vec<f64> = SIGMAS.iter().flat_map(|&e| [e, -e]).collect();
    if zero.abs() > 1.0 {
        sigmas.push(0.0);
    }
    if zero.abs() < FAR {
        (left, right) = (left.min(zero - BEYOND), right.max(zero + BEYOND));
        let beyond =
            |from: f64, to: f64| (1..).map(move |i| from + 4.0 * f64::from(i)).take_while(move |&e| e < to);
        sigmas.extend(beyond(REACH, right).chain([right]));
        sigmas.extend(beyond(REACH, -left).chain([-left]).map(|e| -e));
    }
    let last = FEATURES[FEATURES.len() - 1];
    let is_algebraic = [-last, last].iter().any(|&z| {
        let [near, far] = [z, 100.0 * z].map(|z| job.function.at(z).df);
        (near - far).abs() > 1e-12
    });
    let powers: Vec<f64> = std::iter::successors(Some(1.0), |x| Some(x * GROWTH))
        .map(|x| x - 1.0)
        .take_while(|z| *z < SIGMAS[0] * job.std)
        .collect();
    let features = if is_algebraic { &powers[..] } else { &FEATURES[..] };
    let features = features.iter().flat_map(|&z| [z, -z]).chain(job.kinks.iter().copied());
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
