//! What the answers of Cosmos DB mean to a caller of the store.

use std::time::Duration;

use azure_data_cosmos::{CosmosError, CosmosStatus};

use crate::store::Error;

/// The sub-status of a 404 that speaks of the container or the database, not of the document.
const NO_SUCH_OWNER: u16 = 1003;

/// What an answer other than success means
/// (<https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The document is there, or is there in another version.
    Conflict,
    /// The document is not there.
    Gone,
    /// The same call can never succeed.
    Never,
    /// It may succeed later, when somebody has mended what the text says.
    Mend(&'static str),
    /// It may succeed later.
    Later,
}

impl Meaning {
    pub(super) fn of(code: u16, sub_status: Option<u16>) -> Self {
        match code {
            409 | 412 => Self::Conflict,
            404 if sub_status == Some(NO_SUCH_OWNER) => {
                Self::Mend("the database or the container is missing: run `backline provision`")
            }
            404 => Self::Gone,
            400 | 413 => Self::Never,
            // Not `Never`: work must not be given up because a key was exchanged or a role is not yet known everywhere.
            401 | 403 => Self::Mend("it does not let us in: check the key, or the identity's role"),
            _ => Self::Later,
        }
    }

    fn of_status(status: CosmosStatus) -> Self {
        Self::of(status.status_code().into(), status.sub_status().map(|sub| sub.value()))
    }
}

pub(super) fn meaning(error: &CosmosError) -> Meaning {
    Meaning::of_status(error.status())
}

/// The error for a caller, where it is neither a conflict nor about a document that is gone. It never repeats what the
/// SDK says at length, for that may hold addresses and documents.
pub(super) fn failed(deed: &str, error: &CosmosError) -> Error {
    let milliseconds = error.response().and_then(|response| response.headers().retry_after_ms);
    let retry_after = milliseconds.map(Duration::from_millis);
    explain(deed, meaning(error), &error.status().to_string(), retry_after)
}

/// The same, of one write in a batch.
pub(super) fn failed_write(
    deed: &str,
    code: u16,
    sub_status: Option<u16>,
    retry_after: Option<Duration>,
) -> Error {
    explain(deed, Meaning::of(code, sub_status), &code.to_string(), retry_after)
}

fn explain(deed: &str, meaning: Meaning, status: &str, retry_after: Option<Duration>) -> Error {
    match meaning {
        Meaning::Never => Error::Refused(format!("Cosmos DB, asked to {deed}, says {status}")),
        Meaning::Mend(how) => unavailable(format!("Cosmos DB, asked to {deed}, says {status}: {how}"), None),
        Meaning::Conflict | Meaning::Gone | Meaning::Later => {
            unavailable(format!("Cosmos DB, asked to {deed}, says {status}"), retry_after)
        }
    }
}

pub(super) fn unavailable(why: String, retry_after: Option<Duration>) -> Error {
    Error::Unavailable { why, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_never_be_is_given_up() {
        let transient = |code| explain("read", Meaning::of(code, None), "", None).is_transient();
        for code in [401, 403, 408, 410, 429, 449, 500, 502, 503, 504] {
            assert!(transient(code), "{code}");
        }
        for code in [400, 413] {
            assert!(!transient(code), "{code}");
        }
        assert_eq!(Meaning::of(404, None), Meaning::Gone);
        assert!(matches!(Meaning::of(404, Some(1003)), Meaning::Mend(_)));
        assert_eq!((Meaning::of(409, None), Meaning::of(412, None)), (Meaning::Conflict, Meaning::Conflict));
    }
}
