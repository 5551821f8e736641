//! Reference data: each instance keeps what it has seen, and asks only for what is newer.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Error, Runtime, documents::position_id};
use crate::{
    engine::{Table, Wanted},
    model::{Area, BotSlug, ConversationId, Ground, Person, PersonId, Position, Timestamp},
    store::{self, Batch, Container, Continuation, DocumentId, Draft, Store, Write},
};

/// What an instance has seen of the reference containers. Any number of instances may each have their own: what one
/// writes, the others hear of when what they know is older than the bound.
#[derive(Default)]
pub(super) struct Reference {
    people: Mutex<Seen>,
    areas: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Where the changes go on that have not been read.
    after: Option<Continuation>,
    /// When they were last read.
    as_of: Option<Timestamp>,
    /// By partition and id.
    documents: BTreeMap<(String, String), Value>,
}

/// So many changes are read at once.
const PAGE: usize = 500;

impl Runtime {
    /// The reference data that a script asks for, in the order of its ids. People are those who have talked to this bot.
    /// A store without areas gets those that come with the app; one that got only the first of them, because whoever
    /// brought them died over it, gets the rest.
    pub(super) async fn look_up(&self, wanted: &Wanted, bot: &BotSlug) -> Result<Value, Error> {
        match wanted.what.as_str() {
            "whereabouts" => self.whereabouts(wanted.of.as_ref()).await,
            "people" => {
                let mut people = self.parts.reference.people.lock().await;
                self.refresh::<Person>(Container::People, &mut people).await?;
                Ok(people.of(|partition| partition == bot.as_str()))
            }
            "areas" => {
                let mut areas = self.parts.reference.areas.lock().await;
                self.refresh::<Area>(Container::Areas, &mut areas).await?;
                let seed = self.table().own_reference("areas");
                if is_to_be_sown(seed, areas.documents.values()) {
                    sow(self.store().as_ref(), seed).await?;
                    areas.as_of = None;
                    self.refresh::<Area>(Container::Areas, &mut areas).await?;
                }
                Ok(areas.of(|_| true))
            }
            "languages" => Ok(json!(self.table().locales().languages())),
            other => {
                let why = format!(
                    "there is no reference data `{other}` (known: areas, languages, people, whereabouts)"
                );
                Err(Error::Data(why))
            }
        }
    }

    /// Where somebody was last; null if they have not told lately.
    async fn whereabouts(&self, of: Option<&ConversationId>) -> Result<Value, Error> {
        let Some(id) = of else { return Ok(Value::Null) };
        let read = self.store().read(Container::Conversations, &id.to_string(), &position_id()).await?;
        let position: Option<Position> = read.map(|document| document.parse()).transpose()?;
        let now = self.store().now();
        Ok(json!(position.filter(|position| position.is_recent(now))))
    }

    /// Somebody who has talked to this bot in private, as far as this instance knows. A store that can't tell now has
    /// nobody wait for it: Telegram tells a name and a language, too.
    pub(super) async fn known_person(&self, bot: &BotSlug, person: PersonId) -> Option<Person> {
        let mut people = self.parts.reference.people.lock().await;
        if let Err(why) = self.refresh::<Person>(Container::People, &mut people).await {
            tracing::warn!(%bot, %why, "people are known by what Telegram tells");
        }
        let known = people.documents.get(&(bot.to_string(), person.to_string()))?;
        Person::deserialize(known).ok()
    }

    /// This instance has written about people itself: it need not wait to hear of it.
    pub(super) async fn has_met_somebody(&self) {
        self.parts.reference.people.lock().await.as_of = None;
    }

    /// Reads what is newer than what was seen, unless that is young enough.
    async fn refresh<T: DeserializeOwned>(&self, container: Container, seen: &mut Seen) -> Result<(), Error> {
        let now = self.store().now();
        if seen.as_of.is_some_and(|as_of| is_young(now - as_of, self.settings().reference_max_age)) {
            return Ok(());
        }
        loop {
            let (changes, after) = self.store().changes(container, seen.after.clone(), PAGE).await?;
            let is_all = changes.is_empty();
            for change in changes {
                let (partition, id) = (change.partition, change.document.id.to_string());
                match change.document.parse::<Value>().and_then(|value| typed::<T>(&id, value)) {
                    Ok(value) => drop(seen.documents.insert((partition, id), value)),
                    // One document that somebody spoiled must not keep all scripts from going on.
                    Err(why) => tracing::error!(container = container.name(), %why, "left out"),
                }
            }
            seen.after = Some(after);
            if is_all {
                seen.as_of = Some(now);
                return Ok(());
            }
        }
    }
}

impl Seen {
    fn of(&self, partition: impl Fn(&str) -> bool) -> Value {
        let documents = self.documents.iter().filter(|((of, _), value)| partition(of) && !is_deleted(value));
        let by_id: BTreeMap<&String, &Value> = documents.map(|((_, id), value)| (id, value)).collect();
        by_id.into_values().cloned().collect()
    }
}

