//! CIFAR-10 and CIFAR-100, binary version.

use std::path::Path;

use super::official::{ClassCounts, check};
use crate::{
    Dataset, Error, Images, Result, Split,
    folder::{Folder, read_file},
    format::cifar::{CIFAR10, CIFAR100, LabelByte, Records, SHAPE, read_records},
};

/// The files that make up a CIFAR-10 folder.
pub(crate) const LAYOUT_10: &str = "\
data_batch_1.bin to data_batch_5.bin, test_batch.bin and, optionally, batches.meta.txt,
in the folder itself or in cifar-10-batches-bin/ below it (archive cifar-10-binary.tar.gz)";

/// The files that make up a CIFAR-100 folder.
pub(crate) const LAYOUT_100: &str = "\
train.bin, test.bin and, optionally, fine_label_names.txt,
in the folder itself or in cifar-100-binary/ below it (archive cifar-100-binary.tar.gz)";

/// One of the two data sets, as data.
struct Variant {
    name: &'static str,
    archive: &'static str,
    folder: &'static str,
    /// The folder and a file of the pickle version, to recognise it.
    pickles: (&'static str, &'static str),
    train: &'static [&'static str],
    test: &'static str,
    labels: &'static [LabelByte],
    names: &'static str,
    /// Names used when the file of names is absent; empty for numbers.
    known_names: &'static [&'static str],
    per_class: (usize, usize),
}

const VARIANT_10: Variant = Variant {
    name: "cifar10",
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    pickles: ("cifar-10-batches-py", "data_batch_1"),
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    labels: CIFAR10,
    names: "batches.meta.txt",
    known_names: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    per_class: (5000, 1000),
};

const VARIANT_100: Variant = Variant {
    name: "cifar100",
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    pickles: ("cifar-100-python", "train"),
    train: &["train.bin"],
    test: "test.bin",
    labels: CIFAR100,
    names: "fine_label_names.txt",
    known_names: &[],
    per_class: (500, 100),
};

/// Loads CIFAR-10.
pub(crate) fn load_10(given: &Path) -> Result<Dataset> {
    VARIANT_10.load(given)
}

/// Loads CIFAR-100 with its fine labels.
pub(crate) fn load_100(given: &Path) -> Result<Dataset> {
    VARIANT_100.load(given)
}

impl Variant {
    fn load(&self, given: &Path) -> Result<Dataset> {
        let folder = Folder::locate(given, &[self.folder], self.train[0], self.name)
            .map_err(|error| self.recognise_pickles(given).unwrap_or(error))?;
        let names = self.class_names(&folder)?;
        let named = names.is_some();
        let mut dataset = Dataset::new(
            self.name,
            names.unwrap_or_else(|| self.fallback_names()),
            self.split(&folder, self.train)?,
            self.split(&folder, &[self.test])?,
        )?;
        dataset.checks.push("every file is a whole number of records, every label names a class".into());
        if !named {
            dataset.remarks.push(format!("{} is absent, class names are built in or numbers", self.names));
        }
        let (train, test) = self.per_class;
        check(&mut dataset, ClassCounts::Each(train), ClassCounts::Each(test), folder.path())?;
        Ok(dataset)
    }

    fn classes(&self) -> usize {
        // The last label byte is the one trained on: the only one of CIFAR-10, the fine one of CIFAR-100.
        usize::from(self.labels[self.labels.len() - 1].classes)
    }

    fn split(&self, folder: &Folder, files: &[&str]) -> Result<Split> {
        let mut records = Records::default();
        for file in files {
            let path = folder.require(file)?;
            read_file(&path, |reader| read_records(reader, &path, self.labels, &mut records))?;
        }
        records.pixels.shrink_to_fit();
        let bytes = self.labels.len();
        let labels = records.labels.chunks_exact(bytes).map(|record| u16::from(record[bytes - 1])).collect();
        let [channels, height, width] = SHAPE;
        Split::new(Images::new(records.pixels, channels, height, width)?, labels, self.classes())
    }

    fn class_names(&self, folder: &Folder) -> Result<Option<Vec<String>>> {
        let names = folder.lines(self.names)?;
        match names.as_ref().map(Vec::len) {
            Some(found) if found != self.classes() => {
                let path = folder.path().join(self.names);
                Err(Error::ClassNames { path, found, expected: self.classes() })
            }
            _ => Ok(names),
        }
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
        [given.to_path_buf(), given.join(folder)]
            .into_iter()
            .find(|path| path.ends_with(folder) && path.is_dir() || path.join(file).is_file())
            .map(|path| Error::PickleFolder { path, archive: self.archive, folder: self.folder })
    }
}
