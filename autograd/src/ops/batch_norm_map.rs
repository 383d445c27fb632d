//! Batch normalization, the sum with a shortcut and a function of every element as one op.

use std::fmt::{self, Debug};

use super::batch_norm::BatchNorm;
use crate::check::Case;
use crate::elementwise::{self, Elementwise, Map};
use crate::error::{Error, Result};
use crate::op::{Backward, Forward, Op};
use crate::ops::activation::{ACTIVATIONS, Identity, Swish, Tanh, Visitor, with_activation};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::slices::Slices;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// y = f(z), z = γ·x̂ + β + r: a [`BatchNorm`], the sum with a shortcut r, and f of every element.
///
/// Value and gradients have the bits of the three ops one after the other, because they are computed by the same loops;
/// but z is computed again where it is read, a block at a time, and never stored.
///
/// Derivatives: with g′ = g·f′(z), those of [`BatchNorm`] for the upstream gradient g′; ∂L/∂r = g′.
///
/// Inputs: x (N, C, …), γ (C), β (C), and optionally r of x's shape; y as x. Saved, in this order: μ (C), v (C).
///
/// Errors: those of [`BatchNorm`]; r of another shape.
#[derive(Clone, Copy)]
pub struct BatchNormMap<E> {
    /// ε.
    pub norm: BatchNorm,
    /// f.
    pub function: E,
}

const NAME: &str = "batch_norm_map";

impl<E: Elementwise> Debug for BatchNormMap<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, eps {}", self.function.label(), self.norm.eps)
    }
}

impl<S: Scalar, E: Elementwise> Op<S> for BatchNormMap<E> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        forward(&self.function, self.norm, inputs)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        backward(&self.function, self.norm, cx)
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        let (norm, shortcut) = inputs.split_at(3);
        BatchNorm::samples_with(norm, shortcut.first())
    }
}

fn forward<S: Scalar>(f: &dyn Slices<S>, norm: BatchNorm, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
    let (&[x, gamma, beta], shortcut) = operands(inputs)?;
    let channels = norm.measure(NAME, x, gamma, beta)?;
    check_shortcut(NAME, x, shortcut)?;
    let y = elementwise::values(f, &channels.normalized(x, gamma, beta, shortcut), x.len());
    Ok(Forward { output: Tensor::filled(x.shape(), y), saved: channels.saved() })
}

fn backward<S: Scalar>(f: &dyn Slices<S>, norm: BatchNorm, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
    let (&[x, gamma, beta], shortcut) = operands(cx.inputs).expect("forward took these inputs");
    let channels = norm.measured(cx.saved);
    let (y, g) = (cx.output.data(), cx.upstream.data());
    let normalized = channels.normalized(x, gamma, beta, shortcut);
    let gradients = normalized.gradients(cx.needs[0], cx.needs.get(3) == Some(&true), &|block| {
        let here = block.start..block.start + block.z.len();
        f.gradients(block.z, &y[here.clone()], &g[here], block.out);
        S::ZERO
    });
    let of_x = gradients.x.map(|dx| Tensor::filled(x.shape(), dx));
    let of_gamma = cx.needs[1].then(|| Tensor::vector(gradients.gamma));
    let of_beta = cx.needs[2].then(|| Tensor::vector(gradients.beta));
    let of_shortcut = shortcut.map(|r| gradients.z.map(|g| Tensor::filled(r.shape(), g)));
    [of_x, of_gamma, of_beta].into_iter().chain(of_shortcut).collect()
}

type Operands<'a, 'b, S> = (&'b [&'a Tensor<S>; 3], Option<&'a Tensor<S>>);

fn operands<'a, 'b, S>(inputs: &'b [&'a Tensor<S>]) -> Result<Operands<'a, 'b, S>> {
    match inputs.split_first_chunk() {
        Some((norm, [])) => Ok((norm, None)),
        Some((norm, &[shortcut])) => Ok((norm, Some(shortcut))),
        _ => {
            let legal = "3 or 4: the input, gamma, beta, and perhaps a shortcut";
            Err(Error::Inputs { op: NAME, given: inputs.len(), legal })
        }
    }
}

