//! Files: fetching what people sent, and sending what we keep.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::{
    Body, RequestBuilder,
    multipart::{Form, Part},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Answered, Client, Refusal, Token, read, retry_after};

/// Fetching a file may take so long.
const FETCH: Duration = Duration::from_secs(45);
/// Sending one may take so long: not longer than the claim on a conversation lasts.
const SEND: Duration = Duration::from_secs(14);

/// Why a file can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// Larger than a bot can fetch.
    #[error("the file is too large to be fetched")]
    TooLarge,
    /// Telegram does not know it, or can't give it now: its words do not tell which.
    #[error("telegram does not give the file: {0}")]
    Unavailable(String),
    /// The call failed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A file to send, with the name under which the other parameters speak of it (`attach://part`).
pub struct Upload {
    /// The name of the part.
    pub part: String,
    /// What the receiver sees as the file's name.
    pub file_name: String,
    /// Its content type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it holds.
    pub content: BoxStream<'static, Result<Bytes, String>>,
}

/// What `getFile` gives (<https://core.telegram.org/bots/api#file>).
#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    file_path: Option<String>,
}

impl Client {
    /// The content of a file that somebody sent, as it comes (<https://core.telegram.org/bots/api#getfile>). Errors
    /// inside it say that the connection broke off.
    ///
    /// # Errors
    /// It can't be had. No error ever holds the token.
    pub async fn fetch(
        &self,
        token: &Token,
        file_id: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, String>>, NoFile> {
        let found = self.call::<Value>(token, "getFile", &json!({ "file_id": file_id })).await;
        let path = Found::deserialize(found.map_err(no_file)?).ok().and_then(|found| found.file_path);
        let path =
            path.filter(|path| is_plain(path)).ok_or_else(|| NoFile::Unavailable("no path".to_owned()))?;
        let lost = |error| NoFile::Refused(Refusal::Transient(token.hide(&told(error))));
        let request = self.files.get(self.url(&token.file_path(&path))).timeout(FETCH);
        let response = request.send().await.map_err(lost)?;
        match response.status().as_u16() {
            200 => {
                let token = token.clone();
                Ok(response.bytes_stream().map_err(move |error| token.hide(&told(error))).boxed())
            }
            404 => Err(NoFile::Unavailable("its link has expired".to_owned())),
            status => Err(NoFile::Refused(Refusal::Transient(format!("status {status} for a file")))),
        }
    }

    /// Calls `method` with files that are sent along (<https://core.telegram.org/bots/api#sending-files>).
    ///
    /// # Errors
    /// As for [`call`](Self::call); also if a file's content breaks off.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        token: &Token,
        method: &str,
        parameters: &Map<String, Value>,
        files: Vec<Upload>,
    ) -> Result<T, Refusal> {
        let mut form = Form::new();
        for (name, value) in parameters {
            // A text goes as it is, the rest as JSON.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            form = form.text(name.clone(), text);
        }
        for Upload { part, file_name, mime, size, content } in files {
            let content = Body::wrap_stream(content.map_err(std::io::Error::other));
            let content = Part::stream_with_length(content, size).file_name(file_name);
            let content = content.mime_str(&mime).map_err(|error| Refusal::Final {
                code: 0,
                description: format!("`{mime}` is no content type: {error}"),
            })?;
            form = form.part(part, content);
        }
        let request = self.files.post(self.url(&token.path(method))).timeout(SEND).multipart(form);
        read(token, answer(request).await.map_err(told))
    }
}

async fn answer(request: RequestBuilder) -> Result<Answered, reqwest::Error> {
    let response = request.send().await?;
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    Ok(Answered { status, retry_after, body: response.bytes().await? })
}

/// The URL, which holds the token, is taken out.
fn told(error: reqwest::Error) -> String {
    super::told(&error.without_url())
}

/// What a refusal of `getFile` means; the words are those of
/// <https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp>.
fn no_file(refusal: Refusal) -> NoFile {
    match refusal {
        Refusal::Final { code: 400, description } if description.contains("file is too big") => {
            NoFile::TooLarge
        }
        Refusal::Final { code: 400, description } => NoFile::Unavailable(description),
        other => NoFile::Refused(other),
    }
}

/// The path becomes a part of a URL: it may not lead elsewhere.
fn is_plain(path: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.');
    !path.is_empty() && !path.starts_with('/') && !path.contains("..") && path.bytes().all(fits)
}
