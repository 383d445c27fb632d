//! From a picture to what a network sees: all augmentations of single images in their order.

use super::{Augmentation, CentreCrop, Placement, Region, Resize};
use crate::{Error, Normalisation, Picture, Result};

/// A recipe prepared for images of one shape.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    augmentation: Augmentation,
    centre: CentreCrop,
    seed: u64,
    shape: [usize; 3],
    /// What each byte of a channel becomes.
    tables: Vec<[f32; 256]>,
    /// Mean, and one over the deviation, of each channel on the 0 to 1 scale.
    scales: Vec<[f32; 2]>,
}

/// Memory of one thread that makes images, used again for each.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// For sources that have to decode.
    pub(crate) decoded: Vec<u8>,
    planes: Vec<f32>,
    resize: Resize,
}

impl Pipeline {
    /// Checks the options against the shape of the images.
    pub(crate) fn new(
        augmentation: Augmentation,
        centre: CentreCrop,
        seed: u64,
        shape: [usize; 3],
        normalisation: &Normalisation,
    ) -> Result<Self> {
        augmentation.check(shape)?;
        centre.check()?;
        let scales = normalisation.mean().iter().zip(normalisation.deviation());
        let scales = scales.map(|(mean, deviation)| [*mean as f32, (1.0 / deviation) as f32]).collect();
        Ok(Self { augmentation, centre, seed, shape, tables: normalisation.tables(), scales })
    }

    pub(crate) fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// Writes `picture`, augmented as sample `index` is in `epoch`, to `output`: C, H, W of the pipeline's shape.
    pub(crate) fn write(
        &self,
        picture: Picture<'_>,
        (planes, resize): (&mut Vec<f32>, &mut Resize),
        epoch: u64,
        index: usize,
        output: &mut [f32],
    ) -> Result<()> {
        let [channels, height, width] = self.shape;
        if picture.channels != channels {
            return Err(Error::Inconsistent {
                what: "picture",
                found: format!("{} channels in picture {index}", picture.channels),
                expected: format!("{channels}, as all images of its split"),
            });
        }
        let placement = match self.augmentation {
            Augmentation { pad: 0, flip: false, .. } => Placement::IDENTITY,
            augmentation => augmentation.draw(self.seed, epoch, index),
        };
        let area = height * width;
        if self.only_moves(&picture) {
            let planes = picture.pixels.chunks_exact(area).zip(output.chunks_exact_mut(area));
            for ((plane, output), table) in planes.zip(&self.tables) {
                let value = |byte: u8| table[usize::from(byte)];
                placement.write_plane(plane, width, table[0], value, output);
            }
        } else {
            self.bring_to_size(&picture, (planes, resize), epoch, index);
            self.write_changed(planes, placement, epoch, index, output);
        }
        self.erase(epoch, index, output);
        Ok(())
    }

    /// Whether pixels keep their colours and only change their places, so that bytes go straight through the tables.
    fn only_moves(&self, picture: &Picture<'_>) -> bool {
        let [_, height, width] = self.shape;
        let has_size = [picture.height, picture.width] == [height, width];
        let stays = self.augmentation.resized_crop.is_none() && self.centre.share == 1.0;
        has_size && stays && self.augmentation.jitter.is_none()
    }

    /// The picture in the wanted size, on the 0 to 1 scale.
    fn bring_to_size(
        &self,
        picture: &Picture<'_>,
        (planes, resize): (&mut Vec<f32>, &mut Resize),
        epoch: u64,
        index: usize,
    ) {
        let [channels, height, width] = self.shape;
        let (from, to) = ([picture.height, picture.width], [height, width]);
        let (region, (size, window)) = match self.augmentation.resized_crop {
            Some(crop) => (crop.draw(self.seed, epoch, index, from), (to, Region::whole(to))),
            None => (Region::whole(from), self.centre.place(from, to)),
        };
        if region == Region::whole(from) && size == from && window == region {
            planes.clear();
            planes.extend(picture.pixels.iter().map(|&byte| f32::from(byte) / 255.0));
        } else {
            planes.resize(channels * height * width, 0.0);
            resize.write(picture.pixels, from, region, size, window, planes);
        }
    }

    /// Padded crop and mirroring, jitter, normalisation.
    fn write_changed(
        &self,
        planes: &mut [f32],
        placement: Placement,
        epoch: u64,
        index: usize,
        output: &mut [f32],
    ) {
        let [channels, height, width] = self.shape;
        let area = height * width;
        for (plane, output) in planes.chunks_exact(area).zip(output.chunks_exact_mut(area)) {
            placement.write_plane(plane, width, 0.0, |x| x, output);
        }
        if let Some(jitter) = self.augmentation.jitter {
            jitter.draw(self.seed, epoch, index).apply(output, channels);
        }
        for (output, [mean, inverse]) in output.chunks_exact_mut(area).zip(&self.scales) {
            for x in output {
                *x = (*x - mean) * inverse;
            }
        }
    }

    /// Cutout and random erasing.
    fn erase(&self, epoch: u64, index: usize, output: &mut [f32]) {
        let [_, height, width] = self.shape;
        let (area, size) = (height * width, [height, width]);
        if let Some(cutout) = self.augmentation.cutout {
            let region = cutout.draw(self.seed, epoch, index, size);
            for plane in output.chunks_exact_mut(area) {
                region.rows(plane, width).for_each(|row| row.fill(0.0));
            }
        }
        if let Some(erasing) = self.augmentation.erasing
            && let Some(region) = erasing.draw(self.seed, epoch, index, size)
        {
            erasing.fill(region, output, [area, width], &self.tables, [self.seed, epoch, index as u64]);
        }
    }
}

impl Scratch {
    /// The memory for decoding, and that for changing what was decoded.
    pub(crate) fn parts(&mut self) -> (&mut Vec<u8>, (&mut Vec<f32>, &mut Resize)) {
        (&mut self.decoded, (&mut self.planes, &mut self.resize))
    }
}
