//! Opening a packed file. Nothing in it is believed: every length is held against the file's before anything is made of it.

use std::{ops::Range, path::Path, sync::Arc, sync::atomic::AtomicBool};

use sha2::{Digest, Sha256};

use super::{
    BLOCK, Bytes, Description, HEADER, MAGIC, Section, SplitSections, VERSION, align,
    pictures::{PackedPictures, Places},
};
use crate::official::hexadecimal;
use crate::{Dataset, Error, Images, Result, Split};

/// Opens a packed file as the data set called `name`; `path` is for messages.
///
/// Pixels stay where they are, and each block of them is compared with its digest when it is first asked for. The digest of
/// all pixels together, which the description has for whoever wants to name them, is compared by [`verify`] alone.
///
/// # Errors
///
/// [`Error::OtherPacked`] for another data set, [`Error::Packed`] for whatever is not as it was written.
pub fn load(name: &str, file: &Bytes, path: &Path) -> Result<Dataset> {
    let packed = Packed { file, path };
    let description = packed.description()?;
    if description.name != name {
        let (found, expected) = (description.name, name.into());
        return Err(Error::OtherPacked { path: path.into(), found, expected });
    }
    let [train, test] = packed.splits(&description)?;
    let classes = description.classes.len();
    let split = |(pictures, labels): (PackedPictures, Vec<u16>)| {
        Split::new(Images::from_source(Arc::new(pictures), description.shape)?, labels, classes)
    };
    let (train, test) = (split(train)?, split(test)?);
    let mut dataset = Dataset::new(description.name, description.classes, train, test)?;
    dataset.checks = description.checks;
    dataset
        .checks
        .push("packed: labels have their digest, and pixels are compared with theirs when read".into());
    dataset.remarks = description.remarks;
    Ok(dataset)
}

/// Compares every byte of a packed file with its digests: those of the sections, and of every block of the pixels.
///
/// # Errors
///
/// [`Error::Packed`] for the first place that is not as it was written.
pub fn verify(file: &Bytes, path: &Path) -> Result<Description> {
    let packed = Packed { file, path };
    let description = packed.description()?;
    let splits = packed.splits(&description)?;
    for ((pictures, _), sections) in splits.iter().zip([&description.train, &description.test]) {
        // Blocks first, since they say where the file is wrong.
        pictures.check_all()?;
        packed.compare("pixels", &sections.pixels, &packed.bytes()[range(&sections.pixels)])?;
    }
    Ok(description)
}

/// What a packed file says of itself; nothing else of it is looked at.
///
/// # Errors
///
/// [`Error::Packed`] for a header or description that is not as it was written.
pub fn describe(file: &Bytes, path: &Path) -> Result<Description> {
    Packed { file, path }.description()
}

struct Packed<'a> {
    file: &'a Bytes,
    path: &'a Path,
}

