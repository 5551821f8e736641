//! Where changes come from: an account, part by part, or the app's own store.

use super::{
    Feed, Place,
    checkpoints::Checkpoints,
    cosmos::{self, Range},
    embedded::Embedded,
};
use crate::dev::host::{json::Json, running::Running};

/// Some documents that changed, in order, and where to go on after them.
#[derive(Debug)]
pub(super) struct Page {
    /// None if nothing has changed.
    pub(super) documents: Vec<Json>,
    pub(super) next: String,
}

/// A part of a feed: within it changes come in order.
pub(super) enum Source {
    Embedded(Embedded),
    Account(Box<Range>),
}

impl Source {
    /// Finds the parts of a feed, each with its name, to go on in each from its checkpoint.
    ///
    /// # Errors
    /// For people. It may be tried again.
    pub(super) async fn open(
        feed: &Feed,
        running: &Running,
        checkpoints: &Checkpoints,
    ) -> Result<Vec<(String, Self)>, String> {
        let parts = checkpoints.parts();
        match &feed.place {
            Place::Embedded { file, container } => {
                // The handler reads the path from its own folder.
                let file = running.app.handler.directory.join(file);
                let clock = running.journal.clock().clone();
                let (part, source) = Embedded::open(&file, *container, feed, clock, &parts)?;
                Ok(vec![(part, Self::Embedded(source))])
            }
            Place::Account(account) => {
                let ranges = cosmos::open(account, feed, parts).await.map_err(|e| e.to_string())?;
                let boxed = |(part, range)| (part, Self::Account(Box::new(range)));
                Ok(ranges.into_iter().map(boxed).collect())
            }
        }
    }

    /// The changes after those that it gave before.
    ///
    /// # Errors
    /// For people. It may be asked again, and goes on where it was.
    pub(super) async fn next(&mut self) -> Result<Page, String> {
        match self {
            Self::Embedded(store) => store.next().await.map_err(|e| e.to_string()),
            Self::Account(range) => range.next().await.map_err(|e| e.to_string()),
        }
    }
}
