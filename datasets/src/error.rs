//! One error type for the crate: every variant says what is wrong, where, and what would have been right.
//!
//! Byte offsets count from the start of the file; in a gzipped file they count decompressed bytes.

use std::{io, ops::RangeInclusive, path::PathBuf};

use thiserror::Error;

/// What this crate's fallible functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can be wrong with a data set, its files, or a request for batches.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No data set has this name.
    #[error("no data set is called `{name}`{}; the known ones are {}", suggestion(near), known.join(", "))]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// Known names that resemble it, best first.
        near: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },

    /// The data set lives in files and no folder was given.
    #[error(
        "the data set `{dataset}` is read from files, and no folder or archive was given; expected layout:\n{layout}"
    )]
    FolderNeeded {
        /// The data set's name.
        dataset: String,
        /// The files that belong into the folder.
        layout: String,
    },

    /// There is nothing at the path.
    #[error("there is no folder or archive at {path} to read `{dataset}` from")]
    MissingFolder {
        /// The path that was given.
        path: PathBuf,
        /// The data set asked for.
        dataset: String,
    },

    /// A file is not where it should be.
    #[error("{folder} holds no {file}; looked for {looked_for}")]
    MissingFile {
        /// The folder searched.
        folder: PathBuf,
        /// The file's plain name.
        file: String,
        /// Every name and place that would have been accepted.
        looked_for: String,
    },

    /// The folder is the Python (pickle) version of the data set.
    #[error(
        "{path} is the Python version (pickles), which is not read; get {archive}, whose folder is {folder}"
    )]
    PickleFolder {
        /// The pickle folder.
        path: PathBuf,
        /// The archive to get instead.
        archive: &'static str,
        /// The folder inside that archive.
        folder: &'static str,
    },

    /// The operating system could not read on.
    #[error("cannot read {path} at byte {offset}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        offset: u64,
        /// The system's reason.
        source: io::Error,
    },

    /// The file begins like gzip and does not continue so.
    #[error("{path} is a damaged gzip file after {offset} decompressed bytes: {source}")]
    Gzip {
        /// The file.
        path: PathBuf,
        /// How many decompressed bytes came out before the damage was noticed.
        offset: u64,
        /// The decoder's reason.
        source: io::Error,
    },

    /// An archive, or a file in one, is not as its format says.
    #[error("{path} is a damaged {kind} at byte {offset}: {reason}")]
    Damaged {
        /// The archive, or the member in it.
        path: PathBuf,
        /// What it should be: `zip file`, `zip member`, `tar file`, `JPEG`, …
        kind: &'static str,
        /// Where the fault was noticed.
        offset: u64,
        /// What is wrong and what would have been right.
        reason: String,
    },

    /// A file was given and is no archive.
    #[error(
        "{path} is neither a zip file nor a tar file, gzipped or not; `{dataset}` is read from its archive or its folder"
    )]
    NotAnArchive {
        /// The path that was given.
        path: PathBuf,
        /// The data set asked for.
        dataset: String,
    },

    /// A file has more bytes than it may have.
    #[error("{path} has, or unpacks to, more than {limit} bytes, which is the most for {of}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes it may have.
        limit: u64,
        /// What the limit is for.
        of: &'static str,
    },

    /// An archive has two files of one name.
    #[error("{path} holds {member} twice, every name must occur once")]
    DuplicateMember {
        /// The archive.
        path: PathBuf,
        /// The name.
        member: String,
    },

    /// Something else where a file is wanted.
    #[error("{path} is {what}, expected {expected}")]
    NotAFile {
        /// The archive's member, or what is in the folder.
        path: PathBuf,
        /// What it is: `a hard link to ...`.
        what: String,
        /// What would have been right.
        expected: &'static str,
    },

    /// The file ends too early.
    #[error("{path} ends at byte {offset}, {expected} bytes are needed for {what}")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length, which is where the data stopped.
        offset: u64,
        /// The length it should have had.
        expected: u128,
        /// What those bytes would have been.
        what: &'static str,
    },

    /// The file goes on after its last record.
    #[error("{path} goes on at byte {offset}, where its header says it ends")]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// The first byte too many.
        offset: u64,
    },

    /// The first four bytes are not those of the wanted kind of IDX file.
    #[error("{path} begins with {found:#010x} at byte 0, an IDX file of {what} begins with {expected:#010x}")]
    IdxMagic {
        /// The file.
        path: PathBuf,
        /// The magic number read.
        found: u32,
        /// The magic number of the wanted kind.
        expected: u32,
        /// `images` or `labels`.
        what: &'static str,
    },

    /// An IDX header announces an empty dimension.
    #[error("{path} announces the dimensions {dimensions:?} at byte 4, each must be at least 1")]
    IdxDimensions {
        /// The file.
        path: PathBuf,
        /// Count, or count, rows and columns.
        dimensions: Vec<u32>,
    },

    /// The file is not a whole number of records.
    #[error("{path}: record {record} at byte {offset} has {found} bytes, a record has {expected}")]
    PartialRecord {
        /// The file.
        path: PathBuf,
        /// Index of the short record.
        record: usize,
        /// Where that record begins.
        offset: u64,
        /// Bytes it has.
        found: usize,
        /// Bytes it should have.
        expected: usize,
    },

    /// A label names no class.
    #[error("{path}: record {record} has the {kind} {label} at byte {offset}, legal are {} to {}", legal.start(), legal.end())]
    LabelRange {
        /// The file.
        path: PathBuf,
        /// Index of the record.
        record: usize,
        /// Where the label stands.
        offset: u64,
        /// `label`, `fine label` or `coarse label`.
        kind: &'static str,
        /// The label read.
        label: u8,
        /// The legal labels.
        legal: RangeInclusive<u8>,
    },

    /// Images and labels do not pair up.
    #[error(
        "{images_path} holds {images} images and {labels_path} {labels} labels, the counts must be equal"
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// How many it holds.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// How many it holds.
        labels: usize,
    },

    /// A split has the official number of images and not the official number of each class.
    #[error(
        "{path}: the {split} split of `{dataset}` has the official total and the wrong share of classes: \
         class {class} occurs {found} times, officially {expected}"
    )]
    ClassCounts {
        /// The folder.
        path: PathBuf,
        /// The data set's name.
        dataset: String,
        /// `training` or `test`.
        split: &'static str,
        /// The first class that is off.
        class: usize,
        /// How often it occurs.
        found: usize,
        /// How often it should.
        expected: usize,
    },

    /// A file of class names has the wrong number of them.
    #[error("{path} names {found} classes, one name a line, {expected} are needed")]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// Lines with a name.
        found: usize,
        /// Classes of the data set.
        expected: usize,
    },

    /// A line of a text file is not what it should be.
    #[error("{path} line {line}: {found}, expected {expected}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },

    /// A picture lies in the folder of a class that does not exist.
    #[error("{path} is of the class `{class}`; the known classes are {known}")]
    UnknownClass {
        /// The picture.
        path: PathBuf,
        /// The class it is in.
        class: String,
        /// Where the classes come from.
        known: String,
    },

    /// A class without pictures.
    #[error("the class `{class}` has no picture: every class needs one, looked for at {path}")]
    EmptyClass {
        /// Where they should be.
        path: PathBuf,
        /// The class.
        class: String,
    },

    /// Values in memory that do not form images, a split or a data set.
    #[error("{what}: {found}, expected {expected}")]
    Inconsistent {
        /// What was being put together.
        what: &'static str,
        /// What was given.
        found: String,
        /// What would have been right.
        expected: String,
    },

    /// A packed file that is damaged, or of another kind or version.
    #[error("{path} at byte {offset}: {found}, expected {expected}")]
    Packed {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        offset: u64,
        /// What stands there.
        found: String,
        /// What would have been right.
        expected: String,
    },

    /// The packed file is of another data set.
    #[error("{path} holds the packed data set `{found}`, asked for was `{expected}`")]
    OtherPacked {
        /// The file.
        path: PathBuf,
        /// The data set in it.
        found: String,
        /// The data set asked for.
        expected: String,
    },

    /// A file could not be written.
    #[error("cannot write: {source}")]
    Write {
        /// The system's reason.
        source: io::Error,
    },

    /// The code that makes batches has a fault.
    #[error("batch {batch} of the epoch was not made, its worker panicked: {reason}")]
    Worker {
        /// The batch's number in its epoch.
        batch: usize,
        /// What the panic says.
        reason: String,
    },

    /// The system gives no more threads.
    #[error("the loader wants {wanted} workers and could start {started}: {source}")]
    Threads {
        /// How many were asked for.
        wanted: usize,
        /// How many ran.
        started: usize,
        /// The system's reason.
        source: io::Error,
    },

    /// An option of the loader that cannot be honoured.
    #[error("loader: {option} is {found}, it must be {expected}")]
    LoaderOption {
        /// The option's name.
        option: &'static str,
        /// Its value.
        found: String,
        /// The legal values.
        expected: String,
    },
}

fn suggestion(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!(", did you mean {}?", names.join(" or ")),
    }
}
