//! NumPy's npz, which is written here and read by others: what was written is read by another implementation of zip and by the
//! few lines below.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use autograd::{Shape, Tensor};
use bench_harness::npz::encode;
use layers::weights::Array;
use zip::ZipArchive;

/// Arrays whose names and shapes these bytes decide.
pub fn npz(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter().copied();
    let mut arrays = BTreeMap::new();
    while let Some(length) = rest.next() {
        let name: Vec<u8> = rest.by_ref().take(usize::from(length)).collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        let mut number = |bound: usize| usize::from(rest.next().unwrap_or(0)) % bound;
        let array = match number(3) {
            0 => {
                let dims: Vec<usize> = (0..number(5)).map(|_| number(4)).collect();
                let count = dims.iter().product();
                let data = (0..count).map(|i| number(256) as f32 / (i as f32)).collect();
                let shape = Shape::new(&dims).expect("few axes");
                Array::Tensor(Tensor::new(shape, data).expect("as many numbers as the shape says"))
            }
            1 => Array::Values((0..number(4)).map(|_| number(256) as f64).collect()),
            _ => Array::Count(number(256) as u64),
        };
        arrays.insert(name, array);
    }
    read_back(&arrays);
    !arrays.is_empty()
}

/// Writes the arrays and reads them.
pub(super) fn read_back(arrays: &BTreeMap<String, Array<f32>>) {
    let bytes = encode(arrays);
    let mut archive = ZipArchive::new(Cursor::new(&bytes[..])).expect("a zip file");
    assert_eq!(archive.len(), arrays.len());
    for (place, (name, array)) in arrays.iter().enumerate() {
        let mut member = archive.by_index(place).expect("a member for each array");
        assert_eq!(member.name().expect("UTF-8"), format!("{name}.npy"));
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("bytes with the right checksum");
        let (kind, dims, data): (&str, Vec<usize>, Vec<u8>) = match array {
            Array::Tensor(t) => {
                ("<f4", t.dims().to_vec(), t.data().iter().flat_map(|x| x.to_le_bytes()).collect())
            }
            Array::Values(v) => ("<f8", vec![v.len()], v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Array::Count(n) => ("<i8", vec![], n.to_le_bytes().to_vec()),
        };
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).expect("ASCII");
        let (head, shape) = header.split_once("'shape': (").expect("a shape");
        assert_eq!(head, format!("{{'descr': '{kind}', 'fortran_order': False, "));
        let (shape, end) = shape.split_once(')').expect("its end");
        let shape: Vec<usize> = shape
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().expect("a length"))
            .collect();
        assert_eq!((end.trim_end(), shape), (", }", dims));
        assert!(bytes[10 + length..] == data[..], "other numbers");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let tensor = b"\x09fc.weight\x00\x02\x02\x03\x01\x02\x03\x04\x05\x06";
    let others = b"\x01v\x01\x02\x07\x08\x01n\x02\x09\x00\x00\x00";
    vec![tensor.to_vec(), [&tensor[..], others].concat()]
}
