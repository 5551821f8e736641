//! The changes of a container of the app's own embedded store.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{Feed, Start, document, source::Page};
use crate::{
    model::Clock,
    store::{self, Container, Continuation, Error, Settings, Store, Synchronous},
};

/// The whole container is one part.
const PART: &str = "all";
/// So many documents come at once where nothing else is said: a page of Cosmos DB.
const PAGE: usize = 100;
/// So many are passed over at once by a function that begins now.
const STRIDE: usize = 10_000;

/// A container that is followed.
pub(super) struct Embedded {
    store: Arc<dyn Store>,
    container: Container,
    from_beginning: bool,
    after: Option<Continuation>,
    most: usize,
}

impl Embedded {
    /// Opens the store.
    ///
    /// # Errors
    /// For people.
    pub(super) fn open(
        file: &Path,
        container: Container,
        feed: &Feed,
        clock: Clock,
        parts: &BTreeMap<String, String>,
    ) -> Result<(String, Self), String> {
        // The host writes nothing; how safe a commit is, is for the handler to say.
        let settings = Settings::Sqlite { file: file.to_owned(), synchronous: Synchronous::Full };
        let source = Self {
            store: store::open(&settings, clock).map_err(|e| e.to_string())?,
            container,
            from_beginning: feed.start == Start::Beginning,
            after: parts.get(PART).cloned().map(Continuation),
            most: feed.most.map_or(PAGE, |most| usize::try_from(most.get()).unwrap_or(PAGE)),
        };
        Ok((PART.to_owned(), source))
    }

    pub(super) async fn next(&mut self) -> Result<Page, Error> {
        let begins = self.after.is_none() && !self.from_beginning;
        let most = if begins { STRIDE } else { self.most };
        let mut after = self.after.clone();
        let (changes, next) = loop {
            let (changes, next) = self.store.changes(self.container, after, most).await?;
            if !begins || changes.is_empty() {
                break (changes, next);
            }
            after = Some(next);
        };
        let now = self.store.now();
        let rendered = changes.iter().map(|change| document::of_store(self.container, change, now));
        let documents = rendered.collect::<Result<_, _>>()?;
        self.after = Some(next.clone());
        Ok(Page { documents, next: next.0 })
    }
}
