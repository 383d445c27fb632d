//! Writing a packed file.

use std::io::{self, Seek, SeekFrom, Write};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{BLOCK, Description, HEADER, MAGIC, Section, SplitSections, VERSION, align};
use crate::official::hexadecimal;
use crate::{Dataset, Error, Result, Split};

/// Pictures that are decoded before they are written: bounds the memory, and gives every thread some.
const AT_ONCE: usize = 512;

/// Decodes every picture of `dataset` once, on the threads of the pool of `rayon`, and writes the file to `output`, which is
/// empty. `decoder` says what decoded them.
///
/// The same data set gives the same bytes. Nothing is a valid file before the last write, which is that of the header.
///
/// # Errors
///
/// A picture that cannot be decoded or has other channels than the images; [`Error::Write`], also for an output that holds
/// something: a packed file has no place for bytes before or behind it, and nothing is overwritten.
pub fn write<W: Write + Seek>(dataset: &Dataset, decoder: &str, output: &mut W) -> Result<Description> {
    let shape = dataset.train.images().shape();
    let writing = |source| Error::Write { source };
    let there = output.seek(SeekFrom::End(0)).map_err(writing)?;
    if there > 0 {
        let reason = format!("the output holds {there} bytes, expected an empty one");
        return Err(writing(io::Error::new(io::ErrorKind::AlreadyExists, reason)));
    }
    let mut file = Output { output, at: 0 };
    file.put(&[0; HEADER])?;
    let description = Description {
        name: dataset.name.clone(),
        classes: dataset.classes.clone(),
        shape,
        checks: dataset.checks.clone(),
        remarks: dataset.remarks.clone(),
        decoder: decoder.into(),
        train: file.split(&dataset.train)?,
        test: file.split(&dataset.test)?,
    };
    let text = serde_json::to_vec(&description).map_err(|error| Error::Write { source: error.into() })?;
    let section = file.section(&text)?;
    let mut header = Vec::with_capacity(HEADER);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(0u32.to_le_bytes());
    header.extend(section.offset.to_le_bytes());
    header.extend(section.bytes.to_le_bytes());
    header.extend(Sha256::digest(&text));
    file.output.seek(SeekFrom::Start(0)).map_err(writing)?;
    file.output.write_all(&header).map_err(writing)?;
    file.output.flush().map_err(writing)?;
    Ok(description)
}

/// What is written to, and how far it has come.
struct Output<'a, W> {
    output: &'a mut W,
    at: u64,
}

impl<W: Write> Output<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes).map_err(|source| Error::Write { source })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn pad(&mut self) -> Result<()> {
        let zeros = align(self.at) - self.at;
        self.put(&vec![0; zeros as usize])
    }

    fn section(&mut self, bytes: &[u8]) -> Result<Section> {
        self.pad()?;
        let offset = self.at;
        self.put(bytes)?;
        Ok(Section { offset, bytes: bytes.len() as u64, sha256: hexadecimal(&Sha256::digest(bytes)) })
    }

    fn split(&mut self, split: &Split) -> Result<SplitSections> {
        let [_, height, width] = split.images().shape();
        let (pixels, digests, sizes) = self.pixels(split)?;
        let digests = self.section(&digests)?;
        let sizes = match sizes.iter().all(|size| *size == [height as u32, width as u32]) {
            true => None,
            false => {
                let bytes: Vec<u8> =
                    sizes.as_flattened().iter().flat_map(|side| side.to_le_bytes()).collect();
                Some(self.section(&bytes)?)
            }
        };
        let labels: Vec<u8> = split.labels().flat_map(|label| (label as u16).to_le_bytes()).collect();
        let labels = self.section(&labels)?;
        Ok(SplitSections { count: split.len(), pixels, digests, sizes, labels })
    }

    /// Writes all pixels; their section, the digests of its blocks, and the pictures' heights and widths.
    fn pixels(&mut self, split: &Split) -> Result<(Section, Vec<u8>, Vec<[u32; 2]>)> {
        self.pad()?;
        let offset = self.at;
        let (mut whole, mut blocks, mut sizes) = (Sha256::new(), Blocks::default(), Vec::new());
        for start in (0..split.len()).step_by(AT_ONCE) {
            let positions = start..(start + AT_ONCE).min(split.len());
            let pictures: Vec<_> =
                positions.into_par_iter().map(|position| decode(split, position)).collect();
            for picture in pictures {
                let (bytes, size) = picture?;
                self.put(&bytes)?;
                whole.update(&bytes);
                blocks.add(&bytes);
                sizes.push(size);
            }
        }
        let section = Section { offset, bytes: self.at - offset, sha256: hexadecimal(&whole.finalize()) };
        Ok((section, blocks.finish(), sizes))
    }
}

/// The bytes of a picture, its height and its width.
fn decode(split: &Split, position: usize) -> Result<(Vec<u8>, [u32; 2])> {
    let mut scratch = Vec::new();
    let picture = split.picture(position, &mut scratch)?;
    let (channels, expected) = (picture.channels, split.images().shape()[0]);
    let sides = [picture.height, picture.width].map(u32::try_from);
    let ([Ok(height), Ok(width)], true) = (sides, channels == expected) else {
        return Err(Error::Inconsistent {
            what: "packing",
            found: format!("picture {} of C, H, W = {:?}", split.index(position), picture.shape()),
            expected: format!("{expected} channels, and sides that 32 bits can count"),
        });
    };
    Ok((picture.pixels.to_vec(), [height, width]))
}

/// Digests of equal blocks of what is added piece by piece.
#[derive(Default)]
struct Blocks {
    current: Sha256,
    filled: usize,
    digests: Vec<u8>,
}

impl Blocks {
    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.current.update(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BLOCK {
                self.digests.extend(std::mem::take(&mut self.current).finalize());
                self.filled = 0;
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.digests.extend(self.current.finalize());
        }
        self.digests
    }
}
