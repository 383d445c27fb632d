//! Files held against published digests: the statement must say what is the matter.

use std::{fs, path::Path};

use datasets::official::{
    Archive, Count, Digest, Fingerprint, Member, OFFICIAL, Official, Packing, Report, Text, Verdict, digest,
    find, verify,
};
use tempfile::TempDir;

use crate::fixture::gzip;

fn print(bytes: &[u8]) -> Fingerprint {
    let Digest { bytes, md5, .. } =
        digest(bytes, &Fingerprint { md5: Some(""), ..Fingerprint::default() }).unwrap();
    Fingerprint { bytes: Some(bytes), md5: md5.map(|text| &*text.leak()), sha256: None }
}

fn member(name: &'static str, bytes: &[u8]) -> Member {
    Member { name, fingerprint: print(bytes), record: Some(4) }
}

fn set(name: &'static str, packing: Packing, packed: &[u8], members: Vec<Member>) -> Official {
    let archive = Archive { name, fingerprint: print(packed), packing, members: members.leak() };
    Official {
        dataset: "set",
        also: &[],
        folders: &["inner"],
        mirrors: &[],
        archives: vec![archive].leak(),
        pictures: &[],
        texts: &[],
    }
}

/// Verdict and statement of every finding, and whether all is good.
fn judged(official: &Official, path: &Path) -> (Vec<(Verdict, String)>, bool) {
    let report: Report = verify(official, path).unwrap();
    let good = report.is_good();
    (report.findings.into_iter().map(|finding| (finding.verdict, finding.statement)).collect(), good)
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("inner/{name}"), *bytes).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

/// As Debian's package of Fashion-MNIST: the name in the gzip header is gone, the bytes are the same.
#[test]
fn a_gzip_file_packed_anew() {
    let plain = b"one two three four".to_vec();
    let official = set("file.gz", Packing::Gzip, b"the official gzip file", vec![member("file", &plain)]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.gz");
    let packed = gzip(&plain);
    fs::write(&path, &packed).unwrap();
    for given in [folder.path(), &path] {
        let (findings, good) = judged(&official, given);
        assert!(good);
        let (verdict, statement) = &findings[0];
        assert_eq!((*verdict, findings.len()), (Verdict::SameContent, 1));
        let by = packed.len().abs_diff(22);
        assert!(
            statement.starts_with(&format!("{by} bytes longer than the official 22; MD5 ")),
            "{statement}"
        );
        assert!(statement.ends_with("its decompressed bytes are the official ones, by MD5"), "{statement}");
    }
    // Plain under the packed name, damaged, and of other bytes.
    fs::write(&path, &plain).unwrap();
    assert_eq!(judged(&official, &path).0[0].0, Verdict::SameContent);
    fs::write(&path, &packed[..packed.len() - 9]).unwrap();
    let (findings, good) = judged(&official, &path);
    assert!(!good && findings[0].1.contains("; damaged: "), "{findings:?}");
    fs::write(&path, b"").unwrap();
    assert!(judged(&official, &path).0[0].1.contains("; damaged: "));
    fs::write(&path, gzip(b"one two three five")).unwrap();
    let (findings, _) = judged(&official, &path);
    assert_eq!(findings[0].0, Verdict::Differs);
    assert!(
        findings[0].1.contains("in it, file: of the official length with other bytes; MD5 "),
        "{findings:?}"
    );
    // Far longer than it may be: reading ends behind the official length.
    fs::write(&path, gzip(&[0; 1 << 20])).unwrap();
    assert!(judged(&official, &path).0[0].1.contains("in it, file: 1 bytes longer than the official 18"));
}

#[test]
fn a_tar_archive_packed_anew() {
    let (a, b) = (b"aaaaaaaa".as_slice(), b"bbbb".as_slice());
    let official = set(
        "set.tar.gz",
        Packing::TarGzip,
        &tar(&[("a", a), ("b", b)]),
        vec![member("a", a), member("b", b)],
    );
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("set.tar.gz");
    fs::write(&path, tar(&[("a", a), ("b", b)])).unwrap();
    assert_eq!(judged(&official, &path), (vec![(Verdict::Official, "by MD5".into())], true));
    fs::write(&path, tar(&[("b", b), ("readme", b"more"), ("a", a)])).unwrap();
    let (findings, good) = judged(&official, &path);
    assert!(good && findings[0].0 == Verdict::SameContent, "{findings:?}");
    assert!(findings[0].1.ends_with("every data file in it is the official one, by MD5"), "{findings:?}");
    fs::write(&path, tar(&[("b", b)])).unwrap();
    assert!(judged(&official, &path).0[0].1.ends_with("in it, a: is not in it"));
    fs::write(&path, b"<html>").unwrap();
    assert!(judged(&official, &path).0[0].1.contains("; damaged: "));
    // A link in the place of a data file, though its target is there.
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "inner/a", "b").unwrap();
    fs::write(&path, gzip(&builder.into_inner().unwrap())).unwrap();
    let (findings, good) = judged(&official, &path);
    assert!(!good && findings[0].0 == Verdict::Differs, "{findings:?}");
    assert!(
        findings[0].1.contains("inner/a is a symbolic link to `b`, expected the file itself"),
        "{findings:?}"
    );
}

