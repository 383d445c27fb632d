//! Pictures, and the images of a data set over whatever holds them.

use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// One picture as bytes in planes: C, H, W.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    /// The bytes: C, H, W without gaps.
    pub pixels: &'a [u8],
    /// The number of planes.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
}

impl Picture<'_> {
    /// C, H, W.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }
}

/// Where pictures come from: pixels in memory, encoded files, a mapped cache.
pub trait PictureSource: fmt::Debug + Send + Sync {
    /// How many pictures there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Picture `index`, borrowed from the source or decoded into `scratch`, whose former content does not matter. Its bytes are
    /// as many as its shape says, and at least one; [`Images::picture`] refuses any other.
    ///
    /// # Errors
    ///
    /// Bytes that cannot be read or are no picture.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len), as slices do.
    fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>>;
}

/// Equally sized 8-bit images in memory, stored N, C, H, W without gaps.
struct Pixels {
    bytes: Vec<u8>,
    shape: [usize; 3],
}

impl PictureSource for Pixels {
    fn len(&self) -> usize {
        self.bytes.len() / self.shape.iter().product::<usize>()
    }

    fn picture<'a>(&'a self, index: usize, _scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let [channels, height, width] = self.shape;
        let size = channels * height * width;
        Ok(Picture { pixels: &self.bytes[index * size..][..size], channels, height, width })
    }
}

impl fmt::Debug for Pixels {
    /// The shape alone: nobody wants a hundred million pixels in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = self.shape;
        write!(f, "Pixels({}, {channels}, {height}, {width})", self.len())
    }
}

/// The images of a data set and the shape a network sees them in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Images {
    source: Arc<dyn PictureSource>,
    shape: [usize; 3],
}

impl Images {
    /// Takes the pixels of any number of images, each `channels * height * width` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when a dimension is zero or the bytes are not a whole number of images.
    pub fn new(pixels: Vec<u8>, channels: usize, height: usize, width: usize) -> Result<Self> {
        let shape = [channels, height, width];
        match size_of(shape) {
            Some(size) if pixels.len().is_multiple_of(size) => {
                Ok(Self { source: Arc::new(Pixels { bytes: pixels, shape }), shape })
            }
            _ => Err(Error::Inconsistent {
                what: "images",
                found: format!("{} bytes for C, H, W = {channels}, {height}, {width}", pixels.len()),
                expected: "positive dimensions and a whole number of images".into(),
            }),
        }
    }

    /// Pictures of any source, to be shown as C, H, W = `shape`. The pictures themselves may have other heights and
    /// widths; they are fitted when a batch is made.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when a dimension is zero.
    pub fn from_source(source: Arc<dyn PictureSource>, shape: [usize; 3]) -> Result<Self> {
        if size_of(shape).is_none() {
            return Err(Error::Inconsistent {
                what: "images",
                found: format!("C, H, W = {shape:?}"),
                expected: "positive dimensions".into(),
            });
        }
        Ok(Self { source, shape })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// C, H, W of an image as a network sees it.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Bytes of one image of this shape.
    pub fn image_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Picture `index`, borrowed or decoded into `scratch`.
    ///
    /// # Errors
    ///
    /// Those of the source; [`Error::Inconsistent`] when it gives a picture of another number of bytes than it says, or of none.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len), as slices do.
    pub fn picture<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let picture = self.source.picture(index, scratch)?;
        // Everything behind this point cuts pictures into planes and rows by these numbers.
        if size_of(picture.shape()) == Some(picture.pixels.len()) {
            return Ok(picture);
        }
        Err(Error::Inconsistent {
            what: "picture",
            found: format!(
                "{} bytes for C, H, W = {:?} of picture {index}",
                picture.pixels.len(),
                picture.shape()
            ),
            expected: "C * H * W bytes, at least one".into(),
        })
    }
}

/// Bytes of an image; `None` for an empty one or one beyond all numbers.
fn size_of([channels, height, width]: [usize; 3]) -> Option<usize> {
    channels.checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|&size| size > 0)
}
