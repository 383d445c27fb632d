//! Tiny ImageNet (Stanford's CS231n): 200 classes of ImageNet, photographs of 64x64 in JPEG, some of them grayscale.
//!
//! The official test pictures have no labels, so the validation pictures are the test split, as everywhere.
//!
//! A class's number is its place among the **sorted** WordNet ids, as in torchvision's image folder; `wnids.txt` is not sorted,
//! and [`ClassOrder::File`] is for weights that were trained in its order. Pictures are in the order of class folder and name.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::expected::{ClassCounts, check_counts};
use crate::{
    Dataset, Error, Images, Result, Split,
    container::{Container, Location},
    encoded::{Encoded, File, Files},
    format::{
        jpeg,
        lines::{NAMES_LIMIT, lines, wrong},
    },
    registry::{ClassOrder, LoadOptions},
};

/// The files that make up a Tiny ImageNet folder.
pub(crate) const LAYOUT: &str = "\
wnids.txt, train/WNID/images/*.JPEG, val/images/*.JPEG, val/val_annotations.txt and, optionally, words.txt,
in the folder itself, in tiny-imagenet-200/ below it, or in the archive tiny-imagenet-200.zip, which stays packed";

const PLACE: Location =
    Location { dataset: "tiny-imagenet", folders: FOLDERS, archives: &[ARCHIVE], witness: WNIDS };

/// The folder that the archive holds.
pub(crate) const FOLDERS: &[&str] = &["tiny-imagenet-200"];

/// The archive.
pub(crate) const ARCHIVE: &str = "tiny-imagenet-200.zip";

/// The classes, one WordNet id a line.
pub(crate) const WNIDS: &str = "wnids.txt";

/// The words of each WordNet id.
pub(crate) const WORDS: &str = "words.txt";

/// The classes of the validation pictures.
pub(crate) const ANNOTATIONS: &str = "val/val_annotations.txt";

/// Rows and columns of the official pictures.
const SIZE: usize = 64;

/// Grayscale pictures in the official splits, counted by the number of components in all JPEG headers.
const GRAYSCALE: [usize; 2] = [1821, 168];

/// The longest official picture has a few kilobytes.
const PICTURE_LIMIT: u64 = 1 << 20;

/// Words of all of WordNet and the annotations of 10,000 pictures have 3 MB and 0.4 MB.
const TEXT_LIMIT: u64 = 1 << 24;

/// What was read, before it is sorted.
#[derive(Default)]
struct Found {
    wnids: Option<Vec<u8>>,
    words: Option<Vec<u8>>,
    annotations: Option<Vec<u8>>,
    pictures: Files,
}

/// Loads Tiny ImageNet.
pub(crate) fn load(given: &Path, options: &LoadOptions) -> Result<Dataset> {
    let container = Container::locate(given, &PLACE)?;
    let root = container.path();
    let found = read(&container)?;
    let require = |bytes: Option<Vec<u8>>, file: &str| {
        bytes.ok_or_else(|| Error::MissingFile {
            folder: root.into(),
            file: file.into(),
            looked_for: format!("{file}, at the top and in {}/", PLACE.folders[0]),
        })
    };
    let in_file = wnids(&require(found.wnids, WNIDS)?, &root.join(WNIDS))?;
    let annotations = require(found.annotations, ANNOTATIONS)?;
    let mut sorted = in_file.clone();
    sorted.sort_unstable();
    let order = match options.class_order {
        ClassOrder::Sorted => &sorted,
        ClassOrder::File => &in_file,
    };
    let class_of: HashMap<&str, u16> = order.iter().map(String::as_str).zip(0..).collect();

    let (bytes, files) = found.pictures.finish();
    let (mut train, val): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.name.starts_with("train/"));
    train.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let labels =
        train.iter().map(|file| label_of_folder(&file.name, &class_of, root)).collect::<Result<Vec<_>>>()?;
    for (class, wnid) in order.iter().enumerate() {
        if !labels.contains(&(class as u16)) {
            return Err(Error::EmptyClass {
                path: root.join(format!("train/{wnid}/images")),
                class: wnid.clone(),
            });
        }
    }
    let annotated = annotations_of(&annotations, &class_of, &root.join(ANNOTATIONS))?;
    let (val, val_labels, unlabelled) = labelled(val, &annotated, root)?;

    let size = options.image_size.unwrap_or(SIZE);
    let numbers = [&train, &val].map(|files| files.iter().filter(|file| file.layout.channels == 1).count());
    let other_sizes =
        train.iter().chain(&val).filter(|file| (file.layout.height, file.layout.width) != (SIZE, SIZE));
    let other_sizes = other_sizes.count();
    let split = |files, labels| {
        let source = Encoded::new(root, Arc::clone(&bytes), files, 3);
        Split::new(Images::from_source(Arc::new(source), [3, size, size])?, labels, order.len())
    };
    let (train, val) = (split(train, labels)?, split(val, val_labels)?);
    let names = class_names(order, found.words.as_deref(), &root.join(WORDS))?;
    let mut dataset = Dataset::new(PLACE.dataset, names, train, val)?;

    dataset.checks.push(format!("every picture has the header of a picture; {} decodes it", jpeg::DECODER));
    if found.words.is_none() {
        dataset.remarks.push("words.txt is absent, classes are called by their WordNet ids".into());
    }
    let official = (ClassCounts::Each(500), ClassCounts::Each(50));
    let full = [&dataset.train, &dataset.test].map(Split::len) == [100_000, 10_000] && order.len() == 200;
    check_counts(&mut dataset, official.0, official.1, root)?;
    let [train, val] = numbers;
    let grayscale =
        format!("{train} training and {val} test pictures are grayscale and get three equal channels");
    if full && numbers != GRAYSCALE {
        let [train, val] = GRAYSCALE;
        dataset.remarks.push(format!("not the official pictures: {grayscale}, officially {train} and {val}"));
    } else {
        dataset.checks.push(grayscale);
    }
    if other_sizes > 0 {
        dataset.remarks.push(format!("not the official pictures: {other_sizes} are not of {SIZE}x{SIZE}"));
    }
    if unlabelled > 0 {
        dataset.remarks.push(format!(
            "{unlabelled} pictures in val/images have no line in {ANNOTATIONS} and are left out"
        ));
    }
    if options.class_order == ClassOrder::File {
        dataset
            .remarks
            .push("classes are numbered in the order of wnids.txt, not of the sorted WordNet ids".into());
    }
    Ok(dataset)
}

