//! What goes wrong, when a test wants it.

use axum::{
    body::Body,
    http::{HeaderValue, Response as HttpResponse, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Account,
    asked::{Asked, Kind},
};

/// How a request goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused with this status and sub-status, and asked to come back after so many milliseconds.
    Refuse { status: u16, sub_status: u16, retry_after_ms: u64 },
    /// It is done, and refused all the same.
    RefuseAfterwards { status: u16 },
    /// It is a batch, and its writes end with these statuses; nothing is written. The last may ask for patience.
    Writes { statuses: Vec<u16>, retry_after_ms: u64 },
    /// The line is cut before anything is done.
    Cut,
    /// The line is cut when it is done.
    CutAfterwards,
    /// Nothing is done, and nobody answers.
    Silence,
    /// It is done, and nobody answers.
    SilenceAfterwards,
}

pub(super) struct Planned {
    pub(super) kind: Kind,
    pub(super) fault: Fault,
}

/// The fault that is planned for this kind of request, if any.
pub(super) fn take(planned: &mut Vec<Planned>, kind: Kind) -> Luck {
    let at = planned.iter().position(|planned| planned.kind == kind);
    Luck(at.map(|at| planned.remove(at).fault))
}

/// What becomes of one request.
pub(super) struct Luck(Option<Fault>);

/// What becomes of its answer.
pub(super) enum After {
    Answer,
    Cut,
    Silence,
}

impl Luck {
    pub(super) async fn meet(self, account: &Account, asked: &Asked) -> (Response, After) {
        let nothing = || StatusCode::SERVICE_UNAVAILABLE.into_response();
        match self.0 {
            None => (account.answer(asked).await, After::Answer),
            Some(Fault::Refuse { status, sub_status, retry_after_ms }) => {
                (refusal(status, sub_status, retry_after_ms), After::Answer)
            }
            Some(Fault::RefuseAfterwards { status }) => {
                account.answer(asked).await;
                (refusal(status, 0, 0), After::Answer)
            }
            Some(Fault::Writes { statuses, retry_after_ms }) => {
                (multi_status(&statuses, retry_after_ms), After::Answer)
            }
            Some(Fault::Cut) => (nothing(), After::Cut),
            Some(Fault::CutAfterwards) => (account.answer(asked).await, After::Cut),
            Some(Fault::Silence) => (nothing(), After::Silence),
            Some(Fault::SilenceAfterwards) => (account.answer(asked).await, After::Silence),
        }
    }
}

impl After {
    pub(super) async fn finish(self, answer: Response) -> Response {
        match self {
            Self::Answer => answer,
            // A panic ends the connection's task, and with it the connection. The hook that prints it is not called.
            Self::Cut => std::panic::resume_unwind(Box::new("the line is cut")),
            Self::Silence => std::future::pending().await,
        }
    }
}

fn refusal(status: u16, sub_status: u16, retry_after_ms: u64) -> Response {
    let body = json!({ "code": status.to_string(), "message": "as planned" }).to_string();
    let mut answer = HttpResponse::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in [("x-ms-substatus", u64::from(sub_status)), ("x-ms-retry-after-ms", retry_after_ms)]
    {
        if value > 0 {
            answer.headers_mut().insert(name, HeaderValue::from(value));
        }
    }
    answer
}

fn multi_status(statuses: &[u16], retry_after_ms: u64) -> Response {
    let results: Vec<Value> = statuses
        .iter()
        .map(|status| match status {
            429 => {
                json!({ "statusCode": status, "requestCharge": 0, "retryAfterMilliseconds": retry_after_ms })
            }
            _ => json!({ "statusCode": status, "requestCharge": 0 }),
        })
        .collect();
    (StatusCode::MULTI_STATUS, json!(results).to_string()).into_response()
}
