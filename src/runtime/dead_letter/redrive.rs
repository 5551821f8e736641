//! Redrive: what a dead letter was about is taken up again, or the letter is dropped.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::DeadLetter;
use crate::{
    model::{EffectId, Input, What},
    runtime::{Error, Item, Outgoing, Runtime, State},
    store::{Batch, Container, Document, Error as StoreError, Store, Write},
};

/// So many letters are read at once.
const PAGE: usize = 200;

/// A dead letter as it is stored.
#[derive(Clone, Debug)]
pub struct KeptLetter {
    /// What it says.
    pub letter: DeadLetter,
    document: Document,
}

impl KeptLetter {
    /// What operators call it: the id of its document.
    #[must_use]
    pub fn id(&self) -> &str {
        self.document.id.as_str()
    }
}

/// Every dead letter that `wanted` says yes to, the oldest first.
///
/// # Errors
/// The store's, or a letter that can't be read.
pub async fn dead_letters(
    store: &dyn Store,
    wanted: impl Fn(&KeptLetter) -> bool,
) -> Result<Vec<KeptLetter>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(Container::DeadLetters, after, PAGE).await?;
        for located in page.documents {
            let kept = KeptLetter { letter: located.document.parse()?, document: located.document };
            if wanted(&kept) {
                found.push(kept);
            }
        }
        after = page.next;
        if after.is_none() {
            found.sort_by_key(|kept| kept.letter.at);
            return Ok(found);
        }
    }
}

impl Runtime {
    /// Takes up again what a letter was about, then takes the letter away. Redriven twice, it is done once: what was
    /// taken up already is recognized, also if the process died before the letter was gone. What fails again becomes a
    /// dead letter again.
    ///
    /// # Errors
    /// `Data` if nothing can be taken up again: the letter stays, and says why. Else the store's or the queue's.
    pub async fn redrive(&self, kept: &KeptLetter) -> Result<(), Error> {
        let letter = &kept.letter;
        match letter.source.split_once(':').unwrap_or((&letter.source, "")) {
            ("inbox", _) => self.reopen(payload(letter)?).await?,
            ("outbox", _) => self.send_again(letter, payload(letter)?).await?,
            ("workflow", _) => self.begin_again(&payload(letter)?).await?,
            ("queue", queue) => {
                let message: String = payload(letter)?;
                self.parts.queue.send(queue, &message, Duration::ZERO).await?;
            }
            ("webhook", slug) => {
                let raw: String = payload(letter)?;
                let bot = self.bot(slug).ok_or_else(|| Error::Data(format!("there is no bot `{slug}`")))?;
                if let Err(why) = self.normalized(bot, raw.as_bytes(), letter.at, &letter.trace).await {
                    return Err(Error::Data(format!("it still can't be read: {why}")));
                }
                self.receive(bot, raw.as_bytes(), letter.trace.clone()).await?;
            }
            ("activity", _) => {
                return Err(Error::Data(
                    "its failure is an answer that the workflow has already worked with; drop it".to_owned(),
                ));
            }
            (other, _) => {
                return Err(Error::Data(format!("nobody knows how to redrive what came from `{other}`")));
            }
        }
        self.drop_letter(kept).await
    }

    /// Takes a letter away. One that is gone, or has been written anew since, stays as it is.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_letter(&self, kept: &KeptLetter) -> Result<(), Error> {
        let delete = Write::Delete(kept.document.id.clone(), kept.document.etag.clone());
        let (container, partition) = (Container::DeadLetters, kept.letter.source.clone());
        match self.store().commit(vec![Batch { container, partition, writes: vec![delete] }]).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// An input that was given up is pending again. What was answered meanwhile stays answered: it is judged against
    /// what is open now.
    async fn reopen(&self, input: Input) -> Result<(), Error> {
        let (conversation, key) = (input.conversation.clone(), input.key.clone());
        match self.item(&conversation, &key).await? {
            None => drop(self.create_item(input).await?),
            Some((item, etag)) if item.state == State::Dead => {
                let item = Item { state: State::Pending, attempts: 0, ..item };
                match self.put_item(&item, Some(&etag)).await {
                    // Somebody else reopens it at this moment.
                    Ok(_) | Err(Error::Store(StoreError::Conflict { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            Some(_) => {}
        }
        self.hint(&conversation, Duration::ZERO).await;
        Ok(())
    }

    /// A message goes to the end of its conversation's outbox; its new id tells this redrive from an earlier one.
    async fn send_again(&self, letter: &DeadLetter, outgoing: Outgoing) -> Result<(), Error> {
        let to = letter.conversation.as_ref();
        let to = to.ok_or_else(|| Error::Data("it does not say to whom it was to be sent".to_owned()))?;
        let id: EffectId = format!("{}:redriven:{}", outgoing.id, letter.at.timestamp_micros())
            .parse()
            .map_err(|why| Error::Data(format!("{why}")))?;
        self.deliver(to, &id, &outgoing.delivery, &letter.trace).await?;
        self.hint(to, Duration::ZERO).await;
        Ok(())
    }

    /// A workflow that nobody chats with, and that could not even begin.
    async fn begin_again(&self, input: &Input) -> Result<(), Error> {
        let What::Started { workflow, .. } = &input.what else {
            return Err(Error::Data("its workflow has ended stuck; start it anew and drop this".to_owned()));
        };
        if self.workflow(*workflow).await?.is_none() {
            self.advance_workflow(*workflow, &input.clone().into()).await?;
            if self.workflow(*workflow).await?.is_none() {
                return Err(Error::Data("it failed again; the letter says why".to_owned()));
            }
        }
        self.hand_out(*workflow).await
    }
}

fn payload<T: DeserializeOwned>(letter: &DeadLetter) -> Result<T, Error> {
    T::deserialize(&letter.payload).map_err(|why| Error::Data(format!("its payload can't be read: {why}")))
}