/// Checks the shortcut of `op`, which begins with a batch normalization of `x`.
///
/// # Errors
/// It has another shape than `x`.
pub fn check_shortcut<S: Scalar>(
    op: &'static str,
    x: &Tensor<S>,
    shortcut: Option<&Tensor<S>>,
) -> Result<()> {
    match shortcut {
        Some(r) if r.shape() != x.shape() => {
            let legal = format!("{}, the input's", x.shape());
            Err(Error::Operand { op, what: "the shortcut", shape: r.shape(), legal })
        }
        _ => Ok(()),
    }
}

impl<'t, S: Scalar> Var<'t, S> {
    /// f(batch_norm(self) + shortcut) as one op; see [`BatchNormMap`].
    ///
    /// # Errors
    /// Shapes or an ε that do not fit.
    pub fn batch_norm_map<E: Elementwise>(
        self,
        gamma: Self,
        beta: Self,
        shortcut: Option<Self>,
        op: BatchNormMap<E>,
    ) -> Result<Self> {
        let inputs: Vec<Self> = [self, gamma, beta].into_iter().chain(shortcut).collect();
        self.tape().apply(op, &inputs)
    }
}

/// The cases on which the gradient is checked: every activation with a shortcut, and some without.
pub(super) fn cases() -> Vec<Case> {
    struct WithShortcut;
    impl Visitor for WithShortcut {
        type Output = Case;
        fn visit<E: Elementwise>(self, function: E) -> Case {
            let norm = BatchNorm { eps: 0.1 };
            let case = Case::op("with a shortcut", BatchNormMap { norm, function });
            let case = case.normal([3, 2, 5]).normal([2]).normal([2]);
            let shortcut = shortcut_to(norm, case.inputs(), E::KINKS);
            case.values(shortcut)
        }
    }
    let of = |name| with_activation(name, WithShortcut).expect("a registered name");
    let without = BatchNormMap { norm: BatchNorm::default(), function: Swish::default() };
    let vectors = BatchNormMap { norm: BatchNorm { eps: 0.3 }, function: Tanh };
    let mut cases: Vec<Case> = ACTIVATIONS.iter().map(|a| of(a.name)).collect();
    cases.push(Case::op("images", without).normal([2, 3, 3, 5]).normal([3]).normal([3]));
    cases.push(Case::op("vectors", vectors).normal([7, 3]).normal([3]).normal([3]));
    cases
}

