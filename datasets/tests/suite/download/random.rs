//! Whatever peers answer and whatever lies in the folder: the right file, or an error and no file.

use std::fs;

use proptest::prelude::*;

use super::{Location, file, server::*};

const LENGTH: usize = 3_000;

/// One kind of answer; the number says where it is cut, shifted or wrong.
fn answer(kind: u8, at: usize) -> Answer {
    let good = file(LENGTH);
    let mut bad = good.clone();
    bad[at] ^= 0x55;
    match kind {
        0 => whole(&good, "\"v1\""),
        1 => cut(&good, "\"v1\"", at),
        2 => cut_range(&good, "\"v1\"", at),
        3 => whole(&bad, "\"v1\""),
        4 => honest(&bad, "\"v1\""),
        5 => cut_range(&bad, "\"v2\"", at),
        6 => partial(format!("bytes {at}-{}/{LENGTH}", LENGTH - 1), good[at..].to_vec()),
        7 => partial(format!("bytes 0-{}/{LENGTH}", LENGTH - 1), bad),
        // The range is as asked for and the bytes are others.
        8 => Box::new(move |request, stream| {
            let from = request.from().unwrap_or(0).min(LENGTH - 1);
            partial(format!("bytes {from}-{}/{LENGTH}", LENGTH - 1), bad[from..].to_vec())(request, stream)
        }),
        9 => unannounced(&good[..at]),
        10 => unannounced(&[&good[..], &good[..at]].concat()),
        11 => whole(&good[..at], "\"v1\""),
        12 => status("404 Not Found"),
        13 => status("500 Internal Server Error"),
        14 => Box::new(move |_, stream| {
            let headers = ["Content-Length: 0".into(), format!("Content-Range: bytes */{at}")];
            send(stream, "416 Range Not Satisfiable", &headers, b"")
        }),
        15 => redirect("/b/file.bin"),
        _ => Box::new(move |_, stream| stream.write_all(&bad[..at])),
    }
}

/// What an earlier attempt, or someone else, has left.
fn leave(place: &Location, kind: u8, at: usize) {
    let good = file(LENGTH);
    let part = match kind {
        0 => return,
        1 => good[..at].to_vec(),
        2 => vec![8; at],
        3 => vec![8; LENGTH + at],
        4 => good,
        _ => vec![8; LENGTH],
    };
    fs::write(place.path("file.bin.part"), part).unwrap();
    if at % 2 == 1 {
        fs::write(place.path("file.bin.part.json"), &good_note()[..at.min(good_note().len())]).unwrap();
    }
}

fn good_note() -> &'static [u8] {
    br#"{"url":"http://127.0.0.1/a/file.bin","etag":"\"v1\"","last_modified":null,"total":3000}"#
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn never_a_wrong_file(
        answers in prop::collection::vec((0u8..17, 0..LENGTH), 0..7),
        left in (0u8..6, 0..LENGTH),
        length_is_known: bool,
        has_second_mirror: bool,
    ) {
        let good = file(LENGTH);
        let server = Server::start(&good, answers.into_iter().map(|(kind, at)| answer(kind, at)).collect());
        let mut place = Location::new(&good);
        leave(&place, left.0, left.1);
        if !length_is_known {
            place.expected.bytes = None;
        }
        let urls = [server.a(), server.b()];
        let urls = if has_second_mirror { &urls[..] } else { &urls[..1] };
        match place.fetch(urls) {
            Ok(_) => {
                prop_assert!(fs::read(place.target()).unwrap() == good);
                prop_assert!(!place.path("file.bin.part").exists() && !place.path("file.bin.part.json").exists());
            }
            Err(error) => {
                prop_assert!(!place.target().exists(), "{error}");
                prop_assert!(!has_second_mirror, "the honest mirror was not enough: {error}");
            }
        }
    }
}
