//! Nested settings as a list of names and values.

use serde_json::Value;

/// What was not given.
pub(crate) const NOTHING: &str = "–";

/// Appends what `value` holds: an object within becomes `outer.inner`, a list its JSON, and what was not given [`NOTHING`].
pub(crate) fn flatten(name: &str, value: &Value, flat: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, flat);
            }
            return;
        }
        Value::Null => NOTHING.into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    flat.push((name.into(), text));
}

/// Those names and values that all lists have in common, in the order of the first.
pub(crate) fn in_common(lists: &[Vec<(String, String)>]) -> Vec<(String, String)> {
    let Some((first, others)) = lists.split_first() else { return Vec::new() };
    first.iter().filter(|pair| others.iter().all(|list| list.contains(pair))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_become_dotted_names_and_what_differs_is_left_out() {
        let list = |lr: f64| {
            let mut flat = Vec::new();
            let value = json!({ "lr": lr, "schedule": { "decay": { "kind": "cosine" } }, "width": null, "log": ["csv"] });
            flatten("", &value, &mut flat);
            flat
        };
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        let rest = [pair("schedule.decay.kind", "cosine"), pair("width", "–"), pair("log", "[\"csv\"]")];
        assert_eq!(list(0.5)[0], pair("lr", "0.5"));
        assert_eq!(list(0.5)[1..], rest);
        assert_eq!(in_common(&[list(0.5), list(0.1)]), rest);
        assert!(in_common(&[]).is_empty());
    }
}
