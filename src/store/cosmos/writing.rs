//! One batch of a commit, written as one: a single write by itself, several as a transactional batch.

use azure_data_cosmos::{
    CosmosError, PartitionKey, TransactionalBatch,
    clients::ContainerClient,
    models::TransactionalBatchOperationResult,
    options::{BatchDeleteOptions, BatchReplaceOptions, ItemWriteOptions, Precondition},
};

use super::{
    doubt,
    failure::{Meaning, failed, failed_write, meaning, unavailable},
    item::item,
};
use crate::store::{Batch, DocumentId, ETag, Error, Write};

/// The status of a write that was not tried because another of its batch failed.
const FOLLOWER: u16 = 424;

/// Writes all of the batch or nothing of it; the new ETags. `number` is the batch's place in its commit.
pub(super) async fn write(
    client: &ContainerClient,
    batch: &Batch,
    number: usize,
) -> Result<Vec<ETag>, Error> {
    let conflict = |id: &DocumentId| Error::Conflict {
        partition: batch.partition.clone(),
        id: id.clone(),
        batch: number,
    };
    if let Some(write) = batch.writes.iter().find(|write| expected(write).is_some_and(|etag| !may_be(etag))) {
        return Err(conflict(write.id()));
    }
    let written = match batch.writes.as_slice() {
        [] => Ok(Vec::new()),
        [only] => alone(client, batch, only).await,
        _ => together(client, batch).await,
    };
    written.map_err(|failure| match failure {
        Failure::Met { id, doubt: false } => conflict(&id),
        Failure::Met { doubt: true, .. } => {
            unavailable(format!("the answer to a write to `{}` was lost", batch.container.name()), None)
        }
        Failure::Other(error) => error,
    })
}

/// Why a batch was not written.
enum Failure {
    /// Something was not as expected. It may be this very write, done before, where there is doubt.
    Met {
        id: DocumentId,
        doubt: bool,
    },
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Failure {
    fn of(batch: &Batch, error: &CosmosError) -> Self {
        match meaning(error) {
            Meaning::Conflict | Meaning::Gone => {
                let doubt = error.diagnostics().is_none_or(|diagnostics| doubt::remains(&diagnostics));
                Self::Met { id: batch.writes[0].id().clone(), doubt }
            }
            _ => Self::Other(failed(&deed(batch), error)),
        }
    }
}

fn deed(batch: &Batch) -> String {
    format!("write to `{}`", batch.container.name())
}

/// The version a write wants to find.
fn expected(write: &Write) -> Option<&ETag> {
    match write {
        Write::Replace(_, etag, _) | Write::Delete(_, etag) => Some(etag),
        Write::Create(..) | Write::Upsert(..) => None,
    }
}

/// Could Cosmos DB have given it? What it did not is not sent: an empty `If-Match` would be no condition at all.
fn may_be(etag: &ETag) -> bool {
    !etag.0.is_empty() && etag.0.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn alone(client: &ContainerClient, batch: &Batch, write: &Write) -> Result<Vec<ETag>, Failure> {
    let partition = batch.partition.clone();
    let body = |draft| item(batch.container, &batch.partition, write.id(), draft);
    let name = write.id().as_str();
    let options = expected(write)
        .map(|etag| ItemWriteOptions::default().with_precondition(Precondition::if_match(etag.0.clone())));
    let answer = match write {
        Write::Create(_, draft) => client.create_item(partition, name, body(draft)?, options).await,
        Write::Replace(_, _, draft) => client.replace_item(partition, name, body(draft)?, options).await,
        Write::Upsert(_, draft) => client.upsert_item(partition, name, body(draft)?, options).await,
        Write::Delete(..) => client.delete_item(partition, name, options).await,
    };
    let answer = answer.map_err(|error| Failure::of(batch, &error))?;
    let given = || answer.headers().etag().map(ToString::to_string);
    Ok(vec![new_etag(write, given)])
}

/// The document's version after the write.
fn new_etag(write: &Write, given: impl FnOnce() -> Option<String>) -> ETag {
    match write {
        Write::Delete(_, etag) => etag.clone(),
        _ => ETag(given().unwrap_or_default()),
    }
}

async fn together(client: &ContainerClient, batch: &Batch) -> Result<Vec<ETag>, Failure> {
    let failure = |error: CosmosError| Failure::of(batch, &error);
    let answer = client.execute_transactional_batch(transaction(batch)?, None).await.map_err(failure)?;
    let diagnostics = answer.diagnostics();
    let answer = answer.into_model().map_err(failure)?;
    read(batch, answer.results(), || doubt::remains(&diagnostics))
}

fn transaction(batch: &Batch) -> Result<TransactionalBatch, Error> {
    let mut all = TransactionalBatch::new(PartitionKey::from(batch.partition.clone()));
    let unwritable = |_| Error::Refused(format!("a batch in `{}` can't be written as JSON", batch.partition));
    for write in &batch.writes {
        let id = write.id().as_str().to_owned();
        let body = |draft| item(batch.container, &batch.partition, write.id(), draft);
        all = match write {
            Write::Create(_, draft) => all.create_item(body(draft)?).map_err(unwritable)?,
            Write::Upsert(_, draft) => all.upsert_item(body(draft)?, None).map_err(unwritable)?,
            Write::Replace(_, etag, draft) => {
                let options =
                    BatchReplaceOptions::default().with_precondition(Precondition::if_match(etag.0.clone()));
                all.replace_item(id, body(draft)?, Some(options)).map_err(unwritable)?
            }
            Write::Delete(_, etag) => {
                let options =
                    BatchDeleteOptions::default().with_precondition(Precondition::if_match(etag.0.clone()));
                all.delete_item(id, Some(options))
            }
        };
    }
    Ok(all)
}

/// What became of each write: a batch that the service took in and did not write is a success with the status 207, in
/// which each write tells its own (<https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch>). The first
/// that is no follower is the one that failed the batch.
fn read(
    batch: &Batch,
    results: &[TransactionalBatchOperationResult],
    doubt: impl FnOnce() -> bool,
) -> Result<Vec<ETag>, Failure> {
    let each = || results.iter().zip(&batch.writes);
    let culprit = each().find(|(result, _)| !result.is_success() && result.status_code() != FOLLOWER);
    if let Some((result, write)) = culprit {
        let sub_status = result.substatus_code().and_then(|sub| u16::try_from(sub).ok());
        return Err(match Meaning::of(result.status_code(), sub_status) {
            Meaning::Conflict | Meaning::Gone => Failure::Met { id: write.id().clone(), doubt: doubt() },
            _ => failed_write(&deed(batch), result.status_code(), sub_status, result.retry_after()).into(),
        });
    }
    if results.len() != batch.writes.len() || results.iter().any(|result| !result.is_success()) {
        return Err(failed_write(&deed(batch), FOLLOWER, None, None).into());
    }
    Ok(each().map(|(result, write)| new_etag(write, || result.etag().map(str::to_owned))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_condition_is_sent_that_would_be_none() {
        assert!(may_be(&ETag("\"0000-11\"".into())));
        for foreign in ["", "two words", "\u{e9}", "a\r\nb"] {
            assert!(!may_be(&ETag(foreign.into())), "{foreign:?}");
        }
    }
}
