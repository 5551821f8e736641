//! The app under test, as anybody on the internet sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::{Client, Method, Url, redirect::Policy};

/// A first answer may have to wait until Azure has found a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An app at an address.
pub(super) struct Site {
    http: Client,
    base: Url,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) took: Duration,
}

impl Site {
    /// The app at this address; one without a scheme is https.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let whole = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
        let base = Url::parse(&whole).with_context(|| format!("`{url}` is no address"))?;
        ensure!(
            matches!(base.scheme(), "http" | "https"),
            "`{url}` is no address: https://… or http://… is wanted"
        );
        let http = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build()?;
        Ok(Self { http, base })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    /// Asks, and reads the whole answer; or says why there is none, without the address's query.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let mut request =
            self.http.request(method, url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let begun = Instant::now();
        let answered = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok((status, response.text().await?))
        };
        let (status, body) = answered.await.map_err(|error: reqwest::Error| {
            if error.is_connect() {
                "nobody listens there".to_owned()
            } else {
                error.without_url().to_string()
            }
        })?;
        Ok(Answer { status, body, took: begun.elapsed() })
    }
}
