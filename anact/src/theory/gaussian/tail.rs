//! ∫₀^∞ tⁿ e^{−t²/2 − xt} dt, the moments of a truncated normal measured from where it is cut off.

use autograd::Scalar;

/// J_n(x) = ∫₀^∞ tⁿ e^{−t²/2 − xt} dt for n < N, times `scale`·e^{−x²/2}/√(2π), which may be as small as it likes.
///
/// J₀ is Mills' ratio (1 − Φ(x))/φ(x), and J_{n+1} = nJ_{n−1} − xJ_n with J₁ = 1 − xJ₀. For x ≤ 1 that recurrence
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
    if x > 1.0 {
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
        (-3.0, [225.33489622034912, 8123.056263932568, 533411.6946649053]),
        (0.5, [0.8763644564536923, 0.82590775826275, 5.55860185446685]),
        (1.5, [0.5158156382179634, 0.1879518490335386, 0.6650304740913211]),
        (1.75, [0.4643069280394422, 0.1364936853315433, 0.4141753878926083]),
        (6.0, [0.16237766089686745, 0.003627350133013935, 0.001350205730056238]),
        (40.0, [0.02498440420572057, 2.329196978029456e-06, 4.318693757946386e-09]),
    ];
}
