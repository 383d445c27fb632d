//! Arrays as NumPy's `.npz`: a zip archive of `.npy` files, which `numpy.load` opens.
//!
//! Source: NumPy's *NEP 1, a simple file format for NumPy arrays*, version 1.0 of the format. Written here because the crates
//! for it read Python's literals, too, which takes a parser that nothing else needs.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use layers::weights::Array;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The bytes of an `.npz` file: f32 as `<f4`, values in f64 as `<f8`, counts as 0-dimensional `<i8`. Equal arrays give equal
/// bytes.
pub fn encode(arrays: &BTreeMap<String, Array<f32>>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Weights hardly compress; NumPy's own savez stores, too.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let options = options.last_modified_time(zip::DateTime::default());
    for (name, array) in arrays {
        let written = zip.start_file(format!("{name}.npy"), options);
        written.expect("names are unique and short enough");
        zip.write_all(&npy(array)).expect("memory can be written to");
    }
    zip.finish().expect("memory can be written to").into_inner()
}

/// One array as an `.npy` file.
fn npy(array: &Array<f32>) -> Vec<u8> {
    let (kind, dims, data): (_, _, Vec<u8>) = match array {
        Array::Tensor(t) => {
            ("<f4", t.dims().to_vec(), t.data().iter().flat_map(|x| x.to_le_bytes()).collect())
        }
        Array::Values(v) => ("<f8", vec![v.len()], v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::Count(n) => ("<i8", vec![], (*n as i64).to_le_bytes().to_vec()),
    };
    let mut bytes = header(kind, &dims);
    bytes.extend(data);
    bytes
}

/// Magic, version and the description of the array, padded so that the data begin at a multiple of 64 bytes.
fn header(kind: &str, dims: &[usize]) -> Vec<u8> {
    const START: usize = 10;
    const ALIGNMENT: usize = 64;
    // A tuple of one has a comma in Python.
    let axes: String = dims.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({axes}), }}");
    let whole = (START + text.len() + 1).next_multiple_of(ALIGNMENT);
    text.push_str(&" ".repeat(whole - START - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use autograd::Tensor;
    use zip::ZipArchive;

    use super::*;

    #[test]
    fn members_are_arrays_in_numpys_format() {
        let weight = Tensor::new([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let arrays = BTreeMap::from([
            ("fc.weight".to_string(), Array::Tensor(weight)),
            ("moments".to_string(), Array::Values(vec![0.5])),
            ("steps".to_string(), Array::Count(7)),
        ]);
        let bytes = encode(&arrays);
        assert_eq!(encode(&arrays), bytes);
        let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut member = |name: &str| {
            let mut bytes = Vec::new();
            zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        let weight = member("fc.weight.npy");
        assert_eq!(&weight[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([weight[8], weight[9]]));
        let (text, data) = weight[10..].split_at(length);
        assert_eq!((10 + length) % 64, 0);
        let text = std::str::from_utf8(text).unwrap();
        assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, ), }");
        assert!(text.ends_with('\n'));
        assert_eq!(data[20..], 6f32.to_le_bytes());
        assert!(member("moments.npy").ends_with(&0.5f64.to_le_bytes()));
        let steps = member("steps.npy");
        assert!(steps.ends_with(&7i64.to_le_bytes()));
        assert!(steps.windows(11).any(|w| w == b"'shape': ()"), "{}", String::from_utf8_lossy(&steps));
    }
}
