//! What is there is not sent again, and is not trusted further than it deserves.

use std::{fs, ops::ControlFlow};

use datasets::download::{DownloadError, Outcome, Progress, download};

use super::{Location, file, names, server::*};

fn fetched(url: &str, kept: u64) -> Outcome {
    Outcome::Fetched { url: Some(url.into()), kept }
}

#[test]
fn a_whole_file_and_once_more() {
    let file = file(200_000);
    let server = Server::start(&file, vec![whole(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    assert_eq!(place.gets(&[server.a()], &file), fetched(&server.a(), 0));
    assert_eq!(place.gets(&[server.a()], &file), Outcome::AlreadyThere);
    let requests = server.requests();
    assert_eq!((requests.len(), &requests[0].range), (1, &None));
}

#[test]
fn a_cut_file_goes_on_where_it_ended() {
    let file = file(100_000);
    let server = Server::start(&file, vec![cut(&file, "\"v1\"", 60_000), honest(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    // The second answer holds the last 40,000 bytes alone, and the file is whole: the others were sent once.
    assert_eq!(place.gets(&[server.a()], &file), fetched(&server.a(), 0));
    assert_eq!(place.troubles, ["closed the connection at byte 60000"]);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].range.as_deref(), Some("bytes=60000-"));
    assert_eq!(requests[1].if_range.as_deref(), Some("\"v1\""));
}

/// The same across two calls, as after a crash.
#[test]
fn a_later_call_goes_on() {
    let file = file(100_000);
    let server = Server::start(&file, vec![cut(&file, "\"v1\"", 1), honest(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    place.options.attempts = 1;
    let text =
        place.fails(&[server.a()], &["1 bytes are kept in", "file.bin.part; the same command continues"]);
    assert!(text.contains(&server.a()), "{text}");
    assert_eq!(names(place.folder.path()), ["file.bin.part", "file.bin.part.json"]);
    assert_eq!(place.gets(&[server.a()], &file), fetched(&server.a(), 1));
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"v1\""));
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let file = file(100_000);
    let server = Server::start(&file, vec![cut(&file, "\"v1\"", 70_000), whole(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    place.gets(&[server.a()], &file);
    assert_eq!(server.requests()[1].range.as_deref(), Some("bytes=70000-"));
}

#[test]
fn another_version_starts_again() {
    let (old, new) = (vec![1; 50_000], file(50_000));
    let server = Server::start(&new, vec![cut(&old, "\"v1\"", 30_000), honest(&new, "\"v2\"")]);
    let mut place = Location::new(&new);
    place.gets(&[server.a()], &new);
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"v1\""));

    // A server that takes no notice of If-Range is found out by its tag.
    let careless = partial("bytes 30000-49999/50000\r\nETag: \"v2\"".to_string(), new[30_000..].to_vec());
    let server = Server::start(&new, vec![cut(&old, "\"v1\"", 30_000), careless, honest(&new, "\"v2\"")]);
    let mut place = Location::new(&new);
    place.gets(&[server.a()], &new);
    assert_eq!(place.troubles[1], "has another version of the file than before");
    assert_eq!(server.requests()[2].range, None);
}

/// A weak tag says nothing about bytes; the digest has the last word.
#[test]
fn what_was_put_together_wrongly_starts_again() {
    let (old, new) = (vec![1; 50_000], file(50_000));
    let answers = vec![cut(&old, "W/\"v1\"", 30_000), honest(&new, "W/\"v1\""), honest(&new, "W/\"v1\"")];
    let server = Server::start(&new, answers);
    let mut place = Location::new(&new);
    assert_eq!(place.gets(&[server.a()], &new), fetched(&server.a(), 0));
    assert!(
        place.troubles[1]
            .starts_with("what was put together is not the official file: of the official length")
    );
    let requests = server.requests();
    assert_eq!((&requests[1].if_range, &requests[2].range), (&None, &None));
}

#[test]
fn ranges_that_lie_are_not_asked_for_again() {
    let file = file(50_000);
    for range in ["bytes 0-49999/50000", "bytes 30001-49999/50000", "bytes 30000-49999", "lines 3-4/5"] {
        let lie = partial(range.into(), file[30_000..].to_vec());
        let server = Server::start(&file, vec![cut(&file, "\"v1\"", 30_000), lie, honest(&file, "\"v1\"")]);
        let mut place = Location::new(&file);
        place.gets(&[server.a()], &file);
        assert_eq!(place.troubles[1], format!("was asked for bytes from 30000 on and announces {range}"));
        assert_eq!(server.requests()[2].range, None);
    }
}

/// A new version is fetched from its start once, and from then on continued like any file.
#[test]
fn a_new_version_that_breaks_off_is_continued() {
    let (old, new) = (vec![1; 50_000], file(50_000));
    let careless = || partial("bytes 30000-49999/50000\r\nETag: \"v2\"".to_string(), new[30_000..].to_vec());
    let answers =
        vec![cut(&old, "\"v1\"", 30_000), careless(), cut(&new, "\"v2\"", 45_000), honest(&new, "\"v2\"")];
    let server = Server::start(&new, answers);
    let mut place = Location::new(&new);
    place.options.attempts = 4;
    place.gets(&[server.a()], &new);
    let requests = server.requests();
    assert_eq!((&requests[2].range, requests[3].range.as_deref()), (&None, Some("bytes=45000-")));
    assert_eq!(requests[3].if_range.as_deref(), Some("\"v2\""));
}

/// One mirror's ranges say nothing about another's.
#[test]
fn ranges_are_given_up_for_one_mirror_alone() {
    let file = file(50_000);
    let lie = partial("bytes 0-49999/50000".into(), file.clone());
    let first = Server::start(&file, vec![cut(&file, "\"v1\"", 30_000), lie, cut(&file, "\"v1\"", 40_000)]);
    let second = Server::start(&file, vec![honest(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    place.gets(&[first.a(), second.a()], &file);
    assert_eq!(first.requests()[2].range, None);
    assert_eq!(second.requests()[0].range.as_deref(), Some("bytes=40000-"));
}

/// Also while the digest of what has arrived is about to be taken.
#[test]
fn an_end_wished_for_at_the_check_is_an_end() {
    let file = file(5_000);
    let mut place = Location::new(&file);
    let mut stop = |progress: Progress<'_>| match progress {
        Progress::Checking => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let server = Server::start(&file, vec![]);
    // Behind a download, and of a part that is whole already.
    for urls in [vec![server.b()], vec![]] {
        let ended = download(&urls, &place.target(), &place.expected, &place.options, &mut stop);
        let error = ended.unwrap_err();
        assert!(matches!(error, DownloadError::Interrupted { have: 5_000, .. }), "{error}");
        assert_eq!(fs::read(place.path("file.bin.part")).unwrap(), file);
    }
    assert_eq!(place.gets(&[], &file), Outcome::Fetched { url: None, kept: 5_000 });
}

#[test]
fn nothing_left_may_mean_that_all_is_there() {
    let file = file(5_000);
    // Of unknown length, so that the whole part has to be asked about.
    let server = Server::start(&file, vec![honest(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    place.expected.bytes = None;
    fs::write(place.path("file.bin.part"), &file).unwrap();
    assert_eq!(place.gets(&[server.a()], &file), fetched(&server.a(), 5_000));
    assert_eq!(server.requests()[0].range.as_deref(), Some("bytes=5000-"));

    // Longer than what the server has: it cannot be this file.
    let server = Server::start(&file, vec![honest(&file, "\"v1\""), honest(&file, "\"v1\"")]);
    let mut place = Location::new(&file);
    place.expected.bytes = None;
    fs::write(place.path("file.bin.part"), [&file[..], b"more"].concat()).unwrap();
    assert_eq!(place.gets(&[server.a()], &file), fetched(&server.a(), 0));
    assert_eq!(place.troubles, ["has 5000 bytes where 5004 are here"]);
}

#[test]
fn a_whole_part_needs_nobody() {
    let file = file(5_000);
    let mut place = Location::new(&file);
    fs::write(place.path("file.bin.part"), &file).unwrap();
    assert_eq!(place.gets(&[], &file), Outcome::Fetched { url: None, kept: 5_000 });
}

/// Three parts of 1.2 MB each: only attempts without progress count.
#[test]
fn many_breaks_with_progress_are_no_failure() {
    let file = file(3_600_000);
    let server = Server::start(&file, (0..4).map(|_| cut_range(&file, "\"v1\"", 1_200_000)).collect());
    let mut place = Location::new(&file);
    place.options.attempts = 2;
    place.gets(&[server.a()], &file);
    assert_eq!((server.requests().len(), place.troubles.len()), (3, 2));
}

#[test]
fn whoever_listens_can_end_it_and_go_on_later() {
    let file = file(1_000_000);
    let server = Server::start(&file, vec![]);
    let mut place = Location::new(&file);
    let mut stop = |progress: Progress<'_>| match progress {
        Progress::Bytes { have, .. } if have > 300_000 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error =
        download(&[server.b()], &place.target(), &place.expected, &place.options, &mut stop).unwrap_err();
    let DownloadError::Interrupted { have, .. } = error else { panic!("{error}") };
    assert!((300_000..1_000_000).contains(&have), "{have}");
    assert!(error.to_string().ends_with("the same command continues there"), "{error}");
    assert_eq!(fs::read(place.path("file.bin.part")).unwrap(), file[..have as usize]);
    assert_eq!(place.gets(&[server.b()], &file), fetched(&server.b(), have));
}

#[test]
fn redirections_keep_the_range() {
    let file = file(10_000);
    let server = Server::start(&file, vec![cut(&file, "\"v1\"", 4_000), redirect("/b/file.bin")]);
    let mut place = Location::new(&file);
    place.gets(&[server.a()], &file);
    let requests = server.requests();
    assert_eq!(
        (requests[2].path.as_str(), requests[2].range.as_deref()),
        ("/b/file.bin", Some("bytes=4000-"))
    );
}
