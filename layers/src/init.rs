//! Initial weights.
//!
//! Every parameter draws from a stream of its own, keyed by the model's seed and the parameter's number, so that
//! two models with the same seed and the same weight shapes start from the same weights whatever their activations.

use autograd::random::{Purpose, Stream};
use autograd::{Error, Result, Scalar, Shape, Tensor};

use crate::parameter::{Parameter, Role};

/// How weights are drawn. n is the fan-in, m the fan-out: for a weight of shape [O, I, KH, KW] they are I·KH·KW
/// and O·KH·KW, for [O, I] they are I and O.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// Normal, variance 1/n. Source: LeCun et al., *Efficient BackProp* (1998).
    LecunNormal,
    /// Uniform with the same variance: bound √(3/n).
    LecunUniform,
    /// Normal, variance 2/(n + m). Source: Glorot and Bengio (2010).
    XavierNormal,
    /// Uniform with the same variance: bound √(6/(n + m)).
    XavierUniform,
    /// Normal, variance 2/n. Source: He et al., *Delving deep into rectifiers* (2015), equation 10.
    HeNormal,
    /// Uniform with the same variance: bound √(6/n).
    HeUniform,
    /// Rows (or columns, if there are fewer) of a random orthogonal matrix, scaled to variance 1/n.
    /// Source: Saxe, McClelland and Ganguli (2013).
    Orthogonal,
}

/// One initialisation as listings see it.
#[derive(Debug, Clone, Copy)]
pub struct InitEntry {
    /// The registered name.
    pub name: &'static str,
    /// What it is, n being the fan-in and m the fan-out.
    pub about: &'static str,
    /// How it draws.
    pub init: Init,
}

/// Every initialisation, in reading order.
pub const INITS: &[InitEntry] = &[
    InitEntry { name: "lecun_normal", about: "normal, variance 1/n", init: Init::LecunNormal },
    InitEntry { name: "lecun_uniform", about: "uniform, variance 1/n", init: Init::LecunUniform },
    InitEntry { name: "xavier_normal", about: "normal, variance 2/(n + m)", init: Init::XavierNormal },
    InitEntry { name: "xavier_uniform", about: "uniform, variance 2/(n + m)", init: Init::XavierUniform },
    InitEntry { name: "he_normal", about: "normal, variance 2/n", init: Init::HeNormal },
    InitEntry { name: "he_uniform", about: "uniform, variance 2/n", init: Init::HeUniform },
    InitEntry { name: "orthogonal", about: "random orthogonal, variance 1/n", init: Init::Orthogonal },
];

impl Init {
    /// The initialisation called `name`.
    ///
    /// # Errors
    /// There is none; the near names are given.
    pub fn named(name: &str) -> Result<Self> {
        let entry = INITS.iter().find(|i| i.name == name);
        entry
            .map(|i| i.init)
            .ok_or_else(|| Error::unknown("initialisation", name, INITS.iter().map(|i| i.name)))
    }

    /// Var\[w\] for a weight of `shape`.
    pub fn variance(self, shape: Shape) -> f64 {
        let (n, m) = fans(shape);
        match self {
            Self::LecunNormal | Self::LecunUniform | Self::Orthogonal => 1.0 / n,
            Self::XavierNormal | Self::XavierUniform => 2.0 / (n + m),
            Self::HeNormal | Self::HeUniform => 2.0 / n,
        }
    }

    /// Draws a weight.
    pub fn draw<S: Scalar>(self, shape: Shape, stream: &mut Stream) -> Tensor<S> {
        let deviation = self.variance(shape).sqrt();
        let mut fill = |draw: &mut dyn FnMut(&mut Stream) -> f64| -> Vec<f64> {
            (0..shape.len()).map(|_| draw(stream)).collect()
        };
        let numbers = match self {
            Self::LecunNormal | Self::XavierNormal | Self::HeNormal => fill(&mut |s| deviation * s.normal()),
            Self::LecunUniform | Self::XavierUniform | Self::HeUniform => {
                let bound = deviation * 3.0f64.sqrt();
                fill(&mut |s| s.uniform_in(-bound, bound))
            }
            Self::Orthogonal => {
                let rows = shape.dims().first().copied().unwrap_or(1);
                orthogonal(&fill(&mut Stream::normal), rows, shape.len() / rows.max(1))
            }
        };
        Tensor::filled(shape, numbers.into_iter().map(S::from_f64).collect())
    }
}

/// Fan-in and fan-out of a weight.
fn fans(shape: Shape) -> (f64, f64) {
    let (outputs, rest) = shape.dims().split_first().unwrap_or((&1, &[]));
    let inputs = rest.first().copied().unwrap_or(1);
    let taps: usize = rest.iter().skip(1).product();
    ((inputs * taps) as f64, (outputs * taps) as f64)
}

