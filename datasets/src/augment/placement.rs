//! A random crop of the padded image, and a random mirror image.
//!
//! Padding is **black before normalisation** (byte 0), as torchvision's `RandomCrop(size, padding)` pads the picture
//! that `ToTensor` and `Normalize` see afterwards. Padding the normalised image with zeros would pad with the mean
//! colour instead; papers that report results with the torchvision recipe did not do that.

use crate::random::{Purpose, below, stream};

/// What happens to sample `index` (its place in the files) in `epoch`.
///
/// Three numbers are always drawn, in the order top, left, flip, so switching one augmentation off leaves the others as
/// they were.
pub(super) fn draw(pad: usize, flip: bool, seed: u64, epoch: u64, index: usize) -> Placement {
    let mut generator = stream(seed, Purpose::Augmentation { epoch }, index as u64);
    let places = 2 * pad as u64 + 1;
    let top = below(&mut generator, places) as isize - pad as isize;
    let left = below(&mut generator, places) as isize - pad as isize;
    let mirrored = below(&mut generator, 2) == 1;
    Placement { top, left, flip: flip && mirrored }
}

/// Where an output image lies on the padded input image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The input row that becomes the first output row; negative or beyond the image is black.
    pub top: isize,
    /// The input column that becomes the first output column, before mirroring.
    pub left: isize,
    /// Whether the crop is then mirrored left to right.
    pub flip: bool,
}

impl Placement {
    /// The image as it is.
    pub const IDENTITY: Self = Self { top: 0, left: 0, flip: false };

    /// Writes one plane (one channel) of `width` columns to `output` of the same size, each element through `value`, and
    /// `black` where there is no picture.
    pub(super) fn write_plane<P: Copy>(
        &self,
        plane: &[P],
        width: usize,
        black: f32,
        value: impl Fn(P) -> f32,
        output: &mut [f32],
    ) {
        let height = plane.len() / width;
        // Output columns, before mirroring, that show the image: its columns left + first .. left + last.
        let first = self.left.min(0).unsigned_abs().min(width);
        let last = width.saturating_sub(self.left.max(0).unsigned_abs()).max(first);
        // The same behind the mirror.
        let shown = if self.flip { width - last..width - first } else { first..last };
        for (y, row) in output.chunks_exact_mut(width).enumerate() {
            let Some(source) = (y as isize + self.top).try_into().ok().filter(|&y: &usize| y < height) else {
                row.fill(black);
                continue;
            };
            row[..shown.start].fill(black);
            row[shown.end..].fill(black);
            if shown.is_empty() {
                continue;
            }
            let start = source * width + self.left.max(0).unsigned_abs();
            let from = plane[start..][..shown.len()].iter();
            let to = row[shown.clone()].iter_mut();
            let write = |(to, &from): (&mut f32, &P)| *to = value(from);
            if self.flip {
                to.zip(from.rev()).for_each(write);
            } else {
                to.zip(from).for_each(write);
            }
        }
    }
}
