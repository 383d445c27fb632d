//! Writers of the file formats, from the formats' descriptions and independent of the parsers.

use std::io::Write;

use datasets::{Images, Split};
use flate2::{Compression, write::GzEncoder};

/// An IDX file of images: `pixels` is as long as the product of the dimensions.
pub(crate) fn idx_images(rows: u32, columns: u32, pixels: &[u8]) -> Vec<u8> {
    let count = pixels.len() as u32 / (rows * columns);
    let header = [0x803, count, rows, columns];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(pixels.iter().copied()).collect()
}

/// An IDX file of labels.
pub(crate) fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let header = [0x801, labels.len() as u32];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(labels.iter().copied()).collect()
}

/// A CIFAR record whose pixels differ with `number`, channel, row and column.
pub(crate) fn cifar_record(labels: &[u8], number: usize) -> Vec<u8> {
    let pixels = (0..3072).map(|i| cifar_pixel(number, i / 1024, i / 32 % 32, i % 32));
    labels.iter().copied().chain(pixels).collect()
}

/// The pixels written by [`cifar_record`].
pub(crate) fn cifar_pixel(number: usize, channel: usize, row: usize, column: usize) -> u8 {
    ((number * 101 + channel * 67 + row * 5 + column * 2) % 256) as u8
}

/// The bytes as a gzip file.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A split in which no two pixels of an image are equal, nor two images, as long as an image has at most 250 pixels
/// and there are at most 250 images: 251 is prime.
pub(crate) fn split(count: usize, channels: usize, height: usize, width: usize) -> Split {
    let pixels = (0..count * channels * height * width).map(|i| (i * 167 % 251 + 5) as u8).collect();
    let labels = (0..count).map(|i| (i * 7 % 10) as u16).collect();
    Split::new(Images::new(pixels, channels, height, width).unwrap(), labels, 10).unwrap()
}

/// The pixels of the picture at `position`.
pub(crate) fn pixels(split: &Split, position: usize) -> Vec<u8> {
    split.picture(position, &mut Vec::new()).unwrap().pixels.to_vec()
}

/// All labels of a split.
pub(crate) fn labels(split: &Split) -> Vec<usize> {
    split.labels().collect()
}

/// A picture of `tests/pictures/`.
pub(crate) fn picture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names and contents of files.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The files in a zip file, every second one stored and the others deflated.
pub(crate) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (number, (name, bytes)) in files.iter().enumerate() {
        let method =
            if number % 2 == 0 { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The files in a tar file.
pub(crate) fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes the files below a folder.
pub(crate) fn write(folder: &std::path::Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Tiny ImageNet's layout with two classes, whose ids are not sorted in `wnids.txt`, five training pictures and two to
/// test on. Below `top`, which is empty or ends in a slash.
pub(crate) fn tiny_imagenet(top: &str) -> Files {
    let text = |name: &str, text: &str| (format!("{top}{name}"), text.as_bytes().to_vec());
    let picture = |name: &str, file: &str| (format!("{top}{name}"), picture(file));
    vec![
        text("wnids.txt", "n00000009\nn00000002\n"),
        text("words.txt", "n00000001\tentity\nn00000002\tgoldfish, Carassius auratus\nn00000009\tbullfrog\n"),
        text("train/n00000009/n00000009_boxes.txt", "n00000009_0.JPEG\t0\t0\t1\t1\n"),
        picture("train/n00000009/images/n00000009_10.JPEG", "colour444.jpg"),
        picture("train/n00000009/images/n00000009_9.JPEG", "gray.jpg"),
        picture("train/n00000009/images/n00000009_0.JPEG", "colour420.jpg"),
        picture("train/n00000002/images/n00000002_0.JPEG", "colour420.jpg"),
        picture("train/n00000002/images/n00000002_1.JPEG", "colour444.jpg"),
        text(
            "val/val_annotations.txt",
            "val_1.JPEG\tn00000009\t0\t0\t1\t1\nval_0.JPEG\tn00000002\t0\t0\t1\t1\n",
        ),
        picture("val/images/val_0.JPEG", "colour444.jpg"),
        picture("val/images/val_1.JPEG", "colour420.jpg"),
        picture("test/images/test_0.JPEG", "colour420.jpg"),
    ]
}

/// Two classes of pictures, all of one size.
pub(crate) fn image_folder() -> Files {
    let names = ["cat/b.jpg", "cat/a.png", "cat/more/c.jpeg", "dog/x.PNG", "dog/y.jpg", "dog/z.png"];
    let files =
        ["colour444.jpg", "colour.png", "progressive.jpg", "palette.png", "gray.jpg", "interlaced.png"];
    names.iter().zip(files).map(|(name, file)| (name.to_string(), picture(file))).collect()
}

/// A gray PNG of one pixel.
pub(crate) fn small_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[9]).unwrap();
    bytes
}

/// A split of `count` tiny images in which image i has the class `class(i)`, as many classes as that needs.
pub(crate) fn split_of(count: usize, class: impl Fn(usize) -> usize) -> Split {
    let labels: Vec<u16> = (0..count).map(|i| class(i) as u16).collect();
    let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
    Split::new(Images::new(vec![0; count], 1, 1, 1).unwrap(), labels, classes).unwrap()
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}
