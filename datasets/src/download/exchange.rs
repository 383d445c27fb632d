//! One question to one peer, and what its answer does to the part.

use std::{
    io::Read,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use ureq::{
    Agent, Body, Timeout,
    http::{Response, StatusCode, header},
};

use super::{
    Options, Progress,
    content_range::ContentRange,
    error::DownloadError,
    part::{Origin, Part},
    tell,
};
use crate::official::Fingerprint;

/// Why an exchange did not bring the file to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Asking once more may help.
    Again(String),
    /// Asking once more may help, for the whole file: what is here is no beginning of what this peer has.
    Whole(String),
    /// The same, and this peer's ranges are not to be asked for again.
    NoRanges(String),
    /// This mirror does not have it.
    Mirror(String),
    /// Nobody can help, since the trouble is here.
    Local(DownloadError),
}

/// Why a request or a body failed, as far as the client can tell.
enum Refusal {
    Again(String),
    /// Bytes that are not what the protocol allows.
    Unreadable(String),
    Final(String),
}

impl From<DownloadError> for Trouble {
    fn from(error: DownloadError) -> Self {
        Self::Local(error)
    }
}

type Report<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// What all exchanges of a download share.
pub(super) struct Exchange<'a> {
    pub(super) agent: Agent,
    pub(super) expected: &'a Fingerprint,
    pub(super) options: &'a Options,
}

