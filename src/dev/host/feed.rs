//! The Cosmos DB trigger as function.json tells it: the changes of which container, from where on, how many at once.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-cosmosdb-v2-trigger#configuration>

mod checkpoints;
mod cosmos;
mod document;
mod embedded;
mod follower;
mod source;

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use chrono::DateTime;

pub(super) use self::{document::batch, follower::run};
use super::{
    json::Json,
    settings::{self, Settings},
};
use crate::{
    config::{self, Mistakes},
    model::Timestamp,
    store::{Container, CosmosSettings},
};

/// What the connection is called where function.json names none.
const CONNECTION: &str = "CosmosDB";
/// What the container of leases is called where function.json names none.
const LEASES: &str = "leases";
/// What the names of today were called before version 4 of the extension.
const RENAMED: [(&str, &str); 6] = [
    ("connectionStringSetting", "connection"),
    ("collectionName", "containerName"),
    ("leaseCollectionName", "leaseContainerName"),
    ("leaseCollectionPrefix", "leaseContainerPrefix"),
    ("createLeaseCollectionIfNotExists", "createLeaseContainerIfNotExists"),
    ("leasesCollectionThroughput", "leasesContainerThroughput"),
];

/// The feed that a function follows.
#[derive(Debug)]
pub(super) struct Feed {
    /// The container whose changes are brought.
    pub(super) container: String,
    /// The container of leases, and the prefix of this function's.
    leases: (String, String),
    place: Place,
    start: Start,
    /// So many documents come at once; if it is not said, as many as make a page.
    most: Option<NonZeroU32>,
    /// How long to wait when nothing has changed.
    pause: Duration,
}

/// Where the container lies.
#[derive(Debug)]
enum Place {
    /// In a Cosmos DB account.
    Account(CosmosSettings),
    /// In the app's own embedded store.
    Embedded { file: PathBuf, container: Container },
}

/// Where a function begins that has not come anywhere yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Now,
    Beginning,
    At(Timestamp),
}

