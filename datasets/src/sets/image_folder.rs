//! Any pictures, one folder a class: JPEG and PNG, in a folder, a zip file or a tar file. Pictures of other kinds are an error,
//! not left out; files that are no pictures are passed over.
//!
//! Classes are the folders' names, sorted, as in torchvision's `ImageFolder`; pictures may lie deeper inside. With a folder
//! `train/` at the top, the classes are in it, and the test split is `test/` or else `val/`. Where there is no such folder, a
//! tenth of every class, rounded and at least one, is the test split: the pictures whose `class/name` has the smallest
//! SHA-256, which neither order nor seed nor machine changes and new pictures change little.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    Dataset, Error, Images, Result, Split,
    container::Container,
    encoded::{Encoded, File, Files},
    format::{jpeg, picture},
    registry::LoadOptions,
};

/// What an image folder looks like.
pub(crate) const LAYOUT: &str = "\
CLASS/*.jpg, *.jpeg, *.png, or train/CLASS/* and test/CLASS/* (or val/CLASS/*),
in the folder itself or in a zip or tar file, which stays packed; pictures of several sizes need an image size";

const NAME: &str = "image-folder";

/// Names of folders of pictures to test on, the one that is taken first.
const TEST_FOLDERS: [&str; 4] = ["test", "val", "valid", "validation"];

/// The longest encoded picture that is read.
const PICTURE_LIMIT: u64 = 1 << 26;

/// Every how many pictures of a class one is tested on, where no folder says so.
const TEST_SHARE: usize = 10;

/// Loads an image folder.
pub(crate) fn load(given: &Path, options: &LoadOptions) -> Result<Dataset> {
    let container = Container::open(given, NAME)?;
    let mut folders = BTreeSet::new();
    let mut pictures = Files::default();
    let mut unread = Vec::new();
    container.walk(
        |name| match name.strip_suffix('/') {
            Some(folder) => {
                folders.insert(folder.to_owned());
                Some(0)
            }
            None if has_ending(name, &picture::UNREAD_ENDINGS) => {
                unread.push(name.to_owned());
                None
            }
            None => has_ending(name, &picture::ENDINGS).then_some(PICTURE_LIMIT),
        },
        |name, bytes| pictures.push(container.path(), name, &bytes),
    )?;
    // Whoever put them there means to train on them; a class could even be made of nothing else.
    if let Some(first) = unread.iter().min() {
        let (count, first) = (unread.len(), given.join(first));
        return Err(inconsistent(
            format!("{count} files of pictures that are not read, the first of them {}", first.display()),
            "JPEG and PNG alone: convert the others, or move them elsewhere",
        ));
    }
    let (bytes, mut files) = pictures.finish();
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() {
        let looked_for = "CLASS/*.jpg, *.jpeg, *.png, with or without train/ before".into();
        return Err(Error::MissingFile { folder: given.into(), file: "picture".into(), looked_for });
    }
    let top = common_top(&files);
    let Sorted { train, test, tested, left_out, held_out } = sort(files, &folders, &top, given)?;
    let classes: Vec<&String> = train.keys().collect();
    if classes.len() > usize::from(u16::MAX) {
        return Err(inconsistent(format!("{} classes", classes.len()), "at most 65535"));
    }
    let label_of: HashMap<&String, u16> = classes.iter().copied().zip(0..).collect();
    let label = |class: &String, file: &File| {
        label_of.get(class).copied().ok_or_else(|| Error::UnknownClass {
            path: given.join(&*file.name),
            class: class.clone(),
            known: "the folders of train/".into(),
        })
    };
    let all = || train.values().chain(test.values()).flatten();
    let channels = if all().any(|file| file.layout.channels == 3) { 3 } else { 1 };
    let shape = shape(all(), channels, options.image_size)?;
    let grayscale = all().filter(|file| file.layout.channels == 1).count();
    let split = |files: &BTreeMap<String, Vec<File>>| {
        let mut labels = Vec::new();
        for (class, file) in
            files.iter().flat_map(|(class, files)| files.iter().map(move |file| (class, file)))
        {
            labels.push(label(class, file)?);
        }
        let files = files.values().flatten().cloned().collect();
        let source = Encoded::new(given, Arc::clone(&bytes), files, channels);
        Split::new(Images::from_source(Arc::new(source), shape)?, labels, classes.len())
    };
    let (train_split, test_split) = (split(&train)?, split(&test)?);
    if test_split.is_empty() {
        return Err(inconsistent(
            "no picture to test on".into(),
            "a folder test/ or val/, or two pictures of a class",
        ));
    }
    let names = classes.iter().map(ToString::to_string).collect();
    let mut dataset = Dataset::new(NAME, names, train_split, test_split)?;
    dataset.checks.push(format!(
        "every picture has the header of a picture; {} decodes JPEG, transparency and Exif orientation are ignored",
        jpeg::DECODER
    ));
    if channels == 3 && grayscale > 0 {
        dataset.checks.push(format!("{grayscale} pictures are grayscale and get three equal channels"));
    }
    if held_out {
        let (train, test) = (dataset.train.len(), dataset.test.len());
        dataset.remarks.push(format!(
            "there is no folder for tests: of {} pictures a tenth of every class, {test} in all, is tested on, those \
             whose class/name has the smallest SHA-256",
            train + test
        ));
    }
    if !left_out.is_empty() {
        dataset.remarks.push(format!("{}/ is left out: {tested}/ is the test split", left_out.join("/, ")));
    }
    let untested = classes.iter().filter(|class| !test.contains_key(**class)).count();
    if untested > 0 {
        dataset.remarks.push(format!("{untested} classes have no picture in the test split"));
    }
    Ok(dataset)
}

