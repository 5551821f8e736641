//! Why a call to Blob Storage failed, as far as anybody acts on it, in words without a secret.
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>

use azure_core::{error::ErrorKind, http::StatusCode};

use crate::{
    azure::{Access, StorageAccount},
    blob::Error,
};

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The container is not there.
    NoContainer,
    /// The blob is not there.
    NoBlob,
    /// What was to be made is there already.
    IsThere,
    /// Anything else, which is for the caller.
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoContainer | Failure::NoBlob => Self::Unavailable("it was deleted just now".to_owned()),
            Failure::IsThere => Self::Unavailable("somebody else made it just now".to_owned()),
            Failure::Other(error) => error,
        }
    }
}

impl Failure {
    /// What an error of the SDK means. Its own text is used only where no URL, and so no signature, can be in it.
    pub(super) fn of(error: &azure_core::Error, settings: &StorageAccount) -> Self {
        let place = place(settings);
        Self::Other(match error.kind() {
            ErrorKind::HttpResponse { status, error_code, .. } => {
                return Self::of_status(*status, error_code.as_deref().unwrap_or_default(), settings);
            }
            ErrorKind::Credential => {
                Error::Unavailable(format!("nobody says who we are to {place}: {error}"))
            }
            ErrorKind::Connection | ErrorKind::Io => Error::Unavailable(format!("can't reach {place}")),
            ErrorKind::DataConversion => Error::Unavailable(format!("{place} answered something else")),
            _ => Error::Refused(format!("can't ask {place}: {error}")),
        })
    }

    fn of_status(status: StatusCode, code: &str, settings: &StorageAccount) -> Self {
        let (place, number) = (place(settings), u16::from(status));
        Self::Other(match (number, code) {
            (404, "ContainerNotFound") => return Self::NoContainer,
            (404, "BlobNotFound") => return Self::NoBlob,
            (409, "BlobAlreadyExists" | "ContainerAlreadyExists") | (412, _) => return Self::IsThere,
            (408 | 429 | 500.., _) | (409, "ContainerBeingDeleted" | "OperationTimedOut") => {
                Error::Unavailable(format!("{place} can't serve now ({number} {code})"))
            }
            (401 | 403, _) => {
                let advice = match &settings.access {
                    Access::Identity(_) => "give the identity the role `Storage Blob Data Contributor`",
                    Access::Key(_) => "copy the connection string anew, and check this machine's clock",
                };
                Error::Refused(format!("{place} does not let us in ({number} {code}): {advice}"))
            }
            _ => Error::Refused(format!("{place} answers {number} {code}")),
        })
    }

    /// No answer in time.
    pub(super) fn late(settings: &StorageAccount) -> Self {
        Self::Other(Error::Unavailable(format!("no answer in time from {}", place(settings))))
    }
}

/// The account and its server: what people know it by.
fn place(settings: &StorageAccount) -> String {
    let host = settings.endpoint.host_str().unwrap_or_default();
    let port = settings.endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("the storage account `{}` at {host}{port}", settings.account)
}
