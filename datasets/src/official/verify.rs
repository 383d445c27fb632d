//! Whether the files at hand are the official ones, file by file, with a plain statement where they are not.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Archive, Count, Digest, Fingerprint, Member, Official, Packing, Text, digest};
use crate::{Error, Result, container::tar, format::compressed::read_plain_or_gzip};

/// What is wrong or right with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its digest is the published one.
    Official,
    /// The file differs and what is packed in it is official: a mirror that packed it anew.
    SameContent,
    /// Nothing that is published could prove it, and nothing speaks against it.
    Unproven,
    /// It is not the official file.
    Differs,
    /// It is not there.
    Missing,
}

/// One file, or one folder of pictures, and what was found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Its official name.
    pub file: String,
    /// Where it was found.
    pub path: Option<PathBuf>,
    /// What it is.
    pub verdict: Verdict,
    /// The reason in words: by which digest, or how it differs.
    pub statement: String,
    /// Whether the data set is incomplete without it.
    pub required: bool,
}

/// All findings about one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The data set's name.
    pub dataset: String,
    /// The file or folder that was looked at.
    pub path: PathBuf,
    /// In the order of the table.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything that is needed is there and nothing needed differs.
    pub fn is_good(&self) -> bool {
        let bad = |finding: &Finding| matches!(finding.verdict, Verdict::Differs | Verdict::Missing);
        !self.findings.iter().any(|finding| finding.required && bad(finding))
    }
}

/// Compares what lies at `path` with the official files: an archive or another single file, a folder that holds archives,
/// or the folder they were unpacked into or its parent. A single file is judged alone; nothing is missing beside it.
///
/// # Errors
///
/// [`Error::Io`] if `path` is not there or something in it cannot be read; a damaged archive is a finding and no error.
pub fn verify(official: &Official, path: &Path) -> Result<Report> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let findings = if metadata.is_dir() { folder(official, path)? } else { vec![single(official, path)?] };
    Ok(Report { dataset: official.dataset.into(), path: path.into(), findings })
}

fn folder(official: &Official, given: &Path) -> Result<Vec<Finding>> {
    let inner = official.folders.iter().map(|name| given.join(name)).filter(|path| path.is_dir());
    let places: Vec<PathBuf> = std::iter::once(given.into()).chain(inner).collect();
    let find = |name: &str| places.iter().map(|place| place.join(name)).find(|path| path.is_file());
    let pictures = pictures(official, &places)?;
    let mut findings = Vec::new();
    for archive in official.archives {
        let packed = find(archive.name);
        if let Some(path) = &packed {
            findings.push(judge_archive(archive, path)?);
        }
        let members: Vec<_> = archive.members.iter().map(|member| (member, find(member.name))).collect();
        if members.iter().any(|(_, path)| path.is_some()) {
            for (member, path) in members {
                findings.push(match path {
                    Some(path) => judge_member(member, &path)?,
                    None => missing(
                        member.name,
                        packed.is_none(),
                        "absent beside files that were unpacked with it".into(),
                    ),
                });
            }
        } else if packed.is_none() && pictures.is_empty() {
            let mut names = vec![archive.name];
            names.extend(archive.members.iter().map(|member| member.name));
            let places = official.folders.join(" or ");
            let statement = format!("no {} here or in {places}", names.join(" and no "));
            findings.push(missing(archive.name, true, statement));
        }
    }
    findings.extend(pictures);
    Ok(findings)
}

fn missing(file: &str, required: bool, statement: String) -> Finding {
    Finding { file: file.into(), path: None, verdict: Verdict::Missing, statement, required }
}

fn found(file: &str, path: &Path, verdict: Verdict, statement: String) -> Finding {
    Finding { file: file.into(), path: Some(path.into()), verdict, statement, required: true }
}

/// A file by its name; by its digest if its name says nothing.
fn single(official: &Official, path: &Path) -> Result<Finding> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let members = || official.archives.iter().flat_map(|archive| archive.members);
    if let Some(archive) = official.archives.iter().find(|archive| archive.name == name) {
        return judge_archive(archive, path);
    }
    if let Some(member) = members().find(|member| member.name == name) {
        return judge_member(member, path);
    }
    let known = official.archives.iter().map(|archive| (archive.name, &archive.fingerprint));
    let known: Vec<_> = known.chain(members().map(|member| (member.name, &member.fingerprint))).collect();
    let all = Fingerprint { bytes: None, md5: Some(""), sha256: Some("") };
    let found_digest = digest_file(path, &all)?;
    let same = known.iter().find(|(_, print)| print.is_proof() && print.difference(&found_digest).is_none());
    if let Some((official, print)) = same {
        let statement = format!("{official} under another name, by {}", print.basis());
        return Ok(found(&name, path, Verdict::Official, statement));
    }
    let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
    let statement = format!("by name and by digest none of the official files {}", names.join(", "));
    Ok(found(&name, path, Verdict::Differs, statement))
}

