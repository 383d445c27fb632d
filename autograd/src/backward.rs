//! Reverse accumulation: one loop over the tape from the last node to the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernels::map;
use crate::op::Backward;
use crate::scalar::Scalar;
use crate::tape::{Node, NodeId, Tape, Var};
use crate::tensor::Tensor;

/// Which gradients a backward pass returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those of leaves; the others are freed as soon as they were passed on.
    Leaves,
    /// Those of every node.
    All,
}

/// The gradients of one backward pass.
#[derive(Debug)]
pub struct Gradients<S> {
    slots: Vec<Option<Tensor<S>>>,
    names: BTreeMap<Arc<str>, NodeId>,
    keep: Keep,
    /// The address of the tape, to tell its values from another tape's; never followed.
    tape: usize,
}

/// See [`Gradients`]'s field of the name.
fn address<S>(tape: &Tape<S>) -> usize {
    std::ptr::from_ref(tape).addr()
}

impl<S: Scalar> Gradients<S> {
    /// ∂L/∂var, the sum over all uses of `var`.
    ///
    /// # Errors
    /// There is none: the value is a constant, is on no path to L, was not kept, or is of another tape.
    pub fn wrt(&self, var: Var<'_, S>) -> Result<Tensor<S>> {
        if address(var.tape()) != self.tape {
            return Err(Error::ForeignVar { op: "gradient" });
        }
        if let Some(g) = self.slots.get(var.id().index()).and_then(Option::as_ref) {
            return Ok(g.clone());
        }
        let reason = if !var.needs_gradient() {
            "it is a constant, or computed from constants only"
        } else if self.keep == Keep::Leaves && var.op_name() != "leaf" {
            "gradients of intermediate values were not kept; ask for Keep::All"
        } else {
            "no path leads from it to the value that was differentiated"
        };
        Err(Error::NoGradient { name: var.name().unwrap_or_else(|| format!("{var:?}")), reason })
    }

    /// The gradient of the named leaf.
    ///
    /// # Errors
    /// No leaf has this name, or it is on no path to L.
    pub fn named(&self, name: &str) -> Result<&Tensor<S>> {
        let none = |reason| Error::NoGradient { name: name.to_string(), reason };
        let id =
            self.names.get(name).ok_or_else(|| none("no parameter of this name was used on the tape"))?;
        let slot = self.slots.get(id.index()).and_then(Option::as_ref);
        slot.ok_or_else(|| none("no path leads from it to the value that was differentiated"))
    }
}

impl<S: Scalar> Tape<S> {
    /// The gradients of the single number `loss`.
    ///
    /// # Errors
    /// `loss` is not a single number, is of another tape, or depends on no variable.
    pub fn backward(&self, loss: Var<'_, S>, keep: Keep) -> Result<Gradients<S>> {
        let shape = loss.shape();
        if shape.len() != 1 {
            return Err(Error::NotScalar { shape });
        }
        self.backward_from(loss, Tensor::full(shape, S::ONE), keep)
    }

    /// The gradients of ⟨cotangent, var⟩: the vector-Jacobian product.
    ///
    /// # Errors
    /// The shapes differ, `var` is of another tape, or it depends on no variable.
    pub fn backward_from(&self, var: Var<'_, S>, cotangent: Tensor<S>, keep: Keep) -> Result<Gradients<S>> {
        if !std::ptr::eq(var.tape(), self) {
            return Err(Error::ForeignVar { op: "backward" });
        }
        if cotangent.shape() != var.shape() {
            return Err(Error::Shapes {
                op: "backward",
                left: cotangent.shape(),
                right: var.shape(),
                rule: "the cotangent must have the value's shape",
            });
        }
        if !var.needs_gradient() {
            return Err(Error::NoGradient {
                name: format!("{var:?}"),
                reason: "it is a constant, or computed from constants only",
            });
        }
        let nodes = self.nodes.borrow();
        let mut slots: Vec<Option<Tensor<S>>> = vec![None; var.id().index() + 1];
        slots[var.id().index()] = Some(cotangent);
        for at in (0..slots.len()).rev() {
            if nodes[at].op.is_none() {
                continue;
            }
            let Some(upstream) = slots[at].take() else { continue };
            propagate(&nodes, at, &upstream, &mut slots);
            if keep == Keep::All {
                slots[at] = Some(upstream);
            }
        }
        Ok(Gradients { slots, names: self.names.borrow().clone(), keep, tape: address(self) })
    }
}

