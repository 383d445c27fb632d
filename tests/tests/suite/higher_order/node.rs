//! The normalized node: with the full gradient an ordinary function, with the detached one a vector field that is no
//! gradient, of which products are still the derivative.

use anact::{ForwardMoment, GradientMode, Granularity, Plan, Settings, normalize};
use autograd::higher::{hessian, hvp, jvp};
use autograd::{Program, Result, Scalar, Tape, Tensor, Var};

use super::{asymmetry, difference_error, direction, dot, error, flat, normal};

/// ⟨u, y⟩ of the node's output y, by z and α.
struct Probe {
    name: &'static str,
    settings: Settings,
    cotangent: Tensor<f64>,
}

impl Program for Probe {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let y = normalize(self.name, Plan::batch(self.settings), x[0], Some(x[1]))?;
        Ok((y * tape.constant(self.cotangent.cast())).sum_all())
    }
}

/// Every smooth kind: with all moments, and factors per layer and per channel.
fn for_each_node(gradient: GradientMode, test: impl Fn(&str, &Probe, &[Tensor<f64>])) {
    for name in ["swish", "gelu", "tanh"] {
        for moment in [ForwardMoment::Raw, ForwardMoment::Centered] {
            for (granularity, groups) in [(Granularity::Layer, 1), (Granularity::Channel, 2)] {
                let settings = Settings { moment, gradient, granularity };
                let probe = Probe { name, settings, cotangent: normal([3, 2, 5], 1) };
                let x = [normal([3, 2, 5], 2), normal([groups], 3)];
                test(&format!("{name} {settings:?}"), &probe, &x);
            }
        }
    }
}

#[test]
fn products_are_differences_of_the_gradient_as_returned_in_both_modes() {
    for gradient in [GradientMode::Full, GradientMode::Detached] {
        for_each_node(gradient, |text, f, x| {
            for seed in 10..13 {
                let worst = difference_error(f, x, &direction(x, seed));
                assert!(worst <= 1.0, "{text}: {worst:.2} times the allowed error");
            }
        });
    }
}

/// In the full mode the gradient is the function's and H symmetric; in the detached mode neither.
#[test]
fn only_the_full_gradient_belongs_to_a_function() {
    let slopes = |f: &Probe, x: &[Tensor<f64>]| {
        let v = direction(x, 4);
        let forward = jvp(f, x, &v).unwrap().1.item().unwrap();
        let backward = dot(&flat(&hvp(f, x, &v).unwrap().gradient), &flat(&v));
        (forward - backward).abs() / backward.abs()
    };
    for_each_node(GradientMode::Full, |text, f, x| {
        assert!(slopes(f, x) < 1e-12, "{text}");
        assert!(asymmetry(f, x) < 1e-12, "{text}: asymmetry {:.1e}", asymmetry(f, x));
    });
    for_each_node(GradientMode::Detached, |text, f, x| {
        assert!(slopes(f, x) > 1e-4, "{text}");
        assert!(asymmetry(f, x) > 1e-4, "{text}: asymmetry {:.1e}", asymmetry(f, x));
    });
}

/// Where H is not symmetric, rows and columns differ: H·v by the dense matrix, H[i, j] = ∂(∇f)ᵢ/∂xⱼ.
#[test]
fn the_dense_matrix_is_not_transposed() {
    for_each_node(GradientMode::Detached, |text, f, x| {
        let (h, v) = (hessian(f, x).unwrap(), direction(x, 5));
        let rows = h.data().chunks(h.dims()[0]);
        let want: Vec<f64> = rows.map(|row| dot(row, &flat(&v))).collect();
        let got = flat(&hvp(f, x, &v).unwrap().product);
        assert!(error(&got, &want) < 1e-13, "{text}: {:.1e}", error(&got, &want));
    });
}