fn read(container: &Container) -> Result<Found> {
    let mut found = Found::default();
    container.walk(
        |name| match name {
            WNIDS => Some(NAMES_LIMIT),
            WORDS | ANNOTATIONS => Some(TEXT_LIMIT),
            _ if !name.starts_with("train/") && !name.starts_with("val/images/") => None,
            _ => (is_picture(name) || name.ends_with('/')).then_some(PICTURE_LIMIT),
        },
        |name, bytes| {
            match name {
                WNIDS => found.wnids = Some(bytes),
                WORDS => found.words = Some(bytes),
                ANNOTATIONS => found.annotations = Some(bytes),
                _ => found.pictures.push(container.path(), name, &bytes)?,
            }
            Ok(())
        },
    )?;
    Ok(found)
}

fn is_picture(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("jpeg"))
}

/// The WordNet ids in the order of their file.
fn wnids(bytes: &[u8], path: &Path) -> Result<Vec<String>> {
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for (number, wnid) in lines(bytes, path)? {
        if !is_wnid(wnid) {
            return Err(wrong(path, number, format!("`{}`", short(wnid)), "a WordNet id, such as n01443537"));
        }
        if let Some(first) = seen.insert(wnid, number) {
            return Err(wrong(
                path,
                number,
                format!("{wnid} a second time"),
                format!("it once, in line {first}"),
            ));
        }
        found.push(wnid.to_owned());
    }
    if found.is_empty() {
        return Err(wrong(path, 1, "no WordNet id".into(), "one a line"));
    }
    Ok(found)
}

fn is_wnid(text: &str) -> bool {
    text.strip_prefix('n')
        .is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// What fits into an error message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The label that the folder of a training picture gives.
fn label_of_folder(name: &str, class_of: &HashMap<&str, u16>, root: &Path) -> Result<u16> {
    let mut parts = name.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(wnid), Some("images"), Some(_), None) => match class_of.get(wnid) {
            Some(&label) => Ok(label),
            None => Err(Error::UnknownClass {
                path: root.join(name),
                class: short(wnid),
                known: "those of wnids.txt".into(),
            }),
        },
        _ => Err(Error::Inconsistent {
            what: "picture",
            found: root.join(name).display().to_string(),
            expected: "training pictures in train/WNID/images/".into(),
        }),
    }
}

/// Name, label and line of every annotated picture.
fn annotations_of<'b>(
    bytes: &'b [u8],
    class_of: &HashMap<&str, u16>,
    path: &Path,
) -> Result<HashMap<&'b str, (u16, usize)>> {
    let mut found = HashMap::new();
    for (number, line) in lines(bytes, path)? {
        let mut fields = line.split('\t');
        let (Some(name), Some(wnid)) = (fields.next(), fields.next()) else {
            return Err(wrong(
                path,
                number,
                format!("`{}`", short(line)),
                "a name, a tab, a WordNet id, and a box",
            ));
        };
        let Some(&label) = class_of.get(wnid) else {
            return Err(wrong(path, number, format!("the class `{}`", short(wnid)), "one of wnids.txt"));
        };
        if let Some((_, first)) = found.insert(name, (label, number)) {
            return Err(wrong(
                path,
                number,
                format!("{name} a second time"),
                format!("it once, in line {first}"),
            ));
        }
    }
    Ok(found)
}

/// The annotated pictures by name, their labels, and how many pictures are not annotated.
fn labelled(
    mut files: Vec<File>,
    annotated: &HashMap<&str, (u16, usize)>,
    root: &Path,
) -> Result<(Vec<File>, Vec<u16>, usize)> {
    let short_name =
        |file: &File| file.name.strip_prefix("val/images/").map(str::to_owned).unwrap_or_default();
    let before = files.len();
    files.retain(|file| annotated.contains_key(&*short_name(file)));
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if files.len() < annotated.len() {
        let there: std::collections::HashSet<_> = files.iter().map(short_name).collect();
        let missing =
            annotated.iter().filter(|(name, _)| !there.contains(**name)).min_by_key(|(_, (_, line))| line);
        if let Some((name, (_, line))) = missing {
            let found = format!("the picture `{}`, which is absent", short(name));
            return Err(wrong(&root.join(ANNOTATIONS), *line, found, "one in val/images/"));
        }
    }
    let labels = files.iter().map(|file| annotated[&*short_name(file)].0).collect();
    let left_out = before - files.len();
    Ok((files, labels, left_out))
}

/// `n01443537 goldfish, Carassius auratus`, or the WordNet id alone where there are no words.
fn class_names(order: &[String], words: Option<&[u8]>, path: &Path) -> Result<Vec<String>> {
    let lines = lines(words.unwrap_or_default(), path)?;
    let words: HashMap<&str, &str> = lines.iter().filter_map(|(_, line)| line.split_once('\t')).collect();
    let name = |wnid: &String| match words.get(wnid.as_str()) {
        Some(words) => format!("{wnid} {}", words.trim()),
        None => wnid.clone(),
    };
    Ok(order.iter().map(name).collect())
}
