//! The folder of a run is named after what tells it from the others.

use toml::{Table, Value};

use crate::run::Settings;

/// The name of a run: data set, if it is one of the options that vary; model; activation; whatever else varies; seed. Options that
/// vary with one value only are in it, too, so that a list that is made longer renames no run.
pub(super) fn run_name(settings: &Settings, varied: &Table) -> String {
    let mut parts = Vec::new();
    if varied.contains_key("dataset") {
        parts.push(plain(&settings.dataset));
    }
    parts.extend([plain(&settings.model), plain(&settings.activation)]);
    for (key, value) in varied {
        if !["dataset", "model", "activation", "seed"].contains(&key.as_str()) {
            parts.push(format!("{}-{}", key.replace('_', "-"), plain(&shown(value))));
        }
    }
    parts.push(format!("seed-{}", settings.seed));
    parts.join("-")
}

/// Options with their values, for people.
pub(super) fn combination(varied: &Table) -> String {
    let parts: Vec<_> = varied.iter().map(|(key, value)| format!("{key} {}", shown(value))).collect();
    if parts.is_empty() { "the only one".into() } else { parts.join(", ") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What folders can be named with everywhere; the rest becomes single dashes.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    text.split(|c: char| !is_plain(c)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Options;

    fn name(text: &str) -> String {
        let varied: Table = toml::from_str(text).unwrap();
        let options: Options = Value::Table(varied.clone()).try_into().unwrap();
        run_name(&Settings::of(options).unwrap(), &varied)
    }

    #[test]
    fn names_tell_what_varies() {
        assert_eq!(name("activation = \"nswish\"\nseed = 1"), "resnet20-nswish-seed-1");
        assert_eq!(name(""), "resnet20-nswish-seed-0");
        assert_eq!(
            name(
                "dataset = \"cifar10\"\nactivation = \"swish(1.702)\"\nlr = 0.1\nclip_norm = 1.0\nmodel = \"mlp\""
            ),
            "cifar10-mlp-swish-1.702-clip-norm-1.0-lr-0.1-seed-0"
        );
        assert_eq!(
            name("activation = \"dks(50)-tanh\"\nschedule = \"multi-step\"\nmilestones = [3, 6]"),
            "resnet20-dks-50-tanh-milestones-3-6-schedule-multi-step-seed-0"
        );
    }
}
