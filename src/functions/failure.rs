//! What a failure looks like from outside: the only place that knows status codes.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::runtime::Error;

/// Why a function did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No bot of this name.
    #[error("there is no such bot")]
    UnknownBot,
    /// The secret is missing or wrong.
    #[error("this is not Telegram")]
    NotTelegram,
    /// The body is larger than 1 MiB.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The body did not arrive whole.
    #[error("the body did not arrive")]
    Broken,
    /// The process is about to end.
    #[error("the process is about to end")]
    Closing,
    /// A panic; it is in the log.
    #[error("this failed on our side")]
    Panicked,
    /// The runtime's.
    #[error(transparent)]
    Runtime(#[from] Error),
}

impl IntoResponse for Failure {
    /// No `Retry-After`: Telegram's own pauses are shorter than anything we could ask for, and a longer one would make
    /// it drop a press (its server's `WebhookActor`). Never 3xx, never 410: those end a webhook.
    fn into_response(self) -> Response {
        let status = match &self {
            Self::UnknownBot => StatusCode::NOT_FOUND,
            Self::NotTelegram => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Runtime(error) if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked | Self::Runtime(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(why = %self, status = status.as_u16(), "a function failed");
        }
        (status, self.to_string()).into_response()
    }
}

impl Failure {
    /// Why a body could not be read.
    pub(super) fn of_body(error: axum::Error) -> Self {
        use std::error::Error as _;
        let too_large = error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large { Self::TooLarge } else { Self::Broken }
    }
}