/// Makes the rows of a rows × columns matrix orthonormal by Gram and Schmidt, twice for full precision, then
/// scales so that the entries have variance 1/columns. With more rows than columns the columns are treated so.
fn orthogonal(matrix: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let transposed = rows > columns;
    let (count, length) = if transposed { (columns, rows) } else { (rows, columns) };
    let at = |i: usize, j: usize| if transposed { j * columns + i } else { i * columns + j };
    let mut vectors: Vec<Vec<f64>> =
        (0..count).map(|i| (0..length).map(|j| matrix[at(i, j)]).collect()).collect();
    for i in 0..count {
        let (done, rest) = vectors.split_at_mut(i);
        let v = &mut rest[0];
        for u in done.iter().chain(done.iter()) {
            let along: f64 = u.iter().zip(v.iter()).map(|(a, b)| a * b).sum();
            v.iter_mut().zip(u).for_each(|(v, u)| *v -= along * u);
        }
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.iter_mut().for_each(|x| *x /= norm);
    }
    // An orthonormal vector of `length` entries has mean square 1/length; we want 1/columns.
    let gain = (length as f64 / columns as f64).sqrt();
    let mut out = vec![0.0; rows * columns];
    for (i, v) in vectors.iter().enumerate() {
        v.iter().enumerate().for_each(|(j, x)| out[at(i, j)] = gain * x);
    }
    out
}

/// Hands every new weight its stream.
#[derive(Debug)]
pub struct Initializer {
    init: Init,
    seed: u64,
    weights: u64,
}

impl Initializer {
    /// Weights drawn by `init` from `seed`.
    pub fn new(init: Init, seed: u64) -> Self {
        Self { init, seed, weights: 0 }
    }

    /// The next weight.
    pub fn weight<S: Scalar>(&mut self, shape: impl Into<Shape>) -> Parameter<S> {
        let mut stream = Stream::new(self.seed, Purpose::Initialisation, self.weights);
        self.weights += 1;
        Parameter::new(self.init.draw(shape.into(), &mut stream), Role::Weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn draw(init: Init, shape: Shape) -> Vec<f64> {
        init.draw::<f64>(shape, &mut Stream::new(11, Purpose::Initialisation, 0)).data().to_vec()
    }

    /// Standard deviations and bounds from `torch.nn.init`, see tests/golden/README.md.
    #[test]
    fn variances_equal_those_of_torch() {
        let text = include_str!("../../tests/golden/init.json");
        let rows: Value = serde_json::from_str(text).unwrap();
        let mut tested = 0;
        for row in rows["inits"].as_array().unwrap() {
            let init = match row["init"].as_str().unwrap() {
                "xavier_uniform" => Init::XavierUniform,
                "xavier_normal" => Init::XavierNormal,
                "kaiming_uniform_fan_in_relu" => Init::HeUniform,
                "kaiming_normal_fan_in_relu" => Init::HeNormal,
                "lecun_normal" => Init::LecunNormal,
                // We have no fan-out variant of He's initialisation.
                "kaiming_normal_fan_out_relu" => continue,
                other => panic!("{other}"),
            };
            let dims: Vec<usize> =
                row["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
            let deviation = init.variance(Shape::new(&dims).unwrap()).sqrt();
            let want = row["std"].as_f64().unwrap();
            assert!((deviation - want).abs() < 1e-12 * want, "{init:?} {dims:?}: {deviation} {want}");
            if let Some(bound) = row["bound"].as_f64() {
                assert!((deviation * 3.0f64.sqrt() - bound).abs() < 1e-12 * bound);
            }
            tested += 1;
        }
        assert_eq!(tested, 10);
    }

    /// Mean and variance of 36,864 draws within five standard errors (normal: √(2/N), uniform: √(0.8/N)).
    #[test]
    fn draws_have_the_variance_promised() {
        let shape = Shape::from([64, 64, 3, 3]);
        for &InitEntry { name, init, .. } in INITS {
            let w = draw(init, shape);
            let (n, want) = (w.len() as f64, init.variance(shape));
            let mean = w.iter().sum::<f64>() / n;
            let second = w.iter().map(|x| x * x).sum::<f64>() / n;
            assert!(mean.abs() < 5.0 * (want / n).sqrt(), "{name}: mean {mean}");
            assert!((second / want - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{name}: {second} {want}");
        }
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthogonal() {
        for (rows, columns) in [(5, 12), (12, 5)] {
            let w = draw(Init::Orthogonal, Shape::from([rows, columns]));
            let (count, size) = (rows.min(columns), rows.max(columns));
            let entry =
                |i: usize, j: usize| if rows < columns { w[i * columns + j] } else { w[j * columns + i] };
            for a in 0..count {
                for b in 0..count {
                    let dot: f64 = (0..size).map(|j| entry(a, j) * entry(b, j)).sum();
                    let want = if a == b { size as f64 / columns as f64 } else { 0.0 };
                    assert!((dot - want).abs() < 1e-13, "{dot} {want}");
                }
            }
        }
    }

    #[test]
    fn weights_are_numbered() {
        let mut a = Initializer::new(Init::HeNormal, 1);
        let (first, second) = (a.weight::<f64>([3]), a.weight::<f64>([3]));
        assert_ne!(first.value, second.value);
        assert_eq!(Initializer::new(Init::HeNormal, 1).weight::<f64>([3]).value, first.value);
        assert!(Init::named("he_norma").unwrap_err().to_string().contains("he_normal"));
    }
}
