//! What a packed file says of itself, as JSON.

use serde::{Deserialize, Serialize};

/// All that is known of the data set, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The registry's name.
    pub name: String,
    /// The classes' names.
    pub classes: Vec<String>,
    /// C, H, W of an image as a network sees it.
    pub shape: [usize; 3],
    /// What was verified when the files were read.
    pub checks: Vec<String>,
    /// How this differs from the official data set.
    pub remarks: Vec<String>,
    /// What decoded the pictures: decoders differ in last bits.
    pub decoder: String,
    /// The training split.
    pub train: SplitSections,
    /// The test split.
    pub test: SplitSections,
}

/// Where the bytes of a split are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSections {
    /// How many pictures.
    pub count: usize,
    /// Bytes, C, H, W for each picture.
    pub pixels: Section,
    /// The SHA-256 of every block of the pixels.
    pub digests: Section,
    /// Height and width of each picture, if they are not all those of the shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Section>,
    /// The class of each picture.
    pub labels: Section,
}

impl SplitSections {
    /// All of them by name, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Section)> {
        let sizes = self.sizes.iter().map(|section| ("sizes", section));
        let first = [("pixels", &self.pixels), ("digests", &self.digests)];
        first.into_iter().chain(sizes).chain([("labels", &self.labels)])
    }
}

/// A stretch of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its first byte.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal. That of pixels is compared by [`verify`](super::verify) alone; whoever reads
    /// them compares that of their block.
    pub sha256: String,
}
