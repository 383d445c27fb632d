//! Pictures kept as the encoded files they came in, and decoded when they are asked for.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Error, Picture, PictureSource, Result, format::picture};

/// The most bytes of encoded pictures that are kept in memory.
const MOST: u64 = 1 << 34;

/// The files of a data set, one after another in memory as they were read: a fifth to a hundredth of their pixels.
#[derive(Default)]
pub(crate) struct Files {
    bytes: Vec<u8>,
    files: Vec<File>,
}

/// One encoded picture.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its name below the archive or folder.
    pub(crate) name: Box<str>,
    /// What its header says.
    pub(crate) layout: picture::Layout,
    range: Range<usize>,
}

impl Files {
    /// Adds a picture after a look at its header.
    pub(crate) fn push(&mut self, root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
        let layout = picture::layout(bytes, &root.join(name))?;
        let start = self.bytes.len();
        if (start + bytes.len()) as u64 > MOST {
            return Err(Error::TooLarge { path: root.into(), limit: MOST, of: "pictures kept in memory" });
        }
        self.bytes.extend_from_slice(bytes);
        self.files.push(File { name: name.into(), layout, range: start..self.bytes.len() });
        Ok(())
    }

    /// The bytes, to be shared between splits, and the files in the order they came.
    pub(crate) fn finish(mut self) -> (Arc<Vec<u8>>, Vec<File>) {
        self.bytes.shrink_to_fit();
        (self.bytes.into(), self.files)
    }
}

/// Some encoded files as a source of pictures.
pub(crate) struct Encoded {
    /// The archive or folder, for errors.
    root: PathBuf,
    bytes: Arc<Vec<u8>>,
    files: Vec<File>,
    /// Channels of every picture given out: a grayscale one among colour pictures gets three equal planes.
    channels: usize,
}

impl Encoded {
    pub(crate) fn new(root: &Path, bytes: Arc<Vec<u8>>, files: Vec<File>, channels: usize) -> Self {
        Self { root: root.into(), bytes, files, channels }
    }
}

impl PictureSource for Encoded {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let file = &self.files[index];
        let path = self.root.join(&*file.name);
        let layout = picture::decode(&self.bytes[file.range.clone()], &path, self.channels, scratch)?;
        let picture::Layout { channels, height, width } = layout;
        Ok(Picture { pixels: scratch, channels, height, width })
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} files of {})", self.files.len(), self.root.display())
    }
}
