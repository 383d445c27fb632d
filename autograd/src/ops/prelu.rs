//! PReLU: leaky ReLU with a learned slope.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::buffer;
use crate::kernels::{map, reduce};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = x for x > 0, else a·x; ∂L/∂x = g for x > 0, else g·a; ∂L/∂a = Σ g·x over the x ≤ 0 that a belongs to.
///
/// Shapes: x is (N, C, ...) and a is (C), one slope per channel; or x is any shape and a is (1). At x = 0 the left
/// derivative a is taken. The sum for a has an order that depends on the shape alone. Nothing saved. Errors: a has
/// another shape.
///
/// Source: He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015), equations 1, 8 and 10.
#[derive(Debug, Clone, Copy, Default)]
pub struct PRelu;

/// How the elements of x map to slopes.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// The number of slopes.
    slopes: usize,
    /// Consecutive elements with the same slope.
    inner: usize,
}

impl Layout {
    fn of(x: Shape, slope: Shape) -> Result<Self> {
        match (slope.dims(), x.dims()) {
            ([1], _) => Ok(Self { slopes: 1, inner: x.len().max(1) }),
            (&[slopes], &[_, channels, ref inner @ ..]) if slopes == channels => {
                Ok(Self { slopes, inner: inner.iter().product::<usize>().max(1) })
            }
            _ => Err(Error::Operand {
                op: "prelu",
                what: "the slope",
                shape: slope,
                legal: match x.dims().get(1) {
                    Some(channels) => format!("[1] or [{channels}], one slope per channel of x {x}"),
                    None => format!("[1], because x {x} has no channel axis"),
                },
            }),
        }
    }

    /// The slope of element `i`.
    fn slope(self, i: usize) -> usize {
        i / self.inner % self.slopes
    }

    /// The place of the `k`-th element with slope `c`.
    fn element(self, c: usize, k: usize) -> usize {
        (k / self.inner * self.slopes + c) * self.inner + k % self.inner
    }
}

impl<S: Scalar> Op<S> for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x, a] = inputs_of("prelu", inputs, "2")?;
        let layout = Layout::of(x.shape(), a.shape())?;
        let data = pieces(layout, x.data(), a.data(), |_, x, a| if x > S::ZERO { x } else { a * x });
        Ok(Forward::of(Tensor::filled(x.shape(), data)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (x, a, g) = (cx.inputs[0], cx.inputs[1], cx.upstream.data());
        let layout = Layout::of(x.shape(), a.shape()).expect("the forward pass took these shapes");
        let by_x = || {
            let data =
                pieces(layout, x.data(), a.data(), |i, x, a| if x > S::ZERO { g[i] } else { g[i] * a });
            Tensor::filled(x.shape(), data)
        };
        let by_slope = || {
            let count = x.len() / layout.slopes.max(1);
            let term = |i: usize| if x.data()[i] > S::ZERO { S::ZERO } else { g[i] * x.data()[i] };
            let sum = |c| reduce::sum_of(count, |k| term(layout.element(c, k)));
            Tensor::filled(a.shape(), (0..layout.slopes).map(sum).collect())
        };
        vec![cx.needs[0].then(by_x), cx.needs[1].then(by_slope)]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        Samples::row_by_row_with(inputs[0], &inputs[1..])
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| self.backward(cx))
    }
}

/// f(i, x[i], the slope of i) for every i.
fn pieces<S: Scalar>(layout: Layout, x: &[S], slopes: &[S], f: impl Fn(usize, S, S) -> S + Sync) -> Vec<S> {
    let mut out = buffer::to_overwrite(x.len());
    map::for_each_chunk(&mut out, |start, out| {
        // One run of equal slopes after the other, so that the inner loop has a constant slope.
        let mut done = 0;
        while done < out.len() {
            let at = start + done;
            let run = (layout.inner - at % layout.inner).min(out.len() - done);
            let slope = slopes[layout.slope(at)];
            for (i, out) in out[done..done + run].iter_mut().enumerate() {
                *out = f(at + i, x[at + i], slope);
            }
            done += run;
        }
    });
    out
}