/// A clock that was set back makes everything old.
fn is_young(age: TimeDelta, most: Duration) -> bool {
    age.to_std().is_ok_and(|age| age < most)
}

/// The document as it is, if it can be read as what it should be. What else it says is kept: a team's own areas may
/// say more than ours.
fn typed<T: DeserializeOwned>(id: &str, value: Value) -> Result<Value, store::Error> {
    if is_deleted(&value) {
        return Ok(value);
    }
    match T::deserialize(&value) {
        Ok(_) => Ok(value),
        Err(why) => Err(store::Error::Refused(format!("document `{id}`: {why}"))),
    }
}

/// The change feed tells of no deletion, so a document that is to go stays, and says so.
fn is_deleted(document: &Value) -> bool {
    document.get("deleted") == Some(&Value::Bool(true))
}

/// Is there nothing but the first of what comes with the app, as it came, or nothing at all? Then nobody has chosen areas
/// for this store, and whoever sowed may have died over it.
fn is_to_be_sown<'a>(seed: &[Value], found: impl ExactSizeIterator<Item = &'a Value>) -> bool {
    let (first, missing) = seed.split_at(seed.len().min(found.len()));
    !missing.is_empty() && found.into_iter().all(|area| first.contains(area))
}

/// Puts what comes with the app into a store that lacks it, in its order. Whatever another instance put there meanwhile stays.
async fn sow(store: &dyn Store, seed: &[Value]) -> Result<(), Error> {
    for area in seed {
        let id = area_id(area)?;
        let batch = of_area(id.clone(), Write::Create(id, Draft::of(area)));
        match store.commit(vec![batch]).await {
            Ok(_) | Err(store::Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Every area that the store holds, in the order of the store; one without any begins with the app's, all of them.
///
/// # Errors
/// The store fails.
pub async fn areas(store: &dyn Store, table: &Table) -> Result<Vec<Value>, Error> {
    let mut found = stored_areas(store).await?;
    let seed = table.own_reference("areas");
    if is_to_be_sown(seed, found.iter()) {
        sow(store, seed).await?;
        found = stored_areas(store).await?;
    }
    found.retain(|area| !is_deleted(area));
    Ok(found)
}

/// Those that were taken away included.
async fn stored_areas(store: &dyn Store) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(Container::Areas, after, PAGE).await?;
        for located in page.documents {
            found.push(located.document.parse()?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Adds areas, or replaces those of the same `id`. All are looked at before any is written; done twice, it is done once.
///
/// # Errors
/// `Data` names the first that is no area; or the store fails, after some were written.
pub async fn put_areas(store: &dyn Store, areas: &[Value]) -> Result<(), Error> {
    let mut batches = Vec::with_capacity(areas.len());
    for area in areas {
        let id = area_id(area)?;
        typed::<Area>(id.as_str(), area.clone())?;
        check_ground(&id, area)?;
        batches.push(of_area(id.clone(), Write::Upsert(id, Draft::of(area))));
    }
    store.commit(batches).await?;
    Ok(())
}

/// An area has a place, or none: half a one would never be near anybody, and nobody would know why.
fn check_ground(id: &DocumentId, area: &Value) -> Result<(), Error> {
    let ground = Area::deserialize(area).ok().and_then(|area| area.ground);
    let on_earth = ground.is_some_and(|Ground { middle, radius_m }| {
        middle.latitude.abs() <= 90.0 && middle.longitude.abs() <= 180.0 && radius_m >= 0.0
    });
    if on_earth || ["latitude", "longitude", "radius_m"].iter().all(|field| area.get(field).is_none()) {
        return Ok(());
    }
    let rule = "needs `latitude` and `longitude` in degrees and `radius_m` in metres, or none of them";
    Err(Error::Data(format!("the area `{id}` {rule}")))
}

/// Takes an area away. Where a workflow speaks of it, it stays. Is false if there is none of this id.
///
/// # Errors
/// The store fails.
pub async fn remove_area(store: &dyn Store, id: &str) -> Result<bool, Error> {
    let id: DocumentId = id.parse()?;
    let Some(document) = store.read(Container::Areas, id.as_str(), &id).await? else { return Ok(false) };
    let mut area: Value = document.parse()?;
    if is_deleted(&area) {
        return Ok(false);
    }
    area["deleted"] = true.into();
    let gone = Write::Replace(id.clone(), document.etag, Draft::of(&area));
    store.commit(vec![of_area(id, gone)]).await?;
    Ok(true)
}

fn of_area(id: DocumentId, write: Write) -> Batch {
    Batch { container: Container::Areas, partition: id.to_string(), writes: vec![write] }
}

fn area_id(area: &Value) -> Result<DocumentId, Error> {
    let id = area.get("id").and_then(Value::as_str);
    Ok(id.ok_or_else(|| Error::Data(format!("an area needs a text `id`: {area}")))?.parse()?)
}
