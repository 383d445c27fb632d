//! CIFAR-10 and CIFAR-100, binary version.

use std::path::{Path, PathBuf};

use super::expected::{ClassCounts, check};
use crate::{
    Dataset, Error, Images, Result, Split,
    container::{Container, Location},
    format::{
        bounded::read_limited,
        cifar::{CIFAR10, CIFAR100, LabelByte, Records, SHAPE, read_records},
        lines::{NAMES_LIMIT, lines},
    },
    registry::LoadOptions,
};

/// The files that make up a CIFAR-10 folder.
pub(crate) const LAYOUT_10: &str = "\
data_batch_1.bin to data_batch_5.bin, test_batch.bin and, optionally, batches.meta.txt,
in the folder itself, in cifar-10-batches-bin/ below it, or in the archive cifar-10-binary.tar.gz, which stays packed";

/// The files that make up a CIFAR-100 folder.
pub(crate) const LAYOUT_100: &str = "\
train.bin, test.bin and, optionally, fine_label_names.txt and coarse_label_names.txt,
in the folder itself, in cifar-100-binary/ below it, or in the archive cifar-100-binary.tar.gz, which stays packed";

/// How the files of one of the two data sets are called; their digests are in `official/table/cifar.rs`.
pub(crate) struct Names {
    /// The folder that the archive holds.
    pub(crate) folders: &'static [&'static str],
    pub(crate) archive: &'static str,
    pub(crate) train: &'static [&'static str],
    pub(crate) test: &'static str,
}

/// CIFAR-10's.
pub(crate) const NAMES_10: Names = Names {
    folders: &["cifar-10-batches-bin"],
    archive: "cifar-10-binary.tar.gz",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
};

/// CIFAR-100's.
pub(crate) const NAMES_100: Names = Names {
    folders: &["cifar-100-binary"],
    archive: "cifar-100-binary.tar.gz",
    train: &["train.bin"],
    test: "test.bin",
};

/// One of the two data sets, as data.
struct Variant {
    location: Location,
    /// The folder and a file of the pickle version, to recognise it.
    pickles: (&'static str, &'static str),
    train: &'static [&'static str],
    test: &'static str,
    labels: &'static [LabelByte],
    /// Which label byte is trained on.
    label: usize,
    names: &'static str,
    /// Names used when the file of names is absent; empty for numbers.
    known_names: &'static [&'static str],
    per_class: (usize, usize),
}

const VARIANT_10: Variant = Variant {
    location: Location {
        dataset: "cifar10",
        folders: NAMES_10.folders,
        archives: &[NAMES_10.archive],
        witness: NAMES_10.train[0],
    },
    pickles: ("cifar-10-batches-py", "data_batch_1"),
    train: NAMES_10.train,
    test: NAMES_10.test,
    labels: CIFAR10,
    label: 0,
    names: "batches.meta.txt",
    known_names: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    per_class: (5000, 1000),
};

const VARIANT_100: Variant = Variant {
    location: Location {
        dataset: "cifar100",
        folders: NAMES_100.folders,
        archives: &[NAMES_100.archive],
        witness: NAMES_100.train[0],
    },
    pickles: ("cifar-100-python", "train"),
    train: NAMES_100.train,
    test: NAMES_100.test,
    labels: CIFAR100,
    label: 1,
    names: "fine_label_names.txt",
    known_names: &[],
    per_class: (500, 100),
};

const VARIANT_100_COARSE: Variant = Variant {
    location: Location { dataset: "cifar100-coarse", ..VARIANT_100.location },
    label: 0,
    names: "coarse_label_names.txt",
    per_class: (2500, 500),
    ..VARIANT_100
};

/// Loads CIFAR-10.
pub(crate) fn load_10(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    VARIANT_10.load(given)
}

/// Loads CIFAR-100 with its fine labels.
pub(crate) fn load_100(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    VARIANT_100.load(given)
}