#[test]
fn an_unpacked_folder_file_by_file() {
    let (a, b) = (b"aaaaaaaa".as_slice(), b"bbbb".as_slice());
    let official = set("set.tar.gz", Packing::TarGzip, b"archive", vec![member("a", a), member("b", b)]);
    let folder = TempDir::new().unwrap();
    let (findings, good) = judged(&official, folder.path());
    assert_eq!((findings[0].0, good), (Verdict::Missing, false));
    assert_eq!(findings[0].1, "no set.tar.gz and no a and no b here or in inner");

    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a"), a).unwrap();
    fs::write(inner.join("b"), b).unwrap();
    for given in [folder.path(), &inner] {
        assert_eq!(judged(&official, given), (vec![(Verdict::Official, "by MD5".into()); 2], true));
    }
    fs::write(inner.join("a"), b"cccccccc").unwrap();
    fs::remove_file(inner.join("b")).unwrap();
    let (findings, good) = judged(&official, &inner);
    assert!(!good);
    assert!(
        findings[0].1.contains("; whole records of 4 bytes, so a stand-in in the same layout"),
        "{findings:?}"
    );
    assert_eq!(findings[1].0, Verdict::Missing);
    fs::write(inner.join("a"), b"ccccc").unwrap();
    let statement = &judged(&official, &inner).0[0].1;
    assert!(
        statement.starts_with("3 bytes shorter than the official 8; MD5") && !statement.contains("stand-in")
    );
    // Half unpacked beside the archive: the archive has all that is needed.
    fs::write(inner.join("a"), a).unwrap();
    fs::write(folder.path().join("set.tar.gz"), b"archive").unwrap();
    assert!(judged(&official, folder.path()).1);
}

