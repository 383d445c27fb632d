//! Packed data sets.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use datasets::packed::{BLOCK, Bytes, describe, load, verify, write};
use datasets::{Dataset, Images, Split};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::archive::hangs_together;
use super::{accepted, told};

/// A packed file as it is, and once more with every digest made that of the bytes it is for: so that what stands in the
/// description is reached, which nobody else vouches for then.
pub fn packed(bytes: &[u8]) -> bool {
    let [as_it_is, repaired] = [bytes.to_vec(), repair(bytes).unwrap_or_default()].map(is_whole);
    as_it_is || repaired
}

fn is_whole(bytes: Vec<u8>) -> bool {
    let path = Path::new("a.packed");
    let (length, file): (usize, Bytes) = (bytes.len(), Arc::new(bytes));
    let Some(description) = accepted(describe(&file, path), "a.packed") else {
        assert!(verify(&file, path).is_err());
        return false;
    };
    let verified = verify(&file, path);
    let loaded = load(&description.name, &file, path);
    for error in [verified.as_ref().err(), loaded.as_ref().err()].into_iter().flatten() {
        told(error, "");
    }
    assert!(load("another name", &file, path).is_err() || description.name == "another name");
    let Ok(data) = loaded else { return false };
    assert_eq!((data.train.len(), data.test.len()), (description.train.count, description.test.count));
    let are_whole = hangs_together(&data, length);
    assert!(are_whole || verified.is_err(), "verified, and a picture is not as it was packed");
    if verified.is_ok() && data.train.len() + data.test.len() < 64 {
        packs_again(&data);
    }
    are_whole
}

/// What was read can be packed, and is then the same.
fn packs_again(data: &Dataset) {
    let mut output = Cursor::new(Vec::new());
    let description = write(data, "a decoder", &mut output).expect("memory can be written to");
    let file: Bytes = Arc::new(output.into_inner());
    let again = load(&description.name, &file, Path::new("again")).expect("what was written");
    let digests = |data: &Dataset| [&data.train, &data.test].map(|split| split.sha256().expect("pictures"));
    assert_eq!(digests(&again), digests(data));
}

/// The same with the digests of its sections, of its blocks and of its description made right, as far as these can be found.
fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?) as usize);
    let start = long(16)?;
    let mut description: Value = serde_json::from_slice(bytes.get(start..)?).ok()?;
    let mut body = bytes.get(..start)?.to_vec();
    let range = |section: &Value| {
        let (offset, length) = (section["offset"].as_u64()? as usize, section["bytes"].as_u64()? as usize);
        Some(offset..offset.checked_add(length)?)
    };
    for split in ["train", "test"] {
        let sections = description.get_mut(split)?;
        let of = [range(&sections["pixels"]), range(&sections["digests"])];
        if let [Some(pixels), Some(place)] = of
            && let Some(pixels) = body.get(pixels)
        {
            let digests: Vec<u8> = pixels.chunks(BLOCK).flat_map(Sha256::digest).collect();
            if let Some(place) = body.get_mut(place).filter(|place| place.len() == digests.len()) {
                place.copy_from_slice(&digests);
            }
        }
        for (_, section) in sections.as_object_mut()? {
            if let Some(bytes) = range(section).and_then(|range| body.get(range)) {
                let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                section["sha256"] = Value::String(digest);
            }
        }
    }
    let text = serde_json::to_vec(&description).ok()?;
    body.get_mut(24..32)?.copy_from_slice(&(text.len() as u64).to_le_bytes());
    body.get_mut(32..64)?.copy_from_slice(&Sha256::digest(&text));
    body.extend(text);
    Some(body)
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let split = |count: usize, [channels, height, width]: [usize; 3]| {
        let pixels = (0..count * channels * height * width).map(|i| (i * 167 % 251) as u8).collect();
        let images = Images::new(pixels, channels, height, width).expect("a shape");
        Split::new(images, (0..count).map(|i| (i % 2) as u16).collect(), 2).expect("labels of two classes")
    };
    let pack = |shape| {
        let classes = vec!["cat".to_string(), "dog".into()];
        let data = Dataset::new("image-folder", classes, split(3, shape), split(1, shape));
        let mut output = Cursor::new(Vec::new());
        write(&data.expect("two equal splits"), "a decoder", &mut output).expect("memory can be written to");
        output.into_inner()
    };
    vec![pack([1, 2, 3]), pack([3, 2, 2])]
}
