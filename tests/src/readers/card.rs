//! The card of a run: what must be known to use its weights.

use std::fs;

use bench_harness::record::RunFolder;
use bench_harness::run::ModelCard;

use super::{accepted, on_disk, told};

/// The file `model.json`: a card is the same after it was written.
pub fn card(bytes: &[u8]) -> bool {
    on_disk("card/model.json", bytes, |path| {
        let folder = path.parent().expect("a run's folder");
        fs::write(folder.join("record.jsonl"), "").expect("room for a small file");
        let folder = RunFolder::open(folder).expect("a folder with a record");
        let Some(card) = accepted(ModelCard::read(&folder), "model.json") else { return false };
        let text = serde_json::to_string(&card).expect("plain data");
        fs::write(path, &text).expect("room for a small file");
        assert_eq!(ModelCard::read(&folder).expect("what was written"), card);
        match card.normalisation() {
            Ok(normalisation) => assert_eq!(normalisation.mean(), card.mean),
            Err(error) => told(&error, "normalisation"),
        }
        true
    })
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let card = |settings: &str| {
        format!(
            r#"{{"settings":{settings},"input":[1,28,28],"classes":["a","b"],"mean":[0.1],"deviation":[0.25]}}"#
        )
        .into_bytes()
    };
    vec![card(r#"{"model":"mlp","seed":3}"#), card(r#"{"model":"cnn","augmentation":{},"log":["jsonl"]}"#)]
}
