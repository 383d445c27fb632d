//! Every reader of files with arbitrary bytes, with damaged files, and with what the fuzzer has found worth keeping.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use tests::readers::{READERS, root};

/// Inputs of each kind for each reader; `PROPTEST_CASES` asks for another number.
const CASES: u32 = 128;

/// One change of a file, as disks, networks, people and attackers make them.
#[derive(Debug, Clone)]
enum Change {
    Flip(u8),
    Cut,
    Remove(usize),
    Insert(Vec<u8>),
    Double(usize),
    /// A number in so many bytes near its end, little-endian or big-endian.
    Extreme(u32, i64, bool),
    /// A decimal number in the place of a text's next one.
    Digits(u64),
    /// From here on another file, from its own place on.
    Splice(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let number = prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), 0..300u64];
    prop_oneof![
        (0..8u8).prop_map(Change::Flip),
        Just(Change::Cut),
        (1..64usize).prop_map(Change::Remove),
        vec(any::<u8>(), 1..20).prop_map(Change::Insert),
        (1..600usize).prop_map(Change::Double),
        (0..4u32, -2..3i64, any::<bool>()).prop_map(|(w, n, little)| Change::Extreme(1 << w, n, little)),
        number.prop_map(Change::Digits),
        (any::<Index>(), any::<Index>()).prop_map(|(seed, from)| Change::Splice(seed, from)),
    ]
}

/// The bytes with this change at this place.
fn changed(bytes: &[u8], at: usize, change: &Change, seeds: &[Vec<u8>]) -> Vec<u8> {
    let (head, tail) = bytes.split_at(at);
    let rest = |count: usize| &tail[count.min(tail.len())..];
    match change {
        Change::Flip(bit) => match tail {
            [first, rest @ ..] => [head, &[first ^ (1 << bit)], rest].concat(),
            [] => Vec::new(),
        },
        Change::Cut => head.to_vec(),
        Change::Remove(count) => [head, rest(*count)].concat(),
        Change::Insert(new) => [head, new, tail].concat(),
        Change::Double(count) => [head, &tail[..*count.min(&tail.len())], tail].concat(),
        Change::Extreme(width, number, is_little) => {
            let width = *width as usize;
            let number = match is_little {
                true => number.to_le_bytes()[..width].to_vec(),
                false => number.to_be_bytes()[8 - width..].to_vec(),
            };
            [head, &number, rest(width)].concat()
        }
        Change::Digits(number) => {
            let start = tail.iter().position(u8::is_ascii_digit).unwrap_or(0);
            let end = start + tail[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            [head, &tail[..start], number.to_string().as_bytes(), &tail[end..]].concat()
        }
        Change::Splice(seed, from) => {
            let other = seed.get(seeds);
            [head, &other[from.index(other.len())..]].concat()
        }
    }
}

fn config() -> Config {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if asked { Config::default().cases } else { CASES };
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Every seed is accepted; so the tests below begin with what readers want to see.
#[test]
fn every_seed_is_read() {
    let mut refused = Vec::new();
    for reader in READERS {
        let seeds = (reader.seeds)();
        refused.extend((0..seeds.len()).filter(|&i| !(reader.read)(&seeds[i])).map(|i| (reader.name, i)));
    }
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn arbitrary_bytes() {
    for reader in READERS {
        let starts: Vec<Vec<u8>> =
            (reader.seeds)().iter().map(|seed| seed[..seed.len().min(24)].to_vec()).collect();
        let start = prop_oneof![Just(Vec::new()), prop::sample::select(starts)];
        let bytes = (start, vec(any::<u8>(), 0..300)).prop_map(|(start, rest)| [start, rest].concat());
        let outcome = TestRunner::new(config()).run(&bytes, |bytes| {
            (reader.read)(&bytes);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", reader.name));
    }
}

#[test]
fn damaged_files() {
    for reader in READERS {
        let seeds = (reader.seeds)();
        let damage = (any::<Index>(), vec((any::<Index>(), change()), 1..4));
        let outcome = TestRunner::new(config()).run(&damage, |(seed, changes)| {
            let mut bytes = seed.get(&seeds).clone();
            for (at, change) in &changes {
                bytes = changed(&bytes, at.index(bytes.len() + 1), change, &seeds);
            }
            (reader.read)(&bytes);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", reader.name));
    }
}

/// What is committed of the seeds and of what the fuzzer has kept: its smallest inputs, up to 14 kB of each reader.
#[test]
fn the_corpus_is_read() {
    let corpus = root().join("tests/fuzz/corpus");
    for reader in READERS {
        let folder = corpus.join(reader.name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for file in files {
            let path = file.expect("a readable folder").path();
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            // What fails is the last one that was printed.
            println!("{}", path.display());
            (reader.read)(&bytes);
        }
    }
}

/// A reader has a target for the fuzzer, and a target a reader.
#[test]
fn every_reader_has_a_target() {
    let manifest = fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let bins = manifest["bin"].as_array().expect("binaries");
    let named = bins.iter().map(|bin| bin["name"].as_str().expect("a name")).filter(|name| *name != "seeds");
    let known: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
    assert_eq!(named.collect::<Vec<_>>(), known);
    for name in known {
        let target = fs::read_to_string(root().join(format!("tests/fuzz/targets/{name}.rs")));
        assert!(target.expect("a target").contains(&format!("readers::{name}(")));
    }
}
