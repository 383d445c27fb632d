//! The one module that knows `bincode`.
//!
//! The crate is pinned and no longer maintained (RUSTSEC-2025-0141). What it writes lies in an [envelope](super::envelope) that
//! names the codec, so another one (`wincode`, whose bytes are the same, or `postcard`) can follow it without breaking a file.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::envelope::{EnvelopeError, open, seal};

/// bincode 2 in its standard configuration: little-endian, variable-length integers.
const BINCODE: u8 = 1;

/// The most a state may take while it is decoded: a thousand times what a long run needs.
const LIMIT: usize = 256 << 20;

/// The most that small states may take: bytes of the content, and sixteen times as much. A whole number of one byte is counted as
/// eight, and nothing as more; but a text's memory is reserved before its bytes are looked for.
const SMALL: [(usize, usize); 2] = [(1 << 16, 1 << 20), (1 << 20, 1 << 24)];

/// Encodes a value and puts it into an envelope.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    let bytes = bincode::serde::encode_to_vec(value, bincode::config::standard());
    seal(BINCODE, &bytes.expect("a state is plain data, which always encodes"))
}

/// Decodes what [`encode`] wrote, all of it, within [`LIMIT`] or that of [`SMALL`] ones.
///
/// # Errors
/// A damaged envelope; content of another type, or with bytes left over.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EnvelopeError> {
    let payload = open(BINCODE, bytes)?;
    let (value, read) = match payload.len() {
        length if length <= SMALL[0].0 => decode_within::<T, { SMALL[0].1 }>(payload),
        length if length <= SMALL[1].0 => decode_within::<T, { SMALL[1].1 }>(payload),
        _ => decode_within::<T, LIMIT>(payload),
    }?;
    if read != payload.len() {
        return Err(EnvelopeError::Content(format!("{} bytes are left over", payload.len() - read)));
    }
    Ok(value)
}

/// The value, and how many bytes it has.
fn decode_within<T: DeserializeOwned, const MOST: usize>(
    payload: &[u8],
) -> Result<(T, usize), EnvelopeError> {
    let config = bincode::config::standard().with_limit::<MOST>();
    bincode::serde::decode_from_slice(payload, config)
        .map_err(|error| EnvelopeError::Content(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_bit_for_bit() {
        let value = (vec![0.1f64, f64::MIN_POSITIVE, -0.0], Some(7u64), "ρ′".to_string());
        let back: (Vec<f64>, Option<u64>, String) = decode(&encode(&value)).unwrap();
        assert_eq!(back, value);
        assert!(back.0[2].is_sign_negative());
    }

    /// Whole numbers of one byte, of which every eight bytes of memory are counted: as many as a small state has.
    #[test]
    fn no_state_is_too_small_for_its_limit() {
        for (length, _) in SMALL {
            for length in [length - 10, length + 10] {
                let numbers = vec![7u64; length];
                assert_eq!(decode::<Vec<u64>>(&encode(&numbers)).unwrap().len(), length);
            }
        }
    }

    /// An intact envelope around content that lies about its length: an error, not an allocation.
    #[test]
    fn a_length_beyond_the_limit_is_refused() {
        let config = bincode::config::standard();
        let lie = bincode::serde::encode_to_vec(u64::MAX, config).unwrap();
        assert!(matches!(decode::<Vec<u64>>(&seal(BINCODE, &lie)), Err(EnvelopeError::Content(_))));
        // A text of 200 MB that is not there: refused for its length, not after memory for it was found.
        let text = bincode::serde::encode_to_vec(200u64 << 20, config).unwrap();
        let error = decode::<String>(&seal(BINCODE, &text)).unwrap_err().to_string();
        assert!(error.contains("LimitExceeded"), "{error}");
        let long = encode(&(1u8, 2u8));
        assert_eq!(decode::<u8>(&long), Err(EnvelopeError::Content("1 bytes are left over".into())));
    }
}
