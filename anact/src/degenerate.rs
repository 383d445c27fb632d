//! How often the normalized activations of a network met a batch that no factor can be computed from.

use autograd::Scalar;
use layers::{BufferMut, Layer, Parameter, Visitor, Walk};

use crate::layer::RUNNING_STATISTICS;
use crate::statistics::RunningStatistics;

/// The sites that saw degenerate batches (constant, dead, or not finite), with their number summed over groups. Empty
/// for a healthy network, and for one without normalized activations.
pub fn degenerate_batches<S: Scalar>(model: &mut dyn Layer<S>) -> Vec<(String, u64)> {
    let mut count = Count(Vec::new());
    Walk::over(model, &mut count);
    count.0
}

struct Count(Vec<(String, u64)>);

impl<S: Scalar> Visitor<S> for Count {
    fn parameter(&mut self, _name: &str, _parameter: &mut Parameter<S>) {}

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let site = name.strip_suffix(RUNNING_STATISTICS).map(|site| site.trim_end_matches('.'));
        if let (Some(site), BufferMut::Values(numbers)) = (site, buffer) {
            let degenerate = RunningStatistics::of_numbers(numbers).degenerate();
            if degenerate > 0 {
                self.0.push((site.to_string(), degenerate));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Normalized, NormalizedSettings};
    use autograd::ops::activation::Relu;
    use autograd::{Tape, Tensor};
    use layers::{Context, Sequential};

    #[test]
    fn constant_batches_are_counted_by_site() {
        let site = || Normalized::new(Relu, NormalizedSettings::default(), 3).unwrap();
        let mut net = Sequential::<f64>::new().named("act1", site()).named("act2", site());
        let mut step = |x: Tensor<f64>| {
            let tape = Tape::new();
            net.forward(&Context::train(&tape, 0, 0), tape.constant(x)).unwrap();
        };
        step(Tensor::new([2, 3], vec![1.0, -1.0, 2.0, -2.0, 3.0, 0.5]).unwrap());
        step(Tensor::full([2, 3], 1.0));
        step(Tensor::full([2, 3], -1.0));
        assert_eq!(degenerate_batches(&mut net), [("act1".to_string(), 2), ("act2".to_string(), 2)]);
    }
}
