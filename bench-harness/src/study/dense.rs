//! A deep dense net at initialisation, with normal inputs and normal cotangents: where the theory's assumptions hold but
//! for those that it is asked about.

use anact::theory::{DenseNet, LayerRow, OutputMean, compare, compared};
use anact::{
    ForwardMoment, Granularity, NormalizedSettings, StatisticsSource, activation, measure, registry,
};
use autograd::ops::activation::{Visitor, with_activation};
use autograd::random::{Purpose, Stream};
use autograd::{Elementwise, Keep, Pass, Shape, Tape, Tensor, Var};
use layers::Context;

use crate::error::Result;

/// Every layer of the network that `net` describes, predicted and measured in f64 on a batch of `samples`, with weights,
/// inputs and cotangents of this seed; cotangents are scaled to E\[δ²\] = 1. Normalized activations use the batch's own
/// statistics.
///
/// # Errors
/// An unknown activation.
pub fn dense_rows(net: &DenseNet, samples: usize, seed: u64) -> Result<Vec<LayerRow>> {
    let settings = NormalizedSettings {
        statistics: StatisticsSource::Batch,
        moment: net.moment,
        ..NormalizedSettings::default()
    };
    let depth = net.widths.len() - 1;
    let factory = activation::<f64>(&net.activation, &settings)?;
    let tape = Tape::new();
    let cx = Context::train(&tape, seed, 0);
    let draw = |shape: Shape, purpose: Purpose, index: usize, scale: f64| {
        let mut stream = Stream::new(seed, purpose, index as u64);
        Tensor::filled(shape, (0..shape.len()).map(|_| scale * stream.normal()).collect())
    };
    let mut x = tape.constant(draw([samples, net.widths[0]].into(), Purpose::Probe, 0, 1.0));
    for layer in 1..=depth {
        let (inputs, units) = (net.widths[layer - 1], net.widths[layer]);
        let scale = (net.gain / inputs as f64).sqrt();
        let weight = draw([inputs, units].into(), Purpose::Initialisation, layer, scale);
        let scope = tape.scope(&format!("fc{layer}"));
        let z = x.matmul(tape.parameter("weight", &weight)?)?;
        drop(scope);
        let _scope = tape.scope(&format!("act{layer}"));
        x = match net.output_mean {
            _ if layer == depth => z,
            mean => match registry::plain_name(&net.activation).filter(|_| mean == OutputMean::Kept) {
                None => factory(units).forward(&cx, z)?,
                Some(plain) => with_activation(plain, MeanKept(z, net.moment))??,
            },
        };
    }
    let cotangent = draw(x.shape(), Purpose::Probe, 1, 1.0);
    let scale = (cotangent.len() as f64 / cotangent.data().iter().map(|g| g * g).sum::<f64>()).sqrt();
    let unit = Tensor::filled(x.shape(), cotangent.data().iter().map(|g| scale * g).collect());
    let mut pass = Pass::new(Keep::Watched).with_cotangent(unit);
    for node in compared(&tape, x) {
        pass = pass.watch_node(node);
    }
    let gradients = tape.run(pass, x)?;
    Ok(compare(&tape, x, &gradients)?)
}

/// λ·f(z) with the batch's λ, a constant.
struct MeanKept<'t>(Var<'t, f64>, ForwardMoment);

impl<'t> Visitor for MeanKept<'t> {
    type Output = Result<Var<'t, f64>>;
    fn visit<E: Elementwise>(self, function: E) -> Self::Output {
        let moments = measure(&function, &self.0.value(), Granularity::Layer)?[0];
        let lambda = moments.ratios(self.1).and_then(|r| r.factor()).unwrap_or(1.0);
        Ok(self.0.map(function).scale(lambda))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(activation: &str, output_mean: OutputMean) -> DenseNet {
        DenseNet {
            widths: vec![24, 32, 32, 16],
            gain: 1.0,
            activation: activation.into(),
            moment: ForwardMoment::Raw,
            output_mean,
        }
    }

    #[test]
    fn layers_are_those_of_the_description() {
        let rows = dense_rows(&net("nswish", OutputMean::Subtracted), 8, 0).unwrap();
        let names: Vec<_> = rows.iter().map(|r| (r.layer.as_str(), r.activation.as_deref())).collect();
        assert_eq!(names, [("fc1", Some("nswish")), ("fc2", Some("nswish")), ("fc3", None)]);
        assert!(rows.iter().all(|r| r.two_state.delta.is_some()));
        // The output's E[δ²] is that of the cotangents, which every theory is told.
        let (told, measured) = (rows[2].two_state.delta.unwrap(), rows[2].measured.delta.unwrap());
        assert!((measured - 1.0).abs() < 1e-12 && (told - 1.0).abs() < 1e-12, "{told} {measured}");
    }

    /// λ·f and λ·(f − μ) have the same slopes; plain activations have no μ to keep.
    #[test]
    fn what_is_kept_is_the_mean_alone() {
        let rows = |name: &str, mean| dense_rows(&net(name, mean), 16, 3).unwrap();
        let (centred, kept) = (rows("ntanh", OutputMean::Subtracted), rows("ntanh", OutputMean::Kept));
        let input = |rows: &[LayerRow]| rows[1].measured.input.unwrap();
        assert!(input(&kept) > input(&centred));
        assert_eq!(rows("tanh", OutputMean::Subtracted), rows("tanh", OutputMean::Kept));
    }
}
