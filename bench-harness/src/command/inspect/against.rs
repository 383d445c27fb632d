//! The same run but for an option, and where the two part.

use autograd::Scalar;
use autograd::inspect::{TapeDiff, diff_with_gradients};

use super::Recorder;
use crate::command::network::Dtype;
use crate::error::{Error, Result};
use crate::run::{Options, Recording, Settings};

/// A run that differs from another in the options named.
#[derive(Debug)]
pub(super) struct Variation {
    pub(super) settings: Settings,
    pub(super) dtype: Dtype,
    /// The options that differ.
    pub(super) text: String,
}

impl Variation {
    /// `base` with every `key=value` of `changes`; keys are those of a configuration file, and `dtype`. `None` without
    /// changes.
    ///
    /// # Errors
    /// No `key=value`, an unknown key, or a value that the option does not take.
    pub(super) fn of(changes: &[String], base: &Options) -> Result<Option<Self>> {
        if changes.is_empty() {
            return Ok(None);
        }
        let (mut options, mut dtype) = (base.clone(), Dtype::F32);
        for change in changes {
            let refuse =
                |legal: String| Error::Setting { setting: "--against", value: change.clone(), legal };
            let (key, value) = change
                .split_once('=')
                .ok_or_else(|| refuse("KEY=VALUE, such as seed=1, activation=relu or dtype=f64".into()))?;
            if value.contains(['\n', '\r']) {
                return Err(refuse("one option; --against may be repeated".into()));
            }
            match (key, value) {
                ("dtype", "f32") => dtype = Dtype::F32,
                ("dtype", "f64") => dtype = Dtype::F64,
                ("dtype", _) => return Err(refuse("dtype=f32 or dtype=f64".into())),
                ("output", _) => {
                    return Err(refuse("an option of the run: an inspection makes no folder".into()));
                }
                ("inspect_every" | "inspect-every", _) => {
                    return Err(refuse("an option that changes a number; one inspection is one step".into()));
                }
                _ => options = option(key, value).map_err(refuse)?.over(options),
            }
        }
        Ok(Some(Self { settings: Settings::of(options)?, dtype, text: changes.join(", ") }))
    }
}

/// One option as a line of a configuration file, with the text in quotes where it is no number or truth value.
fn option(key: &str, value: &str) -> std::result::Result<Options, String> {
    let key = key.replace('-', "_");
    if !Options::KEYS.contains(&key.as_str()) {
        let unknown = autograd::Error::unknown("option", &key, Options::KEYS.iter().copied());
        return Err(format!("an option of a configuration file: {unknown}"));
    }
    let quoted = toml::Value::from(value).to_string();
    let parse = |value: &str| toml::from_str::<Options>(&format!("{key} = {value}"));
    parse(value).or_else(|bare| {
        // Of the two complaints the one about the value's type is of use where the option wants a number.
        parse(&quoted).map_err(|quoted| {
            let number = value.parse::<f64>().is_ok() || value.parse::<bool>().is_ok();
            let error = if number { bare } else { quoted };
            format!("an option of a configuration file: {}", error.message())
        })
    })
}

/// Records the variation and compares with it.
pub(super) fn compare<S: Scalar>(
    first: &Recording<f32>,
    variation: &Variation,
    recorder: &mut Recorder,
    epsilon: f64,
) -> Result<TapeDiff> {
    let second: Recording<S> = recorder.record(&variation.settings)?;
    let (a, b) = ((&first.tape, &first.gradients), (&second.tape, &second.gradients));
    Ok(diff_with_gradients(a, b, epsilon)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(changes: &[&str]) -> Result<Option<Variation>> {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        Variation::of(&changes, &Options { batch: Some(7), ..Options::default() })
    }

    #[test]
    fn options_change_by_their_names() {
        assert!(of(&[]).unwrap().is_none());
        let v = of(&["seed=3", "activation=swish(1.702)", "train-images=50", "augment=true", "dtype=f64"]);
        let v = v.unwrap().unwrap();
        let s = &v.settings;
        assert_eq!((s.seed, s.activation.as_str(), s.train_images), (3, "swish(1.702)", Some(50)));
        assert_eq!((s.augment, s.batch, v.dtype), (Some(true), 7, Dtype::F64));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        let text = |change| of(&[change]).unwrap_err().to_string();
        assert!(text("seed").contains("KEY=VALUE"), "{}", text("seed"));
        assert!(text("sede=1").contains("unknown option `sede`; did you mean seed"), "{}", text("sede=1"));
        assert!(text("seed=one").contains("string"), "{}", text("seed=one"));
        assert!(text("batch=1.5").contains("1.5"), "{}", text("batch=1.5"));
        assert!(text("dtype=f16").contains("f64"), "{}", text("dtype=f16"));
        assert!(text("output=x").contains("no folder"), "{}", text("output=x"));
        assert!(text("seed=1\nepochs = 3").contains("one option"), "{}", text("seed=1\nepochs = 3"));
    }
}
