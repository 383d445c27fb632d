//! MNIST, Fashion-MNIST and KMNIST: four gzipped IDX files each, under the same names.
//!
//! Addresses and MD5 of the `.gz` files are those in torchvision 0.29's `datasets/mnist.py`, their lengths those of TensorFlow
//! Datasets' `url_checksums`. The digests of the IDX files themselves are independent of how they are compressed; those of
//! Fashion-MNIST were also computed from Debian's package. Lengths of IDX files are a header of 16 or 8 bytes and one byte
//! per pixel or label. Of KMNIST neither the lengths of the `.gz` files nor digests of the IDX files are published there.

use super::super::{Archive, Fingerprint, Member, Packing};
use crate::sets::mnist::{TEST, TEST_PACKED, TRAIN, TRAIN_PACKED};

/// Where Fashion-MNIST is.
pub(super) const FASHION_MIRRORS: &[&str] = &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"];

/// Fashion-MNIST.
pub(super) const FASHION: &[Archive] = &[
    Archive {
        name: TRAIN_PACKED[0],
        fingerprint: Fingerprint::md5(Some(26_421_880), "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TRAIN[0],
            fingerprint: Fingerprint::md5(Some(47_040_016), "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
            record: None,
        }],
    },
    Archive {
        name: TRAIN_PACKED[1],
        fingerprint: Fingerprint::md5(Some(29_515), "25c81989df183df01b3e8a0aad5dffbe"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TRAIN[1],
            fingerprint: Fingerprint::md5(Some(60_008), "9018921c3c673c538a1fc5bad174d6f9"),
            record: None,
        }],
    },
    Archive {
        name: TEST_PACKED[0],
        fingerprint: Fingerprint::md5(Some(4_422_102), "bef4ecab320f06d8554ea6380940ec79"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TEST[0],
            fingerprint: Fingerprint::md5(Some(7_840_016), "8181f5470baa50b63fa0f6fddb340f0a"),
            record: None,
        }],
    },
    Archive {
        name: TEST_PACKED[1],
        fingerprint: Fingerprint::md5(Some(5_148), "bb300cfdad3c16e7a12a480ee83cd310"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TEST[1],
            fingerprint: Fingerprint::md5(Some(10_008), "15d484375f8d13e6eb1aabb0c3f46965"),
            record: None,
        }],
    },
];

/// Where MNIST is.
pub(super) const DIGITS_MIRRORS: &[&str] =
    &["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"];

/// MNIST.
pub(super) const DIGITS: &[Archive] = &[
    Archive {
        name: TRAIN_PACKED[0],
        fingerprint: Fingerprint::md5(Some(9_912_422), "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TRAIN[0],
            fingerprint: Fingerprint::md5(Some(47_040_016), "6bbc9ace898e44ae57da46a324031adb"),
            record: None,
        }],
    },
    Archive {
        name: TRAIN_PACKED[1],
        fingerprint: Fingerprint::md5(Some(28_881), "d53e105ee54ea40749a09fcbcd1e9432"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TRAIN[1],
            fingerprint: Fingerprint::md5(Some(60_008), "a25bea736e30d166cdddb491f175f624"),
            record: None,
        }],
    },
    Archive {
        name: TEST_PACKED[0],
        fingerprint: Fingerprint::md5(Some(1_648_877), "9fb629c4189551a2d022fa330f9573f3"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TEST[0],
            fingerprint: Fingerprint::md5(Some(7_840_016), "2646ac647ad5339dbf082846283269ea"),
            record: None,
        }],
    },
    Archive {
        name: TEST_PACKED[1],
        fingerprint: Fingerprint::md5(Some(4_542), "ec29112dd5afa0611ce80d1b7f02629c"),
        packing: Packing::Gzip,
        members: &[Member {
            name: TEST[1],
            fingerprint: Fingerprint::md5(Some(10_008), "27ae3e4e09519cfbb04c329615203637"),
            record: None,
        }],
    },
];

/// Where KMNIST is.
pub(super) const KUZUSHIJI_MIRRORS: &[&str] = &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"];

/// KMNIST.
pub(super) const KUZUSHIJI: &[Archive] = &[
    Archive {
        name: TRAIN_PACKED[0],
        fingerprint: Fingerprint::md5(None, "bdb82020997e1d708af4cf47b453dcf7"),
        packing: Packing::Gzip,
        members: &[Member { name: TRAIN[0], fingerprint: Fingerprint::length(47_040_016), record: None }],
    },
    Archive {
        name: TRAIN_PACKED[1],
        fingerprint: Fingerprint::md5(None, "e144d726b3acfaa3e44228e80efcd344"),
        packing: Packing::Gzip,
        members: &[Member { name: TRAIN[1], fingerprint: Fingerprint::length(60_008), record: None }],
    },
    Archive {
        name: TEST_PACKED[0],
        fingerprint: Fingerprint::md5(None, "5c965bf0a639b31b8f53240b1b52f4d7"),
        packing: Packing::Gzip,
        members: &[Member { name: TEST[0], fingerprint: Fingerprint::length(7_840_016), record: None }],
    },
    Archive {
        name: TEST_PACKED[1],
        fingerprint: Fingerprint::md5(None, "7320c461ea6c1c855c0b718fb2a4b134"),
        packing: Packing::Gzip,
        members: &[Member { name: TEST[1], fingerprint: Fingerprint::length(10_008), record: None }],
    },
];