impl Exchange<'_> {
    /// Asks `url` for what the part lacks, if `ranges` are to be asked for, and takes in the answer. `Ok` means that the peer
    /// has sent all it has.
    pub(super) fn run(
        &self,
        url: &str,
        ranges: bool,
        part: &mut Part,
        report: Report<'_>,
    ) -> Result<(), Trouble> {
        let validator = part.origin(url).and_then(Origin::validator).map(str::to_owned);
        let have = part.length();
        // Without a digest to judge the whole, only the same version of the same file may be continued.
        let continues = ranges && have > 0 && (self.expected.is_proof() || validator.is_some());
        let mut request = self.agent.get(url);
        if continues {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if let Some(validator) = validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| match self.refusal(&error, have) {
            // What TLS refuses of a greeting, such as a certificate, it refuses the next time.
            Refusal::Unreadable(reason) | Refusal::Final(reason) => Trouble::Mirror(reason),
            Refusal::Again(reason) => Trouble::Again(reason),
        })?;
        match response.status() {
            StatusCode::OK => self.whole(url, response, part, report),
            StatusCode::PARTIAL_CONTENT if continues => self.rest(url, response, part, report),
            StatusCode::RANGE_NOT_SATISFIABLE if continues => self.nothing_left(&response, have),
            status => {
                let reason = format!("answers {status}");
                let later = matches!(status.as_u16(), 408 | 425 | 429 | 500..=599);
                Err(if later { Trouble::Again(reason) } else { Trouble::Mirror(reason) })
            }
        }
    }

    fn whole(
        &self,
        url: &str,
        response: Response<Body>,
        part: &mut Part,
        report: Report<'_>,
    ) -> Result<(), Trouble> {
        let total = response.body().content_length();
        self.compare_total(total)?;
        let text = |name| text(&response, &name);
        let origin = Origin {
            url: url.into(),
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
            total,
        };
        part.restart()?;
        part.begin(origin)?;
        self.take_in(response, total, part, report)
    }

    fn rest(
        &self,
        url: &str,
        response: Response<Body>,
        part: &mut Part,
        report: Report<'_>,
    ) -> Result<(), Trouble> {
        let have = part.length();
        let said = text(&response, &header::CONTENT_RANGE);
        let range = said.as_deref().and_then(ContentRange::parse);
        let Some(ContentRange { bytes: Some((_, last)), total }) =
            range.filter(|range| range.bytes.is_some_and(|(first, _)| first == have))
        else {
            let said = said.unwrap_or_else(|| "nothing".into());
            return Err(Trouble::NoRanges(format!(
                "was asked for bytes from {have} on and announces {said}"
            )));
        };
        self.compare_total(total)?;
        if let Some(origin) = part.origin(url) {
            let tag = text(&response, &header::ETAG);
            let other = |before: bool, after: bool, differ: bool| before && after && differ;
            if other(origin.etag.is_some(), tag.is_some(), origin.etag != tag)
                || other(origin.total.is_some(), total.is_some(), origin.total != total)
            {
                return Err(Trouble::Whole("has another version of the file than before".into()));
            }
        }
        part.resume();
        self.take_in(response, Some(last + 1), part, report)?;
        match total.or(self.expected.bytes) {
            Some(total) if part.length() < total => {
                Err(Trouble::Again(format!("sent bytes up to {} of {total}", part.length())))
            }
            _ => Ok(()),
        }
    }

    /// 416: all may be there, or more than all.
    fn nothing_left(&self, response: &Response<Body>, have: u64) -> Result<(), Trouble> {
        let range = text(response, &header::CONTENT_RANGE).and_then(|said| ContentRange::parse(&said));
        match range.and_then(|range| range.total) {
            Some(total) if total == have => self.compare_total(Some(total)),
            Some(total) => Err(Trouble::Whole(format!("has {total} bytes where {have} are here"))),
            None => Err(Trouble::Whole(format!("has no bytes from {have} on"))),
        }
    }

    fn compare_total(&self, total: Option<u64>) -> Result<(), Trouble> {
        match (total, self.expected.bytes) {
            (Some(total), Some(official)) if total != official => Err(Trouble::Mirror(format!(
                "has another file: {total} bytes long, the official one has {official}"
            ))),
            _ => Ok(()),
        }
    }

    /// Adds the body to the part, up to `end` if the peer has announced one.
    fn take_in(
        &self,
        response: Response<Body>,
        end: Option<u64>,
        part: &mut Part,
        report: Report<'_>,
    ) -> Result<(), Trouble> {
        let end = end.or(self.expected.bytes);
        let mut body = response.into_body().into_reader();
        let mut block = vec![0; 1 << 16];
        let (mut window, mut arrived) = (Instant::now(), 0);
        loop {
            let have = part.length();
            let count = body.read(&mut block).map_err(|error| match self.refusal(&error.into(), have) {
                // The peer was understood until here: a fault on the way.
                Refusal::Unreadable(reason) => {
                    Trouble::Again(format!("sends what cannot be read behind byte {have}: {reason}"))
                }
                Refusal::Again(reason) => Trouble::Again(reason),
                Refusal::Final(reason) => Trouble::Mirror(reason),
            })?;
            if count == 0 {
                break;
            }
            let after = part.length() + count as u64;
            if let Some(end) = end.filter(|&end| after > end) {
                part.restart()?;
                return Err(Trouble::Mirror(format!("sends more than the {end} bytes of the file")));
            }
            part.append(&block[..count])?;
            tell(report, part, Progress::Bytes { have: part.length(), total: self.expected.bytes.or(end) })?;
            arrived += count as u64;
            if window.elapsed() >= self.options.stall_timeout {
                if arrived < self.options.least {
                    let reason = format!(
                        "is too slow: {arrived} bytes in {}, at least {} are wanted",
                        seconds(window.elapsed()),
                        self.options.least
                    );
                    return Err(Trouble::Again(reason));
                }
                (window, arrived) = (Instant::now(), 0);
            }
        }
        match end {
            Some(end) if part.length() < end => {
                Err(Trouble::Again(format!("closed the connection at byte {} of {end}", part.length())))
            }
            _ => Ok(()),
        }
    }

    /// A failed request or body, in words.
    fn refusal(&self, error: &ureq::Error, have: u64) -> Refusal {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let again = |reason: String| Refusal::Again(reason);
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                again(format!("cannot be reached within {}", seconds(self.options.connect_timeout)))
            }
            ureq::Error::Timeout(_) => {
                again(format!("stalls: nothing for {} at byte {have}", seconds(self.options.stall_timeout)))
            }
            ureq::Error::HostNotFound => again("the host is not found".into()),
            ureq::Error::Io(error) if error.kind() == UnexpectedEof => {
                again(format!("closed the connection at byte {have}"))
            }
            ureq::Error::Io(error) if matches!(error.kind(), InvalidData | InvalidInput) => {
                Refusal::Unreadable(error.to_string())
            }
            ureq::Error::Io(_) | ureq::Error::Protocol(_) | ureq::Error::ConnectionFailed => {
                again(error.to_string())
            }
            _ => Refusal::Final(error.to_string()),
        }
    }
}

fn text(response: &Response<Body>, name: &header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
