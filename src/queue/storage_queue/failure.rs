//! Why a call to Storage Queues failed, as far as anybody acts on it, in words without a secret.
//! <https://learn.microsoft.com/rest/api/storageservices/queue-service-error-codes>

use azure_core::{error::ErrorKind, http::StatusCode};

use crate::{
    azure::{Access, StorageAccount},
    queue::Error,
};

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The queue is not there.
    NoQueue,
    /// The message is not there, or another receipt is its last.
    NoMessage,
    /// Anything else, which is for the caller.
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoQueue => Self::Unavailable("the queue was deleted just now".to_owned()),
            Failure::NoMessage => Self::Unavailable("the message was deleted just now".to_owned()),
            Failure::Other(error) => error,
        }
    }
}

impl Failure {
    /// What an error of the SDK means. Its own text is used only where no URL, and so no signature, can be in it.
    pub(super) fn of(error: &azure_core::Error, settings: &StorageAccount) -> Self {
        let host = place(settings);
        Self::Other(match error.kind() {
            ErrorKind::HttpResponse { status, error_code, .. } => {
                return Self::of_status(*status, error_code.as_deref().unwrap_or_default(), settings);
            }
            ErrorKind::Credential => Error::Unavailable(format!(
                "nobody says who we are to {host}: {error}; sign in with `az login`, or give the app an identity"
            )),
            ErrorKind::Connection => {
                Error::Unavailable(format!("can't connect to {host}: {}", root_of(error)))
            }
            ErrorKind::Io => Error::Unavailable(format!("lost {host}: {}", root_of(error))),
            ErrorKind::DataConversion => {
                Error::Unavailable(format!("{host} answered something else than Storage Queues do"))
            }
            _ => Error::Refused(format!("can't ask {host}: {error}")),
        })
    }

    fn of_status(status: StatusCode, code: &str, settings: &StorageAccount) -> Self {
        let host = place(settings);
        let number = u16::from(status);
        Self::Other(match (number, code) {
            (404, "QueueNotFound") => return Self::NoQueue,
            (404, "MessageNotFound") | (400, "PopReceiptMismatch") => return Self::NoMessage,
            // The status with which Azure asks to come again later; a queue that is being deleted can be made again.
            (408 | 429 | 500.., _) | (409, "QueueBeingDeleted" | "OperationTimedOut") => {
                Error::Unavailable(format!("{host} can't serve now ({number} {code})"))
            }
            (401 | 403, _) => {
                Error::Refused(format!("{host} does not let us in ({number} {code}): {}", advice(settings)))
            }
            (404, _) => {
                Error::Refused(format!("{host} has no queues there ({number} {code}): check the endpoint"))
            }
            _ => Error::Refused(format!("{host} answers {number} {code}")),
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

fn advice(settings: &StorageAccount) -> &'static str {
    match &settings.access {
        Access::Identity(_) => {
            "give the identity the role `Storage Queue Data Contributor`, check the account's network rules, and wait some minutes"
        }
        Access::Key(_) => {
            "copy the connection string anew from the account's access keys page, and check this machine's clock and the account's network rules"
        }
    }
}

/// The first cause, which is the operating system's or the protocol's and knows no URL.
fn root_of(error: &azure_core::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::Service;

    fn of(status: u16, code: &str) -> Failure {
        let settings =
            StorageAccount::of_connection_string(Service::Queue, "UseDevelopmentStorage=true").unwrap();
        Failure::of_status(status.into(), code, &settings)
    }

    #[test]
    fn what_may_succeed_later_is_unavailable() {
        for (status, code) in [
            (408, ""),
            (429, ""),
            (500, "InternalError"),
            (500, "OperationTimedOut"),
            (502, ""),
            (503, "ServerBusy"),
            (504, ""),
            (409, "QueueBeingDeleted"),
        ] {
            let failure = of(status, code);
            assert!(matches!(failure, Failure::Other(Error::Unavailable(_))), "{status} {code}: {failure:?}");
        }
    }

    #[test]
    fn what_can_never_succeed_is_refused_with_what_to_do() {
        for (status, code, wanted) in [
            (400, "InvalidHeaderValue", "InvalidHeaderValue"),
            (401, "InvalidAuthenticationInfo", "access keys page"),
            (403, "AuthenticationFailed", "this machine's clock"),
            (404, "ResourceNotFound", "check the endpoint"),
            (413, "RequestBodyTooLarge", "RequestBodyTooLarge"),
        ] {
            let Failure::Other(Error::Refused(why)) = of(status, code) else { panic!("{status} {code}") };
            assert!(why.contains(wanted), "{why}");
        }
    }

    #[test]
    fn an_identity_without_the_right_is_told_which_one_it_needs() {
        let key = StorageAccount::of_connection_string(Service::Queue, "UseDevelopmentStorage=true").unwrap();
        let settings = StorageAccount { access: Access::Identity(crate::azure::Identity::Developer), ..key };
        let failure = Failure::of_status(403.into(), "AuthorizationPermissionMismatch", &settings);
        let Failure::Other(Error::Refused(why)) = failure else { panic!("{failure:?}") };
        assert!(why.contains("Storage Queue Data Contributor"), "{why}");
    }

    #[test]
    fn what_is_not_there_is_told_apart() {
        assert!(matches!(of(404, "QueueNotFound"), Failure::NoQueue));
        assert!(matches!(of(404, "MessageNotFound"), Failure::NoMessage));
        assert!(matches!(of(400, "PopReceiptMismatch"), Failure::NoMessage));
    }
}
