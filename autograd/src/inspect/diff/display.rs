//! A difference as text.

use std::fmt::{self, Display};

use super::{Compared, NodeDifference, NodeName, StructuralDifference, TapeDiff, Which};

/// Structural differences of one kind that are written out; the rest is counted.
const SHOWN: usize = 12;

impl Display for TapeDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            let nodes = self.values.nodes;
            return write!(f, "no difference above ε = {:e} in {nodes} nodes", self.epsilon);
        }
        section(f, "values", &self.values, self.epsilon)?;
        if let Some(gradients) = &self.gradients {
            section(f, "gradients", gradients, self.epsilon)?;
        }
        if self.structure.is_empty() {
            return write!(f, "structure: the same");
        }
        write!(f, "structure: {} differences", self.structure.len())?;
        for difference in self.structure.iter().take(SHOWN) {
            write!(f, "\n  {difference}")?;
        }
        match self.structure.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

fn section(f: &mut fmt::Formatter<'_>, what: &str, compared: &Compared, epsilon: f64) -> fmt::Result {
    let Compared { nodes, differing, first, largest } = compared;
    writeln!(f, "{what}: {differing} of {nodes} nodes differ by more than ε = {epsilon:e}")?;
    if let Some(first) = first {
        writeln!(f, "  first    {first}")?;
    }
    if let Some(largest) = largest.as_ref().filter(|l| Some(*l) != first.as_ref()) {
        writeln!(f, "  largest  {largest}")?;
    }
    Ok(())
}

impl Display for NodeDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([a, b], [x, y]) = (&self.nodes, self.numbers);
        match (a.path == b.path, a.op == b.op) {
            (true, true) => write!(f, "{} ({})", a.path, a.op)?,
            (true, false) => write!(f, "{} ({} | {})", a.path, a.op, b.op)?,
            (false, _) => write!(f, "{a} | {b}")?,
        }
        write!(f, " {:?} at {:?}: {x:.8e} | {y:.8e}, relative {:.3e}", self.shape, self.index, self.relative)
    }
}

impl Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} ({})", self.index, self.path, self.op)
    }
}

impl Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first",
            Self::Second => "the second",
        })
    }
}

impl Display for StructuralDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Op([a, b]) => write!(f, "another op: {a} | {b}"),
            Self::Inputs([a, b]) => write!(f, "other inputs: {a} | {b}"),
            Self::Shape([a, b], [left, right]) if a == b => {
                write!(f, "another shape: {a} {left:?} | {right:?}")
            }
            Self::Shape([a, b], [left, right]) => write!(f, "another shape: {a} {left:?} | {b} {right:?}"),
            Self::OnlyIn(side, node, shape) => write!(f, "only in {side}: {node} {shape:?}"),
            Self::GradientOnlyIn(side, [a, b]) if a == b => write!(f, "a gradient only in {side}: {a}"),
            Self::GradientOnlyIn(side, [a, b]) => write!(f, "a gradient only in {side}: {a} | {b}"),
        }
    }
}
