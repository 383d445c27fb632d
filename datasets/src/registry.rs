//! The data sets by name. The slice is the one list: listings, help texts and the lookup all read it.

use std::path::Path;

use crate::{
    Dataset, Error, Result,
    sets::{cifar, embedded, mnist},
};

/// Where a data set's bytes come from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// Compiled into the crate.
    Embedded(fn() -> Result<Dataset>),
    /// Read from a folder.
    Folder {
        /// The files expected, for people.
        layout: &'static str,
        /// Reads them; the path is the folder itself or its parent.
        load: fn(&Path) -> Result<Dataset>,
    },
}

/// One known data set.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line for a listing.
    pub about: &'static str,
    /// Where it is read from.
    pub source: Source,
}

impl Entry {
    /// Whether [`load`](Self::load) needs a folder.
    pub fn needs_folder(&self) -> bool {
        matches!(self.source, Source::Folder { .. })
    }

    /// The files expected in the folder; `None` for an embedded set.
    pub fn layout(&self) -> Option<&'static str> {
        match self.source {
            Source::Embedded(_) => None,
            Source::Folder { layout, .. } => Some(layout),
        }
    }

    /// Loads the data set from `folder`, which may be the folder of its files or the parent of that. An embedded set
    /// needs no folder and leaves one unread, so that one setting can serve all sets.
    ///
    /// # Errors
    ///
    /// A folder that is needed and absent, and whatever is wrong with the files.
    pub fn load(&self, folder: Option<&Path>) -> Result<Dataset> {
        match (self.source, folder) {
            (Source::Embedded(load), _) => load(),
            (Source::Folder { load, .. }, Some(folder)) => load(folder),
            (Source::Folder { layout, .. }, None) => {
                Err(Error::FolderNeeded { dataset: self.name.into(), layout: layout.into() })
            }
        }
    }
}

/// Every known data set, smallest first.
pub const DATASETS: &[Entry] = &[
    Entry {
        name: "fashion-mnist-5k",
        about: "first 5,000 + 1,000 images of Fashion-MNIST, 1x28x28, built in: no files needed",
        source: Source::Embedded(embedded::load),
    },
    Entry {
        name: "fashion-mnist",
        about: "60,000 + 10,000 pictures of clothing, 1x28x28, 10 classes",
        source: Source::Folder { layout: mnist::LAYOUT, load: mnist::load_fashion },
    },
    Entry {
        name: "mnist",
        about: "60,000 + 10,000 handwritten digits, 1x28x28, 10 classes",
        source: Source::Folder { layout: mnist::LAYOUT, load: mnist::load_digits },
    },
    Entry {
        name: "cifar10",
        about: "50,000 + 10,000 photographs, 3x32x32, 10 classes",
        source: Source::Folder { layout: cifar::LAYOUT_10, load: cifar::load_10 },
    },
    Entry {
        name: "cifar100",
        about: "50,000 + 10,000 photographs, 3x32x32, 100 classes (the fine labels)",
        source: Source::Folder { layout: cifar::LAYOUT_100, load: cifar::load_100 },
    },
];

/// How alike two names must be to be suggested, on a scale of 0 to 1.
const ALIKE: f64 = 0.6;

/// The data set called `name`.
///
/// # Errors
///
/// [`Error::UnknownDataset`], with the names that resemble it.
pub fn find(name: &str) -> Result<&'static Entry> {
    DATASETS.iter().find(|entry| entry.name == name).ok_or_else(|| Error::UnknownDataset {
        name: name.into(),
        near: near(name),
        known: DATASETS.iter().map(|entry| entry.name.into()).collect(),
    })
}

/// Known names that resemble `name`, best first; equally good ones in the registry's order.
fn near(name: &str) -> Vec<String> {
    // Capitals and separators are what people vary most (`CIFAR-10`, `fashion_mnist`); they must not count as typos.
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let asked = plain(name);
    let mut scored: Vec<_> = DATASETS
        .iter()
        .map(|entry| (strsim::normalized_damerau_levenshtein(&asked, &plain(entry.name)), entry.name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, name)| name.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_entry_and_no_other() {
        for entry in DATASETS {
            assert_eq!(find(entry.name).unwrap().about, entry.about);
            assert!(!entry.about.is_empty());
        }
    }

    #[test]
    fn unknown_names_are_answered_with_near_ones() {
        let text = find("CIFAR-10").unwrap_err().to_string();
        assert!(text.contains("`CIFAR-10`, did you mean cifar10 or cifar100?"), "{text}");
        let text = find("fashion_mnist").unwrap_err().to_string();
        assert!(text.contains("did you mean fashion-mnist"), "{text}");
        let text = find("imagenet").unwrap_err().to_string();
        assert!(!text.contains("did you mean"), "{text}");
        assert!(text.ends_with("fashion-mnist-5k, fashion-mnist, mnist, cifar10, cifar100"), "{text}");
    }

    #[test]
    fn a_missing_folder_argument_shows_the_layout() {
        let text = find("cifar10").unwrap().load(None).unwrap_err().to_string();
        assert!(text.contains("none was given") && text.contains("data_batch_1.bin"), "{text}");
    }
}
