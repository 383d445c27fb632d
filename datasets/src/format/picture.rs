//! Pictures in files: JPEG or PNG, decided by the content, as planes of bytes.

use std::path::Path;

use super::{jpeg, png};
use crate::{Error, Result};

/// The longest side of a picture that is read.
pub const LARGEST_SIDE: usize = 1 << 14;

/// The most pixels of a picture that is read.
pub const LARGEST: usize = 1 << 26;

/// Endings of the names of picture files, in lower case.
pub const ENDINGS: [&str; 4] = ["jpg", "jpeg", "jpe", "png"];

/// Endings of the names of other picture files, in lower case: none of these is read.
pub const UNREAD_ENDINGS: [&str; 21] = [
    "arw", "avif", "bmp", "cr2", "dng", "gif", "heic", "heif", "ico", "jfif", "jp2", "jxl", "nef", "pbm",
    "pgm", "pnm", "ppm", "svg", "tif", "tiff", "webp",
];

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// 1 for grayscale, 3 for colour.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Layout {
    /// Bytes of the picture.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether it has no pixel, which no picture that was read has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

type Decode = fn(&[u8], &Path) -> Result<(Layout, Vec<u8>)>;
type Header = fn(&[u8], &Path) -> Result<Layout>;

fn format(bytes: &[u8], path: &Path) -> Result<(Header, Decode)> {
    if bytes.starts_with(jpeg::MAGIC) {
        Ok((jpeg::layout, jpeg::decode))
    } else if bytes.starts_with(png::MAGIC) {
        Ok((png::layout, png::decode))
    } else {
        let start = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        Err(Error::Damaged {
            path: path.into(),
            kind: "picture",
            offset: 0,
            reason: format!(
                "it begins with [{start}]; a JPEG begins with [ff d8 ff], a PNG with [89 50 4e 47]"
            ),
        })
    }
}

/// Refuses a picture that is empty, huge, or so large that its file cannot hold it at `most` pixels a byte.
pub(super) fn check(layout: Layout, most: usize, bytes: &[u8], path: &Path) -> Result<Layout> {
    let Layout { height, width, .. } = layout;
    let pixels = height.saturating_mul(width);
    let reason = if pixels == 0 || pixels > LARGEST || height.max(width) > LARGEST_SIDE {
        format!(
            "a picture of {height}x{width}; read are 1 to {LARGEST} pixels, at most {LARGEST_SIDE} a side"
        )
    } else if pixels > bytes.len().saturating_mul(most) {
        format!("a picture of {height}x{width} does not fit into its {} bytes", bytes.len())
    } else {
        return Ok(layout);
    };
    Err(Error::Damaged { path: path.into(), kind: "picture", offset: bytes.len() as u64, reason })
}

/// Channels, height and width of a picture, from its header alone. The path is for errors.
///
/// # Errors
///
/// [`Error::Damaged`]: neither JPEG nor PNG, a header that is damaged, a kind of picture that is not read, or a size
/// that so few bytes cannot hold.
pub fn layout(bytes: &[u8], path: &Path) -> Result<Layout> {
    format(bytes, path)?.0(bytes, path)
}

/// Decodes a picture into `planes`, C, H, W, as `channels` planes or, for 0, as many as it has: grayscale becomes three
/// equal planes. Whatever was in `planes` is overwritten.
///
/// # Errors
///
/// As [`layout`], and pixels that are damaged; a colour picture where one channel is wanted.
pub fn decode(bytes: &[u8], path: &Path, channels: usize, planes: &mut Vec<u8>) -> Result<Layout> {
    let (layout, pixels) = format(bytes, path)?.1(bytes, path)?;
    let channels = if channels == 0 { layout.channels } else { channels };
    planes.clear();
    match (layout.channels, channels) {
        (1, _) => (0..channels).for_each(|_| planes.extend_from_slice(&pixels)),
        (3, 3) => {
            let (pixels, _) = pixels.as_chunks::<3>();
            for channel in 0..3 {
                planes.extend(pixels.iter().map(|pixel| pixel[channel]));
            }
        }
        (found, wanted) => {
            let reason = format!("it has {found} channels where pictures of {wanted} are wanted");
            return Err(Error::Damaged { path: path.into(), kind: "picture", offset: 0, reason });
        }
    }
    Ok(Layout { channels, ..layout })
}
