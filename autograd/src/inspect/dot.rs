//! Graphviz.

use std::fmt::{self, Write};

use super::snapshot::{Kind, NodeSnapshot, Snapshot};

/// Colours in the scheme `ylgnbu9` of Graphviz, from light (small) to dark (large): sequential, and told apart by
/// colour-blind readers, too, since its lightness falls evenly.
const SHADES: f64 = 9.0;
/// From this shade on, text is white.
const DARK: usize = 6;
/// The deepest scopes that become clusters. A cluster around every single layer would pull the drawing apart.
const DEPTH: usize = 2;

impl Snapshot {
    /// The graph in Graphviz's language, a cluster for each of the outer scopes. Ops are boxes named by scope and op, their
    /// settings are in the tooltip; leaves are ellipses. Nodes are coloured by log₁₀ of their gradient's variance,
    /// ops and leaves each within their own range, grey without gradient. The same tape gives the same text.
    ///
    /// `dot -Tsvg tape.dot > tape.svg` draws it.
    pub fn to_dot(&self) -> String {
        let ranges = Ranges::of(&self.nodes);
        let scale =
            format!("log10 Var[gradient], light to dark: ops {}, leaves {}", ranges.ops, ranges.leaves);
        let title = quoted(&format!("{}\n{scale}", self.title));
        let mut dot = format!(
            "digraph tape {{\n  graph [label={title}, labelloc=t, fontname=\"sans-serif\", rankdir=TB];\n  \
             node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", colorscheme=ylgnbu9];\n"
        );
        let mut tree = Scope::default();
        for node in &self.nodes {
            let parts = node.scope.split('.').filter(|part| !part.is_empty()).take(DEPTH);
            parts.fold(&mut tree, Scope::child).nodes.push(node.index);
        }
        self.cluster(&tree, "", 1, &ranges, &mut dot);
        for node in &self.nodes {
            for (operand, input) in node.inputs.iter().enumerate() {
                // First operands are the spine, which is to run straight.
                let weight = if operand == 0 { " [weight=9]" } else { "" };
                writeln!(dot, "  n{input} -> n{}{weight};", node.index).expect("a string takes everything");
            }
        }
        dot + "}\n"
    }

    fn cluster(&self, scope: &Scope, path: &str, depth: usize, ranges: &Ranges, dot: &mut String) {
        let indent = "  ".repeat(depth);
        for &i in &scope.nodes {
            let line = self.dot_node(&self.nodes[i], ranges);
            writeln!(dot, "{indent}{line}").expect("a string takes everything");
        }
        for (name, child) in &scope.children {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let (id, label) = (quoted(&format!("cluster_{path}")), quoted(&path));
            writeln!(
                dot,
                "{indent}subgraph {id} {{\n{indent}  graph [label={label}, color=gray60, style=rounded];"
            )
            .expect("a string takes everything");
            self.cluster(child, &path, depth + 1, ranges, dot);
            writeln!(dot, "{indent}}}").expect("a string takes everything");
        }
    }

    fn dot_node(&self, node: &NodeSnapshot, ranges: &Ranges) -> String {
        let inner: Vec<&str> = node.path.split('.').skip(DEPTH.min(scope_depth(node))).collect();
        let label = quoted(&format!("{}\n{:?}", inner.join("."), node.shape));
        let tooltip = quoted(&format!("{}: {}", node.path, node.settings));
        let fill = match log_variance(node).and_then(|x| ranges.share(node, x)) {
            Some(at) => {
                let shade = 1 + (at * (SHADES - 1.0)).round() as usize;
                let text = if shade >= DARK { "white" } else { "black" };
                // Colours of the scheme are numbers, so the text's is named in the X11 scheme.
                format!("fillcolor={shade}, fontcolor=\"/x11/{text}\"")
            }
            None => "fillcolor=\"/x11/gray90\", fontcolor=\"/x11/black\"".to_string(),
        };
        let shape = if node.kind == Kind::Op { "" } else { ", shape=ellipse, style=filled" };
        format!("n{} [label={label}, tooltip={tooltip}, {fill}{shape}];", node.index)
    }
}

/// What the colours cover. The gradient of a weight, a sum over positions and samples, cannot be compared as a number with
/// that of one element of a value, so leaves have a range of their own.
struct Ranges {
    ops: Span,
    leaves: Span,
}

/// Smallest and largest, if there is any number.
#[derive(Default)]
struct Span(Option<(f64, f64)>);

