//! How Azure is asked: who we are to it, and what its connection strings say.

mod sas;
mod storage_account;
pub mod wire;

use std::{collections::BTreeMap, sync::Arc};

use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};

pub use sas::{Rights, Sas, VERSION};
pub use storage_account::{Service, StorageAccount};

/// How a service is convinced to serve us. Its `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By an identity whose tokens nobody has to keep.
    Identity(Identity),
    /// By the account's key, in base64.
    Key(Secret),
}

/// Who we are where no key is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The one that Azure gives the app; named by its client id where an app has several.
    Managed {
        /// Which of them; none is the app's own.
        client_id: Option<String>,
    },
    /// Whoever is signed in with Azure's command line tools on this machine.
    Developer,
}

impl Identity {
    /// What gives the tokens. Nothing is asked yet.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn credential(&self) -> Result<Arc<dyn TokenCredential>, String> {
        Ok(match self {
            Self::Managed { client_id } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    ..ManagedIdentityCredentialOptions::default()
                };
                ManagedIdentityCredential::new(Some(options)).map_err(|error| error.to_string())?
            }
            Self::Developer => DeveloperToolsCredential::new(None).map_err(|error| error.to_string())?,
        })
    }
}

/// The parts of a connection string, `Name=value;Name=value`. Names are compared without their case, as Azure does.
pub struct ConnectionString(BTreeMap<String, String>);

impl ConnectionString {
    /// Reads it; none if a part is not `Name=value`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
                part.split_once('=').map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// What a part says, if it is there and not empty.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_has_parts() {
        let parts = ConnectionString::parse("AccountEndpoint=https://x:443/;AccountKey=a2V5==;").unwrap();
        assert_eq!(parts.part("accountendpoint"), Some("https://x:443/"));
        assert_eq!(parts.part("AccountKey"), Some("a2V5=="), "a key may hold the sign");
        assert_eq!(parts.part("Other"), None);
        assert!(ConnectionString::parse("sqlite").is_none());
    }

    #[test]
    fn nobody_reads_a_key_in_a_log() {
        let access = Access::Key(Secret::new("sesame"));
        assert!(!format!("{access:?}").contains("sesame"));
    }
}
