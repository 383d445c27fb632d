//! A server on this machine that gives prepared answers and notes what it was asked.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What the server was asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

impl Request {
    fn read(stream: &mut dyn Read) -> io::Result<Self> {
        let mut request = Self::default();
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next().unwrap_or(Ok(String::new()))?;
        request.path = first.split(' ').nth(1).unwrap_or_default().into();
        for line in lines {
            let line = line?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "range" => request.range = Some(value.into()),
                "if-range" => request.if_range = Some(value.into()),
                _ => {}
            }
        }
        Ok(request)
    }

    /// The first byte asked for.
    pub(super) fn from(&self) -> Option<usize> {
        self.range.as_ref()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

pub(super) type Answer = Box<dyn FnOnce(&Request, &mut dyn Write) -> io::Result<()> + Send>;

/// Runs until it is dropped.
pub(super) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One that gives `answers` in turn to whatever is asked below `/a/`, then 503, and an honest answer with `file` to
    /// everything else.
    pub(super) fn start(file: &[u8], answers: Vec<Answer>) -> Self {
        Self::start_with(file, answers, |stream, answer| answer(&mut { stream }))
    }

    /// The same, where `talk` wraps each connection.
    pub(super) fn start_with(
        file: &[u8],
        answers: Vec<Answer>,
        talk: impl Fn(TcpStream, &mut dyn FnMut(&mut dyn Stream) -> io::Result<()>) -> io::Result<()>
        + Send
        + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, stopped, file) = (Arc::clone(&requests), Arc::clone(&stop), file.to_vec());
        let mut answers = answers.into_iter();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                // A client that leaves early is part of the game.
                let _ = talk(stream, &mut |stream| {
                    let request = Request::read(stream)?;
                    noted.lock().unwrap().push(request.clone());
                    let answer = if request.path.starts_with("/a/") {
                        answers.next().unwrap_or_else(|| status("503 Service Unavailable"))
                    } else {
                        honest(&file, "\"v1\"")
                    };
                    answer(&request, stream)
                });
            }
        });
        Self { port, requests, stop, thread: Some(thread) }
    }

    /// The address of the prepared answers.
    pub(super) fn a(&self) -> String {
        format!("http://127.0.0.1:{}/a/file.bin", self.port)
    }

    /// The address of the honest ones.
    pub(super) fn b(&self) -> String {
        format!("http://127.0.0.1:{}/b/file.bin", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection, encrypted or not.
pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A head with the given lines, then `body` as it is.
pub(super) fn send(stream: &mut dyn Write, status: &str, headers: &[String], body: &[u8]) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head += &format!("{header}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

/// A status and nothing else.
pub(super) fn status(status: &'static str) -> Answer {
    Box::new(move |_, stream| send(stream, status, &["Content-Length: 0".into()], b""))
}

/// The whole file, whatever range was asked for.
pub(super) fn whole(file: &[u8], tag: &str) -> Answer {
    cut(file, tag, file.len())
}

/// The whole file announced, its first `count` bytes sent.
pub(super) fn cut(file: &[u8], tag: &str, count: usize) -> Answer {
    let (file, tag) = (file.to_vec(), tag.to_owned());
    Box::new(move |_, stream| {
        let headers = [format!("Content-Length: {}", file.len()), format!("ETag: {tag}")];
        send(stream, "200 OK", &headers, &file[..count])
    })
}

/// Ranges as RFC 9110 wants them.
pub(super) fn honest(file: &[u8], tag: &str) -> Answer {
    cut_range(file, tag, usize::MAX)
}

/// As [`honest`], but at most `count` bytes are sent of what is announced.
pub(super) fn cut_range(file: &[u8], tag: &str, count: usize) -> Answer {
    let (file, tag) = (file.to_vec(), tag.to_owned());
    Box::new(move |request, stream| {
        let same = request.if_range.as_ref().is_none_or(|wanted| *wanted == tag);
        let Some(from) = request.from().filter(|_| same) else {
            let count = count.min(file.len());
            return cut(&file, &tag, count)(request, stream);
        };
        if from >= file.len() {
            let headers = ["Content-Length: 0".into(), format!("Content-Range: bytes */{}", file.len())];
            return send(stream, "416 Range Not Satisfiable", &headers, b"");
        }
        let rest = &file[from..];
        let headers = [
            format!("Content-Length: {}", rest.len()),
            format!("Content-Range: bytes {from}-{}/{}", file.len() - 1, file.len()),
            format!("ETag: {tag}"),
        ];
        send(stream, "206 Partial Content", &headers, &rest[..count.min(rest.len())])
    })
}

/// A 206 with `range` as its Content-Range and `body` as its body.
pub(super) fn partial(range: String, body: Vec<u8>) -> Answer {
    Box::new(move |_, stream| {
        let headers = [format!("Content-Length: {}", body.len()), format!("Content-Range: {range}")];
        send(stream, "206 Partial Content", &headers, &body)
    })
}

/// All of `body` without an announced length, the end being the end of the connection.
pub(super) fn unannounced(body: &[u8]) -> Answer {
    let body = body.to_vec();
    Box::new(move |_, stream| send(stream, "200 OK", &[], &body))
}

/// `count` times `block`, with a pause after each.
pub(super) fn slowly(total: usize, block: Vec<u8>, count: usize, pause: Duration) -> Answer {
    Box::new(move |_, stream| {
        send(stream, "200 OK", &[format!("Content-Length: {total}")], b"")?;
        for _ in 0..count {
            stream.write_all(&block)?;
            stream.flush()?;
            thread::sleep(pause);
        }
        Ok(())
    })
}

/// Elsewhere.
pub(super) fn redirect(to: &str) -> Answer {
    let headers = [format!("Location: {to}"), "Content-Length: 0".into()];
    Box::new(move |_, stream| send(stream, "302 Found", &headers, b""))
}
