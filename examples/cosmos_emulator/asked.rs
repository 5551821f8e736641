//! A request to the account, and how the emulator is asked it.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use azure_core::http::{
    Method as AzureMethod, Request as AzureRequest, Url,
    headers::{HeaderName as AzureName, HeaderValue as AzureValue},
};
use azure_data_cosmos_driver::{
    binary_json::transcode_to_text, in_memory_emulator::InMemoryEmulatorHttpClient,
};
use serde_json::Value;

/// More than any request may have.
const MOST: usize = 8 * 1024 * 1024;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The account, a database, a container or its ranges.
    Metadata,
    /// One document is read.
    Read,
    /// One document is written.
    Write,
    /// Several are, as one.
    Batch,
    Query,
    ChangeFeed,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) method: Method,
    /// As it came, with its percent signs.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) async fn read(request: Request) -> Result<Self, StatusCode> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, MOST).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut asked = Self { kind: Kind::Metadata, method: head.method, path, headers: head.headers, body };
        asked.kind = asked.kind();
        Ok(asked)
    }

    fn kind(&self) -> Kind {
        let says = |name| self.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let of_documents = self.path.split('/').nth(5).is_some_and(|part| part == "docs");
        match self.method {
            _ if !of_documents => Kind::Metadata,
            _ if says("x-ms-cosmos-is-query-plan-request") => Kind::Metadata,
            _ if says("x-ms-cosmos-is-batch-request") => Kind::Batch,
            _ if says("x-ms-documentdb-isquery") || says("x-ms-documentdb-query") => Kind::Query,
            Method::GET if self.header("a-im").is_some() => Kind::ChangeFeed,
            Method::GET if self.document().is_none() => Kind::Query,
            Method::GET => Kind::Read,
            _ => Kind::Write,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `/dbs/{database}/colls/{container}/docs`, if it is about documents.
    pub(super) fn documents(&self) -> String {
        self.path.split('/').take(6).collect::<Vec<_>>().join("/")
    }

    /// The name of the document that the path names, with its percent signs.
    pub(super) fn document(&self) -> Option<&str> {
        self.path.split('/').nth(6)
    }

    /// The body, whichever of Cosmos DB's encodings it is in.
    pub(super) fn json(&self) -> Value {
        let text = transcode_to_text(&self.body).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) async fn send(&self, emulator: &InMemoryEmulatorHttpClient, account: &Url) -> Response {
        let broken = |why: String| (StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
        let Ok(url) = account.join(&self.path) else { return broken(format!("no path: {}", self.path)) };
        let method = match self.method {
            Method::POST => AzureMethod::Post,
            Method::PUT => AzureMethod::Put,
            Method::PATCH => AzureMethod::Patch,
            Method::DELETE => AzureMethod::Delete,
            Method::HEAD => AzureMethod::Head,
            _ => AzureMethod::Get,
        };
        let mut request = AzureRequest::new(url, method);
        for (name, value) in &self.headers {
            if let Ok(value) = value.to_str() {
                let name = AzureName::from(name.as_str().to_owned());
                request.headers_mut().insert(name, AzureValue::from(value.to_owned()));
            }
        }
        if !self.body.is_empty() {
            request.set_body(self.body.to_vec());
        }
        let answer = match emulator.execute_request(&request).await {
            Ok(answer) => answer,
            Err(error) => return broken(error.to_string()),
        };
        let answer = match answer.try_into_raw_response().await {
            Ok(answer) => answer,
            Err(error) => return broken(error.to_string()),
        };
        let mut response = Response::new(Body::from(answer.body().as_ref().to_vec()));
        let status = u16::from(answer.status());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers().iter() {
            let pair = (name.as_str().parse::<HeaderName>(), value.as_str().parse::<HeaderValue>());
            if let (Ok(name), Ok(value)) = pair
                && !["content-length", "transfer-encoding"].contains(&name.as_str())
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A text without its percent signs.
pub(super) fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let number = (byte == b'%').then(|| part_number(after)).flatten();
        bytes.push(number.unwrap_or(byte));
        rest = if number.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn part_number(after: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok()
}
