//! Reading a number of bytes that a header announced, without believing the header.

use std::{
    io::{self, Read},
    path::Path,
};

use crate::{Error, Result};

/// The most memory reserved on the word of a header alone.
const FIRST_STEP: usize = 1 << 20;

/// Reads exactly `count` bytes that start at `offset`. The buffer grows in steps, each at most doubling what has
/// already arrived, and ends exactly as long as the data.
pub(crate) fn read_announced(
    reader: &mut impl Read,
    count: u128,
    offset: u64,
    what: &'static str,
    path: &Path,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while (bytes.len() as u128) < count {
        let step = (count - bytes.len() as u128).min(bytes.len().max(FIRST_STEP) as u128) as usize;
        bytes.reserve_exact(step);
        let before = bytes.len();
        let outcome = reader.take(step as u64).read_to_end(&mut bytes);
        let end = offset + bytes.len() as u64;
        outcome.map_err(|source| Error::Io { path: path.into(), offset: end, source })?;
        if bytes.len() - before < step {
            let expected = u128::from(offset) + count;
            return Err(Error::Truncated { path: path.into(), offset: end, expected, what });
        }
    }
    Ok(bytes)
}

/// Reads a whole input of at most `limit` bytes.
pub(crate) fn read_limited(reader: &mut (impl Read + ?Sized), limit: u64, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let outcome = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    let end = bytes.len() as u64;
    outcome.map_err(|source| Error::Io { path: path.into(), offset: end, source })?;
    if end > limit {
        return Err(Error::TooLarge { path: path.into(), limit, of: "such a file" });
    }
    Ok(bytes)
}

/// Reads until `buffer` is full or the input ends; says how many bytes came.
pub(crate) fn read_up_to(
    reader: &mut impl Read,
    buffer: &mut [u8],
    offset: u64,
    path: &Path,
) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(Error::Io { path: path.into(), offset: offset + filled as u64, source });
            }
        }
    }
    Ok(filled)
}

/// Makes sure that the input ends at `offset`.
pub(super) fn expect_end(reader: &mut impl Read, offset: u64, path: &Path) -> Result<()> {
    match read_up_to(reader, &mut [0], offset, path)? {
        0 => Ok(()),
        _ => Err(Error::TrailingBytes { path: path.into(), offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_no_more_than_the_data_justifies() {
        let bytes = read_announced(&mut [7u8; 10].as_slice(), 10, 0, "test", Path::new("f")).unwrap();
        assert_eq!((bytes.len(), bytes.capacity()), (10, 10));
        let endless = u128::from(u32::MAX).pow(3);
        let error =
            read_announced(&mut [7u8; 10].as_slice(), endless, 16, "pixels", Path::new("f")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("f ends at byte 26, {} bytes are needed for pixels", endless + 16)
        );
    }

    #[test]
    fn several_steps_lose_no_byte() {
        let data: Vec<u8> = (0..3 * FIRST_STEP + 5).map(|i| (i % 251) as u8).collect();
        let bytes =
            read_announced(&mut data.as_slice(), data.len() as u128, 0, "test", Path::new("f")).unwrap();
        assert!(bytes == data);
    }
}
