//! The ops, one file each: formula, derivative, shapes, cases, test.
//!
//! # Conventions
//!
//! - g is the gradient of the output, ∂L/∂y. Images are (N, C, H, W): sample, channel, row, column.
//! - At a kink the derivative is the left one unless the op says otherwise: ReLU′(0) = 0. At a clip edge the
//!   inside derivative holds strictly inside only. Ties of a maximum go to the first.
//! - A NaN makes everything NaN that depends on it, and so does a NaN of g; the tests of edges list the exceptions. What
//!   compares with a kink takes the NaN as lying on one side of it: the value is NaN, the slope that of the piece.
//! - Subnormal numbers are numbers: no op flushes them to 0.
//! - Binary ops broadcast as NumPy does; the gradient of a broadcast operand is summed back to its shape.
//! - Ops that cannot fail are methods returning [`Var`](crate::Var); those with shape preconditions return
//!   [`Result`](crate::Result). The operators `+ - * /` panic with the text of that error.

pub mod activation;
mod axes;
mod broadcast;
mod gradient;
mod pool2d;
mod unary;

mod add;
mod avg_pool2d;
mod batch_norm;
mod batch_norm_inference;
mod batch_norm_map;
mod concat;
mod conv2d;
mod cross_entropy;
mod div;
mod dropout;
mod exp;
mod global_avg_pool;
mod ln;
mod log_softmax;
mod matmul;
mod max_pool2d;
mod mean;
mod mul;
mod neg;
mod pad;
mod permute;
mod pow;
mod prelu;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod sqrt;
mod stochastic_depth;
mod sub;
mod sum;
mod var;

pub use add::Add;
pub use avg_pool2d::AvgPool2d;
pub use axes::AxisSet;
pub use batch_norm::{BatchNorm, MeasuredChannels};
pub use batch_norm_inference::BatchNormInference;
pub use batch_norm_map::{BatchNormMap, check_shortcut, shortcut_to};
pub use concat::Concat;
pub use conv2d::Conv2d;
pub use cross_entropy::CrossEntropy;
pub use div::Div;
pub use dropout::Dropout;
pub use exp::Exp;
pub use global_avg_pool::GlobalAvgPool;
pub use gradient::{ClipGradient, ConstantFrom, Detach, GRADIENT_OPS, GradientLimit, ScaleGradient};
pub use ln::Ln;
pub use log_softmax::LogSoftmax;
pub use matmul::MatMul;
pub use max_pool2d::MaxPool2d;
pub use mean::Mean;
pub use mul::Mul;
pub use neg::Neg;
pub use pad::Pad;
pub use permute::Permute;
pub use pow::Pow;
pub use prelu::PRelu;
pub use reshape::Reshape;
pub use scale::Scale;
pub use slice::Slice;
pub use softmax::Softmax;
pub use sqrt::Sqrt;
pub use stochastic_depth::StochasticDepth;
pub use sub::Sub;
pub use sum::Sum;
pub use var::Variance;

use crate::check::{Case, elementwise_cases};
use crate::elementwise::Elementwise;

/// One op as listings, the checker and the tests see it.
#[derive(Debug, Clone, Copy)]
pub struct OpEntry {
    /// The registered name.
    pub name: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// The cases on which its gradient is checked.
    pub cases: fn() -> Vec<Case>,
}

impl OpEntry {
    /// The entry of a function of one number, which knows its name and formula.
    const fn elementwise<E: Elementwise>() -> Self {
        Self { name: E::NAME, formula: E::FORMULA, cases: elementwise_cases::<E> }
    }
}

