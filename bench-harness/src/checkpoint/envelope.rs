//! The envelope around a checkpoint's state: what it is, how it is encoded, and whether it is whole.
//!
//! | bytes | what |
//! |---|---|
//! | 7 | `ANCKPT` and a zero |
//! | 2 | version of this layout, little-endian: 1 |
//! | 1 | how the payload is encoded |
//! | 8 | length of the payload, little-endian |
//! | … | the payload |
//! | 32 | SHA-256 of all bytes before |

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 7] = b"ANCKPT\0";
const VERSION: u16 = 1;
const HEADER: usize = 18;
const DIGEST: usize = 32;

/// What is wrong with an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is another kind of file.
    #[error("no checkpoint state: it does not begin with ANCKPT and a zero")]
    Magic,
    /// A later version wrote it.
    #[error("a checkpoint state of version {0}; this program reads version {VERSION}")]
    Version(u16),
    /// Another codec than this program has.
    #[error("a checkpoint state in encoding {found}; this program reads encoding {expected}")]
    Codec {
        /// What it says.
        found: u8,
        /// What is known.
        expected: u8,
    },
    /// Bytes are missing or too many.
    #[error("{found} bytes where the header announces {expected}: cut off, or written on")]
    Length {
        /// The bytes there are.
        found: usize,
        /// The bytes there should be; beyond all lengths if the header is damaged.
        expected: u128,
    },
    /// A byte has changed.
    #[error("its SHA-256 is not that of its content: some byte has changed")]
    Digest,
    /// The content does not decode.
    #[error("its content does not decode: {0}")]
    Content(String),
}

/// Puts `payload` into an envelope.
pub(super) fn seal(codec: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + DIGEST);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.push(codec);
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(payload);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// The payload of an envelope, every byte of which is as it was written.
pub(super) fn open(codec: u8, bytes: &[u8]) -> Result<&[u8], EnvelopeError> {
    if !bytes.starts_with(MAGIC) {
        return Err(EnvelopeError::Magic);
    }
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        return Err(EnvelopeError::Length { found: bytes.len(), expected: (HEADER + DIGEST) as u128 });
    };
    let version = u16::from_le_bytes([header[7], header[8]]);
    if version != VERSION {
        return Err(EnvelopeError::Version(version));
    }
    let length = u64::from_le_bytes(header[10..].try_into().expect("a header of 18 bytes"));
    let expected = HEADER as u128 + u128::from(length) + DIGEST as u128;
    if bytes.len() as u128 != expected {
        return Err(EnvelopeError::Length { found: bytes.len(), expected });
    }
    let (payload, digest) = rest.split_at(rest.len() - DIGEST);
    if Sha256::digest(&bytes[..bytes.len() - DIGEST]).as_slice() != digest {
        return Err(EnvelopeError::Digest);
    }
    // After the digest: a codec byte that was flipped is damage, not a codec to come.
    if header[9] != codec {
        return Err(EnvelopeError::Codec { found: header[9], expected: codec });
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use datasets::official::hexadecimal;

    use super::*;

    #[test]
    fn what_is_sealed_opens() {
        for payload in [&b""[..], b"x", &[7; 1000]] {
            assert_eq!(open(1, &seal(1, payload)), Ok(payload));
        }
    }

    /// The layout byte by byte; the digest by `printf 'ANCKPT\0\1\0\1\2\0\0\0\0\0\0\0hi' | sha256sum`.
    #[test]
    fn the_layout_is_as_documented() {
        let bytes = seal(1, b"hi");
        assert_eq!(&bytes[..20], b"ANCKPT\0\x01\0\x01\x02\0\0\0\0\0\0\0hi");
        let digest = hexadecimal(&bytes[20..]);
        assert_eq!(digest, DIGEST_OF_HI);
    }

    const DIGEST_OF_HI: &str = "65f91dbbdeb1045fa0df44757d7447671219e331e3e105a7af16f829e0cb68f2";

    #[test]
    fn every_flipped_bit_and_every_beginning_is_refused() {
        let bytes = seal(1, b"payload");
        for end in 0..bytes.len() {
            assert!(open(1, &bytes[..end]).is_err(), "{end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(1, &damaged).is_err(), "bit {bit}");
        }
        assert!(matches!(open(1, &[&bytes[..], b"x"].concat()), Err(EnvelopeError::Length { .. })));
    }

    #[test]
    fn other_files_and_versions_are_named() {
        assert_eq!(open(1, b"{\"a\": 1}"), Err(EnvelopeError::Magic));
        let mut later = seal(1, b"");
        later[7] = 2;
        assert_eq!(open(1, &later), Err(EnvelopeError::Version(2)));
        assert_eq!(open(2, &seal(1, b"")), Err(EnvelopeError::Codec { found: 1, expected: 2 }));
        // A length beyond all memory allocates nothing.
        let mut huge = seal(1, b"x");
        huge[10..18].fill(0xff);
        assert!(matches!(open(1, &huge), Err(EnvelopeError::Length { expected, .. }) if expected > 1 << 63));
    }
}
