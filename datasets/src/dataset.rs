//! Images and labels in memory. Invariants sit behind private fields and are checked once, at construction.

use crate::{Error, Result};

/// Equally sized 8-bit images, stored N, C, H, W without gaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    channels: usize,
    height: usize,
    width: usize,
}

impl Images {
    /// Takes the pixels of any number of images, each `channels * height * width` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when a dimension is zero or the bytes are not a whole number of images.
    pub fn new(pixels: Vec<u8>, channels: usize, height: usize, width: usize) -> Result<Self> {
        let size = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
        match size {
            Some(size) if size > 0 && pixels.len().is_multiple_of(size) => {
                Ok(Self { pixels, channels, height, width })
            }
            _ => Err(Error::Inconsistent {
                what: "images",
                found: format!("{} bytes for C, H, W = {channels}, {height}, {width}", pixels.len()),
                expected: "positive dimensions and a whole number of images".into(),
            }),
        }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.image_len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// C, H, W of each image.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The pixels of image `index`: C, H, W.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len), as slices do.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.image_len();
        &self.pixels[index * size..][..size]
    }

    /// All pixels: N, C, H, W.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The first `count` images, or all when there are fewer.
    #[must_use]
    pub fn head(&self, count: usize) -> Self {
        let bytes = count.saturating_mul(self.image_len()).min(self.pixels.len());
        Self { pixels: self.pixels[..bytes].to_vec(), ..*self }
    }
}

impl std::fmt::Debug for Images {
    /// The shape alone: nobody wants a hundred million pixels in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Images({}, {}, {}, {})", self.len(), self.channels, self.height, self.width)
    }
}

/// Images with one label each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    images: Images,
    labels: Vec<u16>,
    classes: usize,
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
        Ok(Self { images, labels, classes })
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The pixels of image `index`: C, H, W. Panics beyond the end, as slices do.
    pub fn image(&self, index: usize) -> &[u8] {
        self.images.image(index)
    }

    /// The label of image `index`. Panics beyond the end, as slices do.
    pub fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    /// All labels, in the order of the images.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// How many classes the labels may name, whether or not each occurs.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often each class occurs.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// The first `count` samples, or all when there are fewer.
    #[must_use]
    pub fn head(&self, count: usize) -> Self {
        let labels = self.labels[..count.min(self.len())].to_vec();
        Self { images: self.images.head(count), labels, classes: self.classes }
    }
}

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