/// Every op that is not an activation function, in reading order. A new op is one file, its `mod` and `pub use` lines
/// above, and one line here.
pub const OPS: &[OpEntry] = &[
    OpEntry { name: "add", formula: "a + b", cases: add::cases },
    OpEntry { name: "sub", formula: "a − b", cases: sub::cases },
    OpEntry { name: "mul", formula: "a · b", cases: mul::cases },
    OpEntry { name: "div", formula: "a / b", cases: div::cases },
    OpEntry { name: "pow", formula: "a ^ b", cases: pow::cases },
    OpEntry::elementwise::<Neg>(),
    OpEntry::elementwise::<Scale>(),
    OpEntry::elementwise::<Exp>(),
    OpEntry::elementwise::<Ln>(),
    OpEntry::elementwise::<Sqrt>(),
    OpEntry { name: "prelu", formula: "x if x > 0 else a·x", cases: prelu::cases },
    OpEntry {
        name: "conv2d",
        formula: "Σ w[o, c, k] · x[c, i·stride + k·dilation − padding] + b[o]",
        cases: conv2d::cases,
    },
    OpEntry { name: "matmul", formula: "A·B, A·Bᵀ", cases: matmul::cases },
    OpEntry { name: "sum", formula: "Σ x over axes", cases: sum::cases },
    OpEntry { name: "mean", formula: "Σ x / n over axes", cases: mean::cases },
    OpEntry { name: "var", formula: "Σ (x − mean)² / (n − c) over axes", cases: var::cases },
    OpEntry { name: "reshape", formula: "x in another shape", cases: reshape::cases },
    OpEntry { name: "permute", formula: "axes in another order", cases: permute::cases },
    OpEntry { name: "concat", formula: "tensors joined along an axis", cases: concat::cases },
    OpEntry { name: "slice", formula: "a range of every axis", cases: slice::cases },
    OpEntry { name: "pad", formula: "x with a constant margin", cases: pad::cases },
    OpEntry { name: "softmax", formula: "e^xᵢ / Σ e^xⱼ", cases: softmax::cases },
    OpEntry { name: "log_softmax", formula: "xᵢ − ln Σ e^xⱼ", cases: log_softmax::cases },
    OpEntry { name: "cross_entropy", formula: "−mean Σ q ln softmax(x)", cases: cross_entropy::cases },
    OpEntry { name: "dropout", formula: "m∘x, m ∈ {0, 1/(1 − p)}", cases: dropout::cases },
    OpEntry {
        name: "stochastic_depth",
        formula: "mₙ·xₙ for each sample, mₙ ∈ {0, 1/(1 − p)}",
        cases: stochastic_depth::cases,
    },
    OpEntry { name: "max_pool2d", formula: "max x over a window", cases: max_pool2d::cases },
    OpEntry { name: "avg_pool2d", formula: "mean of x over a window", cases: avg_pool2d::cases },
    OpEntry { name: "global_avg_pool", formula: "mean of x over an image", cases: global_avg_pool::cases },
    OpEntry {
        name: "batch_norm",
        formula: "γ · (x − mean) / √(var + ε) + β, mean and var of the batch",
        cases: batch_norm::cases,
    },
    OpEntry {
        name: "batch_norm_inference",
        formula: "γ · (x − mean) / √(var + ε) + β",
        cases: batch_norm_inference::cases,
    },
    OpEntry {
        name: "batch_norm_map",
        formula: "f(γ · (x − mean) / √(var + ε) + β + r), mean and var of the batch",
        cases: batch_norm_map::cases,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, check};

    /// The whole registry, by every route of the checker. `anact check` prints the same as a table.
    #[test]
    fn every_gradient_is_right() {
        let activations = activation::ACTIVATIONS.iter().map(|a| (a.name, a.cases));
        for (name, cases) in OPS.iter().map(|o| (o.name, o.cases)).chain(activations) {
            let cases = cases();
            assert!(!cases.is_empty(), "{name} exports no cases");
            for case in &cases {
                check::assert_case(case);
            }
        }
    }

    /// Messages, paths and snapshots call an op by its own name; listings, by that of the registry.
    #[test]
    fn every_op_calls_itself_as_the_registry_does() {
        let activations = activation::ACTIVATIONS.iter().map(|a| (a.name, a.cases));
        let ops = OPS.iter().chain(GRADIENT_OPS).map(|o| (o.name, o.cases));
        for (name, cases) in ops.chain(activations) {
            // The derivative of a function is an op of its own.
            for case in cases().iter().filter(|case| !case.name().ends_with("second derivative")) {
                let tape = Tape::new();
                let inputs: Vec<_> = case.inputs().iter().map(|x| tape.variable(x.clone())).collect();
                case.program().run_f64(&tape, &inputs).unwrap();
                let is_called_so = tape.vars().any(|v| v.op_name() == name);
                assert!(is_called_so, "no node of {} is called {name}", case.name());
            }
        }
    }

    /// Every op says what it does to the samples of a batch, and does it.
    #[test]
    fn every_op_treats_samples_as_it_says() {
        let activations = activation::ACTIVATIONS.iter().map(|a| a.cases);
        // No gradient flows through `detach`, so there is none to be cut into samples.
        let ops = OPS.iter().chain(GRADIENT_OPS.iter().filter(|o| o.name != "detach")).map(|o| o.cases);
        for case in ops.chain(activations).flat_map(|cases| cases()) {
            let failures = check::samples(&case).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
            assert!(failures.is_empty(), "{}", failures.join("\n"));
        }
    }
}