fn judge_member(member: &Member, path: &Path) -> Result<Finding> {
    let found_digest = digest_file(path, &member.fingerprint)?;
    let (verdict, statement) = judge_bytes(member, &found_digest);
    Ok(found(member.name, path, verdict, statement))
}

fn judge_bytes(member: &Member, found: &Digest) -> (Verdict, String) {
    let print = &member.fingerprint;
    let Some(mut difference) = print.difference(found) else {
        return if print.is_proof() {
            (Verdict::Official, format!("by {}", print.basis()))
        } else {
            (Verdict::Unproven, format!("right by {}; no digest of it is published", print.basis()))
        };
    };
    if let Some(record) =
        member.record.filter(|record| found.bytes > 0 && found.bytes.is_multiple_of(*record))
    {
        difference += &format!(
            "; whole records of {record} bytes, so a stand-in in the same layout (re-encoded pictures or a subset)"
        );
    }
    (Verdict::Differs, difference)
}

fn judge_archive(archive: &Archive, path: &Path) -> Result<Finding> {
    let found_digest = digest_file(path, &archive.fingerprint)?;
    let Some(difference) = archive.fingerprint.difference(&found_digest) else {
        let statement = format!("by {}", archive.fingerprint.basis());
        return Ok(found(archive.name, path, Verdict::Official, statement));
    };
    let (verdict, inside) = judge_content(archive, path)?;
    Ok(found(archive.name, path, verdict, format!("{difference}; {inside}")))
}

/// What is packed in an archive that is not the official one.
fn judge_content(archive: &Archive, path: &Path) -> Result<(Verdict, String)> {
    if archive.members.is_empty() || archive.packing == Packing::Zip {
        return Ok((Verdict::Differs, "of the files in it no digests are published to compare with".into()));
    }
    let inside = match archive.packing {
        Packing::TarGzip => members_of_tar(archive, path),
        _ => only_member(archive, path),
    };
    let inside = match inside {
        Ok(inside) => inside,
        Err(error @ (Error::Gzip { .. } | Error::Damaged { .. } | Error::DuplicateMember { .. })) => {
            return Ok((Verdict::Differs, format!("damaged: {error}")));
        }
        Err(error @ Error::NotAFile { .. }) => return Ok((Verdict::Differs, error.to_string())),
        Err(error) => return Err(error),
    };
    let judged = |(member, digest): &(&Member, Option<Digest>)| match digest {
        None => (member.name, Verdict::Missing, "is not in it".to_owned()),
        Some(digest) => {
            let (verdict, statement) = judge_bytes(member, digest);
            (member.name, verdict, statement)
        }
    };
    let judged: Vec<_> = inside.iter().map(judged).collect();
    if let Some((name, _, statement)) = judged.iter().find(|(_, verdict, _)| *verdict != Verdict::Official) {
        return Ok((Verdict::Differs, format!("in it, {name}: {statement}")));
    }
    let what = match archive.packing {
        Packing::TarGzip => "every data file in it is the official one",
        _ => "its decompressed bytes are the official ones",
    };
    Ok((Verdict::SameContent, format!("packed anew by a mirror: {what}, by MD5")))
}

type Inside = Vec<(&'static Member, Option<Digest>)>;

/// The one file of a gzip archive. Reading stops one byte behind the official length.
fn only_member(archive: &Archive, path: &Path) -> Result<Inside> {
    let member = &archive.members[0];
    let limit = member.fingerprint.bytes.map_or(u64::MAX, |bytes| bytes + 1);
    // Plain bytes are taken, too, and none would only be a shorter file.
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
        let (kind, reason) = ("gzip file", "it is empty".into());
        return Err(Error::Damaged { path: path.into(), kind, offset: 0, reason });
    }
    let found = read_plain_or_gzip(open(path)?, path, |bytes| {
        digest(bytes.take(limit), &member.fingerprint).map_err(|source| unreadable(path, source))
    })?;
    Ok(vec![(member, Some(found))])
}

