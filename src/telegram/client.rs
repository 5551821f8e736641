//! Calls the Bot API.

mod files;
mod refusal;
mod token;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Url,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

use self::wire::Wire;

pub use files::{NoFile, Upload};
pub use refusal::Refusal;
pub use token::{InvalidToken, Token};

/// Where Telegram's own server is (<https://core.telegram.org/bots/api#making-requests>).
pub const TELEGRAM_API_URL: &str = "https://api.telegram.org";

/// How long a call may take before we give it up, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// So often a silent connection is asked whether it still stands.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why there is no client: a mistake in the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the address of a Bot API server.
    #[error("`{0}` is not an http or https URL without query")]
    Url(String),
    /// The TLS library does not work here.
    #[error("the HTTP client can't be built: {0}")]
    Build(String),
}

/// Calls the Bot API for any number of bots, over one pool of connections; files have another. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    wire: Wire,
    files: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    patience: Duration,
}

/// What came back.
struct Answered {
    status: u16,
    /// In seconds.
    retry_after: Option<u64>,
    body: Bytes,
}

impl Client {
    /// A client of the Bot API server at `base_url`, or of Telegram's own, whose calls are given up after `patience`.
    /// The process must have installed a TLS provider before (`rustls::crypto::CryptoProvider::install_default`).
    ///
    /// # Errors
    /// If `base_url` is no such URL, or this machine can't do TLS.
    ///
    /// # Panics
    /// If no TLS provider is installed.
    pub fn new(base_url: Option<&str>, patience: Duration) -> Result<Self, Error> {
        let base_url = base_url.unwrap_or(TELEGRAM_API_URL);
        let fits = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let base = Url::parse(base_url).ok().filter(fits).ok_or_else(|| Error::Url(base_url.to_owned()))?;
        // What is on this machine is behind no proxy.
        let is_here = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let base = base.as_str().trim_end_matches('/').to_owned();
        let wire = Wire::to(&base, patience, !is_here)?;
        let files = reqwest::Client::builder()
            // A redirect would carry a token to a stranger.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .tcp_keepalive(KEEPALIVE);
        let files = if is_here { files.no_proxy() } else { files };
        let files = files.build().map_err(|error| Error::Build(told(&error.without_url())))?;
        Ok(Self { wire, files, base, patience })
    }

    /// The address of something at the server.
    fn url(&self, path: &str) -> String {
        [&self.base, path].concat()
    }

    /// Calls `method` for the bot with this token and returns the `result` of the answer. Whoever calls twice has it
    /// done twice: the Bot API knows no keys.
    ///
    /// # Errors
    /// What Telegram refused, sorted by what the caller should do. No refusal ever holds the token. A result that is no
    /// `T` is `Transient`: the call was carried out, or something else than Telegram answered.
    pub async fn call<T: DeserializeOwned>(
        &self,
        token: &Token,
        method: &str,
        parameters: &(impl Serialize + ?Sized),
    ) -> Result<T, Refusal> {
        self.call_within(self.patience, token, method, parameters).await
    }

    /// The same with a patience of its own: `getUpdates` takes as long as its `timeout` parameter, and more.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn call_within<T: DeserializeOwned>(
        &self,
        patience: Duration,
        token: &Token,
        method: &str,
        parameters: &(impl Serialize + ?Sized),
    ) -> Result<T, Refusal> {
        let body = serde_json::to_vec(parameters).map_err(|error| Refusal::Final {
            code: 0,
            description: format!("the parameters of `{method}` are no JSON: {error}"),
        })?;
        let answered =
            tokio::time::timeout(patience, self.wire.post(&self.url(&token.path(method)), body)).await;
        let too_late = |_| Err(format!("no answer within {} s", patience.as_secs_f32()));
        read(token, answered.unwrap_or_else(too_late))
    }
}

/// What the answer to a call of this bot says.
fn read<T: DeserializeOwned>(token: &Token, answered: Result<Answered, String>) -> Result<T, Refusal> {
    let answered = answered.map_err(|why| Refusal::Transient(token.hide(&why)))?;
    refusal::read(&answered).map_err(|refusal| refusal.without(token))
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// An error and its causes in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests;
