//! Tailored rectifiers.

use autograd::ops::activation::LeakyRelu;
use autograd::{Elementwise, Error, Parameter, Result};
use std::f64::consts::PI;

use super::{Coefficients, Curve, RivalEntry};

/// η, the correlation that a network of depth D shall give to inputs that are orthogonal.
const ETA: f64 = 0.9;

/// √(2/(1 + s²))·leaky_relu(x; s), its slope s chosen by the depth D of the network: D layers shall take inputs of
/// correlation 0 to correlation η = 0.9. ReLU alone takes them to 1 as D grows, a linear function leaves them at 0.
///
/// With f = ½(1 + s)·x + ½(1 − s)·|x| and normal x, y of variance 1 and correlation c, the cross terms vanish and
/// E|x||y| = (2/π)(√(1 − c²) + c·asin c), so that the scaled function has E\[h²\] = E\[h′²\] = 1 and the correlation map
///
/// C(c) = E\[h(x)h(y)\] = c + (1 − s)²/(π(1 + s²))·(√(1 − c²) − c·acos c).
///
/// C∘…∘C(0), D times, falls from ReLU's value at s = 0 to 0 at s = 1, and is solved by bisection. Where ReLU's value is
/// below η already (D < 13) there is nothing to solve, which is an error.
///
/// Source: Zhang, Botev and Martens, *Deep learning without shortcuts: shaping the kernel with tailored rectifiers*
/// (2022), for a network whose every path has D activations.
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "tat",
    aliases: &[],
    about: "leaky ReLU with the slope for depth D: tat(50)-leaky_relu",
    source: "Zhang et al. 2022",
    parameter: Some(Parameter { name: "D", default: 20.0, min: 1.0, max: 1e6 }),
    build,
};

fn build(f: &dyn Curve, depth: Option<f64>) -> Result<Coefficients> {
    let refuse = |what: String, legal: &str| Err(Error::Argument { op: "tat", what, legal: legal.into() });
    if f.name() != LeakyRelu::NAME || f.parameter() != Some(LeakyRelu::default().slope) {
        let legal = "tat-leaky_relu, whose slope it chooses itself; for smooth functions there is dks";
        return refuse(format!("`{}` given", f.label()), legal);
    }
    let depth = super::whole_depth("tat", depth.unwrap_or(20.0))?;
    let Some(slope) = slope(depth, ETA) else {
        let what = format!("{depth} layers of ReLU take correlation 0 to {:.3} only", network(depth, 0.0));
        return refuse(what, "a depth D at which they reach 0.9, as in tat(20)-leaky_relu");
    };
    Ok(Coefficients { parameter: Some(slope), ..Coefficients::scale((2.0 / (1.0 + slope * slope)).sqrt()) })
}

/// C(c) for the slope s.
fn correlation(c: f64, s: f64) -> f64 {
    // Rounding takes c past 1 in the end.
    let c = c.min(1.0);
    c + (1.0 - s).powi(2) / (PI * (1.0 + s * s)) * ((1.0 - c * c).sqrt() - c * c.acos())
}

/// What `depth` layers make of correlation 0.
fn network(depth: u32, s: f64) -> f64 {
    (0..depth).fold(0.0, |c, _| correlation(c, s))
}

/// The slope in \[0, 1) for which `depth` layers take 0 to `eta`.
fn slope(depth: u32, eta: f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, 1.0);
    if network(depth, low) < eta {
        return None;
    }
    // 60 halvings leave neighbouring numbers.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if network(depth, middle) < eta { high = middle } else { low = middle }
    }
    Some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;
    use super::*;
    use crate::theory::gaussian_moments;

    #[test]
    fn both_moments_are_one_and_the_target_is_met() {
        for depth in [13, 20, 50, 1000] {
            let name = format!("tat({depth})-leaky_relu");
            let m = gaussian_moments(&name, 0.0, 1.0).unwrap();
            assert!((m.f2 - 1.0).abs() < 1e-13 && (m.df2 - 1.0).abs() < 1e-13, "{m:?}");
            let s = coefficients(&name).unwrap().parameter.unwrap();
            assert!((network(depth, s) - ETA).abs() < 1e-13, "{depth}: {s} {}", network(depth, s));
        }
    }

    /// The test suite of the authors' library has slope 0.6291800290346146 and scale 1.196996549778802 for η = 0.75 in
    /// a network of 33 residual blocks, whose correlation is the weighted mean of shortcut and branch.
    #[test]
    fn the_authors_numbers_satisfy_this_map() {
        let slope = 0.6291800290346146;
        let r = |c: f64| correlation(c, slope);
        let mut c = 0.0;
        for blocks in [3, 4, 23, 3] {
            for j in 0..blocks {
                let shortcut = if j == 0 { r(c) } else { c };
                c = 0.36 * shortcut + 0.64 * r(r(r(c)));
            }
        }
        assert!((r(c) - 0.75).abs() < 1e-7, "{}", r(c));
        assert!(((2.0 / (1.0 + slope * slope)).sqrt() - 1.196996549778802).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let text = |name| coefficients(name).unwrap_err().to_string();
        assert!(text("tat-relu").contains("tat-leaky_relu"), "{}", text("tat-relu"));
        assert!(text("tat-leaky_relu(0.2)").contains("chooses"), "{}", text("tat-leaky_relu(0.2)"));
        assert!(text("tat(3)-leaky_relu").contains("3 layers"), "{}", text("tat(3)-leaky_relu"));
        assert!(text("tat(2.5)-leaky_relu").contains("whole"), "{}", text("tat(2.5)-leaky_relu"));
        assert!(text("tat(0)-leaky_relu").contains("from 1"), "{}", text("tat(0)-leaky_relu"));
    }
}