fn has_ending(name: &str, known: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| known.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

fn inconsistent(found: String, expected: impl Into<String>) -> Error {
    Error::Inconsistent { what: NAME, found, expected: expected.into() }
}

/// The one folder that all pictures lie in, with `/`, if a class is below it: what packing a folder adds.
fn common_top(files: &[File]) -> String {
    let Some((top, _)) = files[0].name.split_once('/') else { return String::new() };
    let deep = |file: &File| {
        let rest = file.name.strip_prefix(top).and_then(|rest| rest.strip_prefix('/'));
        rest.is_some_and(|rest| rest.contains('/'))
    };
    let meaning = top == "train" || TEST_FOLDERS.contains(&top);
    if !meaning && files.iter().all(deep) { format!("{top}/") } else { String::new() }
}

/// Pictures by class, each class's sorted by name.
struct Sorted {
    train: BTreeMap<String, Vec<File>>,
    test: BTreeMap<String, Vec<File>>,
    /// The folder of the test split, if there is one.
    tested: &'static str,
    /// Folders of further splits.
    left_out: Vec<&'static str>,
    held_out: bool,
}

fn sort(files: Vec<File>, folders: &BTreeSet<String>, top: &str, given: &Path) -> Result<Sorted> {
    let inner = |file: &File| file.name[top.len()..].to_owned();
    let has = |folder: &str| {
        files.iter().any(|file| {
            file.name[top.len()..]
                .strip_prefix(folder)
                .and_then(|r| r.strip_prefix('/'))
                .is_some_and(|r| r.contains('/'))
        })
    };
    let in_train = has("train");
    let present: Vec<_> = TEST_FOLDERS.into_iter().filter(|folder| in_train && has(folder)).collect();
    // Folders of splits under other names would become classes.
    let is_split = |folder: &str| {
        let plain = folder.to_lowercase();
        TEST_FOLDERS.iter().any(|known| *known == plain)
            || ["train", "training", "validation"].contains(&&*plain)
    };
    let tops =
        files.iter().filter_map(|file| file.name[top.len()..].split_once('/')).map(|(folder, _)| folder);
    if let Some(split) = tops.into_iter().find(|folder| !in_train && is_split(folder) && has(folder)) {
        return Err(inconsistent(
            format!("a folder {split}/ with folders of pictures, and no train/"),
            "train/CLASS/ and test/CLASS/ or val/CLASS/, in small letters, or CLASS/ alone",
        ));
    }
    let mut sorted = Sorted {
        train: BTreeMap::new(),
        test: BTreeMap::new(),
        tested: present.first().copied().unwrap_or_default(),
        left_out: present[present.len().min(1)..].to_vec(),
        held_out: present.is_empty(),
    };
    for file in files {
        let name = inner(&file);
        let (folder, rest) =
            if in_train { name.split_once('/').unwrap_or(("", &name)) } else { ("train", &*name) };
        if sorted.left_out.contains(&folder) {
            continue;
        }
        let class = rest.split_once('/').map(|(class, _)| class);
        let (true, Some(class)) = (folder == "train" || present.first() == Some(&folder), class) else {
            let expected = if in_train {
                "train/CLASS/, test/CLASS/ or val/CLASS/ before it"
            } else {
                "CLASS/ before it"
            };
            return Err(inconsistent(format!("the picture {}", given.join(&*file.name).display()), expected));
        };
        let split = if folder == "train" { &mut sorted.train } else { &mut sorted.test };
        split.entry(class.to_owned()).or_default().push(file);
    }
    // A folder without a picture is a class that someone forgot to fill, or a mistyped ending.
    for folder in folders.iter().filter_map(|folder| folder.strip_prefix(top)) {
        let class = if in_train { folder.strip_prefix("train/") } else { Some(folder) };
        let class = class.filter(|class| !class.is_empty() && !class.contains('/'));
        if let Some(class) = class.filter(|class| !sorted.train.contains_key(*class)) {
            return Err(Error::EmptyClass {
                path: given.join(format!("{top}{folder}")),
                class: class.into(),
            });
        }
    }
    if sorted.held_out {
        let cut = if in_train { top.len() + "train/".len() } else { top.len() };
        for (class, files) in &mut sorted.train {
            let held = hold_out(files, cut);
            if !held.is_empty() {
                sorted.test.insert(class.clone(), held);
            }
        }
    }
    Ok(sorted)
}

/// Takes the test share out of the pictures of a class, whose names without the first `cut` bytes are `class/name`.
fn hold_out(files: &mut Vec<File>, cut: usize) -> Vec<File> {
    if files.len() < 2 {
        return Vec::new();
    }
    let count = ((files.len() + TEST_SHARE / 2) / TEST_SHARE).max(1);
    let mut sums: Vec<_> = files.iter().map(|file| Sha256::digest(&file.name.as_bytes()[cut..])).collect();
    sums.sort_unstable();
    let limit = sums[count - 1];
    let (held, rest) = std::mem::take(files)
        .into_iter()
        .partition(|file| Sha256::digest(&file.name.as_bytes()[cut..]) <= limit);
    *files = rest;
    held
}

/// C, H, W as a network sees it: of all pictures, or the size that was asked for.
fn shape<'f>(
    files: impl Iterator<Item = &'f File>,
    channels: usize,
    size: Option<usize>,
) -> Result<[usize; 3]> {
    if let Some(size) = size {
        return Ok([channels, size, size]);
    }
    let mut sizes = files.map(|file| (file.layout.height, file.layout.width, &file.name));
    let Some((height, width, name)) = sizes.next() else { return Ok([channels, 0, 0]) };
    match sizes.find(|&(h, w, _)| (h, w) != (height, width)) {
        None => Ok([channels, height, width]),
        Some((h, w, other)) => Err(inconsistent(
            format!("pictures of {height}x{width} ({name}) and of {h}x{w} ({other})"),
            "one size, or an image size to fit them to",
        )),
    }
}
