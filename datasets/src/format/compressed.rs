//! Gzip or plain, decided by the content: names lie after downloads and by-hand decompression.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// The two bytes every gzip member begins with. No IDX file does, and as CIFAR labels they are out of range.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Hands `parse` the decompressed bytes of `reader`, which is gzip if it begins so and plain otherwise.
///
/// # Errors
///
/// Those of `parse`; a read error that comes from the decoder becomes [`Error::Gzip`].
pub fn read_plain_or_gzip<T>(
    reader: impl Read,
    path: &Path,
    parse: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let start = reader.fill_buf().map_err(|source| Error::Io { path: path.into(), offset: 0, source })?;
    if !start.starts_with(&GZIP_MAGIC) {
        return parse(&mut reader);
    }
    parse(&mut MultiGzDecoder::new(reader)).map_err(|error| match error {
        Error::Io { path, offset, source } if is_decoding_error(&source) => {
            Error::Gzip { path, offset, source }
        }
        other => other,
    })
}

/// Whether the decoder, not the operating system, refused the bytes.
fn is_decoding_error(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}