impl<S: Scalar> Var<'_, S> {
    /// PReLU with one slope for every channel (axis 1), or one for all.
    ///
    /// # Errors
    /// The shape of `slope` is neither `[1]` nor `[C]`.
    pub fn prelu(self, slope: Self) -> Result<Self> {
        self.tape().apply(PRelu, &[self, slope])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("one slope per channel", PRelu).clear_of([2, 3, 2, 3], &[0.0]).normal([3]),
        Case::op("one slope for all", PRelu).clear_of([2, 3, 5], &[0.0]).normal([1]),
        Case::op("features", PRelu).clear_of([5, 3], &[0.0]).normal([3]),
        Case::op("a vector", PRelu).clear_of([7], &[0.0]).normal([1]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand, with distinct weights in the cotangent; 0 takes the left derivative.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 2, 2], vec![1., -2., -3., 4., 0., -5., 6., -7.]).unwrap());
        let slope = tape.variable(Tensor::vector(vec![0.5, 0.25]));
        let y = x.prelu(slope).unwrap();
        assert_eq!(y.value().data(), [1., -1., -0.75, 4., 0., -2.5, 6., -1.75]);
        let weights = Tensor::new([2, 2, 2], vec![1., 2., 3., 4., 5., 6., 7., 8.]).unwrap();
        let gradients = tape.backward_from(y, weights, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [1., 1., 0.75, 4., 2.5, 3., 7., 2.]);
        assert_eq!(gradients.wrt(slope).unwrap().data(), [-2. * 2. - 5. * 6., -3. * 3. - 7. * 8.]);
    }

    /// Runs of equal slope that start and end inside a parallel chunk, against the definition.
    #[test]
    fn many_elements() {
        let (n, c, inner) = (3, 5, 4001);
        let tape = Tape::<f64>::new();
        let numbers: Vec<f64> = (0..n * c * inner).map(|i| (i * 7919 % 1000) as f64 - 500.0).collect();
        let slopes = [2.0, 3.0, 5.0, 7.0, 11.0];
        let x = tape.variable(Tensor::new([n, c, inner], numbers.clone()).unwrap());
        let slope = tape.variable(Tensor::vector(slopes.to_vec()));
        let y = x.prelu(slope).unwrap();
        let mut sums = [0.0; 5];
        for (i, (&x, &y)) in numbers.iter().zip(y.value().data()).enumerate() {
            let channel = i / inner % c;
            assert_eq!(y, if x > 0.0 { x } else { slopes[channel] * x });
            sums[channel] += x.min(0.0);
        }
        let gradients = tape.backward_from(y, Tensor::full([n, c, inner], 1.0), Keep::Leaves).unwrap();
        // Whole numbers: exact in any order.
        assert_eq!(gradients.wrt(slope).unwrap().data(), sums);
    }

    #[test]
    fn empty_and_nan() {
        let tape = Tape::<f64>::new();
        let empty = tape.variable(Tensor::zeros([0, 3, 2]));
        let slope = tape.variable(Tensor::zeros([3]));
        let y = empty.prelu(slope).unwrap();
        let gradients = tape.backward_from(y, Tensor::zeros([0, 3, 2]), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(slope).unwrap().data(), [0.0; 3]);
        let nan = tape.constant(Tensor::vector(vec![f64::NAN]));
        let one = tape.constant(Tensor::vector(vec![0.5]));
        assert!(nan.prelu(one).unwrap().value().data()[0].is_nan());
    }

    #[test]
    fn a_slope_that_does_not_fit_is_an_error() {
        let tape = Tape::<f64>::new();
        let text = |x: &[usize], slope: &[usize]| {
            let leaf = |dims| tape.constant(Tensor::zeros(crate::Shape::new(dims).unwrap()));
            leaf(x).prelu(leaf(slope)).unwrap_err().to_string()
        };
        let want = "prelu: the slope has shape [2], want [1] or [3], one slope per channel of x [2, 3, 4]";
        assert_eq!(text(&[2, 3, 4], &[2]), want);
        assert_eq!(
            text(&[2], &[2]),
            "prelu: the slope has shape [2], want [1], because x [2] has no channel axis"
        );
        assert!(text(&[2, 3], &[3, 1]).contains("[3, 1]"));
    }
}