impl Packed<'_> {
    fn bytes(&self) -> &[u8] {
        (**self.file).as_ref()
    }

    fn wrong<T>(&self, offset: u64, found: impl Into<String>, expected: impl Into<String>) -> Result<T> {
        Err(Error::Packed { path: self.path.into(), offset, found: found.into(), expected: expected.into() })
    }

    fn description(&self) -> Result<Description> {
        let bytes = self.bytes();
        if bytes.len() < HEADER || bytes[..8] != MAGIC {
            return self.wrong(0, format!("{} bytes without the mark", bytes.len()), "a packed data set");
        }
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        if (word(8), word(12)) != (VERSION, 0) {
            return self.wrong(
                8,
                format!("version {}.{}", word(8), word(12)),
                format!("version {VERSION}.0"),
            );
        }
        let (offset, length) = (long(16), long(24));
        let is_last = offset.checked_add(length) == Some(bytes.len() as u64);
        if !is_last || offset < HEADER as u64 || offset != align(offset) {
            let found = format!("a description of {length} bytes from byte {offset} on");
            return self.wrong(16, found, format!("one that ends with the file's {} bytes", bytes.len()));
        }
        // A copy, as for every section that is used: what was compared is what is used, whoever writes to a mapped file.
        let text = bytes[offset as usize..].to_vec();
        if Sha256::digest(&text)[..] != bytes[32..64] {
            return self.wrong(offset, "a description that has changed", "the one with the header's digest");
        }
        let description: Description = match serde_json::from_slice(&text) {
            Ok(description) => description,
            Err(error) => return self.wrong(offset, error.to_string(), "a description of this version"),
        };
        self.check_layout(&description, offset)?;
        Ok(description)
    }

    /// Every section begins where the one before ends and padding is zero, so that no byte goes unread.
    fn check_layout(&self, description: &Description, end: u64) -> Result<()> {
        let mut at = HEADER as u64;
        for (name, section) in description.train.all().chain(description.test.all()) {
            let next = section.offset.checked_add(section.bytes).filter(|&next| next <= end);
            let (true, Some(next)) = (section.offset == align(at), next) else {
                let found = format!("{} bytes of {name} from byte {} on", section.bytes, section.offset);
                return self.wrong(at, found, format!("a section from {} to at most {end}", align(at)));
            };
            self.check_zeros(at, section.offset)?;
            at = next;
        }
        if align(at) != end {
            return self.wrong(at, format!("a description at byte {end}"), format!("one at {}", align(at)));
        }
        self.check_zeros(at, end)
    }

    fn check_zeros(&self, from: u64, to: u64) -> Result<()> {
        match self.bytes()[from as usize..to as usize].iter().position(|&byte| byte != 0) {
            Some(place) => self.wrong(from + place as u64, "something between two sections", "zeros"),
            None => Ok(()),
        }
    }

    fn splits(&self, description: &Description) -> Result<[(PackedPictures, Vec<u16>); 2]> {
        let split = |sections: &SplitSections| self.split(sections, description.shape);
        Ok([split(&description.train)?, split(&description.test)?])
    }

    fn split(&self, sections: &SplitSections, shape: [usize; 3]) -> Result<(PackedPictures, Vec<u16>)> {
        let labels = self.section("labels", &sections.labels)?;
        if labels.len() as u128 != 2 * sections.count as u128 {
            let found = format!("{} bytes of labels", labels.len());
            let expected = format!("two for each of {} pictures", sections.count);
            return self.wrong(sections.labels.offset, found, expected);
        }
        let labels = labels.chunks_exact(2).map(|label| u16::from_le_bytes([label[0], label[1]])).collect();
        let digests = self.section("digests", &sections.digests)?;
        let pixels = range(&sections.pixels);
        if digests.len() != 32 * pixels.len().div_ceil(BLOCK) {
            let found = format!("{} bytes of digests", digests.len());
            let expected = format!("32 for each {BLOCK} of {} bytes", pixels.len());
            return self.wrong(sections.digests.offset, found, expected);
        }
        let places = self.places(sections, shape)?;
        let good = (0..digests.len() / 32).map(|_| AtomicBool::new(false)).collect();
        let pictures = PackedPictures {
            file: self.file.clone(),
            path: self.path.into(),
            pixels,
            channels: shape[0],
            places,
            digests,
            good,
        };
        Ok((pictures, labels))
    }

    /// Where each picture is, with the pixels used up by them.
    fn places(&self, sections: &SplitSections, [channels, height, width]: [usize; 3]) -> Result<Places> {
        let (count, available) = (sections.count, sections.pixels.bytes);
        let size = |height: u64, width: u64| (channels as u64).checked_mul(height)?.checked_mul(width);
        let (places, used) = match &sections.sizes {
            None => {
                let used = size(height as u64, width as u64).and_then(|size| size.checked_mul(count as u64));
                (Places::Equal { count, height, width }, used)
            }
            Some(section) => {
                let sizes = self.section("sizes", section)?;
                if sizes.len() as u128 != 8 * count as u128 {
                    let found = format!("{} bytes of sizes", sizes.len());
                    return self.wrong(section.offset, found, format!("eight for each of {count} pictures"));
                }
                let (mut places, mut at) = (Vec::with_capacity(count), Some(0u64));
                for sides in sizes.chunks_exact(8) {
                    let side =
                        |at: usize| u32::from_le_bytes(sides[at..at + 4].try_into().expect("four bytes"));
                    let (height, width) = (side(0), side(4));
                    // What lies behind the end is refused below, before anyone looks.
                    places.push((at.unwrap_or(u64::MAX) as usize, height, width));
                    let area = size(u64::from(height), u64::from(width)).filter(|&area| area > 0);
                    at = at.zip(area).and_then(|(at, area)| at.checked_add(area));
                }
                (Places::Several(places), at)
            }
        };
        if used != Some(available) {
            let found = format!("{available} bytes of pixels");
            let expected = format!("those of {count} pictures of {channels} channels, as large as is said");
            return self.wrong(sections.pixels.offset, found, expected);
        }
        Ok(places)
    }

    /// A copy of the bytes of a section, which has its digest.
    fn section(&self, name: &str, section: &Section) -> Result<Vec<u8>> {
        let bytes = self.bytes()[range(section)].to_vec();
        self.compare(name, section, &bytes)?;
        Ok(bytes)
    }

    fn compare(&self, name: &str, section: &Section, bytes: &[u8]) -> Result<()> {
        if hexadecimal(&Sha256::digest(bytes)) == section.sha256 {
            return Ok(());
        }
        let found = format!("{name} that have changed since they were packed");
        self.wrong(section.offset, found, "those with their digest")
    }
}

/// The bytes of a section whose end was held against the file's.
fn range(section: &Section) -> Range<usize> {
    section.offset as usize..(section.offset + section.bytes) as usize
}
