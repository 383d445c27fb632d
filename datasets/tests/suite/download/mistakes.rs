//! Peers and folders that are no good: the reason is named, the next mirror is asked, and no wrong file gets the name.

use std::{fs, io::Write, ops::ControlFlow, time::Duration};

use datasets::{
    download::{Progress, download},
    official::Fingerprint,
};

use super::{Location, file, names, server::*};

#[test]
fn an_absent_file_is_looked_for_at_the_next_mirror() {
    let file = file(1_000);
    let server = Server::start(&file, vec![status("404 Not Found")]);
    let mut place = Location::new(&file);
    place.gets(&[server.a(), server.b()], &file);
    assert_eq!(place.troubles, ["answers 404 Not Found"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn every_mirror_gives_its_reason() {
    let file = file(1_000);
    let first = Server::start(&file, vec![status("404 Not Found")]);
    let second = Server::start(&file, vec![]);
    let mut place = Location::new(&file);
    let reasons = [
        format!("{}: answers 404 Not Found", first.a()),
        format!("{}: answers 503 Service Unavailable", second.a()),
    ];
    let gone = {
        let closed = Server::start(&file, vec![]);
        closed.a()
    };
    let text = place.fails(&[first.a(), second.a(), gone.clone()], &[&reasons[0], &reasons[1], &gone]);
    assert_eq!(text.lines().count(), 4, "{text}");
    // Asked once, since it said no; and three times, since it said later.
    assert_eq!((first.requests().len(), second.requests().len()), (1, 3));
    assert!(names(place.folder.path()).is_empty());
    assert!(place.fails(&[], &["no address is known"]).starts_with("cannot download"));
}

#[test]
fn wrong_bytes_are_put_aside() {
    let (good, bad) = (file(1_000), vec![9; 1_000]);
    let server = Server::start(&good, vec![whole(&bad, "\"v1\"")]);
    let mut place = Location::new(&good);
    let found = super::fingerprint(&bad).sha256.unwrap();
    let expected = place.expected.sha256.unwrap();
    place.fails(&[server.a()], &["SHA-256", found, "officially", expected, "file.bin.rejected"]);
    assert_eq!(names(place.folder.path()), ["file.bin.rejected"]);
    assert_eq!(server.requests().len(), 1);
    // The next mirror still has its chance.
    fs::remove_file(place.path("file.bin.rejected")).unwrap();
    let server = Server::start(&good, vec![whole(&bad, "\"v1\"")]);
    place.fetch(&[server.a(), server.b()]).unwrap();
    assert_eq!(fs::read(place.target()).unwrap(), good);
    assert_eq!(names(place.folder.path()), ["file.bin", "file.bin.rejected"]);
}

#[test]
fn another_length_is_noticed_before_anything_is_sent() {
    let good = file(1_000);
    let server = Server::start(&good, vec![whole(b"<html>Please log in</html>", "\"v1\"")]);
    let mut place = Location::new(&good);
    fs::write(place.path("file.bin.part"), &good[..500]).unwrap();
    let words = ["has another file: 26 bytes long, the official one has 1000", "500 bytes are kept"];
    place.fails(&[server.a()], &words);
    assert_eq!(fs::read(place.path("file.bin.part")).unwrap(), good[..500]);
}

#[test]
fn more_than_announced_is_not_taken() {
    let good = file(1_000);
    let long = [&good[..], b"and on and on"].concat();
    let server = Server::start(&good, vec![unannounced(&long)]);
    let mut place = Location::new(&good);
    place.fails(&[server.a()], &["sends more than the 1000 bytes of the file"]);
    assert!(names(place.folder.path()).is_empty());
    // Behind an announced length, what follows is not read at all.
    let more: Answer =
        Box::new(move |_, stream| send(stream, "200 OK", &["Content-Length: 1000".into()], &long));
    let server = Server::start(&good, vec![more]);
    place.gets(&[server.a()], &good);
}

#[test]
fn an_unannounced_end_that_comes_too_early() {
    let good = file(1_000);
    let server = Server::start(&good, vec![unannounced(&good[..400]), honest(&good, "\"v1\"")]);
    let mut place = Location::new(&good);
    place.gets(&[server.a()], &good);
    assert_eq!(place.troubles, ["closed the connection at byte 400 of 1000"]);
}

/// A fault in mid-body is one of the way there: what has arrived is kept, and the same peer is asked for the rest.
#[test]
fn chunks_that_cannot_be_read_are_asked_for_again() {
    let good = file(300_000);
    let start = good[..200_000].to_vec();
    let broken: Answer = Box::new(move |_, stream| {
        let body = [format!("{:x}\r\n", start.len()).as_bytes(), &start, b"\r\nno length\r\n"].concat();
        send(stream, "200 OK", &["Transfer-Encoding: chunked".into(), "ETag: \"v1\"".into()], &body)
    });
    let server = Server::start(&good, vec![broken, honest(&good, "\"v1\"")]);
    let mut place = Location::new(&good);
    place.gets(&[server.a()], &good);
    assert_eq!(place.troubles.len(), 1, "{:?}", place.troubles);
    assert!(place.troubles[0].contains("chunk"), "{:?}", place.troubles);
    // The client may hold back what came together with the fault.
    let from = server.requests()[1].from().unwrap();
    assert!((1..=200_000).contains(&from), "{from}");
}

#[test]
fn a_stall_is_named_and_a_trickle_is_not_enough() {
    let good = file(4_000);
    let mut place = Location::new(&good);
    place.options.stall_timeout = Duration::from_millis(100);
    place.options.attempts = 1;
    let stall = slowly(4_000, good[..10].to_vec(), 1, Duration::from_millis(250));
    let server = Server::start(&good, vec![stall]);
    place.fails(&[server.a()], &["stalls: nothing for 0.1 s at byte 10", "10 bytes are kept"]);
    let silence: Answer = Box::new(|_, _| {
        std::thread::sleep(Duration::from_millis(250));
        Ok(())
    });
    let server = Server::start(&good, vec![silence]);
    place.fails(&[server.a()], &["stalls: nothing for 0.1 s at byte 10"]);

    place.options.least = 1_000;
    let trickle = slowly(4_000, vec![1], 30, Duration::from_millis(15));
    let server = Server::start(&good, vec![trickle]);
    place.fails(&[server.a()], &["is too slow: ", "at least 1000 are wanted"]);
}

#[test]
fn slow_and_steady_is_fine() {
    let good = vec![3; 4_000];
    let mut place = Location::new(&good);
    place.options.stall_timeout = Duration::from_millis(120);
    place.options.least = 100;
    place.options.attempts = 1;
    // Longer in all than the timeout.
    let server = Server::start(&good, vec![slowly(4_000, vec![3; 200], 20, Duration::from_millis(10))]);
    place.gets(&[server.a()], &good);
}

#[test]
fn redirections_in_a_circle() {
    let good = file(1_000);
    let server = Server::start(&good, (0..20).map(|_| redirect("/a/file.bin")).collect());
    let mut place = Location::new(&good);
    place.fails(&[server.a()], &["too many redirects"]);
    assert!(server.requests().len() <= 6, "{}", server.requests().len());
}

#[test]
fn what_is_there_is_not_overwritten_unasked() {
    let good = file(1_000);
    let server = Server::start(&good, vec![]);
    let mut place = Location::new(&good);
    fs::write(place.target(), b"mine").unwrap();
    let text = place.fetch(&[server.b()]).unwrap_err().to_string();
    assert!(text.contains("is not the official file and is left as it is: 996 bytes shorter"), "{text}");
    assert_eq!(fs::read(place.target()).unwrap(), b"mine");
    assert!(server.requests().is_empty());

    place.options.replace = true;
    let none: [String; 0] = [];
    place.fetch(&none).unwrap_err();
    assert_eq!(fs::read(place.target()).unwrap(), b"mine");
    place.gets(&[server.b()], &good);
}

#[test]
fn two_downloads_of_one_file() {
    let good = file(1_000);
    let mut place = Location::new(&good);
    let other = fs::File::create(place.path("file.bin.part")).unwrap();
    other.lock().unwrap();
    place.fails(&[], &["file.bin.part is in use: another process is downloading this file"]);
}

/// Hundreds of megabytes would arrive for nothing before anybody said so.
#[test]
fn a_folder_that_vanishes_ends_the_download() {
    let good = file(1_000_000);
    let server = Server::start(&good, vec![]);
    let place = Location::new(&good);
    let folder = place.folder.path();
    let mut have_then = 0;
    let error = download(&[server.b()], &place.target(), &place.expected, &place.options, &mut |progress| {
        if let Progress::Bytes { have, .. } = progress
            && folder.exists()
        {
            have_then = have;
            fs::remove_dir_all(folder).unwrap();
        }
        ControlFlow::Continue(())
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("file.bin.part was removed or replaced"), "{error}");
    assert!((1..1_000_000).contains(&have_then), "{have_then}");
    assert!(!folder.exists());
}

/// After all bytes have arrived, while they are compared with the digest: neither the right file's name nor that of a rejected one goes
/// to what lies in the part's place by then.
#[test]
fn a_part_that_is_exchanged_at_the_end_gets_no_name() {
    let good = file(1_000);
    for (served, checked) in [(good.clone(), "right"), (file(999), "wrong")] {
        for (exchange, words) in [
            ("another file", "file.bin.part was removed or replaced"),
            ("nothing", "file.bin.part was removed or replaced"),
            ("a longer file", "file.bin.part was changed by another program"),
        ] {
            let mut place = Location::new(&good);
            if checked == "wrong" {
                // So that the digest is what tells.
                place.expected = Fingerprint { bytes: None, ..place.expected };
            }
            let server = Server::start(&served, vec![]);
            let part = place.path("file.bin.part");
            let error =
                download(&[server.b()], &place.target(), &place.expected, &place.options, &mut |progress| {
                    if matches!(progress, Progress::Checking) {
                        match exchange {
                            "another file" => {
                                fs::write(place.path("other"), b"not the file").unwrap();
                                fs::rename(place.path("other"), &part).unwrap();
                            }
                            "nothing" => fs::remove_file(&part).unwrap(),
                            _ => {
                                let mut file = fs::OpenOptions::new().append(true).open(&part).unwrap();
                                file.write_all(b"more").unwrap();
                            }
                        }
                    }
                    ControlFlow::Continue(())
                });
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words), "{checked}, {exchange}: {error}");
            assert!(
                !place.target().exists() && !place.path("file.bin.rejected").exists(),
                "{checked}, {exchange}"
            );
            if exchange == "another file" {
                assert_eq!(fs::read(&part).unwrap(), b"not the file");
            }
        }
    }
}

#[test]
fn folders_and_disks_that_take_nothing() {
    let good = file(1_000);
    let server = Server::start(&good, vec![]);
    let mut place = Location::new(&good);
    fs::create_dir(place.path("file.bin.part")).unwrap();
    place.fails(&[server.b()], &["cannot write", "file.bin.part: "]);
    fs::remove_dir(place.path("file.bin.part")).unwrap();
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", place.path("file.bin.part")).unwrap();
        place.fails(
            &[server.b()],
            &["the disk is full after 0 bytes of", "with room made, the same command continues"],
        );
    }
}

#[test]
fn options_that_cannot_be() {
    let good = file(1_000);
    let mut place = Location::new(&good);
    place.options.attempts = 0;
    place.fails(&[], &["attempts is 0; want at least 1"]);
    place.options = super::options();
    place.options.stall_timeout = Duration::ZERO;
    place.fails(&[], &["stall timeout is 0 s; want more than 0 s"]);
    place.options = super::options();
    place.options.proxy = Some("not a proxy".into());
    place.fails(&[], &["proxy is not a proxy; want the URL of an HTTP proxy"]);
    place.options = super::options();
    place.options.authorities = Some(place.path("absent.pem"));
    place.fails(&[], &["cannot read", "absent.pem"]);
    fs::write(place.path("empty.pem"), b"").unwrap();
    place.options.authorities = Some(place.path("empty.pem"));
    place.fails(&[], &["want a file with certificates in PEM"]);
}

/// A proxy is asked by an absolute address.
#[test]
fn a_proxy_is_used_when_it_is_named() {
    let good = file(1_000);
    let server = Server::start(&good, vec![]);
    let mut place = Location::new(&good);
    place.options.proxy = Some(format!("http://127.0.0.1:{}", server.port()));
    let url = "http://host.invalid/file.bin".to_owned();
    let _ = place.fetch(std::slice::from_ref(&url));
    let asked = server.requests();
    assert!(asked.iter().any(|request| request.path.contains("host.invalid")), "{asked:?}");
}