/// The known members of a tar archive, by name without folders, as the data set's own reader sees them; nothing is unpacked.
fn members_of_tar(archive: &Archive, path: &Path) -> Result<Inside> {
    let mut inside: Inside = archive.members.iter().map(|member| (member, None)).collect();
    read_plain_or_gzip(open(path)?, path, |bytes| {
        tar::visit(bytes, path, |name, bytes| {
            let plain = name.rsplit('/').next();
            let Some((member, slot)) = inside.iter_mut().find(|(member, _)| Some(member.name) == plain)
            else {
                return Ok(());
            };
            let bytes = match bytes {
                tar::Member::Bytes(bytes) => bytes,
                tar::Member::Other(what) => {
                    let expected = "the file itself";
                    return Err(Error::NotAFile { path: path.join(name), what, expected });
                }
            };
            let found = digest(bytes, &member.fingerprint).map_err(|source| unreadable(path, source))?;
            match slot.replace(found) {
                None => Ok(()),
                Some(_) => Err(Error::DuplicateMember { path: path.into(), member: name.into() }),
            }
        })
    })?;
    Ok(inside)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| unreadable(path, source))
}

/// Pictures are counted, and lines of the texts that go with them, where any folder of pictures is there. There are no digests
/// of either to compare with.
fn pictures(official: &Official, places: &[PathBuf]) -> Result<Vec<Finding>> {
    let holds = |place: &&PathBuf| official.pictures.iter().any(|count| place.join(count.folder).is_dir());
    let Some(place) = places.iter().find(holds) else { return Ok(Vec::new()) };
    let texts: Result<Vec<_>> = official.texts.iter().map(|text| judge_text(text, place)).collect();
    let counts: Result<Vec<_>> = official.pictures.iter().map(|count| judge_count(count, place)).collect();
    Ok([texts?, counts?].concat())
}

fn judge_text(text: &Text, place: &Path) -> Result<Finding> {
    let path = place.join(text.file);
    if !path.is_file() {
        let statement = match text.required {
            true => "the pictures have no classes without it",
            false => "classes have no names without it",
        };
        return Ok(missing(text.file, text.required, statement.into()));
    }
    let bytes = fs::read(&path).map_err(|source| unreadable(&path, source))?;
    let there = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let (verdict, statement) = match text.lines {
        Some(lines) if there != lines => {
            (Verdict::Differs, format!("{there} lines, there should be {lines}"))
        }
        None if there == 0 => (Verdict::Differs, "it is empty".into()),
        _ => (Verdict::Unproven, format!("{there} lines; no digest of it is published")),
    };
    Ok(Finding { required: text.required, ..found(text.file, &path, verdict, statement) })
}

fn judge_count(count: &Count, place: &Path) -> Result<Finding> {
    let path = place.join(count.folder);
    if !path.is_dir() {
        return Ok(missing(
            count.folder,
            count.required,
            format!("the folder of {} pictures", count.pictures),
        ));
    }
    let there = pictures_below(&path)?;
    let off = there.abs_diff(count.pictures);
    let (verdict, statement) = match there.cmp(&count.pictures) {
        std::cmp::Ordering::Equal => {
            let statement =
                "pictures, as many as there should be; no digests of single pictures are published";
            (Verdict::Unproven, format!("{there} {statement}"))
        }
        std::cmp::Ordering::Less => (Verdict::Differs, format!("{there} pictures, {off} are missing")),
        std::cmp::Ordering::Greater => (Verdict::Differs, format!("{there} pictures, {off} too many")),
    };
    Ok(Finding { required: count.required, ..found(count.folder, &path, verdict, statement) })
}

/// Files whose name ends in `.JPEG`, in a folder and all below it; links are not followed.
fn pictures_below(folder: &Path) -> Result<usize> {
    let mut waiting = vec![folder.to_path_buf()];
    let mut pictures = 0;
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))? {
            let entry = entry.map_err(|source| unreadable(&folder, source))?;
            let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if entry.path().extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jpeg")) {
                pictures += 1;
            }
        }
    }
    Ok(pictures)
}

fn digest_file(path: &Path, published: &Fingerprint) -> Result<Digest> {
    File::open(path).and_then(|file| digest(file, published)).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.into(), offset: 0, source }
}
