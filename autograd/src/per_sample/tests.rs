//! The short cut for matrix products against its general twin.

use proptest::prelude::*;

use super::*;
use crate::ops::MatMul;
use crate::random::{Purpose, Stream};
use crate::{Shape, Tape};

fn normal<S: Scalar>(index: u64, shape: [usize; 2]) -> Tensor<S> {
    let (mut stream, shape) = (Stream::new(3, Purpose::Probe, index), Shape::from(shape));
    Tensor::filled(shape, (0..shape.len()).map(|_| S::from_f64(0.5 + stream.normal())).collect())
}

/// The largest difference of two lists relative to the largest number.
fn apart(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    let size = b.data().iter().fold(f64::MIN_POSITIVE, |m: f64, x| m.max(x.abs()));
    a.data().iter().zip(b.data()).fold(0.0, |m, (a, b)| crate::check::worse(m, (a - b).abs() / size))
}

/// The worst difference of both routes on a chain of two products, and how many parameters took the short cut.
fn worst<S: Scalar>(samples: usize, sizes: [usize; 3], transpose_b: bool) -> (f64, usize) {
    let tape = Tape::<S>::new();
    let batch = [tape.constant(normal(0, [samples, sizes[0]]))];
    let mut x = batch[0];
    for (i, pair) in sizes.windows(2).enumerate() {
        let shape = if transpose_b { [pair[1], pair[0]] } else { [pair[0], pair[1]] };
        let w = tape.parameter(&format!("w{i}"), &normal(1 + i as u64, shape)).unwrap();
        x = tape.apply(MatMul { transpose_b }, &[x, w]).unwrap().map(crate::ops::activation::Tanh);
    }
    let query = Query::new(&batch, (x * x).mean_all().unwrap(), SampleSemantics::Independent);
    let (short, general) = (fold_by(&query, true).unwrap(), fold_by(&query, false).unwrap());
    let mut worst = 0.0;
    for (a, b) in short.parameters.iter().zip(&general.parameters) {
        let (a, b) = (a.contribution(), b.contribution());
        worst = [apart(a.mean(), b.mean()), apart(a.variance(), b.variance())]
            .into_iter()
            .fold(worst, crate::check::worse);
    }
    let prepared = Prepared::of(&query).unwrap();
    let nodes = tape.nodes.borrow();
    let walk = Walk::new(&nodes, &prepared.classes, &prepared.gradients, &tape);
    let cut = prepared.wanted.iter().filter(|t| walk.single_product(t.id).is_some()).count();
    (worst, cut)
}

proptest! {
    #[test]
    fn the_short_cut_equals_the_general_route(
        samples in 1..9usize, sizes in [1..40usize, 1..40usize, 1..8usize], transpose_b: bool
    ) {
        let (worst, cut) = worst::<f64>(samples, sizes, transpose_b);
        prop_assert_eq!(cut, 2);
        prop_assert!(worst <= 1e-12, "worst relative difference {:.2e}", worst);
    }
}

/// Tasks of several rows, and f32, whose products the short cut does not round.
#[test]
fn the_short_cut_is_that_of_large_and_of_single_precision_products() {
    for (worst, limit) in
        [(worst::<f64>(33, [300, 70, 5], true).0, 1e-12), (worst::<f32>(33, [300, 70, 5], false).0, 1e-6)]
    {
        assert!(worst <= limit, "worst relative difference {worst:.2e}");
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let run = || {
        let tape = Tape::<f32>::new();
        let batch = [tape.constant(normal(0, [40, 300]))];
        let of = |name: &str, i, shape| tape.parameter(name, &normal(i, shape)).unwrap();
        let y = batch[0].matmul_transposed(of("v", 1, [90, 300])).unwrap() + of("b", 2, [1, 90]);
        let z = y.matmul(of("w", 3, [90, 500])).unwrap();
        let query = Query::new(&batch, (z * z).mean_all().unwrap(), SampleSemantics::Independent);
        let parameters = statistics(&query).unwrap().parameters;
        let bits = |x: &Tensor<f64>| x.data().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let all = parameters.iter().map(ParameterStatistics::contribution);
        all.map(|c| (bits(c.mean()), bits(c.variance()))).collect::<Vec<_>>()
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
    let one = on(1);
    assert!([2, 3, 8].iter().all(|&t| on(t) == one));
}
