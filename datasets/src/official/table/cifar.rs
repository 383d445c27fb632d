//! CIFAR-10 and CIFAR-100, binary version: an archive of flat files each.
//!
//! Addresses and MD5 of the archives are those on the author's page (<https://www.cs.toronto.edu/~kriz/cifar.html>; the second
//! host is where that page is said to move), lengths and SHA-256 those of TensorFlow Datasets' `url_checksums`. The MD5 of the
//! files inside are those that published loaders compare with: four agree on CIFAR-10's, one names CIFAR-100's.

use super::super::{Archive, Fingerprint, Member, Packing};
use crate::sets::cifar::{NAMES_10, NAMES_100};

/// Where both are.
pub(super) const MIRRORS: &[&str] =
    &["https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"];

/// CIFAR-10; a record is a label and 3,072 pixels.
pub(super) const CIFAR_10: &[Archive] = &[Archive {
    name: NAMES_10.archive,
    fingerprint: Fingerprint::strong(
        170_052_171,
        "c32a1d4ab5d03f1284b67883e8d87530",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    packing: Packing::TarGzip,
    members: &[
        Member {
            name: NAMES_10.train[0],
            fingerprint: Fingerprint::md5(Some(30_730_000), "5dd7e06a14cb22eb9f671a540d1b7c25"),
            record: Some(3073),
        },
        Member {
            name: NAMES_10.train[1],
            fingerprint: Fingerprint::md5(Some(30_730_000), "5ea93a67294ea407fff1d09f752e9692"),
            record: Some(3073),
        },
        Member {
            name: NAMES_10.train[2],
            fingerprint: Fingerprint::md5(Some(30_730_000), "942cd6a4bcdd0dd3c604fbe906cb4421"),
            record: Some(3073),
        },
        Member {
            name: NAMES_10.train[3],
            fingerprint: Fingerprint::md5(Some(30_730_000), "ae636b3ba5c66a11e91e8cb52e771fcb"),
            record: Some(3073),
        },
        Member {
            name: NAMES_10.train[4],
            fingerprint: Fingerprint::md5(Some(30_730_000), "53f37980c15c3d472c316c40844f3f0d"),
            record: Some(3073),
        },
        Member {
            name: NAMES_10.test,
            fingerprint: Fingerprint::md5(Some(30_730_000), "803d5f7f4d78ea53de84dbe85f74fb6d"),
            record: Some(3073),
        },
    ],
}];

/// CIFAR-100; a record is two labels and 3,072 pixels.
pub(super) const CIFAR_100: &[Archive] = &[Archive {
    name: NAMES_100.archive,
    fingerprint: Fingerprint::strong(
        168_513_733,
        "03b5dce01913d631647c71ecec9e9cb8",
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    ),
    packing: Packing::TarGzip,
    members: &[
        Member {
            name: NAMES_100.train[0],
            fingerprint: Fingerprint::md5(Some(153_700_000), "6172c7755cfe09b2fe270c85cebc1b15"),
            record: Some(3074),
        },
        Member {
            name: NAMES_100.test,
            fingerprint: Fingerprint::md5(Some(30_740_000), "4499cfba6c016c1be1438163640a0898"),
            record: Some(3074),
        },
    ],
}];
