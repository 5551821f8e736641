//! Azure Storage Queues.

mod failure;
mod message;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::http::headers::HeaderName;
use azure_storage_queue::{
    QueueClient, QueueServiceClient, QueueServiceClientOptions,
    models::{
        QueueClientGetPropertiesResultHeaders, QueueClientPeekMessagesOptions,
        QueueClientReceiveMessagesOptions, QueueClientSendMessageOptions, QueueMessage,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{OnceCell, watch};

use self::failure::Failure;
use super::{
    Error, Length, MOST, Mailbox, Queue, Received,
    message::{LIFE, check},
    sent::Sent,
};
use crate::{
    azure::{Access, Rights, Sas, StorageAccount, VERSION, wire},
    model::Clock,
};

const POP_RECEIPT: HeaderName = HeaderName::from_static("x-ms-popreceipt");
/// So many queues are told the lengths of.
const LISTED: usize = 100;
/// So many are asked at once.
const AT_ONCE: usize = 8;

/// The queues of a storage account. Messages are base64, as the host's `messageEncoding` has it.
///
/// A call takes at most 10 seconds, repetitions included. Repeated after an answer was lost, a message may be there twice.
pub struct StorageQueue {
    settings: StorageAccount,
    sas: Option<Sas>,
    service: OnceCell<QueueServiceClient>,
    sent: Sent,
}

impl StorageQueue {
    /// The queues of this account. Nothing is asked, and nothing made, before it is needed.
    ///
    /// # Errors
    /// `Refused`: a key that is none; an identity where the connection is not encrypted.
    pub fn new(settings: StorageAccount, clock: Clock) -> Result<Self, Error> {
        let sas = match &settings.access {
            Access::Key(key) => {
                let (account, key) = (settings.account.clone(), key.clone());
                let sas = Sas { account, key, rights: Rights::QUEUES, clock };
                sas.sign(&mut settings.endpoint.clone()).map_err(|_| {
                    Error::Refused(format!(
                        "the key of the storage account `{}` is no base64: copy the connection string anew",
                        settings.account
                    ))
                })?;
                Some(sas)
            }
            Access::Identity(_) if settings.endpoint.scheme() != "https" => {
                return Err(Error::Refused(format!(
                    "an identity is shown to `https` alone, and the queues of `{}` are at `{}`",
                    settings.account, settings.endpoint
                )));
            }
            Access::Identity(_) => None,
        };
        Ok(Self { settings, sas, service: OnceCell::new(), sent: Sent::default() })
    }

    /// The account's client: one, with its connections, for all queues.
    async fn service(&self) -> Result<&QueueServiceClient, Error> {
        self.service.get_or_try_init(async || self.connect()).await
    }

    fn connect(&self) -> Result<QueueServiceClient, Error> {
        let refused = |error: azure_core::Error| Failure::of(&error, &self.settings).into();
        let mut endpoint = self.settings.endpoint.clone();
        // A slash at its end would be one too many before a queue's name.
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty();
        }
        let mut client_options = wire::options(&endpoint).map_err(refused)?;
        let credential = match &self.settings.access {
            Access::Identity(identity) => Some(identity.credential().map_err(Error::Refused)?),
            Access::Key(_) => None,
        };
        if let Some(sas) = &self.sas {
            client_options.per_call_policies.push(Arc::new(sas.clone()));
        }
        let options = QueueServiceClientOptions { client_options, version: VERSION.to_owned() };
        QueueServiceClient::new(endpoint, credential, Some(options)).map_err(refused)
    }

    async fn queue(&self, name: &str) -> Result<QueueClient, Error> {
        self.service().await?.queue_client(name).map_err(|error| Failure::of(&error, &self.settings).into())
    }

    /// Makes a call, within its time.
    async fn ask<T>(&self, call: impl Future<Output = azure_core::Result<T>>) -> Result<T, Failure> {
        match tokio::time::timeout(wire::LIMIT, call).await {
            Ok(answered) => answered.map_err(|error| Failure::of(&error, &self.settings)),
            Err(_) => Err(Failure::late(&self.settings)),
        }
    }

    async fn put(&self, queue: &QueueClient, text: &str, delay: Duration) -> Result<(), Failure> {
        let options = QueueClientSendMessageOptions {
            // Without it a message lives 7 days from now, and one that is delayed so long is refused.
            message_time_to_live: (!delay.is_zero()).then(|| seconds(delay + LIFE)),
            visibility_timeout: Some(seconds(delay)),
            ..QueueClientSendMessageOptions::default()
        };
        let message = QueueMessage { message_text: Some(text.to_owned()) };
        self.ask(async { queue.send_message(message.try_into()?, Some(options)).await }).await.map(drop)
    }

    /// How much a queue holds; none if it was deleted just now.
    async fn length(&self, name: &str) -> Result<Option<Length>, Error> {
        let queue = self.queue(name).await?;
        let all =
            match self.ask(async { queue.get_properties(None).await?.approximate_messages_count() }).await {
                Err(Failure::NoQueue) => return Ok(None),
                all => all?.and_then(|all| u64::try_from(all).ok()).unwrap_or_default(),
            };
        let seen = if all == 0 { 0 } else { self.peek(name, MOST).await?.len() };
        // Of more than can be seen at once, all are taken for visible.
        let visible = if seen < MOST { seen as u64 } else { all };
        Ok(Some(Length { visible, hidden: all.saturating_sub(visible) }))
    }
}

#[async_trait]
impl Queue for StorageQueue {
    async fn warm(&self) {
        let _ = self.service().await;
    }

    async fn send(&self, queue: &str, message: &str, delay: Duration) -> Result<(), Error> {
        self.send_bytes(queue, message.as_bytes(), delay).await
    }
}

#[async_trait]
impl Mailbox for StorageQueue {
    async fn send_bytes(&self, queue: &str, body: &[u8], delay: Duration) -> Result<(), Error> {
        check(queue, body, delay)?;
        let (client, text) = (self.queue(queue).await?, STANDARD.encode(body));
        match self.put(&client, &text, delay).await {
            Err(Failure::NoQueue) => {
                // Somebody else may make it at the same time: that is no failure.
                self.ask(client.create(None)).await?;
                self.put(&client, &text, delay).await?;
            }
            put => put?,
        }
        self.sent.one(queue);
        Ok(())
    }

    async fn receive(&self, queue: &str, most: usize, visibility: Duration) -> Result<Vec<Received>, Error> {
        let client = self.queue(queue).await?;
        let options = QueueClientReceiveMessagesOptions {
            number_of_messages: Some(count(most)),
            visibility_timeout: Some(seconds(visibility).max(1)),
            ..QueueClientReceiveMessagesOptions::default()
        };
        match self.ask(async { client.receive_messages(Some(options)).await?.into_model() }).await {
            Err(Failure::NoQueue) => Ok(Vec::new()),
            messages => Ok(messages?.items.unwrap_or_default().into_iter().map(message::received).collect()),
        }
    }

    async fn delete(&self, queue: &str, id: &str, pop_receipt: &str) -> Result<bool, Error> {
        let client = self.queue(queue).await?;
        match self.ask(client.delete_message(id, pop_receipt, None)).await {
            Err(Failure::NoQueue | Failure::NoMessage) => Ok(false),
            deleted => Ok(deleted.map(|_| true)?),
        }
    }

    async fn extend(
        &self,
        queue: &str,
        id: &str,
        pop_receipt: &str,
        visibility: Duration,
    ) -> Result<Option<String>, Error> {
        let client = self.queue(queue).await?;
        match self.ask(client.update_message(id, pop_receipt, seconds(visibility), None)).await {
            Err(Failure::NoQueue | Failure::NoMessage) => Ok(None),
            extended => Ok(extended?.headers().get_optional_string(&POP_RECEIPT)),
        }
    }

    async fn peek(&self, queue: &str, most: usize) -> Result<Vec<Received>, Error> {
        let client = self.queue(queue).await?;
        let options = QueueClientPeekMessagesOptions {
            number_of_messages: Some(count(most)),
            ..QueueClientPeekMessagesOptions::default()
        };
        match self.ask(async { client.peek_messages(Some(options)).await?.into_model() }).await {
            Err(Failure::NoQueue) => Ok(Vec::new()),
            messages => Ok(messages?.items.unwrap_or_default().into_iter().map(message::peeked).collect()),
        }
    }

    async fn list(&self) -> Result<BTreeMap<String, Length>, Error> {
        let service = self.service().await?;
        let names = async { service.list_queues(None)?.take(LISTED).try_collect::<Vec<_>>().await };
        let names: Vec<String> = self.ask(names).await?.into_iter().filter_map(|queue| queue.name).collect();
        let lengths = stream::iter(names).map(async |name| Ok::<_, Error>((self.length(&name).await?, name)));
        let lengths: Vec<_> = lengths.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(lengths.into_iter().filter_map(|(length, name)| Some((name, length?))).collect())
    }

    async fn purge(&self) -> Result<usize, Error> {
        // Azure does it by itself.
        Ok(0)
    }

    fn watch(&self, queue: &str) -> watch::Receiver<u64> {
        self.sent.watch(queue)
    }
}

/// Whole seconds, no fewer than asked for: that is all Azure counts.
fn seconds(time: Duration) -> i32 {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

fn count(most: usize) -> i32 {
    i32::try_from(most.clamp(1, MOST)).unwrap_or(1)
}