impl Ranges {
    fn of(nodes: &[NodeSnapshot]) -> Self {
        let mut ranges = Self { ops: Span::default(), leaves: Span::default() };
        for node in nodes {
            let span = if node.kind == Kind::Op { &mut ranges.ops } else { &mut ranges.leaves };
            if let Some(x) = log_variance(node) {
                span.0 = Some(span.0.map_or((x, x), |(low, high)| (low.min(x), high.max(x))));
            }
        }
        ranges
    }

    /// Where x lies in the node's range, from 0 to 1.
    fn share(&self, node: &NodeSnapshot, x: f64) -> Option<f64> {
        let (low, high) = if node.kind == Kind::Op { self.ops.0 } else { self.leaves.0 }?;
        Some(if high > low { (x - low) / (high - low) } else { 0.5 })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((low, high)) => write!(f, "{low:.2} to {high:.2}"),
            None => f.write_str("none"),
        }
    }
}

/// How many scopes a node lies in.
fn scope_depth(node: &NodeSnapshot) -> usize {
    node.scope.split('.').filter(|part| !part.is_empty()).count()
}

fn log_variance(node: &NodeSnapshot) -> Option<f64> {
    node.gradient.as_ref().and_then(super::snapshot::Summary::log_variance)
}

/// Nested scopes in the order in which they were entered.
#[derive(Debug, Default)]
struct Scope {
    nodes: Vec<usize>,
    children: Vec<(String, Scope)>,
}

impl Scope {
    fn child(&mut self, name: &str) -> &mut Self {
        let at = self.children.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
            self.children.push((name.to_string(), Self::default()));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }
}

/// A quoted string in which only quotes, backslashes and line ends are special.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape, Tensor};

    /// Gradients whose variances are as 1 to 100 to 10,000.
    #[test]
    fn shades_are_even_steps_of_the_logarithm() {
        let tape = Tape::<f64>::new();
        let term = |name: &str, scale: f64| {
            let w = tape.parameter(name, &Tensor::vector(vec![1.0, 3.0])).unwrap();
            w * tape.constant(Tensor::vector(vec![scale, 2.0 * scale]))
        };
        let loss = (term("low", 1.0) + term("middle", 10.0) + term("high", 100.0)).sum_all();
        let gradients = tape.backward(loss, Keep::Leaves).unwrap();
        let dot = Snapshot::of(&tape, Some(&gradients)).unwrap().to_dot();
        for (name, shade) in [("low", 1), ("middle", 5), ("high", 9)] {
            let line = dot.lines().find(|line| line.contains(&format!("{name}: leaf"))).unwrap();
            assert!(line.contains(&format!("fillcolor={shade}, ")), "{line}");
        }
    }

    #[test]
    fn the_text_of_a_small_graph() {
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::vector(vec![1.0, 2.0]));
        let loss = {
            let _outer = tape.scope("fc");
            let w = tape.parameter("weight", &Tensor::vector(vec![1.0, 3.0])).unwrap();
            let _inner = tape.scope("a\"\\b");
            let _deep = tape.scope("deep");
            x * w
        }
        .sum_all();
        let gradients = tape.backward(loss, Keep::All).unwrap();
        let dot = Snapshot::of(&tape, Some(&gradients)).unwrap().titled("small").to_dot();
        // The gradient of w is x, of variance ¼, whose log₁₀ is −0.60; those of product and loss do not vary.
        let want = r#"digraph tape {
  graph [label="small\nlog10 Var[gradient], light to dark: ops none, leaves -0.60 to -0.60", labelloc=t, fontname="sans-serif", rankdir=TB];
  node [shape=box, style="filled,rounded", fontname="sans-serif", colorscheme=ylgnbu9];
  n0 [label="constant\n[2]", tooltip="constant: leaf", fillcolor="/x11/gray90", fontcolor="/x11/black", shape=ellipse, style=filled];
  n3 [label="sum\n[]", tooltip="sum: SUM", fillcolor="/x11/gray90", fontcolor="/x11/black"];
  subgraph "cluster_fc" {
    graph [label="fc", color=gray60, style=rounded];
    n1 [label="weight\n[2]", tooltip="fc.weight: leaf", fillcolor=5, fontcolor="/x11/black", shape=ellipse, style=filled];
    subgraph "cluster_fc.a\"\\b" {
      graph [label="fc.a\"\\b", color=gray60, style=rounded];
      n2 [label="deep.mul\n[2]", tooltip="fc.a\"\\b.deep.mul: Mul", fillcolor="/x11/gray90", fontcolor="/x11/black"];
    }
  }
  n0 -> n2 [weight=9];
  n1 -> n2;
  n2 -> n3 [weight=9];
}
"#;
        let settings = tape.vars().nth(3).unwrap().op_text();
        assert_eq!(dot, want.replace("SUM", &settings));
    }
}
