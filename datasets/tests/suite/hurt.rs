//! Damage as disks, networks and people do it.

use datasets::random::{Purpose, below, stream};
use rand::Rng;

/// The bytes, damaged in a way that `number` decides, and what was done. Never the bytes as they were.
pub(crate) fn hurt(bytes: &[u8], number: usize) -> (Vec<u8>, &'static str) {
    let mut random = stream(20, Purpose::Shuffle { epoch: 0 }, number as u64);
    let mut to = |bound: usize| below(&mut random, bound.max(1) as u64) as usize;
    let mut hurt = bytes.to_vec();
    let at = to(bytes.len());
    let kind = match number % 8 {
        0 => {
            hurt[at] ^= 1 << to(8);
            "one bit flipped"
        }
        1 => {
            hurt.truncate(at);
            "cut short"
        }
        2 => {
            let end = bytes.len().min(at + 1 + to(64));
            hurt.drain(at..end);
            "a stretch lost"
        }
        3 => {
            let extra: Vec<u8> = (0..1 + to(64)).map(|_| to(256) as u8).collect();
            hurt.splice(at..at, extra);
            "a stretch inserted"
        }
        4 => {
            let end = bytes.len().min(at + 1 + to(600));
            hurt.splice(at..at, bytes[at..end].to_vec());
            "a stretch doubled"
        }
        5 => {
            // What a length field would be at its largest.
            let end = bytes.len().min(at + 1 + to(8));
            hurt[at..end].fill(0xff);
            "numbers made huge"
        }
        6 => {
            let end = bytes.len().min(at + 1 + to(600));
            hurt[at..end].fill(0);
            "a stretch of zeros"
        }
        _ => {
            for _ in 0..1 + to(20) {
                let at = to(bytes.len());
                hurt[at] = to(256) as u8;
            }
            "bytes overwritten"
        }
    };
    if hurt == bytes {
        hurt.push(random.next_u32() as u8);
    }
    (hurt, kind)
}
