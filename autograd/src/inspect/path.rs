//! Stable names of nodes, and patterns over them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Tape, Var};

impl<S: Scalar> Tape<S> {
    /// The path of every node in the order of recording, each different from all others.
    ///
    /// A parameter's path is its name, `layer1.0.conv1.weight`. Another node's is its scope and its op's name,
    /// `layer1.0.conv1.conv2d`; anonymous leaves count as the ops `variable` and `constant`. What has the same
    /// scope and op as an earlier node is numbered: `fc.add`, `fc.add#2`. The same computation recorded again has the
    /// same paths.
    pub fn paths(&self) -> Vec<String> {
        let nodes = self.nodes.borrow();
        let names = self.leaf_names();
        let mut taken: HashSet<String> = names.values().map(ToString::to_string).collect();
        let mut count: HashMap<String, usize> = HashMap::new();
        let scopes = self.scope_paths();
        let path = |(index, node): (usize, &crate::node::Node<S>)| {
            if let Some(name) = names.get(&(index as u32)) {
                return name.to_string();
            }
            let op = match &node.op {
                Some(op) => op.name(),
                None if node.needs_gradient => "variable",
                None => "constant",
            };
            let scope = &scopes[node.scope as usize];
            let path = if scope.is_empty() { op.to_string() } else { format!("{scope}.{op}") };
            let seen = count.entry(path.clone()).or_insert(0);
            loop {
                *seen += 1;
                let numbered = if *seen == 1 { path.clone() } else { format!("{path}#{seen}") };
                if taken.insert(numbered.clone()) {
                    return numbered;
                }
            }
        };
        nodes.iter().enumerate().map(path).collect()
    }

    /// The nodes that `pattern` names, oldest first.
    ///
    /// A pattern is compared with whole paths, see [`matches()`]. It may name a scope, too, such as `layer1.0` or
    /// `layer?.?`; then the scope's output is meant, the last node recorded in it.
    ///
    /// # Errors
    /// It names nothing; the near paths and scopes are given.
    pub fn find(&self, pattern: &str) -> Result<Vec<Var<'_, S>>> {
        let paths = self.paths();
        let outputs = self.scope_outputs();
        let mut found: Vec<usize> = (0..paths.len()).filter(|&i| matches(pattern, &paths[i])).collect();
        found.extend(outputs.iter().filter(|(scope, _)| matches(pattern, scope)).map(|(_, &last)| last));
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            let known = paths.iter().chain(outputs.keys()).map(String::as_str);
            return Err(Error::unknown("node or pattern", pattern, known));
        }
        Ok(found.into_iter().map(|i| self.var(NodeId::at(i))).collect())
    }

    /// Every scope with the last node recorded in it or below it.
    fn scope_outputs(&self) -> BTreeMap<String, usize> {
        let scopes = self.scope_paths();
        let mut outputs = BTreeMap::new();
        for (index, node) in self.nodes.borrow().iter().enumerate() {
            let mut scope = scopes[node.scope as usize].as_str();
            while !scope.is_empty() {
                outputs.insert(scope.to_string(), index);
                scope = scope.rsplit_once('.').map_or("", |(parent, _)| parent);
            }
        }
        outputs
    }
}

impl<S: Scalar> Var<'_, S> {
    /// This node's path, see [`Tape::paths`]; it takes a walk over the tape.
    pub fn path(self) -> String {
        self.tape().paths().swap_remove(self.id().index())
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters, dots included, and `?` for exactly one.
///
/// ```
/// use autograd::inspect::matches;
/// assert!(matches("layer*.act*", "layer1.0.act1.swish"));
/// assert!(!matches("layer?.act*", "layer1.0.act1.swish"));
/// ```
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // After a star: where it is, and up to where it has swallowed the text.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    (p, t) = (at + 1, swallowed + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    /// Two blocks of two nodes each, and one node outside.
    fn record(tape: &Tape<f64>) {
        let x = tape.constant(Tensor::scalar(2.0));
        let w = Tensor::scalar(3.0);
        let mut y = x;
        for block in ["layer1", "layer2"] {
            let _scope = tape.scope(block);
            let w = tape.parameter("weight", &w).unwrap();
            y = y * w;
            let _scope = tape.scope("act");
            y = y.exp();
        }
        let _ = y + y + x;
    }

    #[test]
    fn paths_are_scope_and_op_numbered_where_they_repeat() {
        let tape = Tape::new();
        record(&tape);
        let want = [
            "constant",
            "layer1.weight",
            "layer1.mul",
            "layer1.act.exp",
            "layer2.weight",
            "layer2.mul",
            "layer2.act.exp",
            "add",
            "add#2",
        ];
        assert_eq!(tape.paths(), want);
        assert_eq!(tape.vars().nth(3).unwrap().path(), "layer1.act.exp");
    }

    #[test]
    fn an_op_never_takes_a_parameter_s_name() {
        let tape = Tape::<f64>::new();
        let _scope = tape.scope("a");
        let x = tape.variable(Tensor::scalar(1.0));
        let _ = x + x;
        let _ = x + x;
        tape.parameter("add", &Tensor::scalar(1.0)).unwrap();
        tape.parameter("add#2", &Tensor::scalar(1.0)).unwrap();
        assert_eq!(tape.paths(), ["a.variable", "a.add#3", "a.add#4", "a.add", "a.add#2"]);
    }

    #[test]
    fn patterns_find_nodes_and_the_outputs_of_scopes() {
        let tape = Tape::new();
        record(&tape);
        let found =
            |pattern| tape.find(pattern).map(|vars| vars.iter().map(|v| v.id().index()).collect::<Vec<_>>());
        assert_eq!(found("layer1.mul").unwrap(), [2]);
        assert_eq!(found("layer?").unwrap(), [3, 6]);
        assert_eq!(found("layer*.act*").unwrap(), [3, 6]);
        assert_eq!(found("*.weight").unwrap(), [1, 4]);
        assert_eq!(found("*").unwrap().len(), 9);
        let text = found("layer1.mol").unwrap_err().to_string();
        assert!(text.contains("did you mean layer1.mul"), "{text}");
    }

    #[test]
    fn stars_swallow_as_much_as_needed() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b", "ab", true),
            ("a*b", "abc", false),
            ("?", "λ", true),
            ("??", "a", false),
            ("**a", "bba", true),
            ("ln", "ln", true),
            ("ln", "ln, ln", false),
            ("relu6", "relu", false),
            ("pow*, 1e-40", "pow [all], 1e-40", true),
            ("pow*, 1e-30", "pow [all], 1e-40", false),
            ("λ * layer", "λ raw layer", true),
            ("λ * layer", "λ raw layers", false),
            ("*ab", "abab", true),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }
}
