//! Is the store as the code needs it, and can it be read and written?

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Finding, dice};
use crate::{
    model::Clock,
    store::{self, Batch, Container, DocumentId, Draft, ETag, Error, Store, Write, cosmos},
};

/// Where the document that is only there to be looked at lives, for a moment.
const PARTITION: &str = "doctor";

pub(super) async fn look(settings: Option<&store::Settings>) -> Vec<Finding> {
    let Some(settings) = settings else { return Vec::new() };
    let mut findings = Vec::new();
    let (what, mend) = match settings {
        store::Settings::Sqlite { file, .. } => (
            format!("store {}", file.display()),
            "see that this file and its folder can be written".to_owned(),
        ),
        store::Settings::Cosmos(cosmos) => {
            match cosmos::verify(cosmos).await {
                Ok(found) => findings.extend(found.into_iter().map(told)),
                // What follows says what is wrong, and what to do.
                Err(error) => tracing::debug!(%error, "the containers could not be looked at"),
            }
            let host = cosmos.endpoint.host_str().unwrap_or_default();
            (
                format!("store {host}"),
                "see that it can be reached, and that who we are may use it (role Cosmos DB Built-in Data Contributor)"
                    .to_owned(),
            )
        }
    };
    let started = Instant::now();
    let done = async { write_and_read(&*store::open(settings, Clock::real())?).await };
    findings.push(match done.await {
        Ok(()) => {
            Finding::fine(what, format!("read and conditional write in {} ms", started.elapsed().as_millis()))
        }
        Err(error) => Finding::wrong(what, error.to_string(), mend),
    });
    findings
}

/// What the store says of a thing in it.
pub(in crate::command) fn told(found: cosmos::Finding) -> Finding {
    match found.state {
        cosmos::State::Fine => Finding::fine(found.what, "as it must be"),
        cosmos::State::Created => Finding::fine(found.what, "made"),
        cosmos::State::Missing => Finding::wrong(
            found.what,
            "is missing",
            "`provision` makes it where a key is used; in Azure, deploy it",
        ),
        cosmos::State::Wrong(why) => {
            let (wrong, mend) = why.rsplit_once(": ").unwrap_or((&why, "delete it and make it anew"));
            Finding::wrong(found.what, wrong, mend)
        }
    }
}

/// Creates a document, replaces it, is refused a second replacement of the same version, and deletes it.
async fn write_and_read(store: &dyn Store) -> Result<(), Error> {
    let id: DocumentId = dice().parse()?;
    let draft = || Draft::of(&json!({ "why": "doctor" })).ttl(Duration::from_secs(60));
    let first = write(store, Write::Create(id.clone(), draft())).await?;
    let second = write(store, Write::Replace(id.clone(), first.clone(), draft())).await?;
    match write(store, Write::Replace(id.clone(), first, draft())).await {
        Err(Error::Conflict { .. }) => {}
        Ok(_) => return Err(Error::Refused("it replaced a document that had changed".into())),
        Err(error) => return Err(error),
    }
    let read = store.read(Container::DeadLetters, PARTITION, &id).await?;
    if read.map(|document| document.etag) != Some(second.clone()) {
        return Err(Error::Refused("it did not read what was written last".into()));
    }
    write(store, Write::Delete(id, second)).await.map(drop)
}

async fn write(store: &dyn Store, write: Write) -> Result<ETag, Error> {
    let batch = Batch { container: Container::DeadLetters, partition: PARTITION.into(), writes: vec![write] };
    let etags = store.commit(vec![batch]).await?;
    etags.into_iter().flatten().next().ok_or_else(|| Error::Refused("a write gave no ETag".into()))
}
