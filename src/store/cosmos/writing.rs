//! One batch of a commit, written as one: a single write by itself, several as a transactional batch.

use azure_data_cosmos::{
    CosmosError, PartitionKey, TransactionalBatch,
    clients::ContainerClient,
    models::TransactionalBatchOperationResult,
    options::{BatchDeleteOptions, BatchReplaceOptions, ItemWriteOptions, Precondition},
};

use super::{
    failure::{Meaning, failed, failed_write, meaning},
    item::item,
};
use crate::store::{Batch, DocumentId, ETag, Error, Write};

/// The status of a write that was not tried because another of its batch failed.
const FOLLOWER: u16 = 424;

/// Writes all of the batch or nothing of it; the new ETags. `number` is the batch's place in its commit.
///
/// A batch that the service takes in and does not write is a success with the status 207, in which each write tells its own
/// (<https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch>).
pub(super) async fn write(
    client: &ContainerClient,
    batch: &Batch,
    number: usize,
) -> Result<Vec<ETag>, Error> {
    let conflict = |id: &DocumentId| {
        Err(Error::Conflict { partition: batch.partition.clone(), id: id.clone(), batch: number })
    };
    if let Some(write) = batch.writes.iter().find(|write| expected(write).is_some_and(|etag| !may_be(etag))) {
        return conflict(write.id());
    }
    let deed = format!("write to `{}`", batch.container.name());
    let written = match batch.writes.as_slice() {
        [] => return Ok(Vec::new()),
        [only] => alone(client, batch, only).await?.map(|etag| vec![etag]),
        _ => match together(client, batch).await? {
            Ok(results) => return read(batch, &results, &deed, conflict),
            Err(error) => Err(error),
        },
    };
    match written {
        Ok(etags) => Ok(etags),
        Err(error) if matches!(meaning(&error), Meaning::Conflict | Meaning::Gone) => {
            conflict(batch.writes[0].id())
        }
        Err(error) => Err(failed(&deed, &error)),
    }
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

async fn alone(
    client: &ContainerClient,
    batch: &Batch,
    write: &Write,
) -> Result<Result<ETag, CosmosError>, Error> {
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
    Ok(answer.map(|answer| match write {
        Write::Delete(_, etag) => etag.clone(),
        _ => answer.headers().etag().map_or_else(|| ETag(String::new()), |etag| ETag(etag.to_string())),
    }))
}

async fn together(
    client: &ContainerClient,
    batch: &Batch,
) -> Result<Result<Vec<TransactionalBatchOperationResult>, CosmosError>, Error> {
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
    let answer = client.execute_transactional_batch(all, None).await;
    Ok(answer.and_then(|answer| answer.into_model()).map(|answer| answer.results().to_vec()))
}

/// What became of each write. The first that is not a follower is the one that failed the batch.
fn read(
    batch: &Batch,
    results: &[TransactionalBatchOperationResult],
    deed: &str,
    conflict: impl Fn(&DocumentId) -> Result<Vec<ETag>, Error>,
) -> Result<Vec<ETag>, Error> {
    let failed = results
        .iter()
        .zip(&batch.writes)
        .find(|(result, _)| !result.is_success() && result.status_code() != FOLLOWER);
    if let Some((result, write)) = failed {
        let sub_status = result.substatus_code().and_then(|sub| u16::try_from(sub).ok());
        return match Meaning::of(result.status_code(), sub_status) {
            Meaning::Conflict | Meaning::Gone => conflict(write.id()),
            _ => Err(failed_write(deed, result.status_code(), sub_status, result.retry_after())),
        };
    }
    if results.len() != batch.writes.len() || results.iter().any(|result| !result.is_success()) {
        return Err(failed_write(deed, FOLLOWER, None, None));
    }
    let new = |(result, write): (&TransactionalBatchOperationResult, &Write)| match write {
        Write::Delete(_, etag) => etag.clone(),
        _ => ETag(result.etag().unwrap_or_default().to_owned()),
    };
    Ok(results.iter().zip(&batch.writes).map(new).collect())
}
