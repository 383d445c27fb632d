//! The table itself, one file per family. Every digest comes from a published list that its file names. How files and folders
//! are called stands in `sets/`, where they are read.

mod cifar;
mod idx;
mod tiny_imagenet;

use super::Official;
use crate::sets::{
    cifar::{NAMES_10, NAMES_100},
    mnist,
    tiny_imagenet::FOLDERS,
};

/// Every data set whose official files are known, in the registry's order.
pub const OFFICIAL: &[Official] = &[
    Official {
        dataset: "fashion-mnist",
        also: &[],
        folders: mnist::FASHION_FOLDERS,
        mirrors: idx::FASHION_MIRRORS,
        archives: idx::FASHION,
        pictures: &[],
        texts: &[],
    },
    Official {
        dataset: "mnist",
        also: &[],
        folders: mnist::DIGITS_FOLDERS,
        mirrors: idx::DIGITS_MIRRORS,
        archives: idx::DIGITS,
        pictures: &[],
        texts: &[],
    },
    Official {
        dataset: "kmnist",
        also: &[],
        folders: mnist::KUZUSHIJI_FOLDERS,
        mirrors: idx::KUZUSHIJI_MIRRORS,
        archives: idx::KUZUSHIJI,
        pictures: &[],
        texts: &[],
    },
    Official {
        dataset: "cifar10",
        also: &[],
        folders: NAMES_10.folders,
        mirrors: cifar::MIRRORS,
        archives: cifar::CIFAR_10,
        pictures: &[],
        texts: &[],
    },
    Official {
        dataset: "cifar100",
        also: &["cifar100-coarse"],
        folders: NAMES_100.folders,
        mirrors: cifar::MIRRORS,
        archives: cifar::CIFAR_100,
        pictures: &[],
        texts: &[],
    },
    Official {
        dataset: "tiny-imagenet",
        also: &[],
        folders: FOLDERS,
        mirrors: tiny_imagenet::MIRRORS,
        archives: tiny_imagenet::TINY_IMAGENET,
        pictures: tiny_imagenet::PICTURES,
        texts: tiny_imagenet::TEXTS,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official::Fingerprint;

    fn is_hex(text: &str, digits: usize) -> bool {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    fn check(name: &str, fingerprint: &Fingerprint) {
        assert!(fingerprint.md5.is_none_or(|hex| is_hex(hex, 32)), "{name}: MD5");
        assert!(fingerprint.sha256.is_none_or(|hex| is_hex(hex, 64)), "{name}: SHA-256");
        assert_ne!(fingerprint.bytes, Some(0), "{name}: length");
    }

    #[test]
    fn every_row_is_well_formed() {
        for official in OFFICIAL {
            for mirror in official.mirrors {
                assert!(mirror.starts_with("http") && mirror.ends_with('/'), "{mirror}");
            }
            for archive in official.archives {
                check(archive.name, &archive.fingerprint);
                assert!(
                    archive.fingerprint.is_proof(),
                    "{}: an archive is fetched by its digest",
                    archive.name
                );
                for member in archive.members {
                    check(member.name, &member.fingerprint);
                    if let (Some(bytes), Some(record)) = (member.fingerprint.bytes, member.record) {
                        assert_eq!(bytes % record, 0, "{}: whole records", member.name);
                    }
                }
            }
        }
    }

    /// A digest typed twice would be the likeliest mistake in a table of this kind.
    #[test]
    fn no_digest_stands_twice() {
        let archives = || OFFICIAL.iter().flat_map(|official| official.archives);
        let fingerprints =
            archives().flat_map(|a| a.members.iter().map(|m| m.fingerprint).chain([a.fingerprint]));
        let mut digests: Vec<_> = fingerprints.flat_map(|f| [f.md5, f.sha256]).flatten().collect();
        let all = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all);
    }
}