impl Feed {
    /// Reads the trigger's binding.
    pub(super) fn read(binding: &Json, settings: &Settings) -> Result<Self> {
        for (old, new) in RENAMED {
            if binding.member(old).is_some() {
                bail!("`{old}` is the name of before version 4 of the extension: call it `{new}`");
            }
        }
        let text = |key: &str| -> Result<Option<String>> {
            let text = binding.member(key).and_then(Json::text).filter(|text| !text.is_empty());
            text.map(|text| settings::resolve(text, settings)).transpose()
        };
        let wanted = |key: &str| text(key)?.with_context(|| format!("its trigger has no `{key}`"));
        let (database, container) = (wanted("databaseName")?, wanted("containerName")?);
        let leases = text("leaseContainerName")?.unwrap_or_else(|| LEASES.to_owned());
        let own_database = text("leaseDatabaseName")?.is_none_or(|leases| leases == database);
        if leases == container && own_database && text("leaseConnection")?.is_none() {
            bail!("`containerName` and `leaseContainerName` are both `{container}`: leases need another one");
        }
        let connection = text("connection")?.unwrap_or_else(|| CONNECTION.to_owned());
        let leases = (leases, text("leaseContainerPrefix")?.unwrap_or_default());
        Self {
            place: Place::find(&connection, &database, &container, settings)?,
            start: Start::read(binding, text("startFromTime")?)?,
            most: number(binding, "maxItemsPerInvocation")?.and_then(NonZeroU32::new),
            pause: Duration::from_millis(number(binding, "feedPollDelay")?.unwrap_or(5000).into()),
            leases,
            container,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        if matches!((&self.place, self.start), (Place::Embedded { .. }, Start::At(_))) {
            bail!("`startFromTime` needs Cosmos DB: the embedded store does not know when it was written to");
        }
        Ok(self)
    }

    /// What is followed with which leases. On Azure, functions for which it is the same share the changes among them, and
    /// one for which it changes begins anew.
    pub(super) fn identity(&self) -> String {
        let Self { container, leases: (leases, prefix), .. } = self;
        let place = match &self.place {
            Place::Account(account) => format!("{}{}/{container}", account.endpoint, account.database),
            Place::Embedded { file, .. } => format!("sqlite:{}/{container}", file.display()),
        };
        format!("{place} by {leases}/{prefix}")
    }
}

impl Place {
    fn find(connection: &str, database: &str, container: &str, settings: &Settings) -> Result<Self> {
        let spelled = spelled(connection, settings);
        let account = config::cosmos(settings, spelled, database)
            .map_err(|Mistakes(mistakes)| anyhow!(mistakes.join("; ")))?;
        if let Some(account) = account {
            return Ok(Self::Account(account));
        }
        let store = settings::setting(settings, "STORE").unwrap_or_default();
        let Some(file) = store.strip_prefix("sqlite:") else {
            bail!(
                "its connection `{connection}` is not set: set `{connection}` (a connection string) or `{connection}__accountEndpoint` (with an identity)"
            );
        };
        let known = Container::ALL.map(Container::name);
        let Some(container) = Container::ALL.into_iter().find(|known| known.name() == container) else {
            bail!(
                "the store has no container `{container}`: it has {}; to follow one of a Cosmos DB account, set `{connection}`",
                known.join(", ")
            );
        };
        Ok(Self::Embedded { file: file.into(), container })
    }
}

/// A connection's name as the settings spell it: the host compares it without case.
fn spelled<'a>(connection: &'a str, settings: &'a Settings) -> &'a str {
    let mut names = settings.keys().map(|name| name.split("__").next().unwrap_or_default());
    names.find(|name| name.eq_ignore_ascii_case(connection)).unwrap_or(connection)
}

impl Start {
    fn read(binding: &Json, time: Option<String>) -> Result<Self> {
        let from_beginning = binding.member("startFromBeginning").and_then(Json::truth).unwrap_or(false);
        match time {
            Some(_) if from_beginning => {
                bail!("`startFromBeginning` and `startFromTime` exclude one another: remove one")
            }
            Some(time) => {
                let at = DateTime::parse_from_rfc3339(&time)
                    .or_else(|_| DateTime::parse_from_rfc3339(&format!("{time}Z")))
                    .with_context(|| {
                        format!("`startFromTime` is `{time}`: it must be a time like 2026-02-16T14:19:29Z")
                    })?;
                Ok(Self::At(at.to_utc()))
            }
            None if from_beginning => Ok(Self::Beginning),
            None => Ok(Self::Now),
        }
    }
}

fn number(binding: &Json, key: &str) -> Result<Option<u32>> {
    let Some(value) = binding.member(key) else { return Ok(None) };
    let number = value.integer().and_then(|number| u32::try_from(number).ok());
    number.map(Some).with_context(|| format!("`{key}` is {}: it must be a whole number", value.compact()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(binding: &str, settings: &[(&str, &str)]) -> Result<Feed, String> {
        let binding = format!(
            r#"{{"databaseName": "db", "containerName": "events", "connection": "Account", {binding}"#
        );
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Feed::read(&Json::parse_whole(&binding).unwrap(), &settings).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn a_connection_that_is_set_leads_to_an_account_and_none_to_the_store() {
        let account = ("account__accountEndpoint", "https://x.documents.azure.com:443/");
        let feed = read("\"feedPollDelay\": 7}", &[account, ("STORE", "sqlite:x.db")]).unwrap();
        assert!(matches!(feed.place, Place::Account(_)));
        assert_eq!(feed.identity(), "https://x.documents.azure.com/db/events by leases/");
        assert_eq!((feed.pause, feed.most, feed.start), (Duration::from_millis(7), None, Start::Now));
        let feed =
            read(r#""leaseContainerPrefix": "a", "maxItemsPerInvocation": 3}"#, &[("STORE", "sqlite:x.db")])
                .unwrap();
        assert!(matches!(feed.place, Place::Embedded { container: Container::Events, .. }));
        assert_eq!(feed.identity(), "sqlite:x.db/events by leases/a");
        assert_eq!(feed.most, NonZeroU32::new(3));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_do() {
        let store = [("STORE", "sqlite:x.db")];
        for (binding, words) in [
            (r#""leaseContainerPrefix": "%NONE%"}"#, "add `NONE`"),
            (r#""maxItemsPerInvocation": -1}"#, "`maxItemsPerInvocation` is -1"),
            (r#""startFromTime": "yesterday"}"#, "2026-02-16T14:19:29Z"),
            (r#""startFromTime": "2026-02-16T14:19:29", "startFromBeginning": true}"#, "exclude one another"),
            (r#""startFromTime": "2026-02-16T14:19:29"}"#, "needs Cosmos DB"),
            (r#""leaseContainerName": "events"}"#, "leases need another one"),
            (r#""collectionName": "x"}"#, "call it `containerName`"),
        ] {
            let why = read(binding, &store).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        let why = read("\"x\": 1}", &[]).unwrap_err();
        assert!(why.contains("`Account__accountEndpoint`"), "{why}");
        let why = read("\"x\": 1}", &[("Account", "AccountKey=sesame")]).unwrap_err();
        assert!(why.contains("AccountEndpoint") && !why.contains("sesame"), "{why}");
    }
}
