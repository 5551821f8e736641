//! The port for files that are kept: content under names of ours, written once and never changed.

pub mod account;
mod content;
pub mod disk;

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use content::{HEAD, content_type, ending};

use self::{account::AccountBlobs, disk::DiskBlobs};
use crate::{azure::StorageAccount, model::Clock};

/// Where kept files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// In a folder on this machine.
    Disk(PathBuf),
    /// In a storage account in Azure, or its emulator.
    Account(StorageAccount),
}

/// Opens the place. Nothing is asked or made before it is needed.
///
/// # Errors
/// As [`AccountBlobs::new`].
pub fn open(settings: &Settings, clock: Clock) -> Result<Arc<dyn Blobs>, Error> {
    Ok(match settings {
        Settings::Disk(folder) => Arc::new(DiskBlobs::new(folder)),
        Settings::Account(account) => Arc::new(AccountBlobs::new(account.clone(), clock)?),
    })
}

/// Why a file is not kept, or can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place can't serve now, or the content broke off; the same may succeed later. Nothing is kept.
    #[error("kept files are unavailable: {0}")]
    Unavailable(String),
    /// The same can never succeed: a wrong key, a missing right.
    #[error("kept files are refused: {0}")]
    Refused(String),
    /// There is more content than was allowed. Nothing is kept.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

/// The name of a kept file: parts of `a-z A-Z 0-9 _ -` between slashes, at most 512 bytes. What people call their files
/// never becomes one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobName(String);

/// A text that is no [`BlobName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name for a kept file")]
pub struct InvalidName(String);

impl FromStr for BlobName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        let is_name = text.len() <= 512 && text.split('/').all(fits);
        is_name.then(|| Self(text.to_owned())).ok_or_else(|| InvalidName(text.to_owned()))
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Content as it comes, in pieces of any size; an error says why it broke off.
pub type Content = BoxStream<'static, Result<Bytes, String>>;

/// Keeps files.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Keeps content under a name, all of it or nothing, holding about a megabyte of it at a time; returns its size.
    /// What is there already stays as it is: so whoever is not sure whether it is there may do it again.
    ///
    /// # Errors
    /// `TooLarge` if there is more than `at_most`.
    async fn put(&self, name: &BlobName, mime: &str, content: Content, at_most: u64) -> Result<u64, Error>;

    /// Size and content of what is kept under a name; none if nothing is.
    async fn get(&self, name: &BlobName) -> Result<Option<(u64, Content)>, Error>;
}

/// Adds a piece to what was counted.
fn count(size: &mut u64, piece: &Bytes, at_most: u64) -> Result<(), Error> {
    *size += piece.len() as u64;
    if *size > at_most { Err(Error::TooLarge(at_most)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["operations/6f9619ff/aB3-_", "a"] {
            assert_eq!(name.parse::<BlobName>().unwrap().to_string(), name);
        }
        for name in
            ["", "/a", "a/", "a//b", "..", "a/../b", "a.b", "a b", "a\\b", "a\0", "ä", &"a".repeat(513)]
        {
            assert!(name.parse::<BlobName>().is_err(), "{name}");
        }
    }
}
