//! PNG (W3C recommendation, third edition): any colour type, depth and interlacing, as eight bits a channel.
//!
//! Palettes become colours; depths below eight are scaled to 0 to 255; of sixteen bits the upper eight are kept.
//! Transparency is dropped and the colours beneath are shown, as by Pillow's `convert("RGB")` and so by torchvision's image
//! folder. Of an animation the first picture is taken. Every chunk has a checksum, so damage is noticed.

use std::{io::Cursor, path::Path};

use png::{ColorType, Decoder, Limits, Reader, Transformations};

use super::picture::{LARGEST, Layout, check};
use crate::{Error, Result};

/// What every PNG begins with.
pub(super) const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most that deflate packs into one byte.
const BYTES_PER_BYTE: usize = 1032;

fn damaged(path: &Path, bytes: &[u8], reason: impl Into<String>) -> Error {
    Error::Damaged { path: path.into(), kind: "PNG", offset: bytes.len() as u64, reason: reason.into() }
}

/// A reader behind the header.
struct Opened<'b> {
    reader: Reader<Cursor<&'b [u8]>>,
    /// What the picture becomes.
    layout: Layout,
    /// The channels that the reader gives: transparency too.
    given: usize,
}

fn open<'b>(bytes: &'b [u8], path: &Path) -> Result<Opened<'b>> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 4 * LARGEST });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let wrong = |error: png::DecodingError| damaged(path, bytes, error.to_string());
    let info = decoder.read_header_info().map_err(wrong)?;
    let (width, height) = (info.width as usize, info.height as usize);
    // At one bit a pixel, the least there is.
    let layout = check(Layout { channels: 1, height, width }, 8 * BYTES_PER_BYTE, bytes, path)?;
    let reader = decoder.read_info().map_err(wrong)?;
    // `png` 0.18.1 sees to 3 to 768 bytes, but panics on a colour that is cut off when it comes to the first row.
    if let Some(palette) = &reader.info().palette
        && palette.len() % 3 != 0
    {
        let reason = format!("a palette of {} bytes; want 3 for each of 1 to 256 colours", palette.len());
        return Err(damaged(path, bytes, reason));
    }
    let (channels, given) = match reader.output_color_type().0 {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (1, 2),
        ColorType::Rgb | ColorType::Indexed => (3, 3),
        ColorType::Rgba => (3, 4),
    };
    Ok(Opened { reader, layout: Layout { channels, ..layout }, given })
}

/// Channels, height and width, from the header alone.
pub(super) fn layout(bytes: &[u8], path: &Path) -> Result<Layout> {
    open(bytes, path).map(|opened| opened.layout)
}

/// The pixels, rows of pixels of `channels` bytes.
pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<(Layout, Vec<u8>)> {
    let Opened { mut reader, layout, given } = open(bytes, path)?;
    let wrong = |error: png::DecodingError| damaged(path, bytes, error.to_string());
    let mut pixels = vec![0; layout.height * layout.width * given];
    reader.next_frame(&mut pixels).map_err(wrong)?;
    reader.finish().map_err(wrong)?;
    if given != layout.channels {
        pixels = pixels.chunks_exact(given).flat_map(|pixel| &pixel[..layout.channels]).copied().collect();
    }
    Ok((layout, pixels))
}
