//! Length, MD5 and SHA-256 of a stream, without ever holding it in memory; and what is published of them.

use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// What is published of a file. Whatever is known must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// Its length.
    pub bytes: Option<u64>,
    /// Its MD5 in lower-case hexadecimal digits. Enough against accidents and mirrors, not against an attacker.
    pub md5: Option<&'static str>,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: Option<&'static str>,
}

/// What a file is found to be: its length, and the digests that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Its length.
    pub bytes: u64,
    /// Its MD5, where one is published to compare with.
    pub md5: Option<String>,
    /// Its SHA-256, where one is published to compare with.
    pub sha256: Option<String>,
}

impl Fingerprint {
    pub(super) const fn length(bytes: u64) -> Self {
        Self { bytes: Some(bytes), md5: None, sha256: None }
    }

    pub(super) const fn md5(bytes: Option<u64>, md5: &'static str) -> Self {
        Self { bytes, md5: Some(md5), sha256: None }
    }

    pub(super) const fn strong(bytes: u64, md5: &'static str, sha256: &'static str) -> Self {
        Self { bytes: Some(bytes), md5: Some(md5), sha256: Some(sha256) }
    }

    /// Whether a digest is known, so that equal means the same bytes.
    pub fn is_proof(&self) -> bool {
        self.md5.is_some() || self.sha256.is_some()
    }

    /// What equality rests on: `SHA-256 and MD5`, `MD5`, `its length alone`.
    pub fn basis(&self) -> &'static str {
        match (self.sha256, self.md5, self.bytes) {
            (Some(_), Some(_), _) => "SHA-256 and MD5",
            (Some(_), None, _) => "SHA-256",
            (None, Some(_), _) => "MD5",
            (None, None, Some(_)) => "its length alone",
            (None, None, None) => "nothing",
        }
    }

    /// How `found` differs, with both values, or `None`.
    pub fn difference(&self, found: &Digest) -> Option<String> {
        let mut parts = Vec::new();
        let length = self.bytes.filter(|&bytes| bytes != found.bytes);
        if let Some(bytes) = length {
            let (by, how) =
                (found.bytes.abs_diff(bytes), if found.bytes < bytes { "shorter" } else { "longer" });
            parts.push(format!("{by} bytes {how} than the official {bytes}"));
        }
        let digests = [("SHA-256", self.sha256, &found.sha256), ("MD5", self.md5, &found.md5)];
        let wrong = digests.into_iter().find_map(|(name, official, found)| match (official, found) {
            (Some(official), Some(found)) if official != found => {
                Some(format!("{name} {found}, officially {official}"))
            }
            _ => None,
        });
        if let Some(wrong) = wrong {
            if length.is_none() && self.bytes.is_some() {
                parts.push("of the official length with other bytes".into());
            }
            parts.push(wrong);
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Reads `reader` to its end and takes those digests that `published` has.
///
/// # Errors
///
/// Whatever reading fails with.
pub fn digest(mut reader: impl Read, published: &Fingerprint) -> io::Result<Digest> {
    let mut md5 = published.md5.map(|_| Md5::new());
    let mut sha256 = published.sha256.map(|_| Sha256::new());
    let mut bytes = 0;
    let mut block = vec![0; 1 << 16];
    loop {
        let count = match reader.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += count as u64;
        if let Some(md5) = &mut md5 {
            md5.update(&block[..count]);
        }
        if let Some(sha256) = &mut sha256 {
            sha256.update(&block[..count]);
        }
    }
    let md5 = md5.map(|state| hexadecimal(&state.finalize()));
    let sha256 = sha256.map(|state| hexadecimal(&state.finalize()));
    Ok(Digest { bytes, md5, sha256 })
}

/// A digest as it is published: two digits a byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MD5 of "abc": RFC 1321, A.5; SHA-256 of "abc": FIPS 180-2, B.1.
    const ABC: Fingerprint = Fingerprint {
        bytes: Some(3),
        md5: Some("900150983cd24fb0d6963f7d28e17f72"),
        sha256: Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    };

    #[test]
    fn published_digests_of_abc() {
        let found = digest(&b"abc"[..], &ABC).unwrap();
        assert_eq!(ABC.difference(&found), None);
        assert_eq!((found.md5.as_deref(), found.sha256.as_deref()), (ABC.md5, ABC.sha256));
    }

    #[test]
    fn differences_say_how_much_and_which() {
        let text = ABC.difference(&digest(&b"ab"[..], &ABC).unwrap()).unwrap();
        assert!(text.starts_with("1 bytes shorter than the official 3; SHA-256 fb8e20fc"), "{text}");
        assert!(
            text.ends_with("officially ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            "{text}"
        );
        let md5 = Fingerprint { sha256: None, ..ABC };
        let text = md5.difference(&digest(&b"abd"[..], &md5).unwrap()).unwrap();
        assert!(text.starts_with("of the official length with other bytes; MD5 "), "{text}");
        let length = Fingerprint { bytes: Some(2), ..Fingerprint::default() };
        assert_eq!(
            length.difference(&digest(&b"abc"[..], &length).unwrap()).unwrap(),
            "1 bytes longer than the official 2"
        );
        assert!(!length.is_proof() && ABC.is_proof());
    }
}
