//! The node against the reference file.

use anact::{ForwardMoment, GradientMode, Granularity, NodeStatistics, Normalize, Plan, Settings};
use autograd::ops::activation::{Visitor, with_activation};
use autograd::{Elementwise, Keep, Scalar, Tape, Tensor};

use crate::reference::{self, Row};

fn settings(row: &Row) -> Settings {
    let moment = match row.text("forward_moment") {
        "raw" => ForwardMoment::Raw,
        "centered" => ForwardMoment::Centered,
        other => panic!("{other}"),
    };
    let gradient = match row.text("gradient") {
        "detached" => GradientMode::Detached,
        "full" => GradientMode::Full,
        other => panic!("{other}"),
    };
    Settings { moment, gradient, granularity: Granularity::Layer }
}

/// The worst error over everything the row holds, each relative to its largest entry.
struct Compare<'a>(&'a Row);

impl Compare<'_> {
    fn run<S: Scalar, E: Elementwise>(&self, function: E) -> f64 {
        let row = self.0;
        let tape = Tape::<S>::new();
        let z = tape.variable(row.tensor("z").cast());
        let alpha = tape.variable(Tensor::vector(vec![S::from_f64(row.number("alpha"))]));
        let y = Normalize::new(function, Plan::batch(settings(row))).apply(z, Some(alpha)).unwrap();
        let gradients = tape.backward_from(y, row.tensor("cotangent").cast(), Keep::Leaves).unwrap();
        let group = NodeStatistics::of(y).unwrap().groups[0];
        let ratios = group.ratios(settings(row).moment).unwrap();

        let numbers = [
            ("mu", group.mu),
            ("rho", ratios.forward),
            ("rho_prime", ratios.backward),
            ("lambda_", group.lambda),
            ("grad_alpha", gradients.wrt(alpha).unwrap().item().unwrap().to_f64()),
        ];
        let scalars = numbers.iter().map(|&(key, got)| error(&[got], &[row.number(key)]));
        let tensors = [("y", y.value()), ("grad_z", gradients.wrt(z).unwrap())];
        let vectors = tensors.iter().map(|(key, got)| error(got.cast::<f64>().data(), &row.vector(key)));
        scalars.chain(vectors).fold(0.0, |a: f64, e| if e.is_nan() { e } else { a.max(e) })
    }
}

fn error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let size = want.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let errors = got.iter().zip(want).map(|(g, w)| (g - w).abs() / size);
    errors.fold(0.0, |a: f64, e| if e.is_nan() { e } else { a.max(e) })
}

impl Visitor for Compare<'_> {
    /// In f64 and in f32.
    type Output = (f64, f64);
    fn visit<E: Elementwise>(self, activation: E) -> (f64, f64) {
        (self.run::<f64, E>(activation), self.run::<f32, E>(activation))
    }
}

#[test]
fn every_row_of_the_reference_is_met() {
    let rows = reference::node();
    assert_eq!(rows.len(), 16);
    let mut worst = (0.0f64, 0.0f64);
    for row in &rows {
        let name = row.text("activation");
        let (double, single) = with_activation(name, Compare(row)).unwrap();
        let what = || format!("{name} {} {}", row.text("gradient"), row.text("forward_moment"));
        assert!(double <= 1e-12, "{}: {double:e}", what());
        assert!(single <= 2e-5, "{} in f32: {single:e}", what());
        worst = (worst.0.max(double), worst.1.max(single));
    }
    println!("worst relative errors: f64 {:.1e}, f32 {:.1e}", worst.0, worst.1);
}
