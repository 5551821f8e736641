//! HTTP/1.1 byte by byte: the host must see and repeat headers exactly as they were written (their spelling, their
//! order, statuses no library would send), on the client's side of the wire and on the handler's.

use std::{io, mem::MaybeUninit, ops::Range};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A message head may have so many fields and bytes; the real host's server takes 32 KiB.
const MOST_FIELDS: usize = 256;
const MOST_HEAD: usize = 256 * 1024;

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The connection ended or broke; `read` says whether a byte of this message had arrived.
    #[error("the connection ended before the message did")]
    Ended { read: bool },
    /// These bytes are no HTTP.
    #[error("not HTTP: {0}")]
    NotHttp(String),
    /// A body beyond what is taken.
    #[error("a body of more than {0} bytes")]
    TooLarge(usize),
}

/// The header fields of one message, as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    spans: Vec<(Range<usize>, Range<usize>)>,
}

impl Fields {
    /// All fields, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.spans.iter().map(|(name, value)| {
            let name = std::str::from_utf8(&self.text[name.clone()]).expect("names were parsed as tokens");
            (name, &self.text[value.clone()])
        })
    }

    /// The first field of this name, in any case.
    pub(super) fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first field of this name if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Does a field of this name hold this word in its list?
    fn lists(&self, name: &str, word: &str) -> bool {
        self.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).any(|(_, value)| {
            String::from_utf8_lossy(value).split(',').any(|one| one.trim().eq_ignore_ascii_case(word))
        })
    }
}

/// Where names and values stand in the head they were parsed from.
fn spans(fields: &[httparse::Header<'_>], head: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let base = head.as_ptr() as usize;
    let span = |part: &[u8]| {
        let start = part.as_ptr() as usize - base;
        start..start + part.len()
    };
    fields.iter().map(|field| (span(field.name.as_bytes()), span(field.value))).collect()
}

/// What a client asked.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, as sent.
    pub(super) target: String,
    pub(super) fields: Fields,
    /// Shall the connection stay open after the answer?
    pub(super) keeps_alive: bool,
    /// Was the body sent in chunks?
    pub(super) chunked: bool,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A request that no client sent.
    pub(super) fn made(method: &str, target: &str, body: &[u8]) -> Self {
        let text = format!("Host: localhost\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        let mut fields = [httparse::EMPTY_HEADER; 2];
        let spans = match httparse::parse_headers(&text, &mut fields) {
            Ok(httparse::Status::Complete((_, fields))) => spans(fields, &text),
            _ => Vec::new(),
        };
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Fields { text, spans },
            keeps_alive: false,
            chunked: false,
            body: body.to_vec(),
        }
    }
}

/// What a handler answered.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    /// May the connection be used again?
    pub(super) reusable: bool,
}

#[derive(Clone, Copy)]
enum Length {
    Exactly(usize),
    Chunked,
    ToTheEnd,
}

