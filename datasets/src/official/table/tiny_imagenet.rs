//! Tiny ImageNet: one archive of JPEG files.
//!
//! The address is that of the course it was made for, length, MD5 and SHA-256 those that nine and six published loaders
//! agree on. No digests of single pictures are published, so an unpacked folder can only be counted.

use super::super::{Archive, Count, Fingerprint, Packing, Text};
use crate::sets::tiny_imagenet::{ANNOTATIONS, ARCHIVE, WNIDS, WORDS};

/// Where it is.
pub(super) const MIRRORS: &[&str] = &["http://cs231n.stanford.edu/"];

/// Tiny ImageNet.
pub(super) const TINY_IMAGENET: &[Archive] = &[Archive {
    name: ARCHIVE,
    fingerprint: Fingerprint::strong(
        248_100_043,
        "90528d7ca1a48142e341f4ef8d21d0de",
        "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    ),
    packing: Packing::Zip,
    members: &[],
}];

/// A class a line, and a validation picture a line. The words are those of all of WordNet, and only name the classes.
pub(super) const TEXTS: &[Text] = &[
    Text { file: WNIDS, lines: Some(200), required: true },
    Text { file: ANNOTATIONS, lines: Some(10_000), required: true },
    Text { file: WORDS, lines: None, required: false },
];

/// 500 training and 50 validation pictures of each of 200 classes; those of the test set have no labels.
pub(super) const PICTURES: &[Count] = &[
    Count { folder: "train", pictures: 100_000, required: true },
    Count { folder: "val", pictures: 10_000, required: true },
    Count { folder: "test", pictures: 10_000, required: false },
];
