//! Labelled images and whole data sets. Invariants sit behind private fields and are checked once, at construction.

use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{Error, Images, Picture, Result};

/// Images with one label each, or a choice of them. Cheap to clone.
///
/// A sample has a **position** in the split and an **index**, its place in the files. All randomness is keyed by the index, so
/// what happens to a sample does not depend on how the split was cut.
#[derive(Debug, Clone)]
pub struct Split {
    images: Images,
    /// Of every image, chosen or not.
    labels: Arc<[u16]>,
    classes: usize,
    /// The indices of the chosen samples by position; `None` for all of them.
    chosen: Option<Arc<[usize]>>,
}

impl Split {
    /// Pairs images with labels, each below `classes`.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when the counts differ or a label names no class.
    pub fn new(images: Images, labels: Vec<u16>, classes: usize) -> Result<Self> {
        let inconsistent = |found, expected| Error::Inconsistent { what: "split", found, expected };
        if images.len() != labels.len() {
            let found = format!("{} images with {} labels", images.len(), labels.len());
            return Err(inconsistent(found, "one label an image".into()));
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
            let found = format!("label {} of image {index}", labels[index]);
            return Err(inconsistent(found, format!("labels below the {classes} classes")));
        }
        Ok(Self { images, labels: labels.into(), classes, chosen: None })
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.labels.len(), |chosen| chosen.len())
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All images of the files, chosen or not, by index; [`Images::shape`] is that of every sample.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The place in the files of the sample at `position`. Panics beyond the end, as slices do.
    pub fn index(&self, position: usize) -> usize {
        match &self.chosen {
            Some(chosen) => chosen[position],
            None => {
                assert!(position < self.labels.len(), "position {position} of {} samples", self.labels.len());
                position
            }
        }
    }

    /// The picture at `position`, borrowed or decoded into `scratch`. Panics beyond the end, as slices do.
    ///
    /// # Errors
    ///
    /// Those of the images' source.
    pub fn picture<'a>(&'a self, position: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        self.images.picture(self.index(position), scratch)
    }

    /// The label at `position`. Panics beyond the end, as slices do.
    pub fn label(&self, position: usize) -> usize {
        usize::from(self.labels[self.index(position)])
    }

    /// All labels by position.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        (0..self.len()).map(|position| self.label(position))
    }

    /// How many classes the labels may name, whether or not each occurs.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often each class occurs.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for label in self.labels() {
            counts[label] += 1;
        }
        counts
    }

    /// SHA-256 over the labels, shapes and decoded pixels of all samples in order: equal for equal samples, whatever archive,
    /// folder or packed file they lie in.
    ///
    /// # Errors
    ///
    /// Those of the images' source.
    pub fn sha256(&self) -> Result<[u8; 32]> {
        // Blocks of a fixed length, and then their digests: decoding is spread over threads, and their number does not matter.
        let blocks = (0..self.len().div_ceil(DIGESTED)).into_par_iter().map(|block| {
            let (mut digest, mut scratch) = (Sha256::new(), Vec::new());
            for position in block * DIGESTED..((block + 1) * DIGESTED).min(self.len()) {
                let picture = self.picture(position, &mut scratch)?;
                let [channels, height, width] = picture.shape();
                for number in [self.label(position), channels, height, width] {
                    digest.update((number as u64).to_le_bytes());
                }
                digest.update(picture.pixels);
            }
            Ok(digest.finalize().into())
        });
        let blocks = blocks.collect::<Result<Vec<[u8; 32]>>>()?;
        let mut whole = Sha256::new();
        whole.update((self.len() as u64).to_le_bytes());
        blocks.iter().for_each(|block| whole.update(block));
        Ok(whole.finalize().into())
    }

    /// The first `count` samples, or all when there are fewer.
    #[must_use]
    pub fn head(&self, count: usize) -> Self {
        if count >= self.len() {
            return self.clone();
        }
        self.select(&(0..count).collect::<Vec<_>>())
    }

    /// The samples at these positions, in this order. Panics for one beyond the end, as slices do.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        let chosen = positions.iter().map(|&position| self.index(position)).collect();
        Self { chosen: Some(chosen), ..self.clone() }
    }
}

/// Samples that are digested one after the other.
const DIGESTED: usize = 256;

/// A named data set: what to train on, what to test on, and what is known about it.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The registry's name.
    pub name: String,
    /// The classes' names; a label is a position in this list.
    pub classes: Vec<String>,
    /// The training split.
    pub train: Split,
    /// The test split.
    pub test: Split,
    /// What was verified while loading.
    pub checks: Vec<String>,
    /// What a reader of results must know: how this differs from the official data set.
    pub remarks: Vec<String>,
}

impl Dataset {
    /// Puts a data set together.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when the splits differ in image shape, or a split in its number of classes.
    pub fn new(name: impl Into<String>, classes: Vec<String>, train: Split, test: Split) -> Result<Self> {
        let inconsistent = |found, expected: &str| {
            Err(Error::Inconsistent { what: "data set", found, expected: expected.into() })
        };
        let (a, b) = (train.images().shape(), test.images().shape());
        if a != b {
            let found = format!("training images of C, H, W = {a:?} and test images of {b:?}");
            return inconsistent(found, "equal shapes");
        }
        if train.classes != classes.len() || test.classes != classes.len() {
            let (train, test, names) = (train.classes, test.classes, classes.len());
            let found = format!("{names} class names, {train} training and {test} test classes");
            return inconsistent(found, "equal numbers");
        }
        Ok(Self { name: name.into(), classes, train, test, checks: Vec::new(), remarks: Vec::new() })
    }

    /// The first `train` and `test` samples of the two splits, with a remark that says so when samples were left out.
    #[must_use]
    pub fn head(&self, train: usize, test: usize) -> Self {
        let mut short = Self {
            name: self.name.clone(),
            classes: self.classes.clone(),
            train: self.train.head(train),
            test: self.test.head(test),
            checks: self.checks.clone(),
            remarks: self.remarks.clone(),
        };
        if (short.train.len(), short.test.len()) != (self.train.len(), self.test.len()) {
            short.remarks.push(format!(
                "only the first {} of {} training and {} of {} test images are used",
                short.train.len(),
                self.train.len(),
                short.test.len(),
                self.test.len()
            ));
        }
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 257 images of one row, so that there are two blocks; the digest is Python's hashlib's over the same layout.
    #[test]
    fn samples_have_a_digest() {
        let pixels: Vec<u8> = (0..257).flat_map(|i| [i as u8, (2 * i) as u8]).collect();
        let split = |pixels: Vec<u8>| {
            let labels = (0..257).map(|i| i % 3).collect();
            Split::new(Images::new(pixels, 1, 1, 2).unwrap(), labels, 3).unwrap()
        };
        let hexadecimal = |split: &Split| crate::official::hexadecimal(&split.sha256().unwrap());
        let whole = split(pixels.clone());
        assert_eq!(hexadecimal(&whole), "ac1d7a3b0641c7cef75b3b6d97c61700a5fe7de3add4c4620c418d9f06b1de6b");
        // Two pictures of one class in each other's place.
        let mut swapped = pixels;
        swapped.swap(0, 6);
        swapped.swap(1, 7);
        assert_ne!(split(swapped).sha256().unwrap(), whole.sha256().unwrap());
        assert_ne!(whole.head(256).sha256().unwrap(), whole.sha256().unwrap());
        assert!(whole.head(0).sha256().is_ok());
    }
}
