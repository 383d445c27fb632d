//! The cases on which the gradients of `affine` are checked.

use autograd::check::Case;
use autograd::ops::OpEntry;
use autograd::ops::activation::{Elu, HardTanh, Swish};
use autograd::{Derivative, Elementwise, Map};

use super::{Affine, Coefficients};

/// The op of the rivals as the checker sees it.
pub const OPS: &[OpEntry] = &[OpEntry { name: super::NAME, formula: super::FORMULA, cases }];

/// Smooth, kinked with moved kinks, kinked with a mirrored input; each with its second derivative.
fn cases() -> Vec<Case> {
    let numbers = |a, b, c, d| Coefficients { a, b, c, d, parameter: None };
    let smooth = numbers(1.5, 0.25, 0.5, -0.75);
    let mirrored = numbers(-0.75, 0.5, -1.25, 0.5);
    [
        of(Affine::new(Swish::default(), smooth)),
        of(Affine::new(Elu::default(), smooth)),
        of(Affine::new(HardTanh, mirrored)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of<E: Elementwise>(f: Affine<E>) -> [Case; 2] {
    let kinks = f.kinks();
    let second = format!("second derivative of {}", f.label());
    [
        Case::op("derivative", Map(f)).clear_of([3, 2, 5], &kinks),
        Case::op(&second, Map(Derivative(f))).clear_of([3, 2, 5], &kinks),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::check::{self, assert_case};

    #[test]
    fn every_gradient_is_right_and_samples_are_kept_apart() {
        for case in cases() {
            assert_case(&case);
            let failures = check::samples(&case).unwrap();
            assert!(failures.is_empty(), "{}", failures.join("\n"));
        }
    }
}