/// A shortcut with which z is clear of `kinks`, for cases of ops that begin with a batch normalization of x, γ and β.
///
/// # Panics
/// `inputs` are not those three.
pub fn shortcut_to(norm: BatchNorm, inputs: &[Tensor<f64>], kinks: &[f64]) -> Tensor<f64> {
    let tape = Tape::new();
    let &[x, gamma, beta] = inputs.iter().map(|t| tape.constant(t.clone())).collect::<Vec<_>>().as_slice()
    else {
        panic!("x, γ and β were to be given");
    };
    let z = Case::op("", Map(Identity)).clear_of(x.shape(), kinks).inputs()[0].clone();
    let normalized = x.batch_norm(gamma, beta, norm).expect("a case's shapes fit");
    (tape.constant(z) - normalized).value()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Keep;
    use crate::random::{Purpose, Stream};

    /// Whether value and every gradient have the bits of the chain of ops, for one function and some operands.
    struct LikeTheChain<S> {
        operands: Vec<Tensor<S>>,
        upstream: Tensor<S>,
        eps: f64,
        constants: usize,
    }

    impl<S: Scalar> LikeTheChain<S> {
        /// Operands for x of this shape; bit i of `constants` says that operand i needs no gradient.
        fn new(dims: &[usize], has_shortcut: bool, constants: usize, seed: u64) -> Self {
            let mut stream = Stream::new(seed, Purpose::Probe, 0);
            let mut normal = |dims: &[usize], scale: f64| {
                let shape = crate::Shape::new(dims).unwrap();
                let numbers = (0..shape.len()).map(|_| S::from_f64(scale * stream.normal() + 0.3)).collect();
                Tensor::new(shape, numbers).unwrap()
            };
            let c = dims[1];
            let mut operands = vec![normal(dims, 2.0), normal(&[c], 1.0), normal(&[c], 1.0)];
            if has_shortcut {
                operands.push(normal(dims, 1.0));
            }
            Self { operands, upstream: normal(dims, 1.0), eps: 1e-5, constants }
        }

        fn run(&self, record: impl for<'t> Fn(&[Var<'t, S>]) -> Var<'t, S>) -> Vec<Vec<u64>> {
            let tape = Tape::new();
            let leaf = |(i, t): (usize, &Tensor<S>)| {
                if self.constants >> i & 1 == 1 { tape.constant(t.clone()) } else { tape.variable(t.clone()) }
            };
            let inputs: Vec<_> = self.operands.iter().enumerate().map(leaf).collect();
            let y = record(&inputs);
            let bits = |t: &Tensor<S>| t.data().iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
            let mut all = vec![bits(&y.value())];
            if y.needs_gradient() {
                let gradients = tape.backward_from(y, self.upstream.clone(), Keep::Leaves).unwrap();
                let wanted = inputs.iter().filter(|v| v.needs_gradient());
                all.extend(wanted.map(|v| bits(&gradients.wrt(*v).unwrap())));
            }
            all
        }
    }

    impl<S: Scalar> Visitor for &LikeTheChain<S> {
        type Output = bool;
        fn visit<E: Elementwise>(self, function: E) -> bool {
            let norm = BatchNorm { eps: self.eps };
            let op = BatchNormMap { norm, function };
            let fused = self.run(|v| v[0].batch_norm_map(v[1], v[2], v.get(3).copied(), op).unwrap());
            let chain = self.run(|v| {
                let z = v[0].batch_norm(v[1], v[2], norm).unwrap();
                v.get(3).map_or(z, |&r| z + r).map(function)
            });
            fused == chain
        }
    }

    /// Every activation, f32 and f64, planes of several sizes, with and without a shortcut.
    #[test]
    fn the_bits_are_those_of_the_chain() {
        let shapes: [&[usize]; 6] =
            [&[9, 5], &[3, 4, 1, 1], &[5, 3, 4, 4], &[2, 5, 7, 7], &[3, 2, 32, 32], &[2, 3, 37, 41]];
        for (i, dims) in shapes.into_iter().enumerate() {
            for has_shortcut in [false, true] {
                let single = LikeTheChain::<f32>::new(dims, has_shortcut, 0, i as u64);
                let double = LikeTheChain::<f64>::new(dims, has_shortcut, 0, i as u64);
                for a in ACTIVATIONS {
                    assert!(
                        with_activation(a.name, &single).unwrap(),
                        "f32 {} {dims:?} {has_shortcut}",
                        a.name
                    );
                    assert!(
                        with_activation(a.name, &double).unwrap(),
                        "f64 {} {dims:?} {has_shortcut}",
                        a.name
                    );
                }
            }
        }
    }

    proptest! {
        /// Any shape, and any of the operands without a gradient.
        #[test]
        fn the_bits_are_those_of_the_chain_for_any_shape(
            (n, c, h, w) in (1usize..5, 1usize..6, 1usize..20, 1usize..20),
            has_shortcut: bool,
            constants in 0usize..16,
            seed: u64,
        ) {
            let case = LikeTheChain::<f32>::new(&[n, c, h, w], has_shortcut, constants, seed);
            prop_assert!(with_activation("swish", &case).unwrap());
            prop_assert!(with_activation("relu", &case).unwrap());
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let case = LikeTheChain::<f32>::new(&[6, 5, 37, 41], true, 0, 3);
        let op = BatchNormMap { norm: BatchNorm::default(), function: Swish::default() };
        let run = || case.run(|v| v[0].batch_norm_map(v[1], v[2], v.get(3).copied(), op).unwrap());
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
        let one = on(1);
        assert!([2, 3, 8].iter().all(|&t| on(t) == one));
    }

    #[test]
    fn misfits_are_named() {
        let tape = Tape::<f32>::new();
        let of = |dims: &[usize]| tape.constant(Tensor::zeros(crate::Shape::new(dims).unwrap()));
        let op = BatchNormMap { norm: BatchNorm::default(), function: Tanh };
        let text = |x: &[usize], shortcut: &[usize]| {
            let (x, c, r) = (of(x), of(&[3]), of(shortcut));
            x.batch_norm_map(c, c, Some(r), op).unwrap_err().to_string()
        };
        assert_eq!(
            text(&[2, 3, 4], &[3, 4]),
            "batch_norm_map: the shortcut has shape [3, 4], want [2, 3, 4], the input's"
        );
        assert!(text(&[3], &[3]).starts_with("batch_norm_map: the input has shape [3]"));
        let x = of(&[2, 3]);
        assert!(tape.apply(op, &[x]).unwrap_err().to_string().contains("3 or 4: the input, gamma, beta"));
    }
}