#[test]
fn a_file_by_its_digest_alone() {
    let official = set("set.tar.gz", Packing::TarGzip, b"archive", vec![member("a", b"aaaa")]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("renamed");
    fs::write(&path, b"aaaa").unwrap();
    assert_eq!(
        judged(&official, &path),
        (vec![(Verdict::Official, "a under another name, by MD5".into())], true)
    );
    fs::write(&path, b"aaab").unwrap();
    let (findings, good) = judged(&official, &path);
    assert!(!good);
    assert_eq!(findings[0].1, "by name and by digest none of the official files set.tar.gz, a");
    let text = verify(&official, &folder.path().join("nowhere")).unwrap_err().to_string();
    assert!(text.contains("nowhere"), "{text}");
}

#[test]
fn pictures_are_counted() {
    const PICTURES: &[Count] = &[
        Count { folder: "train", pictures: 2, required: true },
        Count { folder: "test", pictures: 1, required: false },
    ];
    let official = Official { pictures: PICTURES, ..set("set.zip", Packing::Zip, b"archive", vec![]) };
    let folder = TempDir::new().unwrap();
    let below = folder.path().join("inner/train/n1/images");
    fs::create_dir_all(&below).unwrap();
    for name in ["a.JPEG", "b.JPEG", "boxes.txt"] {
        fs::write(below.join(name), b"").unwrap();
    }
    let (findings, good) = judged(&official, folder.path());
    assert!(good, "the test pictures are not needed: {findings:?}");
    assert_eq!((findings[0].0, findings[1].0, findings.len()), (Verdict::Unproven, Verdict::Missing, 2));
    assert!(findings[0].1.starts_with("2 pictures, as many as there should be"), "{findings:?}");
    fs::write(below.join("c.JPEG"), b"").unwrap();
    assert_eq!(judged(&official, folder.path()).0[0], (Verdict::Differs, "3 pictures, 1 too many".into()));
    fs::remove_file(below.join("a.JPEG")).unwrap();
    fs::remove_file(below.join("b.JPEG")).unwrap();
    let (findings, good) = judged(&official, &folder.path().join("inner"));
    assert_eq!((findings[0].clone(), good), ((Verdict::Differs, "1 pictures, 1 are missing".into()), false));
    // A zip archive that is another one cannot be looked into.
    fs::write(folder.path().join("set.zip"), b"other").unwrap();
    let (findings, _) = judged(&official, &folder.path().join("set.zip"));
    assert!(
        findings[0].1.ends_with("of the files in it no digests are published to compare with"),
        "{findings:?}"
    );
}

/// All pictures and no classes: the loader refuses such a folder, so it is not whole.
#[test]
fn texts_beside_the_pictures_are_needed() {
    const PICTURES: &[Count] = &[Count { folder: "train", pictures: 1, required: true }];
    const TEXTS: &[Text] = &[
        Text { file: "ids.txt", lines: Some(2), required: true },
        Text { file: "val/classes.txt", lines: None, required: true },
        Text { file: "words.txt", lines: None, required: false },
    ];
    let set = set("set.zip", Packing::Zip, b"archive", vec![]);
    let official = Official { pictures: PICTURES, texts: TEXTS, ..set };
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        crate::fixture::write(folder.path(), &[(name.to_string(), bytes.to_vec())]);
    };
    write("train/a.JPEG", b"");
    let verdicts = || {
        let report = verify(&official, folder.path()).unwrap();
        let good = report.is_good();
        let found = report.findings.into_iter().map(|found| (found.file, found.verdict, found.statement));
        (found.collect::<Vec<_>>(), good)
    };
    let (found, good) = verdicts();
    assert!(!good && found[..3].iter().all(|found| found.1 == Verdict::Missing), "{found:?}");
    assert_eq!((&*found[0].0, &*found[0].2), ("ids.txt", "the pictures have no classes without it"));
    write("ids.txt", b"a\nb\n\n");
    assert!(!verdicts().1);
    write("val/classes.txt", b"a\n");
    let (found, good) = verdicts();
    assert!(good, "words are not needed: {found:?}");
    assert_eq!((found[0].1, &*found[0].2), (Verdict::Unproven, "2 lines; no digest of it is published"));
    write("ids.txt", b"a\r\nb\nc");
    let (found, good) = verdicts();
    assert_eq!((found[0].1, &*found[0].2, good), (Verdict::Differs, "3 lines, there should be 2", false));
    write("ids.txt", b"a\nb");
    write("val/classes.txt", b"\n");
    assert_eq!((&*verdicts().0[1].2, verdicts().1), ("it is empty", false));
}

/// What the loader cannot do without, `verify` demands.
#[test]
fn tiny_imagenet_is_not_whole_without_what_its_loader_needs() {
    let official = find("tiny-imagenet").unwrap();
    let texts = official.texts;
    let whole = crate::fixture::tiny_imagenet("");
    for text in texts {
        let root = TempDir::new().unwrap();
        let files: Vec<_> = whole.iter().filter(|(name, _)| name != text.file).cloned().collect();
        assert_eq!(files.len(), whole.len() - 1);
        crate::fixture::write(root.path(), &files);
        let loads = datasets::find("tiny-imagenet").unwrap().load(Some(root.path())).is_ok();
        assert_eq!(loads, !text.required, "{}", text.file);
        let report = verify(official, root.path()).unwrap();
        let finding = report.findings.iter().find(|finding| finding.file == text.file).unwrap();
        assert_eq!((finding.verdict, finding.required), (Verdict::Missing, text.required));
    }
    assert_eq!(texts.len(), 3);
}

#[test]
fn addresses_are_a_mirror_and_a_name() {
    let cifar = find("cifar10").unwrap();
    let urls = cifar.urls(&cifar.archives[0]);
    // The link on the author's page.
    assert_eq!(urls[0], "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");
    assert!(OFFICIAL.iter().all(|official| !official.mirrors.is_empty() && !official.archives.is_empty()));
}

#[test]
fn every_data_set_on_a_disk_has_its_official_files() {
    for entry in datasets::DATASETS {
        match find(entry.name) {
            Ok(official) => assert!(official.dataset == entry.name || official.also.contains(&entry.name)),
            Err(error) => {
                // The pictures of an image folder are anybody's.
                assert!(!entry.needs_folder() || entry.name == "image-folder", "{error}");
                let text = error.to_string();
                assert!(
                    text.contains("of which none are published, expected one of fashion-mnist"),
                    "{text}"
                );
            }
        }
    }
    assert!(OFFICIAL.iter().all(|official| datasets::find(official.dataset).is_ok()));
    let text = find("cifar-10").unwrap_err().to_string();
    assert!(text.contains("did you mean cifar10"), "{text}");
}
