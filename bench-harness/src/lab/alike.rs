//! What two runs must share to be compared.

use serde_json::{Map, Value, json};

use super::flat::flatten;
use super::run_record::RunRecord;
use crate::run::WITHOUT_EFFECT;
use crate::study::Family;

/// What is compared: activations, over seeds.
const COMPARED: [&str; 2] = ["activation", "seed"];
/// Settings that leave something to the data.
const IMAGES: [&str; 3] = ["train_images", "validation_images", "test_images"];
/// Settings that say how images are augmented.
const AUGMENTATION: [&str; 2] = ["augment", "augmentation"];

/// What was asked for, and what came of it if the record says so.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    asked: Value,
    came: Option<Value>,
}

impl Asked {
    fn fits(&self, other: &Self) -> bool {
        match (&self.came, &other.came) {
            (Some(own), Some(other)) => own == other,
            _ => self.asked == other.asked,
        }
    }
}

/// All that has an effect on a run's result besides activation and seed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// Without those that stand apart here.
    settings: Map<String, Value>,
    images: Asked,
    augmentation: Asked,
    /// How activations are normalized; `None` where that has no effect, since the activation is none of those.
    normalized: Option<Value>,
    /// SHA-256 of the data, where the record has it.
    data: Option<String>,
    /// Where the data differ from those published.
    remarks: Vec<String>,
}

impl Key {
    pub(super) fn of(run: &RunRecord) -> Self {
        let value = serde_json::to_value(&run.settings).expect("settings are plain data");
        let Value::Object(mut settings) = value else { unreachable!("settings are an object") };
        settings.retain(|key, _| !WITHOUT_EFFECT.iter().chain(&COMPARED).any(|free| free == key));
        let mut take = |keys: &[&str]| {
            keys.iter().map(|&key| (key.into(), settings.remove(key).unwrap_or_default())).collect()
        };
        let asked = [Value::Object(take(&IMAGES)), Value::Object(take(&AUGMENTATION))];
        let normalized = settings.remove("normalized");
        // The first records say neither.
        let start = run.start.as_ref().filter(|start| start.images.is_some());
        let came = [
            start.map(|start| json!({ "images": start.images })),
            start.map(|start| json!({ "augmentation": start.augmentation_in_effect })),
        ];
        let [images, augmentation] = asked;
        let [images_came, augmentation_came] = came;
        Self {
            settings,
            images: Asked { asked: images, came: images_came },
            augmentation: Asked { asked: augmentation, came: augmentation_came },
            normalized: normalized.filter(|_| Family::of(&run.settings.activation) == Family::Normalized),
            data: start.and_then(|start| start.data_sha256.clone()),
            remarks: run.data_remarks().into_iter().map(String::from).collect(),
        }
    }

    /// How many of what came of the settings and which data there were a record can say.
    pub(super) const ALL: usize = 2;

    /// How many of them this one says.
    pub(super) fn said(&self) -> usize {
        usize::from(self.says_what_came()) + usize::from(self.data.is_some())
    }

    /// How activations are normalized, where that has an effect.
    pub(super) fn normalized(&self) -> Option<&Value> {
        self.normalized.as_ref()
    }

    /// The same with activations normalized so.
    pub(super) fn normalized_as(&self, normalized: Option<&Value>) -> Self {
        Self { normalized: normalized.cloned(), ..self.clone() }
    }

    /// Whether runs of these may be compared, if their activations are normalized in one way. What only one of them says does not
    /// keep them apart.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let same_data = match (&self.data, &other.data) {
            (Some(own), Some(other)) => own == other,
            _ => self.remarks == other.remarks,
        };
        same_data
            && self.settings == other.settings
            && self.images.fits(&other.images)
            && self.augmentation.fits(&other.augmentation)
    }

    /// Whether it says what came of the settings.
    pub(super) fn says_what_came(&self) -> bool {
        self.images.came.is_some()
    }

    /// Everything as names and values: what was asked for, or what came of it.
    pub(super) fn list(&self, came: bool) -> Vec<(String, String)> {
        let mut flat = Vec::new();
        flatten("", &Value::Object(self.settings.clone()), &mut flat);
        for part in [&self.images, &self.augmentation] {
            flatten("", part.came.as_ref().filter(|_| came).unwrap_or(&part.asked), &mut flat);
        }
        if let Some(normalized) = &self.normalized {
            flatten("normalized", normalized, &mut flat);
        }
        if let Some(data) = &self.data {
            flat.push(("data SHA-256".into(), data.chars().take(8).collect()));
        }
        let remarks = if self.remarks.is_empty() { "none".into() } else { self.remarks.join("; ") };
        flat.push(("remarks on the data".into(), remarks));
        flat
    }
}