/// Passes the complete gradient of node `at` on to its inputs.
fn propagate<S: Scalar>(nodes: &[Node<S>], at: usize, upstream: &Tensor<S>, slots: &mut [Option<Tensor<S>>]) {
    let node = &nodes[at];
    let Some(op) = &node.op else { return };
    let needs: SmallVec<[bool; 3]> = node.inputs.iter().map(|i| nodes[i.index()].needs_gradient).collect();
    if !needs.contains(&true) {
        return;
    }
    let inputs: SmallVec<[Tensor<S>; 3]> =
        node.inputs.iter().map(|i| nodes[i.index()].value.clone()).collect();
    let gradients = op.backward(&Backward {
        inputs: &inputs,
        output: &node.value,
        saved: &node.saved,
        upstream,
        needs: &needs,
    });
    debug_assert_eq!(gradients.len(), inputs.len(), "{} returned a wrong number of gradients", op.name());
    for ((id, gradient), input) in node.inputs.iter().zip(gradients).zip(&inputs) {
        let Some(gradient) = gradient.filter(|_| nodes[id.index()].needs_gradient) else { continue };
        debug_assert_eq!(
            gradient.shape(),
            input.shape(),
            "{} returned a gradient of a wrong shape",
            op.name()
        );
        accumulate(&mut slots[id.index()], gradient);
    }
}

/// The first contribution is moved into its slot, later ones are added in place.
fn accumulate<S: Scalar>(slot: &mut Option<Tensor<S>>, gradient: Tensor<S>) {
    match slot {
        None => *slot = Some(gradient),
        Some(sum) => match sum.unshared_mut() {
            Some(data) => map::add_assign(data, gradient.data()),
            None => {
                let data = map::map2(sum.data(), gradient.data(), |a, b| a + b);
                *sum = Tensor::filled(gradient.shape(), data);
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_used_twice_gets_the_sum() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::scalar(3.0));
        let y = x * x + x;
        let gradients = tape.backward(y, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [7.0]);
    }

    #[test]
    fn missing_gradients_say_why() {
        let tape = Tape::<f64>::new();
        let (x, unused) = (tape.variable(Tensor::scalar(3.0)), tape.variable(Tensor::scalar(1.0)));
        let c = tape.constant(Tensor::scalar(2.0));
        let inner = x * c;
        let gradients = tape.backward(inner * c, Keep::Leaves).unwrap();
        let text = |v| gradients.wrt(v).unwrap_err().to_string();
        assert!(text(unused).contains("no path"), "{}", text(unused));
        assert!(text(c).contains("constant"), "{}", text(c));
        assert!(text(inner).contains("Keep::All"), "{}", text(inner));
        assert!(tape.backward(c * c, Keep::All).is_err());
        let other = Tape::<f64>::new();
        let foreign = other.variable(Tensor::scalar(1.0));
        assert_eq!(gradients.wrt(foreign), Err(Error::ForeignVar { op: "gradient" }));
    }

    /// Recursion over the graph, or in its drop, would overflow the stack long before this.
    #[test]
    fn a_chain_of_a_million_nodes_neither_recurses_nor_overflows() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::scalar(1.0));
        let mut y = x;
        for _ in 0..1_000_000 {
            y = y + x;
        }
        assert_eq!(y.value().item().unwrap(), 1_000_001.0);
        let gradients = tape.backward(y, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().item().unwrap(), 1_000_001.0);
    }

    #[test]
    fn a_vector_needs_a_cotangent() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![1.0, 2.0]));
        assert!(tape.backward(x, Keep::All).unwrap_err().to_string().contains("backward_from"));
        assert!(tape.backward_from(x, Tensor::scalar(1.0), Keep::All).is_err());
        let g = tape.backward_from(x, Tensor::vector(vec![5.0, 6.0]), Keep::All).unwrap();
        assert_eq!(g.wrt(x).unwrap().data(), [5.0, 6.0]);
    }
}
