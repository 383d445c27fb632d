//! Inputs that are one number throughout: constant batches, dead layers, zeros.

use autograd::Tensor;

use super::{Departures, assert_exceptions, families, scattered32};

const CONSTANTS: [f32; 5] = [0.0, -0.0, 1.0, -1.0, 0.1];

#[test]
fn a_constant_has_finite_values_and_gradients() {
    let families = families();
    let mut found = Departures::default();
    for (name, cases) in &families {
        for (case, c) in cases.iter().flat_map(|case| CONSTANTS.map(|c| (case, c))) {
            let inputs: Vec<_> = case.inputs().iter().map(|x| Tensor::full(x.shape(), c)).collect();
            let e = case.evaluate_f32(&inputs, &scattered32).unwrap();
            let is_finite = |t: &Tensor<f32>| t.data().iter().all(|x| x.is_finite());
            if !is_finite(&e.output) || !e.gradients.iter().all(is_finite) {
                found.note(name, "", case, &c.to_string(), format!("{} of {c}", case.name()));
            }
        }
    }
    assert_exceptions("constants_that_are_not_finite", &found.by_name(&families));
}
