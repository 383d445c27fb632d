//! Numbers with the Beta distribution, from the Gamma distribution, from the normal one.

use rand::Rng;

use super::uniform;

/// A number with the density x^(a−1) (1−x)^(b−1) / B(a, b) on 0 to 1, for a and b from 0.001 to 1,000.
///
/// X / (X + Y) for X ~ Γ(a), Y ~ Γ(b). With small a and b both may be far below the smallest `f64`, so their logarithms are
/// drawn: the result is 1 / (1 + e^(ln Y − ln X)), and 0 or 1 where nothing else fits.
pub fn beta(generator: &mut impl Rng, a: f64, b: f64) -> f64 {
    let x = ln_gamma(generator, a);
    let y = ln_gamma(generator, b);
    1.0 / (1.0 + libm::exp(y - x))
}

/// The logarithm of a number with the density x^(a−1) e^(−x) / Γ(a).
///
/// Marsaglia and Tsang, *A simple method for generating gamma variables* (2000): d (1 + c z)³ with d = a − 1/3 and
/// c = 1/√(9 d) for a normal z, kept with probability e^(z²/2 + d − d v + d ln v). For a < 1 their boost, in logarithms:
/// ln Γ(a + 1)-variable + (ln u) / a.
fn ln_gamma(generator: &mut impl Rng, a: f64) -> f64 {
    if a < 1.0 {
        let boost = libm::log(1.0 - uniform(generator)) / a;
        return ln_gamma(generator, a + 1.0) + boost;
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = normal(generator);
        let root = 1.0 + c * z;
        if root <= 0.0 {
            continue;
        }
        let ln_v = 3.0 * libm::log(root);
        let v = root * root * root;
        let u = 1.0 - uniform(generator);
        if libm::log(u) < 0.5 * z * z + d - d * v + d * ln_v {
            return libm::log(d) + ln_v;
        }
    }
}

/// A standard normal number by Marsaglia's polar method; the second one that it would give is left unused.
fn normal(generator: &mut impl Rng) -> f64 {
    loop {
        let x = 2.0 * uniform(generator) - 1.0;
        let y = 2.0 * uniform(generator) - 1.0;
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * libm::log(square) / square).sqrt();
        }
    }
}
