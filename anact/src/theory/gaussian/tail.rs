//! ∫₀^∞ tⁿ e^{−t²/2 − xt} dt, the moments of a truncated normal measured from where it is cut off.

use autograd::Scalar;

/// J_n(x) = ∫₀^∞ tⁿ e^{−t²/2 − xt} dt for n < N, times `scale`·e^{−x²/2}/√(2π), which may be as small as it likes.
///
/// J₀ is Mills' ratio (1 − Φ(x))/φ(x), and J_{n+1} = nJ_{n−1} − xJ_n with J₁ = 1 − xJ₀. For x ≤ 1.5 that recurrence
/// loses next to nothing; for greater x it cancels, and the ratios J_n/J_{n−1} = n/(x + J_{n+1}/J_n) come downwards
/// instead, from where they no longer matter.
///
/// Instead of `scale` its logarithm is taken, and joined with −x²/2 for negative x, so that a Φ(−x) near 1 times a small
/// factor neither overflows nor loses digits: the answer is e^{`log`}·J_n(x)/√(2π).
///
/// Source: integration by parts; Gautschi, *Computational aspects of three-term recurrence relations* (1967), for the
/// direction.
pub(super) fn moments<const N: usize>(x: f64, log: f64) -> [f64; N] {
    let mut j = [0.0; N];
    let density = 1.0 / std::f64::consts::TAU.sqrt();
    if x > 1.5 {
        let depth = N + 24 + (420.0 / (x * x)) as usize;
        let mut ratio = (depth as f64).sqrt();
        let mut ratios = [0.0; N];
        for n in (1..depth).rev() {
            ratio = n as f64 / (x + ratio);
            if n < N {
                ratios[n] = ratio;
            }
        }
        j[0] = density * log.exp() / (x + ratios[1]);
        (1..N).for_each(|n| j[n] = j[n - 1] * ratios[n]);
    } else {
        let mass = 0.5 * Scalar::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
        // e^{log}·J₀/√(2π) = e^{log + x²/2}·(1 − Φ(x)).
        j[0] = mass * (log + 0.5 * x * x).exp();
        if N > 1 {
            j[1] = density * log.exp() - x * j[0];
        }
        (2..N).for_each(|n| j[n] = (n - 1) as f64 * j[n - 2] - x * j[n - 1]);
    }
    j
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both directions against mpmath: quad(lambda t: t**n*exp(-t*t/2-x*t), [0, inf]), 30 digits.
    #[test]
    fn moments_meet_outside_values() {
        for (x, want) in KNOWN {
            let got = moments::<7>(x, 0.0);
            for (g, w) in [got[0], got[3], got[6]].iter().zip(want) {
                let w = w / std::f64::consts::TAU.sqrt();
                assert!((g / w - 1.0).abs() < 3e-14, "x = {x}: {g} {w}");
            }
        }
    }

    const KNOWN: [(f64, [f64; 3]); 6] = [
        (-3.0, [225.33489622034912, 8123.0562639325683, 533411.69466490532]),
        (0.5, [0.87636445645369235, 0.82590775826274994, 5.5586018544668496]),
        (1.5, [0.51581563821796336, 0.18795184903353858, 0.66503047409132114]),
        (1.75, [0.46430692803944216, 0.13649368533154329, 0.4141753878926083]),
        (6.0, [0.16237766089686746, 0.0036273501330139351, 0.001350205730056238]),
        (40.0, [0.024984404205720571, 2.3291969780294561e-6, 4.3186937579463862e-9]),
    ];
}
