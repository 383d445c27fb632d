//! What the tape really holds.

use autograd::{Gradients, Result, Scalar, kernels::reduce};

use super::Quantities;
use super::sites::Site;

/// Mean of squares, summed in f64.
pub(super) fn second_moment<S: Scalar>(x: &[S]) -> f64 {
    let square = |i: usize| x[i].to_f64() * x[i].to_f64();
    reduce::sum_of(x.len(), square) / x.len().max(1) as f64
}

/// Mean, summed in f64.
pub(super) fn mean<S: Scalar>(x: &[S]) -> f64 {
    reduce::sum_of(x.len(), |i| x[i].to_f64()) / x.len().max(1) as f64
}

/// Variance, in two passes.
fn variance<S: Scalar>(x: &[S]) -> f64 {
    let mean = mean(x);
    let square = |i: usize| (x[i].to_f64() - mean).powi(2);
    reduce::sum_of(x.len(), square) / x.len().max(1) as f64
}

/// The measured numbers of one layer.
pub(super) fn quantities<S: Scalar>(site: &Site<'_, S>, gradients: &Gradients<S>) -> Result<Quantities> {
    let z = site.z.value();
    let weight = site.weight_op.inputs()[1];
    let mut q = Quantities {
        input: Some(second_moment(site.weight_op.inputs()[0].value().data())),
        variance_z: Some(variance(z.data())),
        delta: Some(second_moment(gradients.wrt(site.z)?.data())),
        weight_gradient: Some(second_moment(gradients.wrt(weight)?.data())),
        ..Quantities::default()
    };
    if let Some(activation) = &site.activation {
        let ratios = activation.node.function.on(&z.cast())?.ratios(activation.node.moment());
        let kappa = activation.node.kappa();
        q.kappa = Some(kappa);
        if let Some(ratios) = ratios {
            let scaled = ratios.scaled(kappa);
            (q.rho, q.rho_prime) = (Some(ratios.forward), Some(ratios.backward));
            (q.scaled_rho, q.scaled_rho_prime) = (Some(scaled.forward), Some(scaled.backward));
        }
    }
    Ok(q)
}
