//! Pictures against what Pillow sees in them; `tests/pictures/make_pictures.py` makes both.

use std::path::Path;

use datasets::format::picture::{Layout, decode, layout};

use crate::fixture;

const COLOUR: Layout = Layout { channels: 3, height: 13, width: 21 };
const GRAY: Layout = Layout { channels: 1, ..COLOUR };

/// The largest difference from Pillow.
fn difference(name: &str, expected: Layout) -> i32 {
    let bytes = fixture::picture(name);
    let mut planes = vec![7; 3];
    assert_eq!(layout(&bytes, Path::new(name)).unwrap(), expected);
    assert_eq!(decode(&bytes, Path::new(name), 0, &mut planes).unwrap(), expected);
    let raw = fixture::picture(&format!("{}.raw", name.split_once('.').unwrap().0));
    assert_eq!((planes.len(), raw.len()), (expected.len(), expected.len()));
    let plane = 13 * 21;
    let at = |i: usize| raw[i % plane * expected.channels + i / plane];
    (0..planes.len()).map(|i| (i32::from(planes[i]) - i32::from(at(i))).abs()).max().unwrap()
}

#[test]
fn png_is_exact() {
    for (name, expected) in [
        ("colour.png", COLOUR),
        ("interlaced.png", COLOUR),
        ("palette.png", COLOUR),
        ("alpha.png", COLOUR),
        ("luma.png", GRAY),
        ("bits.png", GRAY),
        ("grayalpha.png", GRAY),
        ("sixteen.png", GRAY),
    ] {
        assert_eq!(difference(name, expected), 0, "{name}");
    }
}

/// How far two decoders may differ. IEEE 1180 allows an inverse transform an error of 1 in any sample, so two of them may
/// differ by 2. Where colour planes are halved, interpolation rounds once more: 3. Blue is Y + 1.772 (Cb - 128), the
/// largest factor of the three, and is rounded by each decoder: 2 + 1.772 * 2 + 1 = 6.5 and 2 + 1.772 * 3 + 1 = 8.3.
#[test]
fn jpeg_is_as_near_as_decoders_are() {
    for (name, expected, most) in [
        ("gray.jpg", GRAY, 2),
        ("colour444.jpg", COLOUR, 6),
        ("colour420.jpg", COLOUR, 8),
        ("progressive.jpg", COLOUR, 8),
    ] {
        let found = difference(name, expected);
        assert!(found <= most, "{name}: {found} levels");
    }
}

#[test]
fn grayscale_becomes_three_equal_planes() {
    let (mut one, mut three) = (Vec::new(), Vec::new());
    for name in ["gray.jpg", "luma.png"] {
        let bytes = fixture::picture(name);
        decode(&bytes, Path::new(name), 1, &mut one).unwrap();
        let found = decode(&bytes, Path::new(name), 3, &mut three).unwrap();
        assert_eq!(found, COLOUR);
        assert_eq!(three, [&one[..], &one, &one].concat());
    }
}

#[test]
fn what_is_not_read_is_explained() {
    let error = |bytes: &[u8]| decode(bytes, Path::new("p"), 0, &mut Vec::new()).unwrap_err().to_string();
    let text = error(&fixture::picture("cmyk.jpg"));
    assert!(text.contains("four components (CMYK), only grayscale and colour"), "{text}");
    let text = error(b"GIF89a");
    assert!(text.contains("begins with [47 49 46 38]; a JPEG begins with [ff d8 ff]"), "{text}");
    let text = error(b"");
    assert!(text.contains("begins with []"), "{text}");
    let text = decode(&fixture::picture("colour.png"), Path::new("p"), 1, &mut Vec::new()).unwrap_err();
    assert!(text.to_string().contains("3 channels where pictures of 1 are wanted"), "{text}");
}

/// A palette is 3 bytes for each of 1 to 256 colours (PNG, third edition, 11.2.2). Found by the fuzzer: the decoder panicked.
#[test]
fn a_palette_has_whole_colours() {
    let bytes = fixture::picture("palette.png");
    let at = bytes.windows(4).position(|name| name == b"PLTE").unwrap();
    let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    let with_palette = |palette: &[u8]| {
        let named = [b"PLTE", palette].concat();
        let mut checksum = flate2::Crc::new();
        checksum.update(&named);
        let chunk =
            [&(palette.len() as u32).to_be_bytes(), &named[..], &checksum.sum().to_be_bytes()].concat();
        [&bytes[..at - 4], &chunk, &bytes[at + 8 + length..]].concat()
    };
    let outcome = |palette: &[u8]| {
        let mut planes = Vec::new();
        decode(&with_palette(palette), Path::new("palette.png"), 0, &mut planes).map_err(|e| e.to_string())
    };
    assert_eq!(outcome(&bytes[at + 4..][..length]).unwrap(), COLOUR);
    for length in [4, 46, 47, 49, 560, 767] {
        let text = outcome(&vec![5; length]).unwrap_err();
        assert!(text.contains(&format!("a palette of {length} bytes; want 3 for each")), "{text}");
    }
    // These the decoder itself refuses.
    for length in [0, 1, 2, 769, 771, 3000] {
        let text = outcome(&vec![5; length]).unwrap_err();
        assert!(text.starts_with("palette.png is a damaged PNG"), "{length}: {text}");
    }
}

#[test]
fn every_shortening_is_an_error() {
    for name in ["colour420.jpg", "progressive.jpg", "gray.jpg", "colour.png", "interlaced.png"] {
        let bytes = fixture::picture(name);
        for keep in 0..bytes.len() {
            assert!(decode(&bytes[..keep], Path::new(name), 0, &mut Vec::new()).is_err(), "{name} {keep}");
        }
    }
}

/// A camera's preview is a JPEG inside of the JPEG, with an end marker of its own; so may be anything behind the end.
#[test]
fn the_end_of_a_preview_is_not_the_end_of_the_picture() {
    for name in ["colour420.jpg", "progressive.jpg", "gray.jpg"] {
        let plain = fixture::picture(name);
        let preview = [&b"Exif\0\0"[..], &fixture::picture("gray.jpg"), &[0xff, 0xd9, 0xff]].concat();
        let length = (preview.len() as u16 + 2).to_be_bytes();
        // APP1 right behind the start of the image, and a fill byte before the marker that follows it.
        let bytes = [&plain[..2], &[0xff, 0xe1], &length, &preview, &[0xff], &plain[2..]].concat();
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        let layout = decode(&bytes, Path::new(name), 0, &mut found).unwrap();
        assert_eq!(layout, decode(&plain, Path::new(name), 0, &mut expected).unwrap());
        assert_eq!(found, expected);
        for keep in 0..bytes.len() {
            assert!(decode(&bytes[..keep], Path::new(name), 0, &mut Vec::new()).is_err(), "{name} {keep}");
        }
        let followed = [&bytes[..], b"and more"].concat();
        decode(&followed, Path::new(name), 0, &mut found).unwrap();
        assert_eq!(found, expected);
    }
}

/// A header that announces a picture of 16,000 x 4,000, which so few bytes cannot hold.
#[test]
fn a_forged_size_costs_no_memory() {
    let mut jpeg = fixture::picture("gray.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3e, 0x80, 0x0f, 0xa0]);
    let text = decode(&jpeg, Path::new("p"), 0, &mut Vec::new()).unwrap_err().to_string();
    assert!(text.contains("a picture of 16000x4000 does not fit into its"), "{text}");
}
