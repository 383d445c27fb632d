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

/// Encodes a value and puts it into an envelope.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    let bytes = bincode::serde::encode_to_vec(value, bincode::config::standard());
    seal(BINCODE, &bytes.expect("a state is plain data, which always encodes"))
}

/// Decodes what [`encode`] wrote, all of it, within [`LIMIT`].
///
/// # Errors
/// A damaged envelope; content of another type, or with bytes left over.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EnvelopeError> {
    let payload = open(BINCODE, bytes)?;
    let config = bincode::config::standard().with_limit::<LIMIT>();
    let (value, read) = bincode::serde::decode_from_slice(payload, config)
        .map_err(|error| EnvelopeError::Content(error.to_string()))?;
    if read != payload.len() {
        return Err(EnvelopeError::Content(format!("{} bytes are left over", payload.len() - read)));
    }
    Ok(value)
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

    /// An intact envelope around content that lies about its length: an error, not an allocation.
    #[test]
    fn a_length_beyond_the_limit_is_refused() {
        let config = bincode::config::standard();
        let lie = bincode::serde::encode_to_vec(u64::MAX, config).unwrap();
        assert!(matches!(decode::<Vec<u64>>(&seal(BINCODE, &lie)), Err(EnvelopeError::Content(_))));
        let long = encode(&(1u8, 2u8));
        assert_eq!(decode::<u8>(&long), Err(EnvelopeError::Content("1 bytes are left over".into())));
    }
}
