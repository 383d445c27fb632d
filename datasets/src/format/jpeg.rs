//! JPEG (ITU-T T.81), baseline and progressive, one component or three.
//!
//! Decoders may differ by a few levels: the standard leaves the inverse transform's rounding and the interpolation of
//! halved colour planes to them. Ours is the crate `zune-jpeg`; [`DECODER`] names its version, which belongs into the record
//! of a run. Orientation that a camera noted (Exif) is not applied: pictures come as they are stored, as Pillow opens them.

use std::path::Path;

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::picture::{LARGEST_SIDE, Layout, check};
use crate::{Error, Result};

/// What every JPEG begins with: the start of the image, and of the next marker.
pub(super) const MAGIC: &[u8] = &[0xff, 0xd8, 0xff];

/// The second byte of the marker `end of image`.
const END: u8 = 0xd9;

/// The decoder whose rounding the pixels have.
pub const DECODER: &str = "zune-jpeg 0.5.15";

/// The most pixels of a byte. A block of 8x8 takes a bit at least in the scan that gives its mean, and no picture has fewer.
const PIXELS_PER_BYTE: usize = 8 * 64;

fn damaged(path: &Path, bytes: &[u8], reason: impl Into<String>) -> Error {
    Error::Damaged { path: path.into(), kind: "JPEG", offset: bytes.len() as u64, reason: reason.into() }
}

fn decoder<'b>(bytes: &'b [u8], path: &Path) -> Result<(JpegDecoder<ZCursor<&'b [u8]>>, Layout)> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(LARGEST_SIDE)
        .set_max_height(LARGEST_SIDE);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(path, bytes, explain(&error)))?;
    let ((width, height), info) = match (decoder.dimensions(), decoder.info()) {
        (Some(dimensions), Some(info)) => (dimensions, info),
        _ => return Err(damaged(path, bytes, "it has no header of a picture")),
    };
    let channels = match info.components {
        components @ (1 | 3) => usize::from(components),
        4 => {
            return Err(damaged(
                path,
                bytes,
                "it has four components (CMYK), only grayscale and colour pictures are read",
            ));
        }
        components => {
            return Err(damaged(
                path,
                bytes,
                format!("it has {components} components, a picture has 1 or 3"),
            ));
        }
    };
    let layout = check(Layout { channels, height, width }, PIXELS_PER_BYTE, bytes, path)?;
    let out = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    Ok((decoder, layout))
}

/// Channels, height and width, from the header alone.
pub(super) fn layout(bytes: &[u8], path: &Path) -> Result<Layout> {
    decoder(bytes, path).map(|(_, layout)| layout)
}

/// The pixels, rows of pixels of `channels` bytes.
pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<(Layout, Vec<u8>)> {
    let (mut decoder, layout) = decoder(bytes, path)?;
    // The decoder fills up what a file lacks at its end.
    if !is_whole(bytes) {
        return Err(damaged(path, bytes, "it has no end marker: cut short"));
    }
    let mut pixels = vec![0; layout.len()];
    decoder.decode_into(&mut pixels).map_err(|error| damaged(path, bytes, explain(&error)))?;
    Ok((layout, pixels))
}

/// Whether the picture's own marker `end of image` is there, found by going from segment to segment: the same bytes inside
/// of one, at the end of a preview in Exif data, end nothing.
fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = &bytes[MAGIC.len() - 1..];
    // What lies between a segment and the next marker is a scan, in which 0 follows every byte 0xff.
    while let Some(at) = rest.iter().position(|&byte| byte == 0xff) {
        let Some(kind) = rest[at..].iter().position(|&byte| byte != 0xff).map(|fill| at + fill) else {
            break;
        };
        let length = match rest[kind] {
            END => return true,
            // Not a marker, or one that stands alone: TEM, RST0 to RST7, SOI.
            0 | 1 | 0xd0..=0xd8 => 0,
            _ => match rest[kind + 1..] {
                [high, low, ..] => usize::from(u16::from_be_bytes([high, low])),
                _ => break,
            },
        };
        rest = rest.get(kind + 1 + length..).unwrap_or_default();
    }
    false
}

fn explain(error: &DecodeErrors) -> String {
    format!("{error:?}").trim_matches('"').into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_decoder_is_called_by_the_version_that_is_built() {
        let lock = include_str!("../../../Cargo.lock");
        let (name, version) = super::DECODER.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")));
    }
}
