//! The data sets by name. The slice is the one list: listings, help texts and the lookup all read it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    Dataset, Error, Result,
    format::picture::LARGEST_SIDE,
    packed,
    sets::{cifar, embedded, image_folder, mnist, tiny_imagenet},
};

/// How to read a data set whose files leave something open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Height and width of the pictures as a network sees them; needed where the files are of several sizes.
    pub image_size: Option<usize>,
    /// How classes are numbered.
    pub class_order: ClassOrder,
}

/// Something that the files of a data set leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadChoice {
    /// [`LoadOptions::image_size`].
    ImageSize,
    /// [`LoadOptions::class_order`].
    ClassOrder,
}

impl LoadChoice {
    fn name(self) -> &'static str {
        match self {
            Self::ImageSize => "an image size",
            Self::ClassOrder => "an order of classes",
        }
    }
}

impl LoadOptions {
    /// Those that were made.
    fn choices(&self) -> Vec<LoadChoice> {
        let asked = [
            (LoadChoice::ImageSize, self.image_size.is_some()),
            (LoadChoice::ClassOrder, self.class_order != ClassOrder::default()),
        ];
        asked.into_iter().filter(|(_, asked)| *asked).map(|(choice, _)| choice).collect()
    }
}

/// How classes are numbered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassOrder {
    /// By their sorted names, as torchvision's image folder does.
    #[default]
    Sorted,
    /// As the data set's own file lists them.
    File,
}

/// Every order of classes by name.
pub const CLASS_ORDERS: &[(&str, ClassOrder)] = &[("sorted", ClassOrder::Sorted), ("file", ClassOrder::File)];

/// Where a data set's bytes come from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// Compiled into the crate.
    Embedded(fn() -> Result<Dataset>),
    /// Read from a folder or from an archive that stays packed.
    Folder {
        /// The files expected, for people.
        layout: &'static str,
        /// What its files leave open.
        takes: &'static [LoadChoice],
        /// Reads them; the path is the folder itself, its parent, or the archive.
        load: fn(&Path, &LoadOptions) -> Result<Dataset>,
    },
}

/// One known data set.
#[derive(Debug, Clone, Copy)]
pub struct DatasetEntry {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line for a listing.
    pub about: &'static str,
    /// Where it is read from.
    pub source: Source,
}

impl DatasetEntry {
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

    /// Loads the data set from `given`: the folder of its files, the parent of that, or its archive. An embedded set
    /// needs nothing and leaves it unread, so that one setting can serve all sets. A file that
    /// [`packed::write`] made is recognised by its first bytes and read into memory; to have it
    /// mapped, see [`packed::load`].
    ///
    /// # Errors
    ///
    /// A path that is needed and absent, and whatever is wrong with the files.
    pub fn load(&self, given: Option<&Path>) -> Result<Dataset> {
        self.load_with(given, &LoadOptions::default())
    }

    /// As [`load`](Self::load), where the files leave something open.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); an option that this data set does not have.
    pub fn load_with(&self, given: Option<&Path>, options: &LoadOptions) -> Result<Dataset> {
        self.check(options)?;
        if let Some(path) = given.filter(|path| self.needs_folder() && packed::is_packed(path)) {
            let file = packed::read_bytes(path);
            let file = file.map_err(|source| Error::Io { path: path.into(), offset: 0, source })?;
            return self.load_packed(&file, path, options);
        }
        match (self.source, given) {
            (Source::Embedded(load), _) => load(),
            (Source::Folder { load, .. }, Some(given)) => load(given, options),
            (Source::Folder { layout, .. }, None) => {
                Err(Error::FolderNeeded { dataset: self.name.into(), layout: layout.into() })
            }
        }
    }

    /// As [`load_with`](Self::load_with), from the bytes of a packed file.
    ///
    /// # Errors
    ///
    /// Those of [`packed::load`]; options, which were settled when the file was packed.
    pub fn load_packed(&self, file: &packed::Bytes, path: &Path, options: &LoadOptions) -> Result<Dataset> {
        if let Some(choice) = options.choices().first() {
            return Err(Error::Inconsistent {
                what: "data set",
                found: format!("{} for {}, which was packed with one", choice.name(), path.display()),
                expected: "none, or the files themselves".into(),
            });
        }
        packed::load(self.name, file, path)
    }