/// One connection, read and written message by message.
pub(super) struct Wire {
    stream: TcpStream,
    /// What has been received and not yet used.
    received: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Messages are written whole, so there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        Self { stream, received: Vec::new() }
    }

    /// Has the other side neither closed an idle connection nor sent what nobody asked for?
    pub(super) fn is_quiet(&self) -> bool {
        // Asks the system: tokio may not have heard of the end yet.
        let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        self.received.is_empty() && peeked.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }

    /// The next request with its body (at most `most` bytes); none if the client is gone.
    pub(super) async fn request(&mut self, most: usize) -> Result<Option<Request>, Error> {
        let mut request = loop {
            match self.parsed_request()? {
                Some(request) => break request,
                None => match self.receive().await {
                    Ok(()) => {}
                    Err(_) if self.received.is_empty() => return Ok(None),
                    Err(_) => return Err(Error::Ended { read: true }),
                },
            }
        };
        let length = match request.fields.text("content-length") {
            _ if request.chunked => Length::Chunked,
            Some(text) => {
                Length::Exactly(text.parse().map_err(|_| Error::NotHttp(format!("Content-Length `{text}`")))?)
            }
            None => Length::Exactly(0),
        };
        if request.fields.lists("expect", "100-continue") && self.received.is_empty() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n", &[])
                .await
                .map_err(|_| Error::Ended { read: true })?;
        }
        request.body = self.body(length, most).await?;
        Ok(Some(request))
    }

    /// The answer to a request of this method; interim ones (1xx, but not 101) are passed over.
    pub(super) async fn response(&mut self, method: &str, most: usize) -> Result<Response, Error> {
        let mut read = false;
        loop {
            let (mut response, version) = loop {
                if let Some(parsed) = self.parsed_response()? {
                    break parsed;
                }
                read |= !self.received.is_empty();
                self.receive().await.map_err(|_| Error::Ended { read })?;
            };
            read = true;
            if (100..200).contains(&response.status) && response.status != 101 {
                continue;
            }
            let bare = method == "HEAD" || matches!(response.status, 101 | 204 | 304);
            let length = match response.fields.text("content-length") {
                _ if bare => Length::Exactly(0),
                _ if response.fields.lists("transfer-encoding", "chunked") => Length::Chunked,
                Some(text) => Length::Exactly(
                    text.parse().map_err(|_| Error::NotHttp(format!("Content-Length `{text}`")))?,
                ),
                None => Length::ToTheEnd,
            };
            response.body = self.body(length, most).await?;
            response.reusable = !matches!(length, Length::ToTheEnd)
                && response.status != 101
                && !response.fields.lists("connection", "close")
                && (version == 1 || response.fields.lists("connection", "keep-alive"));
            return Ok(response);
        }
    }

    /// Writes one message.
    pub(super) async fn write(&mut self, head: &[u8], body: &[u8]) -> io::Result<()> {
        if body.is_empty() {
            return self.stream.write_all(head).await;
        }
        if head.len() + body.len() <= 64 * 1024 {
            let mut whole = Vec::with_capacity(head.len() + body.len());
            whole.extend_from_slice(head);
            whole.extend_from_slice(body);
            return self.stream.write_all(&whole).await;
        }
        self.stream.write_all(head).await?;
        self.stream.write_all(body).await
    }

    /// Says that nothing more will be sent.
    pub(super) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    async fn receive(&mut self) -> io::Result<()> {
        self.received.reserve(8 * 1024);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn head_end(&self) -> Result<Option<usize>, Error> {
        let end = self.received.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        match end {
            None if self.received.len() > MOST_HEAD => Err(Error::NotHttp("a head without end".to_owned())),
            end => Ok(end),
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.received.split_off(length);
        std::mem::replace(&mut self.received, rest)
    }

    fn parsed_request(&mut self) -> Result<Option<Request>, Error> {
        let Some(end) = self.head_end()? else { return Ok(None) };
        let head = self.take(end);
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Error::NotHttp("an unfinished head".to_owned())),
            Err(e) => return Err(Error::NotHttp(e.to_string())),
        }
        let (method, target) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
        let (method, target, version) = (method.to_owned(), target.to_owned(), parsed.version.unwrap_or(1));
        let spans = spans(parsed.headers, &head);
        let fields = Fields { text: head, spans };
        let chunked = fields.lists("transfer-encoding", "chunked");
        let keeps_alive = if version == 1 {
            !fields.lists("connection", "close")
        } else {
            fields.lists("connection", "keep-alive")
        };
        Ok(Some(Request { method, target, fields, keeps_alive, chunked, body: Vec::new() }))
    }

    fn parsed_response(&mut self) -> Result<Option<(Response, u8)>, Error> {
        let Some(end) = self.head_end()? else {
            let start = &self.received[..self.received.len().min(5)];
            return if b"HTTP/".starts_with(start) {
                Ok(None)
            } else {
                Err(Error::NotHttp("the answer does not begin with HTTP/".to_owned()))
            };
        };
        let head = self.take(end);
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Error::NotHttp("an unfinished head".to_owned())),
            Err(e) => return Err(Error::NotHttp(e.to_string())),
        }
        let (status, version) = (parsed.code.unwrap_or_default(), parsed.version.unwrap_or(1));
        let reason = parsed.reason.unwrap_or_default().to_owned();
        let spans = spans(parsed.headers, &head);
        let fields = Fields { text: head, spans };
        Ok(Some((Response { status, reason, fields, body: Vec::new(), reusable: false }, version)))
    }

    async fn body(&mut self, length: Length, most: usize) -> Result<Vec<u8>, Error> {
        let ended = |_| Error::Ended { read: true };
        match length {
            Length::Exactly(0) => Ok(Vec::new()),
            Length::Exactly(length) if length > most => Err(Error::TooLarge(most)),
            Length::Exactly(length) => {
                while self.received.len() < length {
                    self.receive().await.map_err(ended)?;
                }
                Ok(self.take(length))
            }
            Length::Chunked => self.chunks(most).await,
            Length::ToTheEnd => {
                while self.receive().await.is_ok() {
                    if self.received.len() > most {
                        return Err(Error::TooLarge(most));
                    }
                }
                Ok(std::mem::take(&mut self.received))
            }
        }
    }

    /// A chunked body, put together; trailers are dropped.
    async fn chunks(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = String::from_utf8_lossy(&line);
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| Error::NotHttp(format!("a chunk of size `{size}`")))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            if size > most || body.len() + size > most {
                return Err(Error::TooLarge(most));
            }
            while self.received.len() < size + 2 {
                self.receive().await.map_err(|_| Error::Ended { read: true })?;
            }
            let chunk = self.take(size + 2);
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(at) = self.received.windows(2).position(|two| two == b"\r\n") {
                let mut line = self.take(at + 2);
                line.truncate(at);
                return Ok(line);
            }
            if self.received.len() > MOST_HEAD {
                return Err(Error::NotHttp("a line without end".to_owned()));
            }
            self.receive().await.map_err(|_| Error::Ended { read: true })?;
        }
    }
}

/// The head of a message in the making.
pub(super) struct HeadWriter(Vec<u8>);

impl HeadWriter {
    pub(super) fn request(method: &str, target: &str) -> Self {
        let mut head = Vec::with_capacity(1024);
        for part in [method, " ", target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        Self(head)
    }

    pub(super) fn response(status: u32, reason: &str) -> Self {
        let mut head = Vec::with_capacity(512);
        head.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes());
        Self(head)
    }

    pub(super) fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        self.0.extend_from_slice(value.as_ref());
        self.0.extend_from_slice(b"\r\n");
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"\r\n");
        self.0
    }
}
