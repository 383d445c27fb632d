//! Weights and other named arrays in safetensors files.

use std::collections::BTreeMap;

use autograd::Tensor;
use layers::weights::{Array, StoredArrays, encode, load_safetensors, to_safetensors};
use layers::{Init, Initializer, Linear, Sequential};

use super::npz::read_back;
use super::told;

/// Every array has as many numbers as its shape says, all together no more than the file has bytes; what is written again is
/// read the same, also as npz; and a network takes a file whole or stays as it was.
pub fn safetensors(bytes: &[u8]) -> bool {
    let fits = network_takes(bytes);
    let file = match StoredArrays::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            assert!(!fits, "a network took what is no file: {error}");
            told(&error, "safetensors");
            return false;
        }
    };
    let names = file.names();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let mut numbers = 0;
    for name in names {
        let shape = file.shape(name).expect("an array that has a name");
        match file.tensor::<f32>(name) {
            Ok(tensor) => {
                assert_eq!(tensor.dims(), shape);
                assert_eq!(tensor.data().len(), shape.iter().product::<usize>());
                numbers += tensor.data().len();
            }
            Err(error) => told(&error, name),
        }
        if let Ok(integers) = file.integers(name) {
            assert_eq!(integers.len(), shape.iter().product::<usize>());
            numbers += integers.len();
        }
    }
    assert!(2 * numbers <= bytes.len(), "{numbers} numbers in {} bytes", bytes.len());
    match file.arrays::<f64>() {
        Ok(arrays) => {
            let written = encode(&arrays);
            let again = StoredArrays::parse(&written).expect("what was written").arrays::<f64>();
            // Compared as bytes, in which NaN is itself.
            assert!(encode(&again.expect("what was written")) == written);
        }
        Err(error) => told(&error, "`"),
    }
    if let Ok(arrays) = file.arrays::<f32>() {
        read_back(&arrays);
    }
    true
}

fn network() -> Sequential<f32> {
    let mut init = Initializer::new(Init::HeNormal, 1);
    Sequential::new().named("fc", Linear::new(2, 3, &mut init))
}

fn network_takes(bytes: &[u8]) -> bool {
    let mut network = network();
    let before = to_safetensors(&mut network);
    let outcome = load_safetensors(&mut network, bytes);
    let after = to_safetensors(&mut network);
    match &outcome {
        Ok(()) => {
            let mut other = self::network();
            load_safetensors(&mut other, &after).expect("what the network has written");
            assert!(to_safetensors(&mut other) == after);
        }
        Err(error) => {
            told(error, "");
            assert!(after == before, "refused, and the network has changed");
        }
    }
    outcome.is_ok()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let tensor =
        |dims: [usize; 2], data: &[f32]| Array::Tensor(Tensor::new(dims, data.to_vec()).expect("a shape"));
    let named = |arrays: Vec<(&str, Array<f32>)>| {
        encode(&arrays.into_iter().map(|(name, array)| (name.to_string(), array)).collect::<BTreeMap<_, _>>())
    };
    let all = named(vec![
        ("a", tensor([2, 2], &[1.0, -0.0, f32::NAN, f32::INFINITY])),
        ("values", Array::Values(vec![0.5, 1e300])),
        ("count", Array::Count(7)),
        ("none", tensor([0, 3], &[])),
    ]);
    let half = br#"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}"#;
    let half = [&(half.len() as u64).to_le_bytes()[..], half, &[0, 0x3c, 1, 0x80, 0x80, 0x3f]].concat();
    vec![to_safetensors(&mut network()), all, half]
}
