//! Reading the reference values in `tests/golden/`.
//!
//! Both files came with the project's specification, from implementations independent of this one. `anact_node.json`:
//! the node in f64, 16 rows over activation, gradient mode and forward moment. `gaussian_moments.json`: E\[f\], E\[f²\],
//! E\[f′²\] and what follows from them, 20 activations at five (m, s), 25 digits from 40-digit quadrature.

use autograd::Tensor;
use serde_json::Value;

fn read(name: &str) -> Vec<Value> {
    let path = format!("{}/../tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// One row of a reference file.
pub(crate) struct Row(Value);

impl Row {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some()
    }
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_else(|| panic!("no text {key}"))
    }
    /// A number, or one written as a decimal string.
    pub(crate) fn number(&self, key: &str) -> f64 {
        let value = &self.0[key];
        value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("no number {key}"))
    }
    pub(crate) fn vector(&self, key: &str) -> Vec<f64> {
        let list = self.0[key].as_array().unwrap_or_else(|| panic!("no list {key}"));
        list.iter().map(|x| x.as_f64().expect("a number")).collect()
    }
    /// A list of numbers under the row's shape.
    pub(crate) fn tensor(&self, key: &str) -> Tensor<f64> {
        let dims: Vec<usize> = self.vector("shape").iter().map(|&d| d as usize).collect();
        Tensor::new(autograd::Shape::new(&dims).unwrap(), self.vector(key)).unwrap()
    }
}

/// From `make_rivals.py` beside it.
pub(crate) fn rivals() -> Vec<Row> {
    read("rivals.json").into_iter().map(Row).collect()
}

pub(crate) fn node() -> Vec<Row> {
    read("anact_node.json").into_iter().map(Row).collect()
}

pub(crate) fn gaussian() -> Vec<Row> {
    read("gaussian_moments.json").into_iter().map(Row).collect()
}

/// A row of `gaussian_more.json`.
pub(crate) struct Moments {
    pub(crate) name: String,
    pub(crate) mean: f64,
    pub(crate) std: f64,
    numbers: Vec<(String, Option<f64>)>,
}

impl Moments {
    /// The number in column `key`; `None` where it does not exist.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.numbers.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no column {key}")).1
    }
}

pub(crate) fn gaussian_more() -> Vec<Moments> {
    let path = format!("{}/../tests/golden/gaussian_more.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
    let text = |value: &Value| value.as_str().expect("text").to_string();
    let columns: Vec<String> = file["columns"].as_array().expect("columns").iter().map(text).collect();
    let rows = file["rows"].as_array().expect("rows");
    let row = |cells: &Value| Moments {
        name: text(&cells[0]),
        mean: cells[1].as_f64().expect("a mean"),
        std: cells[2].as_f64().expect("a deviation"),
        numbers: (3..columns.len())
            .map(|i| (columns[i].clone(), cells[i].as_str().map(|x| x.parse().expect("a number"))))
            .collect(),
    };
    rows.iter().map(row).collect()
}
