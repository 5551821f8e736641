//! Calls the Bot API.

mod files;
mod refusal;
mod token;

use std::{error::Error as _, time::Duration};

use reqwest::{
    Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

pub use files::{NoFile, Upload};
pub use refusal::Refusal;
pub use token::{InvalidToken, Token};

/// Where Telegram's own server is (<https://core.telegram.org/bots/api#making-requests>).
pub const TELEGRAM_API_URL: &str = "https://api.telegram.org";

/// How long a call may take before we give it up, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no client: a mistake in the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the address of a Bot API server.
    #[error("`{0}` is not an http or https URL without query")]
    Url(String),
    /// The TLS library does not work here.
    #[error("the HTTP client can't be built: {0}")]
    Build(#[source] reqwest::Error),
}

/// Calls the Bot API for any number of bots, over one pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    patience: Duration,
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
        let http = reqwest::Client::builder()
            // A redirect would carry a token to a stranger.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| Error::Build(error.without_url()))?;
        Ok(Self { http, base, patience })
    }

    /// The address of something at the server.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&[self.base.path().trim_end_matches('/'), path].concat());
        url
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
        let request = self.http.post(self.url(&token.path(method))).timeout(patience);
        let answered = answer(request.header(CONTENT_TYPE, "application/json").body(body)).await;
        let (status, retry_after, body) = answered.map_err(|why| Refusal::Transient(token.hide(&why)))?;
        refusal::read(status, retry_after, &body).map_err(|refusal| refusal.without(token))
    }
}

/// Status, `Retry-After` in seconds and body of the answer to a request, or why there is none.
async fn answer(
    request: reqwest::RequestBuilder,
) -> Result<(u16, Option<u64>, impl AsRef<[u8]> + use<>), String> {
    let response = request.send().await.map_err(told)?;
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER);
    let retry_after = header.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
    let body = response.bytes().await.map_err(told)?;
    Ok((status, retry_after, body))
}

/// An error and its causes in one line. The URL, which holds the token, is taken out.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
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
