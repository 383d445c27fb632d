//! The reverse loop over a tape's nodes.

use autograd::{Map, Scalar, Tape, Tensor, Var, ops};

use super::Theory;
use super::linear::Linear;
use super::pooling;
use super::state::{Layout, State};
use crate::theory::network::function::ActivationNode;
use crate::theory::network::sites::has_weights;

/// What is known at a node.
#[derive(Debug)]
enum Slot {
    /// No consumer has spoken yet.
    Silent,
    Known(State),
    /// A consumer has no rule: any sum would be too small.
    Unknown,
}

/// Shows the state of every node where one is known, from `output`, whose gradient is given, back to the leaves. A state is
/// dropped once its inputs have theirs.
pub(super) fn run<'t, S: Scalar>(
    tape: &'t Tape<S>,
    output: Var<'t, S>,
    cotangent: &Tensor<S>,
    theory: Theory,
    show: &mut dyn FnMut(Var<'t, S>, &State),
) {
    let nodes: Vec<Var<'t, S>> = tape.vars().take(output.id().index() + 1).collect();
    let mut slots: Vec<Slot> = nodes.iter().map(|_| Slot::Silent).collect();
    if let Some(layout) = Layout::of(output.shape()) {
        slots[output.id().index()] = Slot::Known(theory.at(State::of(layout, numbers(cotangent))));
    }
    for &node in nodes.iter().rev().filter(|n| n.needs_gradient() && !n.is_leaf()) {
        let passed = match std::mem::replace(&mut slots[node.id().index()], Slot::Silent) {
            Slot::Silent => continue,
            Slot::Unknown => gradient_inputs(node).into_iter().map(|x| (x, None)).collect(),
            Slot::Known(state) => {
                show(node, &state);
                back(node, state, theory)
            }
        };
        for (input, state) in passed {
            let slot = &mut slots[input.id().index()];
            *slot = match (std::mem::replace(slot, Slot::Unknown), state) {
                (Slot::Silent, Some(state)) => Slot::Known(theory.at(state)),
                (Slot::Known(sum), Some(state)) => Slot::Known(sum.plus(theory.at(state))),
                _ => Slot::Unknown,
            };
        }
    }
}

fn numbers<S: Scalar>(tensor: &Tensor<S>) -> Vec<f64> {
    tensor.data().iter().map(|x| x.to_f64()).collect()
}

/// A node's value in f64.
pub(super) fn values<S: Scalar>(var: Var<'_, S>) -> Vec<f64> {
    numbers(&var.value())
}

/// The inputs through which gradients flow on. A parameter's is a row's business.
fn gradient_inputs<'t, S: Scalar>(node: Var<'t, S>) -> Vec<Var<'t, S>> {
    node.inputs().into_iter().filter(|x| x.needs_gradient() && !x.is_leaf()).collect()
}

/// What `node`, whose state is given, passes to its inputs; `None` without a rule.
fn back<'t, S: Scalar>(node: Var<'t, S>, state: State, theory: Theory) -> Vec<(Var<'t, S>, Option<State>)> {
    let inputs = gradient_inputs(node);
    let Some(&x) = inputs.first() else { return Vec::new() };
    if node.op_name() == "add" {
        let same = |x: &Var<'_, S>| (x.shape() == node.shape()).then(|| state.clone());
        // x + x is one map with slope 2, not two branches.
        return match inputs.as_slice() {
            &[x, y] if x.id() == y.id() => vec![(x, Some(state.through(|_| 2.0)))],
            _ => inputs.iter().map(|x| (*x, same(x))).collect(),
        };
    }
    // All other rules know the way to the first input only.
    let is_first = node.inputs()[0].id() == x.id();
    let state = if is_first { to_first(node, x, state, theory) } else { None };
    let rest = inputs.iter().skip(1).map(|&x| (x, None));
    std::iter::once((x, state)).chain(rest).collect()
}

