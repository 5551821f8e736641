//! The database as it must be: made where it is missing, looked at where it is there.

use azure_data_cosmos::{
    CosmosError,
    clients::DatabaseClient,
    models::{ContainerProperties, TimeToLive},
};

use super::{
    CosmosSettings, PATIENCE,
    connection::{Trouble, connect, consistency},
    containers::{Layout, properties},
    failure::failed,
};
use crate::store::{Container, Error};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: `account`, `database …`, `container …`.
    pub what: String,
    /// How it is.
    pub state: State,
}

/// How a thing was found, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it must be.
    Fine,
    /// It was missing and has been made.
    Created,
    /// It is missing.
    Missing,
    /// It is there and must not be like that; what is wrong and how it is mended, for people.
    Wrong(String),
}

impl State {
    /// Can Backline work with it?
    #[must_use]
    pub fn is_fine(&self) -> bool {
        matches!(self, Self::Fine | Self::Created)
    }
}

/// Makes the database and the containers that are missing, and looks at those that are there; never changes them.
/// Doing it twice changes nothing. An identity may not do it (Azure lets only keys and deployments make containers:
/// <https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-roles>).
///
/// # Errors
/// The account does not answer or does not let us.
pub async fn provision(settings: &CosmosSettings) -> Result<Vec<Finding>, Error> {
    inspect(settings, Absent::Make).await
}

/// Looks at everything and changes nothing.
///
/// # Errors
/// As [`provision`].
pub async fn verify(settings: &CosmosSettings) -> Result<Vec<Finding>, Error> {
    inspect(settings, Absent::Tell).await
}

/// What to do about what is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Make,
    Tell,
}

async fn inspect(settings: &CosmosSettings, absent: Absent) -> Result<Vec<Finding>, Error> {
    let client = connect(settings, PATIENCE, None).await?;
    let database = client.database_client(settings.database.as_str());
    let mut there = true;
    let account = match consistency(&database, PATIENCE).await {
        Ok(()) => State::Fine,
        Err(Trouble::Weak) => State::Wrong(super::connection::NOT_STRONG.into()),
        Err(Trouble::Other(error)) if error.status().is_not_found() => State::Fine,
        Err(Trouble::Other(error)) => return Err(failed("show the database", &error)),
    };
    let mut findings = vec![Finding { what: "account".into(), state: account }];

    let what = format!("database `{}`", settings.database);
    let state = match database.read(None).await {
        Ok(_) => State::Fine,
        Err(error) if !error.status().is_not_found() => return Err(failed("show the database", &error)),
        Err(_) if absent == Absent::Tell => {
            there = false;
            State::Missing
        }
        Err(_) => made(client.create_database(&settings.database, None).await)?,
    };
    findings.push(Finding { what, state });

    for container in Container::ALL {
        let state = if there { look(&database, container, absent).await? } else { State::Missing };
        findings.push(Finding { what: format!("container `{}`", container.name()), state });
    }
    Ok(findings)
}

async fn look(database: &DatabaseClient, container: Container, absent: Absent) -> Result<State, Error> {
    let found = match database.container_client(container.name(), None).await {
        Ok(client) => client.read(None).await.and_then(|answer| answer.into_model()),
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => Ok(judge(container, &found)),
        Err(error) if !error.status().is_not_found() => Err(failed("show a container", &error)),
        Err(_) if absent == Absent::Tell => Ok(State::Missing),
        Err(_) => made(database.create_container(properties(container), None).await),
    }
}

/// Somebody else may have made it meanwhile.
fn made<T>(answer: Result<T, CosmosError>) -> Result<State, Error> {
    match answer {
        Ok(_) => Ok(State::Created),
        Err(error) if error.status().is_conflict() => Ok(State::Fine),
        Err(error) => Err(failed("make what is missing", &error)),
    }
}

/// Is the container as documents and queries need it?
fn judge(container: Container, found: &ContainerProperties) -> State {
    let layout = Layout::of(container);
    let path = layout.partition_path();
    if found.partition_key.paths() != [path.as_str()] {
        let is = found.partition_key.paths().join(", ");
        return State::Wrong(format!(
            "its partition key is `{is}` and must be `{path}`; that can't be changed: delete the container and make it anew"
        ));
    }
    match found.default_ttl {
        TimeToLive::NoDefault => {}
        TimeToLive::Seconds(seconds) => {
            return State::Wrong(format!(
                "its documents expire after {seconds} s unless they say otherwise: set the time to live to on, without a default (-1)"
            ));
        }
        _ => {
            return State::Wrong(
                "its time to live is off, so nothing would ever expire: set it to on, without a default (-1)"
                    .into(),
            );
        }
    }
    let indexing = found.indexing_policy.as_ref();
    let mut included: Vec<&str> = indexing
        .into_iter()
        .flat_map(|policy| &policy.included_paths)
        .map(|path| path.path.as_str())
        .collect();
    included.sort_unstable();
    let mut wanted = layout.indexed();
    wanted.sort_unstable();
    let nothing_else =
        indexing.is_some_and(|policy| policy.excluded_paths.iter().any(|path| path.path == "/*"));
    if included != wanted || !nothing_else {
        return State::Wrong(format!(
            "it must index {} and exclude `/*`: set the indexing policy so",
            wanted.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" and ")
        ));
    }
    State::Fine
}
