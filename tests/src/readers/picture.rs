//! JPEG and PNG.

use std::path::Path;

use datasets::format::picture::{LARGEST, LARGEST_SIDE, decode, layout};

use super::{accepted, committed, told};

/// Pixels that are decoded here; larger pictures are legal and take their time.
const MOST: usize = 1 << 20;

/// What the header says is what comes out, in one plane, in three, or in as many as there are.
pub fn picture(bytes: &[u8]) -> bool {
    let path = Path::new("a.jpg");
    let Some(header) = accepted(layout(bytes, path), "a.jpg") else {
        assert!(decode(bytes, path, 0, &mut Vec::new()).is_err(), "no header, and yet a picture");
        return false;
    };
    assert!(matches!(header.channels, 1 | 3) && !header.is_empty());
    assert!(header.height.max(header.width) <= LARGEST_SIDE && header.height * header.width <= LARGEST);
    // The most that deflate packs into a byte, at one bit a pixel.
    assert!(header.height * header.width <= bytes.len() * 8 * 1032);
    if header.height * header.width > MOST {
        return false;
    }
    let mut planes = vec![1; 7];
    let outcome = decode(bytes, path, 0, &mut planes);
    match &outcome {
        Ok(found) => assert!(*found == header && planes.len() == header.len()),
        Err(error) => told(error, "a.jpg"),
    }
    let mut wanted = Vec::new();
    for channels in [1, 3] {
        let found = decode(bytes, path, channels, &mut wanted);
        let fits = header.channels == channels || header.channels == 1;
        assert_eq!(found.is_ok(), outcome.is_ok() && fits, "{channels}: {found:?}");
        if found.is_ok() {
            assert_eq!(wanted.len(), channels * header.height * header.width);
            assert!(wanted.chunks(planes.len()).all(|part| part == planes), "other pixels");
        }
    }
    outcome.is_ok()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    NAMES.iter().map(|name| committed(&format!("datasets/tests/pictures/{name}"))).collect()
}

const NAMES: [&str; 12] = [
    "alpha.png",
    "bits.png",
    "colour.png",
    "colour420.jpg",
    "colour444.jpg",
    "gray.jpg",
    "grayalpha.png",
    "interlaced.png",
    "luma.png",
    "palette.png",
    "progressive.jpg",
    "sixteen.png",
];
