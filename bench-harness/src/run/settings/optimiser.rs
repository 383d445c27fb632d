//! What moves the weights, from options.

use layers::optim::{Averaging, Clipping, Group, Groups, OptimizerEntry, OptimizerSettings};
use serde_json::{Value, json};

use super::super::options::Options;
use super::refused;
use crate::error::{Error, Result};

/// The optimiser that is asked for, with its usual settings where none are given.
///
/// # Errors
/// No optimiser of that name, a setting that it does not have, or one out of range.
pub(super) fn optimizer(o: &Options) -> Result<OptimizerSettings> {
    let entry = OptimizerEntry::named(o.optimizer.as_deref().unwrap_or("sgd"))?;
    let mut settings = serde_json::to_value((entry.defaults)()).expect("settings are plain data");
    // Nesterov's rule needs a momentum, so without one its default is off.
    let nesterov = o.nesterov.or((o.momentum == Some(0.0)).then_some(false));
    let given: [(&'static str, &str, Option<Value>); 8] = [
        ("--momentum", "momentum", o.momentum.map(Value::from)),
        ("--nesterov", "nesterov", nesterov.map(Value::from)),
        ("--beta1", "beta1", o.beta1.map(Value::from)),
        ("--beta2", "beta2", o.beta2.map(Value::from)),
        ("--eps", "eps", o.eps.map(Value::from)),
        ("--weight-decay", "weight_decay", o.weight_decay.map(Value::from)),
        ("--decay", "kind", o.decay.as_deref().map(Value::from)),
        ("--decayed", "decayed", o.decayed.as_deref().map(Value::from)),
    ];
    for (option, key, value) in given {
        let Some(value) = value else { continue };
        let fields = settings.as_object_mut().expect("settings are an object");
        if !fields.contains_key(key) {
            let own: Vec<_> = fields.keys().filter(|k| *k != "name").map(String::as_str).collect();
            return Err(refused(option, value, &format!("none: {} has {}", entry.name, own.join(", "))));
        }
        // JSON has no NaN and no infinity, which become null; they are refused by their own names.
        fields.insert(key.into(), value.clone());
        if serde_json::from_value::<OptimizerSettings>(json!(fields)).is_err() {
            let legal = match key {
                "kind" => "coupled or decoupled",
                "decayed" => "all or weights",
                _ => "a finite number",
            };
            return Err(refused(option, value, legal));
        }
    }
    Ok(serde_json::from_value(settings).expect("every field was checked"))
}

/// How gradients are kept from growing too large, if at all.
///
/// # Errors
/// Two ways at once.
pub(super) fn clipping(o: &Options) -> Result<Option<Clipping>> {
    match (o.clip_norm, o.clip_value) {
        (Some(_), Some(value)) => Err(refused("--clip-value", value, "no --clip-norm beside it")),
        (norm, value) => Ok(norm.map(Clipping::Norm).or(value.map(Clipping::Value))),
    }
}

/// Which average of the weights is kept, if any.
///
/// # Errors
/// An unknown name, or a decay for an average without one.
pub(super) fn averaging(o: &Options) -> Result<Option<Averaging>> {
    let decay = o.average_decay;
    match (o.average.as_deref(), decay) {
        (None, Some(decay)) => Err(refused("--average-decay", decay, "--average ema with it")),
        (None, None) => Ok(None),
        (Some("ema"), decay) => Ok(Some(Averaging::Exponential { decay: decay.unwrap_or(0.999) })),
        (Some("swa"), None) => Ok(Some(Averaging::Uniform)),
        (Some("swa"), Some(decay)) => Err(refused("--average-decay", decay, "--average ema with it")),
        (Some(other), _) => Err(refused("--average", other, "ema or swa")),
    }
}

/// The epochs before the average begins: none for an exponential one, which forgets; three quarters of the run for a uniform
/// one, as Izmailov et al. (2018) average what training has already led near to the end.
///
/// # Errors
/// A start without an average, or behind the last epoch.
pub(super) fn average_start(o: &Options, average: Option<Averaging>, epochs: u64) -> Result<u64> {
    match (o.average_start, average) {
        (Some(start), None) => Err(refused("--average-start", start, "--average with it")),
        (Some(start), _) if start >= epochs => {
            Err(refused("--average-start", start, &format!("less than the {epochs} epochs")))
        }
        (Some(start), _) => Ok(start),
        (None, Some(Averaging::Uniform)) => Ok(epochs - epochs.div_ceil(4)),
        (None, _) => Ok(0),
    }
}

/// The parameter groups, first match first.
///
/// # Errors
/// A rate factor or decay out of range.
pub(super) fn groups(o: &Options) -> Result<Groups> {
    let groups = o.group.iter().flatten().map(|group| group.0.clone());
    Ok(Groups::new(groups.collect())?)
}

/// A parameter group as an option writes it: `PATTERN:rate=0.1,decay=0,frozen`, each part behind the colon optional.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct GroupOption(Group);

impl std::str::FromStr for GroupOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let legal = "want PATTERN:rate=FACTOR,decay=NUMBER,frozen, with at least one of the three";
        let (pattern, changes) = text.rsplit_once(':').ok_or(legal)?;
        let mut group = Group::of(pattern);
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text} is no number; {legal}"));
        for change in changes.split(',') {
            match change.split_once('=') {
                Some(("rate", factor)) => group.rate_factor = number(factor)?,
                Some(("decay", decay)) => group.weight_decay = Some(number(decay)?),
                None if change == "frozen" => group.is_frozen = true,
                _ => return Err(format!("{change:?} is no change; {legal}")),
            }
        }
        Ok(Self(group))
    }
}

