//! The pictures of a packed split, each checked before it is handed out.

use std::{
    fmt,
    ops::Range,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{BLOCK, Bytes};
use crate::{Error, Picture, PictureSource, Result};

/// The pixels of one split.
pub(super) struct PackedPictures {
    pub(super) file: Bytes,
    pub(super) path: PathBuf,
    /// Which bytes of the file.
    pub(super) pixels: Range<usize>,
    pub(super) channels: usize,
    pub(super) places: Places,
    /// One for each block, of 32 bytes.
    pub(super) digests: Vec<u8>,
    /// Which blocks were compared with theirs and found good.
    pub(super) good: Vec<AtomicBool>,
}

/// Where each picture is among the pixels.
pub(super) enum Places {
    /// So many of one height and width.
    Equal { count: usize, height: usize, width: usize },
    /// Each with its first byte, height and width.
    Several(Vec<(usize, u32, u32)>),
}

impl PackedPictures {
    /// Compares a block with its digest, unless that was done before. Two threads may do it at once: they find the same.
    fn check(&self, block: usize) -> Result<()> {
        // The flag carries nothing but itself, since the bytes have never been written by anyone here.
        if self.good[block].load(Ordering::Relaxed) {
            return Ok(());
        }
        let start = self.pixels.start + block * BLOCK;
        let bytes = &(*self.file).as_ref()[start..(start + BLOCK).min(self.pixels.end)];
        if Sha256::digest(bytes)[..] != self.digests[block * 32..][..32] {
            return Err(Error::Packed {
                path: self.path.clone(),
                offset: start as u64,
                found: format!("{} bytes of pixels that have changed since they were packed", bytes.len()),
                expected: "bytes with the digest that the file has for them".into(),
            });
        }
        self.good[block].store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Checks all pixels, on the threads of the pool of `rayon`.
    pub(super) fn check_all(&self) -> Result<()> {
        let errors: Vec<_> =
            (0..self.good.len()).into_par_iter().filter_map(|block| self.check(block).err()).collect();
        // The first of them, whoever was first to find one.
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// The bytes of picture `index` among the pixels, its height and its width.
    fn place(&self, index: usize) -> (usize, usize, usize) {
        match &self.places {
            Places::Equal { count, height, width } => {
                assert!(index < *count, "picture {index} of {count}");
                (index * self.channels * height * width, *height, *width)
            }
            Places::Several(places) => {
                let (start, height, width) = places[index];
                (start, height as usize, width as usize)
            }
        }
    }
}

impl PictureSource for PackedPictures {
    fn len(&self) -> usize {
        match &self.places {
            Places::Equal { count, .. } => *count,
            Places::Several(places) => places.len(),
        }
    }

    fn picture<'a>(&'a self, index: usize, _scratch: &'a mut Vec<u8>) -> Result<Picture<'a>> {
        let (start, height, width) = self.place(index);
        let end = start + self.channels * height * width;
        (start / BLOCK..end.div_ceil(BLOCK)).try_for_each(|block| self.check(block))?;
        let pixels = &(*self.file).as_ref()[self.pixels.start + start..self.pixels.start + end];
        Ok(Picture { pixels, channels: self.channels, height, width })
    }
}

impl fmt::Debug for PackedPictures {
    /// Without the pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedPictures({} of {})", self.len(), self.path.display())
    }
}