/// The state at `x`, the first input of `node`, from that at `node`.
fn to_first<S: Scalar>(node: Var<'_, S>, x: Var<'_, S>, state: State, theory: Theory) -> Option<State> {
    if let Some(activation) = ActivationNode::of(node) {
        let slopes = activation.slopes(node);
        return Some(state.through(|i| slopes[i]));
    }
    let layout = Layout::of(x.shape())?;
    match node.op_name() {
        "conv2d" | "matmul" if has_weights(node) => {
            Some(Linear::of(node)?.back(values(x), &without_bias(node, state.layout), &state, theory))
        }
        "batch_norm" | "batch_norm_inference" => {
            let scales = scales(layout, &values(x), &values(node));
            Some(state.through(|i| scales[i / layout.positions() % layout.units]))
        }
        "scale" => {
            let Map(ops::Scale(factor)) = node.op_as()?;
            Some(state.through(|_| factor))
        }
        "dropout" => {
            let mask = numbers(node.saved().first()?);
            Some(state.through(|i| mask[i]))
        }
        "stochastic_depth" => {
            let factors = numbers(node.saved().first()?);
            Some(state.through(|i| factors[i / (layout.positions() * layout.units)]))
        }
        "reshape" => flatten(layout, state),
        "avg_pool2d" | "global_avg_pool" => {
            let share = pooling::mean_share(node);
            Some(pooling::back(&pooling::windows(node)?, |_, _, count| share(count), state))
        }
        "max_pool2d" => {
            let windows = pooling::windows(node)?;
            let winners = pooling::winners(&windows, &values(x), &values(node));
            let is_winner = |from, to: usize, _| if winners[to] == Some(from) { 1.0 } else { 0.0 };
            Some(pooling::back(&windows, is_winner, state))
        }
        _ => None,
    }
}

/// The value W·x of a weight layer. A convolution's own bias is no part of what W is known by.
fn without_bias<S: Scalar>(node: Var<'_, S>, layout: Layout) -> Vec<f64> {
    let mut z = values(node);
    if let Some(bias) = node.inputs().get(2) {
        let bias = values(*bias);
        z.iter_mut().enumerate().for_each(|(i, z)| *z -= bias[i / layout.positions() % layout.units]);
    }
    z
}

/// Through (N, C, H, W) → (N, C·H·W), where many places become the units of one: elements stay in their order. What one
/// position's gradient says of another's is dropped.
fn flatten(layout: Layout, state: State) -> Option<State> {
    if layout.samples != state.layout.samples || state.layout.positions() > 1 && layout != state.layout {
        return None;
    }
    let repeat = layout.places() / state.layout.places();
    let mut state = State { layout, ..state };
    for mode in &mut state.modes {
        mode.strength = mode.strength.iter().flat_map(|&s| std::iter::repeat_n(s, repeat)).collect();
    }
    Some(state)
}

/// The slope of every channel of a normalization with given statistics, read off its values: y is affine in x. What the
/// statistics themselves pass back takes two directions of a whole batch, and is left out.
fn scales(layout: Layout, x: &[f64], y: &[f64]) -> Vec<f64> {
    let count = layout.places() as f64;
    let channel = |i: usize| i / layout.positions() % layout.units;
    // From a channel's first element on, so that all differences of a constant channel are 0, not what its mean is rounded by.
    let from_first = |i: usize| {
        let first = channel(i) * layout.positions();
        [x[i] - x[first], y[i] - y[first]]
    };
    let mut means = vec![[0.0; 2]; layout.units];
    for i in 0..x.len() {
        let (mean, [dx, dy]) = (&mut means[channel(i)], from_first(i));
        (mean[0], mean[1]) = (mean[0] + dx / count, mean[1] + dy / count);
    }
    let mut products = vec![[0.0; 2]; layout.units];
    for i in 0..x.len() {
        let (mean, product, [dx, dy]) = (means[channel(i)], &mut products[channel(i)], from_first(i));
        let (dx, dy) = (dx - mean[0], dy - mean[1]);
        (product[0], product[1]) = (product[0] + dx * dx, product[1] + dx * dy);
    }
    products.iter().map(|p| if p[0] > 0.0 { p[1] / p[0] } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = 3x + 1 and −x/2; of a channel that is constant nothing can be read off.
    #[test]
    fn every_channel_has_its_slope_and_a_constant_one_none() {
        let layout = Layout { samples: 2, units: 3, height: 1, width: 2 };
        let x = [1.0, 2.0, 0.0, 4.0, 7.0, 7.0, 3.0, 6.0, -2.0, 2.0, 7.0, 7.0];
        let y = [4.0, 7.0, 0.0, -2.0, 0.25, 0.25, 10.0, 19.0, 1.0, -1.0, 0.25, 0.25];
        assert_eq!(scales(layout, &x, &y), [3.0, -0.5, 0.0]);
        // A number of elements by which the mean of equal numbers is rounded.
        let layout = Layout { samples: 10, units: 1, height: 7, width: 7 };
        assert_eq!(scales(layout, &[f64::from(0.1f32); 490], &[f64::from(0.3f32); 490]), [0.0]);
    }
}