    /// Refuses what this data set would not look at.
    fn check(&self, options: &LoadOptions) -> Result<()> {
        let takes = match self.source {
            Source::Embedded(_) => &[],
            Source::Folder { takes, .. } => takes,
        };
        if let Some(choice) = options.choices().into_iter().find(|choice| !takes.contains(choice)) {
            let known: Vec<_> = takes.iter().map(|choice| choice.name()).collect();
            return Err(Error::Inconsistent {
                what: "data set",
                found: format!("{} for `{}`", choice.name(), self.name),
                expected: match known.is_empty() {
                    true => "none: its files leave nothing open".into(),
                    false => format!("{} at most", known.join(" and ")),
                },
            });
        }
        if options.image_size.is_some_and(|size| !(1..=LARGEST_SIDE).contains(&size)) {
            return Err(Error::Inconsistent {
                what: "data set",
                found: format!("the image size {}", options.image_size.unwrap_or(0)),
                expected: format!("1 to {LARGEST_SIDE}"),
            });
        }
        Ok(())
    }
}

/// Every known data set, smallest pictures first, your own last.
pub const DATASETS: &[DatasetEntry] = &[
    DatasetEntry {
        name: "fashion-mnist-5k",
        about: "first 5,000 + 1,000 images of Fashion-MNIST, 1x28x28, built in: no files needed",
        source: Source::Embedded(embedded::load),
    },
    DatasetEntry {
        name: "fashion-mnist",
        about: "60,000 + 10,000 pictures of clothing, 1x28x28, 10 classes",
        source: Source::Folder { layout: mnist::LAYOUT, takes: &[], load: mnist::load_fashion },
    },
    DatasetEntry {
        name: "mnist",
        about: "60,000 + 10,000 handwritten digits, 1x28x28, 10 classes",
        source: Source::Folder { layout: mnist::LAYOUT, takes: &[], load: mnist::load_digits },
    },
    DatasetEntry {
        name: "kmnist",
        about: "60,000 + 10,000 handwritten hiragana, 1x28x28, 10 classes",
        source: Source::Folder { layout: mnist::LAYOUT, takes: &[], load: mnist::load_kuzushiji },
    },
    DatasetEntry {
        name: "cifar10",
        about: "50,000 + 10,000 photographs, 3x32x32, 10 classes",
        source: Source::Folder { layout: cifar::LAYOUT_10, takes: &[], load: cifar::load_10 },
    },
    DatasetEntry {
        name: "cifar100",
        about: "50,000 + 10,000 photographs, 3x32x32, 100 classes (the fine labels)",
        source: Source::Folder { layout: cifar::LAYOUT_100, takes: &[], load: cifar::load_100 },
    },
    DatasetEntry {
        name: "cifar100-coarse",
        about: "the photographs of cifar100 under their 20 coarse labels",
        source: Source::Folder { layout: cifar::LAYOUT_100, takes: &[], load: cifar::load_100_coarse },
    },
    DatasetEntry {
        name: "tiny-imagenet",
        about: "100,000 + 10,000 photographs in JPEG, 3x64x64, 200 classes",
        source: Source::Folder {
            layout: tiny_imagenet::LAYOUT,
            takes: &[LoadChoice::ImageSize, LoadChoice::ClassOrder],
            load: tiny_imagenet::load,
        },
    },
    DatasetEntry {
        name: "image-folder",
        about: "your own pictures, JPEG or PNG, one folder a class",
        source: Source::Folder {
            layout: image_folder::LAYOUT,
            takes: &[LoadChoice::ImageSize],
            load: image_folder::load,
        },
    },
];

/// How alike two names must be to be suggested, on a scale of 0 to 1.
const ALIKE: f64 = 0.6;

/// The data set called `name`.
///
/// # Errors
///
/// [`Error::UnknownDataset`], with the names that resemble it.
pub fn find(name: &str) -> Result<&'static DatasetEntry> {
    DATASETS.iter().find(|entry| entry.name == name).ok_or_else(|| Error::UnknownDataset {
        name: name.into(),
        near: near(name, DATASETS.iter().map(|entry| entry.name)),
        known: DATASETS.iter().map(|entry| entry.name.into()).collect(),
    })
}

/// Known names that resemble `name`, best first; equally good ones in their order.
pub(crate) fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    // Capitals and separators are what people vary most (`CIFAR-10`, `fashion_mnist`); they must not count as typos.
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let asked = plain(name);
    let mut scored: Vec<_> = known
        .map(|known| (strsim::normalized_damerau_levenshtein(&asked, &plain(known)), known))
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
        let text = find("oxford-pets").unwrap_err().to_string();
        assert!(!text.contains("did you mean"), "{text}");
        let names: Vec<_> = DATASETS.iter().map(|entry| entry.name).collect();
        assert!(text.ends_with(&names.join(", ")), "{text}");
    }

    #[test]
    fn a_missing_folder_argument_shows_the_layout() {
        let text = find("cifar10").unwrap().load(None).unwrap_err().to_string();
        assert!(
            text.contains("no folder or archive was given") && text.contains("data_batch_1.bin"),
            "{text}"
        );
    }
}