impl std::fmt::Display for GroupOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Group { pattern, rate_factor, weight_decay, is_frozen } = &self.0;
        let mut changes = vec![format!("rate={rate_factor}")];
        changes.extend(weight_decay.map(|decay| format!("decay={decay}")));
        changes.extend(is_frozen.then(|| "frozen".to_string()));
        write!(f, "{pattern}:{}", changes.join(","))
    }
}

impl serde::Serialize for GroupOption {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for GroupOption {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A learning rate for an optimiser whose usual rates are not those of the models' listing.
pub(super) fn rate(o: &Options, usual: f64) -> Result<f64> {
    let is_sgd = o.optimizer.as_deref().is_none_or(|name| name == "sgd");
    match o.lr {
        None if is_sgd => Ok(usual),
        None => Err(Error::Setting {
            setting: "--lr",
            value: "not given".into(),
            legal: "a rate for this optimiser (the models' usual rates are for sgd); `anact lr-find` looks for one".into(),
        }),
        Some(lr) if lr > 0.0 && lr.is_finite() => Ok(lr),
        Some(lr) => Err(refused("--lr", lr, "a positive number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_reads_as_it_is_written() {
        let group = |text: &str| text.parse::<GroupOption>().map(|g| g.0);
        let all = group("layer1.*.weight:rate=0.1,decay=0,frozen").unwrap();
        assert_eq!((all.pattern.as_str(), all.rate_factor), ("layer1.*.weight", 0.1));
        assert_eq!((all.weight_decay, all.is_frozen), (Some(0.0), true));
        assert!(!group("fc.*:rate=2").unwrap().is_frozen);
        for wrong in ["fc.*", "fc.*:", "fc.*:rate", "fc.*:rate=x", "fc.*:speed=2", "fc.*:frozen=1"] {
            assert!(group(wrong).unwrap_err().contains("want PATTERN:rate="), "{wrong}");
        }
    }

    #[test]
    fn settings_that_an_optimiser_does_not_have_are_refused() {
        let of = |o: Options| optimizer(&o).map_err(|e| e.to_string());
        let lion = || Options { optimizer: Some("lion".into()), ..Options::default() };
        let text = of(Options { momentum: Some(0.9), ..lion() }).unwrap_err();
        assert_eq!(text, "--momentum is 0.9; want none: lion has beta1, beta2, weight_decay, decayed");
        assert_eq!(of(Options { beta2: Some(0.98), ..lion() }).unwrap().name(), "lion");
        let text = of(Options { decay: Some("l2".into()), ..Options::default() }).unwrap_err();
        assert_eq!(text, "--decay is \"l2\"; want coupled or decoupled");
        let text = of(Options { momentum: Some(f64::NAN), ..Options::default() }).unwrap_err();
        assert!(text.contains("want a finite number"), "{text}");
        // Without momentum Nesterov's rule is off unless it is asked for, which the optimiser refuses.
        let plain = of(Options { momentum: Some(0.0), ..Options::default() }).unwrap();
        assert_eq!(serde_json::to_value(plain).unwrap()["nesterov"], false);
        assert!(
            of(Options { optimizer: Some("adma".into()), ..Options::default() })
                .unwrap_err()
                .contains("adam")
        );
    }
}
