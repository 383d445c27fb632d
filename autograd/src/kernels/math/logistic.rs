//! σ(x) = 1/(1 + e^{−x}).

use super::exp;

/// σ(x) and σ(−x). With e = e^{−|x|} and q = e/(1 + e), the smaller one is taken as e − e·q rather than as q: the roundings
/// of q count only with the weight e, which is small where those of e itself count most.
#[inline(always)]
pub(crate) fn logistic_pair(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let (large, quotient) = (1.0 / (1.0 + e), e / (1.0 + e));
    let small = e - e * quotient;
    if x > 0.0 { (large, small) } else { (small, large) }
}
