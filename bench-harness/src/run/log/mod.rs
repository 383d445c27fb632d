//! Logs that a run writes besides its record: they follow it, and nothing of what it computes depends on them.

mod csv;
mod tensorboard;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::csv::CsvLog;
use self::tensorboard::TensorBoard;
use super::watch::Watchers;
use crate::record::RunFolder;

/// A form in which a run is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// `record.jsonl`, which every run has.
    Jsonl,
    /// `epochs.csv` and `steps.csv`, row by row.
    Csv,
    /// Event files in the folder `tensorboard`.
    Tensorboard,
}

/// Every log by its name.
pub const LOGS: &[(&str, Log)] =
    &[("jsonl", Log::Jsonl), ("csv", Log::Csv), ("tensorboard", Log::Tensorboard)];

impl FromStr for Log {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = LOGS.iter().find(|(known, _)| *known == name.trim());
        found.map(|(_, log)| *log).ok_or_else(|| "want jsonl, csv or tensorboard".to_string())
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = LOGS.iter().find(|(_, log)| log == self).expect("every log has a name");
        f.write_str(name)
    }
}

impl Log {
    /// `asked` in order, without repetition, and the record.
    pub(super) fn complete(mut asked: Vec<Self>) -> Vec<Self> {
        asked.push(Self::Jsonl);
        asked.sort_unstable();
        asked.dedup();
        asked
    }
}

impl<'a> Watchers<'a> {
    /// Adds these logs in the folder of a run.
    #[must_use]
    pub fn logging(self, logs: &[Log], folder: &RunFolder) -> Self {
        logs.iter().fold(self, |watchers, log| match log {
            // The run itself writes it.
            Log::Jsonl => watchers,
            Log::Csv => watchers.with(CsvLog::new(folder)),
            Log::Tensorboard => watchers.with(TensorBoard::new(folder)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (name, log) in LOGS {
            assert_eq!((name.parse::<Log>().unwrap(), log.to_string()), (*log, name.to_string()));
            assert_eq!(serde_json::to_string(log).unwrap(), format!("\"{name}\""));
        }
        assert!("tensorbord".parse::<Log>().unwrap_err().contains("tensorboard"));
    }

    #[test]
    fn the_record_is_always_kept() {
        assert_eq!(Log::complete(Vec::new()), [Log::Jsonl]);
        let asked = vec![Log::Tensorboard, Log::Csv, Log::Csv];
        assert_eq!(Log::complete(asked), [Log::Jsonl, Log::Csv, Log::Tensorboard]);
    }
}
