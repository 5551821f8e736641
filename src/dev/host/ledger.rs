//! The latest calls of functions, each with what went over the wire for it, cut to some KB.

use std::collections::VecDeque;

use serde::Serialize;
use uuid::Uuid;

use super::{events::Event, http1::Response};
use crate::model::Timestamp;

/// So many calls are remembered.
const KEPT: usize = 200;
/// So much is kept of a head and of a body.
const MOST: usize = 8 * 1024;
/// A call asks the handler once, but may be redirected.
const MOST_EXCHANGES: usize = 4;

/// One attempt to call a function.
#[derive(Clone, Debug, Serialize)]
pub struct Invocation {
    /// Calls are numbered in the order in which they began.
    pub n: u64,
    /// When it began.
    pub at: Timestamp,
    /// Which function.
    pub function: String,
    /// `httpTrigger`, `queueTrigger`, `timerTrigger`, `cosmosDBTrigger`.
    pub trigger: &'static str,
    /// Its id on the wire; repeated attempts at a queue message share it.
    pub invocation: Uuid,
    /// How long it took, in milliseconds; none while it runs.
    pub duration_ms: Option<f64>,
    /// Why it failed; none if it did not.
    pub failure: Option<String>,
    /// The status the client got, if a request was answered.
    pub status: Option<u32>,
}

/// A call with all that is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The call.
    #[serde(flatten)]
    pub invocation: Invocation,
    /// What was asked and answered.
    pub wire: Vec<Exchange>,
    /// What the function said.
    pub logs: Vec<Event>,
    /// What the handler printed meanwhile; it may belong to other calls.
    pub printed: Vec<Event>,
}

/// A request to the handler and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// What the handler was asked.
    pub request: Message,
    /// What it answered; none if the connection broke.
    pub answer: Option<Message>,
}

/// One message of HTTP.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The first line and the header fields.
    pub head: String,
    /// The body without chunk marks; what is no UTF-8 is replaced.
    pub body: String,
    /// So many bytes the body had before it was cut.
    pub length: usize,
}

/// A message before anybody has looked at it.
struct Raw {
    head: Vec<u8>,
    body: Vec<u8>,
    length: usize,
}

impl Raw {
    fn cut(head: &[u8], body: &[u8]) -> Self {
        let first = |bytes: &[u8]| bytes[..bytes.len().min(MOST)].to_vec();
        Self { head: first(head), body: first(body), length: body.len() }
    }

    fn of_request(head: &[u8], body: &[u8]) -> Self {
        Self::cut(
            head,
            one_chunk(body).filter(|_| contains(head, b"Transfer-Encoding: chunked")).unwrap_or(body),
        )
    }

    fn of_answer(response: &Response) -> Self {
        let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, response.reason).into_bytes();
        for (name, value) in response.fields.iter() {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        Self::cut(&head, &response.body)
    }

    fn shown(&self) -> Message {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Message {
            head: text(&self.head).replace("\r\n", "\n").trim_end().to_owned(),
            body: text(&self.body),
            length: self.length,
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// What is inside a body of one chunk, as the host writes it.
fn one_chunk(body: &[u8]) -> Option<&[u8]> {
    let start = body.windows(2).position(|window| window == b"\r\n")? + 2;
    body.get(start..)?.strip_suffix(b"\r\n0\r\n\r\n")
}

struct Entry {
    invocation: Invocation,
    wire: Vec<(Raw, Option<Raw>)>,
}

/// The latest calls, oldest first.
#[derive(Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Ledger {
    pub(super) fn begun(&mut self, at: Timestamp, function: &str, trigger: &'static str, invocation: Uuid) {
        self.next += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        let invocation = Invocation {
            n: self.next,
            at,
            function: function.to_owned(),
            trigger,
            invocation,
            duration_ms: None,
            failure: None,
            status: None,
        };
        self.entries.push_back(Entry { invocation, wire: Vec::new() });
    }

    /// The latest attempt of this id, unless it is so old that it was forgotten.
    fn latest(&mut self, id: Uuid) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.invocation.invocation == id)
    }

    pub(super) fn exchanged(&mut self, id: Uuid, head: &[u8], body: &[u8], answer: Option<&Response>) {
        let Some(entry) = self.latest(id).filter(|entry| entry.wire.len() < MOST_EXCHANGES) else { return };
        entry.wire.push((Raw::of_request(head, body), answer.map(Raw::of_answer)));
    }

    pub(super) fn ended(&mut self, id: Uuid, duration_ms: f64, failure: Option<&str>, status: Option<u32>) {
        let Some(Entry { invocation, .. }) = self.latest(id) else { return };
        invocation.duration_ms = Some(duration_ms);
        invocation.failure = failure.map(str::to_owned);
        invocation.status = status;
    }

    /// All calls, the newest first.
    pub(super) fn list(&self) -> Vec<Invocation> {
        self.entries.iter().rev().map(|entry| entry.invocation.clone()).collect()
    }

    /// A call by its number, with what went over the wire.
    pub(super) fn entry(&self, n: u64) -> Option<(Invocation, Vec<Exchange>)> {
        let entry = self.entries.iter().find(|entry| entry.invocation.n == n)?;
        let exchange = |(request, answer): &(Raw, Option<Raw>)| Exchange {
            request: request.shown(),
            answer: answer.as_ref().map(Raw::shown),
        };
        Some((entry.invocation.clone(), entry.wire.iter().map(exchange).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Clock;

    fn begin(ledger: &mut Ledger, id: u128) -> Uuid {
        let id = Uuid::from_u128(id);
        ledger.begun(Clock::real().now(), "h", "httpTrigger", id);
        id
    }

    #[test]
    fn what_ends_is_the_latest_attempt() {
        let mut ledger = Ledger::default();
        let id = begin(&mut ledger, 1);
        ledger.ended(id, 1.0, Some("broken"), None);
        begin(&mut ledger, 1);
        ledger.ended(id, 2.0, None, None);
        let told: Vec<_> =
            ledger.list().into_iter().map(|call| (call.n, call.duration_ms, call.failure)).collect();
        assert_eq!(told, [(2, Some(2.0), None), (1, Some(1.0), Some("broken".to_owned()))]);
    }

    #[test]
    fn the_oldest_call_is_forgotten_first() {
        let mut ledger = Ledger::default();
        for id in 0..=KEPT as u128 {
            begin(&mut ledger, id);
        }
        assert_eq!(ledger.list().len(), KEPT);
        assert!(ledger.entry(1).is_none() && ledger.entry(2).is_some());
        // Its end comes late and finds nothing.
        ledger.ended(Uuid::from_u128(0), 1.0, None, None);
    }

    #[test]
    fn a_message_is_shown_without_chunks_and_cut() {
        let mut ledger = Ledger::default();
        let id = begin(&mut ledger, 1);
        let head = b"POST /h HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        ledger.exchanged(id, head, b"2\r\n{}\r\n0\r\n\r\n", None);
        ledger.exchanged(id, b"GET / HTTP/1.1\r\n\r\n", &[b'x'; MOST + 1], None);
        let (_, wire) = ledger.entry(1).unwrap();
        assert_eq!((&wire[0].request.body[..], wire[0].request.length), ("{}", 2));
        assert_eq!(wire[0].request.head, "POST /h HTTP/1.1\nTransfer-Encoding: chunked");
        assert_eq!((wire[1].request.body.len(), wire[1].request.length), (MOST, MOST + 1));
    }
}
