//! How Azure Storage is reached over HTTP: how long anything may take, and that no error tells a URL.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{
        AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions,
        Transport, Url,
    },
    time,
};

/// A call with its repetitions takes no longer.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Neither does one attempt.
const ATTEMPT: Duration = Duration::from_secs(5);

/// What the SDK is to go by, but for who we are.
///
/// # Errors
/// TLS can't be set up.
pub fn options(endpoint: &Url) -> azure_core::Result<ClientOptions> {
    let builder = reqwest::Client::builder().timeout(ATTEMPT).redirect(reqwest::redirect::Policy::none());
    // What is on this machine is behind no proxy.
    let is_here = matches!(endpoint.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let client = if is_here { builder.no_proxy() } else { builder }.build();
    let client = client.map_err(|error| azure_core::Error::new(ErrorKind::Other, error))?;
    Ok(ClientOptions {
        transport: Some(Transport::new(Arc::new(Discreet(client)))),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: time::Duration::milliseconds(100),
            max_retries: 3,
            max_total_elapsed: time::Duration::seconds(5),
            max_delay: time::Duration::seconds(1),
        }),
        ..ClientOptions::default()
    })
}

/// A client whose errors do not tell the URL: signatures are in it, and errors are logged by whoever sees them.
#[derive(Debug)]
struct Discreet(reqwest::Client);

#[async_trait]
impl HttpClient for Discreet {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.0.execute_request(request).await.map_err(|error| {
            let kind = error.kind().clone();
            match error.into_downcast::<reqwest::Error>() {
                Ok(error) => azure_core::Error::new(kind, error.without_url()),
                Err(_) => azure_core::Error::with_message(kind, "the request failed"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;

    use super::*;

    #[tokio::test]
    async fn an_error_does_not_tell_the_url() {
        // So that reqwest finds its provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        // Nobody may listen on port 1.
        let url = Url::parse("http://127.0.0.1:1/shop/hints?sig=sesame").unwrap();
        let request = Request::new(url, Method::Get);
        let error = Discreet(client).execute_request(&request).await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
        assert_eq!(error.kind(), &ErrorKind::Connection);
    }
}