/// Loads CIFAR-100 with its coarse labels.
pub(crate) fn load_100_coarse(given: &Path, _: &LoadOptions) -> Result<Dataset> {
    VARIANT_100_COARSE.load(given)
}

impl Variant {
    fn load(&self, given: &Path) -> Result<Dataset> {
        let recognise = |error| self.recognise_pickles(given).unwrap_or(error);
        let container = Container::locate(given, &self.location).map_err(recognise)?;
        let root = container.path();
        // The training files, the test file, and the names, in whatever order an archive has them.
        let files: Vec<&str> = self.train.iter().copied().chain([self.test, self.names]).collect();
        let mut parts = vec![Records::default(); self.train.len() + 1];
        let mut names = None;
        let read = container.read(&files, parts.len(), |index, path, reader| match parts.get_mut(index) {
            Some(records) => read_records(reader, path, self.labels, records),
            None => {
                names = Some(self.class_names(&read_limited(reader, NAMES_LIMIT, path)?, path)?);
                Ok(())
            }
        });
        read.map_err(|error| match error {
            Error::MissingFile { .. } => recognise(error),
            error => error,
        })?;
        let named = names.is_some();
        let test = self.split(parts.split_off(self.train.len()))?;
        let mut dataset = Dataset::new(
            self.location.dataset,
            names.unwrap_or_else(|| self.fallback_names()),
            self.split(parts)?,
            test,
        )?;
        dataset.checks.push("every file is a whole number of records, every label names a class".into());
        if !named {
            dataset.remarks.push(format!("{} is absent, class names are built in or numbers", self.names));
        }
        let (train, test) = self.per_class;
        check(&mut dataset, ClassCounts::Each(train), ClassCounts::Each(test), root)?;
        Ok(dataset)
    }

    fn classes(&self) -> usize {
        usize::from(self.labels[self.label].classes)
    }

    /// The records of several files, one after another.
    fn split(&self, parts: Vec<Records>) -> Result<Split> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        all.pixels.reserve_exact(parts.as_slice().iter().map(|part| part.pixels.len()).sum());
        for part in parts {
            all.labels.extend(part.labels);
            all.pixels.extend(part.pixels);
        }
        all.pixels.shrink_to_fit();
        let records = all.labels.chunks_exact(self.labels.len());
        let labels = records.map(|record| u16::from(record[self.label])).collect();
        let [channels, height, width] = SHAPE;
        Split::new(Images::new(all.pixels, channels, height, width)?, labels, self.classes())
    }

    fn class_names(&self, bytes: &[u8], path: &Path) -> Result<Vec<String>> {
        let names: Vec<_> = lines(bytes, path)?.into_iter().map(|(_, name)| name.to_owned()).collect();
        if names.len() != self.classes() {
            return Err(Error::ClassNames {
                path: path.into(),
                found: names.len(),
                expected: self.classes(),
            });
        }
        Ok(names)
    }

    fn fallback_names(&self) -> Vec<String> {
        match self.known_names {
            [] => (0..self.classes()).map(|class| class.to_string()).collect(),
            names => names.iter().map(ToString::to_string).collect(),
        }
    }

    /// Someone with the more widely known Python archive deserves a better answer than "no such file".
    fn recognise_pickles(&self, given: &Path) -> Option<Error> {
        let (folder, file) = self.pickles;
        let pickles = |path: PathBuf| Error::PickleFolder {
            path,
            archive: self.location.archives[0],
            folder: self.location.folders[0],
        };
        if given.is_file() {
            let archive = Container::open(given, self.location.dataset).ok()?;
            return archive.holds(&format!("{folder}/{file}")).then(|| pickles(given.into()));
        }
        [given.to_path_buf(), given.join(folder)]
            .into_iter()
            .find(|path| path.ends_with(folder) && path.is_dir() || path.join(file).is_file())
            .map(pickles)
    }
}
