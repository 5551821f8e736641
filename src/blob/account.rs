//! Kept files in Azure Blob Storage: four calls of its REST interface over the pipeline that the queues bring along.
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api>

mod failure;

use std::{fmt::Write, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{
    AsyncRawResponse, Context, Method, Pipeline, PipelineStreamOptions, Request, Url,
    policies::auth::BearerTokenAuthorizationPolicy,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::OnceCell;

use self::failure::Failure;
use super::{BlobName, Blobs, Content, Error, count};
use crate::{
    azure::{Access, Rights, Sas, StorageAccount, VERSION, wire},
    model::Clock,
};

/// The container of all kept files.
const CONTAINER: &str = "kept-files";
/// So much is sent in one call; what is larger is put together from several.
const BLOCK: usize = 1 << 20;

/// The kept files of a storage account.
pub struct AccountBlobs {
    settings: StorageAccount,
    sas: Option<Sas>,
    pipeline: OnceCell<Pipeline>,
}

impl AccountBlobs {
    /// The kept files of this account. Nothing is asked, and nothing made, before it is needed.
    ///
    /// # Errors
    /// `Refused`: a key that is none; an identity where the connection is not encrypted.
    pub fn new(settings: StorageAccount, clock: Clock) -> Result<Self, Error> {
        let account = settings.account.clone();
        let sas = match &settings.access {
            Access::Key(key) => {
                let sas = Sas { account, key: key.clone(), rights: Rights::BLOBS, clock };
                let fits = sas.sign(&mut settings.endpoint.clone());
                fits.map_err(|_| {
                    Error::Refused(
                        "the account's key is no base64: copy the connection string anew".to_owned(),
                    )
                })?;
                Some(sas)
            }
            Access::Identity(_) if settings.endpoint.scheme() != "https" => {
                let place = &settings.endpoint;
                return Err(Error::Refused(format!(
                    "an identity is shown to `https` alone, not to `{place}`"
                )));
            }
            Access::Identity(_) => None,
        };
        Ok(Self { settings, sas, pipeline: OnceCell::new() })
    }

    async fn pipeline(&self) -> Result<&Pipeline, Error> {
        self.pipeline.get_or_try_init(async || self.connect()).await
    }

    fn connect(&self) -> Result<Pipeline, Error> {
        let options = wire::options(&self.settings.endpoint);
        let mut options = options.map_err(|error| Error::from(Failure::of(&error, &self.settings)))?;
        let mut each_try: Vec<Arc<dyn azure_core::http::policies::Policy>> = Vec::new();
        match (&self.sas, &self.settings.access) {
            (Some(sas), _) => options.per_call_policies.push(Arc::new(sas.clone())),
            (None, Access::Identity(identity)) => {
                let credential = identity.credential().map_err(Error::Refused)?;
                let scope = vec!["https://storage.azure.com/.default"];
                each_try.push(Arc::new(BearerTokenAuthorizationPolicy::new(credential, scope)));
            }
            (None, Access::Key(_)) => {}
        }
        let (name, version) = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
        Ok(Pipeline::new(name, version, options, Vec::new(), each_try, None))
    }

    fn url(&self, blob: Option<&BlobName>, query: &[(&str, &str)]) -> Url {
        let mut url = self.settings.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(CONTAINER);
            if let Some(name) = blob {
                path.extend(name.to_string().split('/'));
            }
        }
        url.query_pairs_mut().extend_pairs(query);
        // An empty query is one more thing to sign.
        if query.is_empty() {
            url.set_query(None);
        }
        url
    }

    /// Makes a call, within its time.
    async fn ask(&self, mut request: Request) -> Result<AsyncRawResponse, Failure> {
        request.insert_header("x-ms-version", VERSION);
        let length = request.body().len().unwrap_or_default();
        if request.method() == Method::Put {
            request.insert_header("content-length", length.to_string());
        }
        let (pipeline, context) = (self.pipeline().await.map_err(Failure::Other)?, Context::new());
        let call = pipeline.stream(&context, &mut request, Some(PipelineStreamOptions::default()));
        match tokio::time::timeout(wire::LIMIT, call).await {
            Ok(answered) => answered.map_err(|error| Failure::of(&error, &self.settings)),
            Err(_) => Err(Failure::late(&self.settings)),
        }
    }

    /// The same, and makes the container where it is not.
    async fn ask_surely(&self, request: impl Fn() -> Request) -> Result<AsyncRawResponse, Failure> {
        match self.ask(request()).await {
            Err(Failure::NoContainer) => {
                let url = self.url(None, &[("restype", "container")]);
                match self.ask(Request::new(url, Method::Put)).await {
                    // Somebody else may make it at the same time: that is no failure.
                    Ok(_) | Err(Failure::IsThere) => self.ask(request()).await,
                    Err(other) => Err(other),
                }
            }
            answered => answered,
        }
    }

    /// The whole content in one call (<https://learn.microsoft.com/rest/api/storageservices/put-blob>).
    async fn put_at_once(&self, name: &BlobName, mime: &str, body: Bytes) -> Result<(), Failure> {
        let request = || {
            let mut request = Request::new(self.url(Some(name), &[]), Method::Put);
            request.insert_header("x-ms-blob-type", "BlockBlob");
            request.insert_header("x-ms-blob-content-type", mime.to_owned());
            request.insert_header("if-none-match", "*");
            request.set_body(body.clone());
            request
        };
        self.ask_surely(request).await.map(drop)
    }

    /// One block, which nobody sees before the list is there
    /// (<https://learn.microsoft.com/rest/api/storageservices/put-block>). The same block again is the same.
    async fn put_block(&self, name: &BlobName, id: &str, body: Bytes) -> Result<(), Failure> {
        let request = || {
            let url = self.url(Some(name), &[("comp", "block"), ("blockid", id)]);
            let mut request = Request::new(url, Method::Put);
            request.set_body(body.clone());
            request
        };
        self.ask_surely(request).await.map(drop)
    }

    /// Puts the blocks together (<https://learn.microsoft.com/rest/api/storageservices/put-block-list>).
    async fn put_list(&self, name: &BlobName, mime: &str, blocks: u32) -> Result<(), Failure> {
        let mut list = r#"<?xml version="1.0" encoding="utf-8"?><BlockList>"#.to_owned();
        (0..blocks)
            .for_each(|n| write!(list, "<Latest>{}</Latest>", block_id(n)).expect("a text takes text"));
        list.push_str("</BlockList>");
        let mut request = Request::new(self.url(Some(name), &[("comp", "blocklist")]), Method::Put);
        request.insert_header("x-ms-blob-content-type", mime.to_owned());
        request.insert_header("if-none-match", "*");
        request.set_body(Bytes::from(list));
        self.ask(request).await.map(drop)
    }
}

/// All ids of a blob's blocks have one length.
fn block_id(n: u32) -> String {
    STANDARD.encode(format!("{n:06}"))
}

#[async_trait]
impl Blobs for AccountBlobs {
    async fn put(
        &self,
        name: &BlobName,
        mime: &str,
        mut content: Content,
        at_most: u64,
    ) -> Result<u64, Error> {
        let (mut size, mut blocks, mut gathered) = (0, 0, BytesMut::new());
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(Error::Unavailable)?;
            count(&mut size, &piece, at_most)?;
            gathered.extend_from_slice(&piece);
            while gathered.len() > BLOCK {
                self.put_block(name, &block_id(blocks), gathered.split_to(BLOCK).freeze()).await?;
                blocks += 1;
            }
        }
        let rest = gathered.freeze();
        let kept = if blocks == 0 {
            self.put_at_once(name, mime, rest).await
        } else {
            self.put_block(name, &block_id(blocks), rest).await?;
            self.put_list(name, mime, blocks + 1).await
        };
        match kept {
            // It was kept before, by this or somebody else.
            Ok(()) | Err(Failure::IsThere) => Ok(size),
            Err(other) => Err(other.into()),
        }
    }

    async fn get(&self, name: &BlobName) -> Result<Option<(u64, Content)>, Error> {
        let answer = match self.ask(Request::new(self.url(Some(name), &[]), Method::Get)).await {
            Err(Failure::NoContainer | Failure::NoBlob) => return Ok(None),
            answer => answer?,
        };
        let (_, headers, body) = answer.deconstruct();
        let size = headers.get_optional_string(&"content-length".into()).and_then(|size| size.parse().ok());
        let size = size.ok_or_else(|| Error::Unavailable("a kept file has no length".to_owned()))?;
        let lost = "the connection to kept files broke off";
        let pieces = body.map(move |piece| piece.map_err(|_| lost.to_owned()));
        Ok(Some((size, pieces.boxed())))
    }
}
