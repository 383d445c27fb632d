//! Matrix products and convolutions: those that the networks consist of, read from their tapes.

use autograd::ops::{Conv2d, MatMul};
use autograd::{Backward, Op, Tape, Tensor, Var};
use layers::{Context, Execution};
use serde::Serialize;

use super::{Timer, normal};
use crate::command::bench::steps::usual_image;
use crate::error::Result;
use crate::run::{Options, Settings, build_model};

/// The networks whose shapes are measured.
const MODELS: [&str; 4] = ["mlp", "resnet20", "resnet18", "resnet50"];
/// Sides of square products.
const SQUARES: [usize; 4] = [128, 256, 512, 1024];

/// One shape of one op.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) name: String,
    op: Box<dyn Op<f32>>,
    x: Vec<usize>,
    weight: Vec<usize>,
    /// Not asked of a first layer, whose images need none.
    has_input_gradient: bool,
    /// The networks that have it, and how often.
    pub(super) uses: Vec<(&'static str, usize)>,
}

/// What one pass of a product takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) pass: &'static str,
    pub(super) uses: Vec<(&'static str, usize)>,
    pub(super) ms: f64,
    /// 2 operations for every product of a weight with an input, whatever the algorithm: one that needs fewer
    /// multiplications may exceed the machine's peak.
    pub(super) gflops: f64,
    /// Of the peak, which is known last.
    pub(super) share: f64,
}

/// Every distinct product of the networks at this batch size, after the square ones.
pub(super) fn products(batch: usize, execution: Execution) -> Result<Vec<Product>> {
    let square = |n: usize| Product {
        name: format!("gemm {n}×{n}×{n}"),
        op: Box::new(MatMul { transpose_b: true }),
        x: vec![n, n],
        weight: vec![n, n],
        has_input_gradient: true,
        uses: Vec::new(),
    };
    let mut found: Vec<Product> = SQUARES.into_iter().map(square).collect();
    for model in MODELS {
        let tape = Tape::new();
        let options =
            Options { model: Some(model.into()), activation: Some("swish".into()), ..<_>::default() };
        let image = usual_image(model);
        let mut network = build_model::<f32>(&Settings::of(options)?, image, 10)?;
        let images = tape.constant(Tensor::zeros([1, image[0], image[1], image[2]]));
        network.forward(&Context::eval(&tape).executing(execution), images)?;
        for product in tape.vars().filter_map(|var| of(var, batch)) {
            let known = found.iter().position(|p| p.name == product.name).unwrap_or(found.len());
            if known == found.len() {
                found.push(product);
            }
            found[known].count(model);
        }
    }
    Ok(found)
}

/// The product that a node computes, if it computes one.
fn of(var: Var<'_, f32>, batch: usize) -> Option<Product> {
    let conv = var.op_as::<Conv2d>();
    let op: Box<dyn Op<f32>> = match (conv, var.op_as::<MatMul>()) {
        (Some(conv), _) => Box::new(conv),
        (_, Some(product)) if product.transpose_b => Box::new(product),
        _ => return None,
    };
    let inputs = var.inputs();
    let mut x = inputs[0].shape().dims().to_vec();
    x[0] = batch;
    let weight = inputs[1].shape().dims().to_vec();
    let name = match (conv, x.as_slice(), weight.as_slice()) {
        (Some(conv), [_, c, h, w], [o, _, kh, kw]) => {
            let [stride, _] = conv.stride;
            format!("conv {kh}×{kw}/{stride} {c}→{o} at {h}×{w}")
        }
        _ => format!("gemm {}×{}×{}", x[0], x[1], weight[0]),
    };
    Some(Product { name, op, x, weight, has_input_gradient: inputs[0].needs_gradient(), uses: Vec::new() })
}

impl Product {
    fn count(&mut self, model: &'static str) {
        match self.uses.last_mut() {
            Some((last, n)) if *last == model => *n += 1,
            _ => self.uses.push((model, 1)),
        }
    }

    /// Forward, input gradient and weight gradient.
    pub(super) fn measure(&self, timer: Timer) -> Result<Vec<Row>> {
        let (x, weight) = (normal(&self.x, 0), normal(&self.weight, 1));
        let inputs = [&x, &weight];
        let output = self.op.forward(&inputs)?.output;
        let upstream = normal(output.dims(), 2);
        let operations = 2.0 * output.len() as f64 * (weight.len() / self.weight[0]) as f64;
        let row = |pass, seconds: f64| {
            let gflops = operations / seconds / 1e9;
            let (name, uses) = (self.name.clone(), self.uses.clone());
            Row { name, pass, uses, ms: seconds * 1e3, gflops, share: f64::NAN }
        };
        let gradient = |needs: [bool; 2]| {
            let cx =
                Backward { inputs: &inputs, output: &output, saved: &[], upstream: &upstream, needs: &needs };
            timer.seconds(|| drop(self.op.backward(&cx)))
        };
        let mut rows = vec![row("forward", timer.seconds(|| drop(self.op.forward(&inputs))))];
        if self.has_input_gradient {
            rows.push(row("input gradient", gradient([true, false])));
        }
        rows.push(row("weight gradient", gradient([false, true])));
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted in table 1 and section 4.2 of He et al. (2016): those with weights less the dense layer, and one more for
    /// every shortcut that changes shapes.
    #[test]
    fn the_networks_shapes_are_found_on_their_tapes() {
        let products = products(8, Execution::default()).unwrap();
        let of = |model| {
            let uses =
                |p: &Product| p.uses.iter().find(|(m, _)| *m == model).map(|(_, n)| (p.name.clone(), *n));
            products.iter().filter_map(uses).collect::<Vec<_>>()
        };
        for (model, want) in [("resnet20", 19 + 2), ("resnet18", 17 + 3), ("resnet50", 49 + 4)] {
            let found = of(model);
            let n: usize = found.iter().filter(|(name, _)| name.starts_with("conv")).map(|(_, n)| n).sum();
            assert_eq!(n, want, "{model}: {found:?}");
        }
        assert!(of("resnet18").contains(&("conv 3×3/1 64→64 at 32×32".into(), 4)));
        assert!(of("resnet50").contains(&("conv 1×1/1 256→64 at 32×32".into(), 2)));
        assert!(of("mlp").contains(&("gemm 8×784×512".into(), 1)));
        let stem = products.iter().find(|p| p.name == "conv 3×3/1 3→64 at 32×32").unwrap();
        assert!(!stem.has_input_gradient && stem.x == [8, 3, 32, 32] && stem.weight == [64, 3, 3, 3]);
    }
}
