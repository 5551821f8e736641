//! Remembers the fake's world in an SQLite file, a little later than it happens.
//!
//! Facts are texts under a kind and a key. A thread of its own writes what has gathered as one transaction. Whoever tells
//! somebody that a thing has happened waits for it to be written ([`Keeper::kept`]); nobody else does.

use std::{
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

/// Without a file, everything is forgotten.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    file: Option<(Sender<Order>, JoinHandle<()>)>,
}

#[derive(Debug)]
enum Order {
    Keep(Fact),
    /// Tell when all that was ordered before is written.
    Tell(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Fact {
    kind: &'static str,
    key: String,
    body: Option<Vec<u8>>,
}

/// What a file holds: key and body, by the order of the keys.
pub(super) type Memory = Vec<(String, Vec<u8>)>;

impl Keeper {
    /// Opens the file, made if it is not there. The second part reads what is kept under a kind.
    pub(super) fn open(
        path: &Path,
    ) -> anyhow::Result<(Self, impl Fn(&str) -> anyhow::Result<Memory> + use<>)> {
        let file = Connection::open(path)?;
        file.execute_batch(include_str!("keeper.sql"))?;
        let reader = Connection::open(path)?;
        let (facts, to_write) = channel();
        let thread =
            std::thread::Builder::new().name("fake-telegram".into()).spawn(move || write(file, &to_write))?;
        let read = move |kind: &str| -> anyhow::Result<Memory> {
            let mut facts = reader.prepare("SELECT key, body FROM facts WHERE kind = ? ORDER BY key")?;
            let rows = facts.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        Ok((Self { file: Some((facts, thread)) }, read))
    }

    /// Keeps what `body` gives, instead of what was kept under this key.
    pub(super) fn put(
        &self,
        kind: &'static str,
        key: impl FnOnce() -> String,
        body: impl FnOnce() -> Vec<u8>,
    ) {
        if self.file.is_some() {
            self.tell(Fact { kind, key: key(), body: Some(body()) });
        }
    }

    pub(super) fn remove(&self, kind: &'static str, key: impl FnOnce() -> String) {
        if self.file.is_some() {
            self.tell(Fact { kind, key: key(), body: None });
        }
    }

    /// Waits until all that has happened so far is written: a killed process has not forgotten it.
    pub(super) fn kept(&self) -> impl Future<Output = ()> + Send + use<> {
        let written = self.file.as_ref().map(|(orders, _)| {
            let (tell, written) = oneshot::channel();
            // The thread ends only with the sender, or with an error that it has logged.
            let _ = orders.send(Order::Tell(tell));
            written
        });
        async move {
            if let Some(written) = written {
                let _ = written.await;
            }
        }
    }

    /// Writes what is still to be written.
    pub(super) fn close(&mut self) {
        if let Some((facts, thread)) = self.file.take() {
            drop(facts);
            if thread.join().is_err() {
                tracing::error!("the fake Telegram's state was not written to the end");
            }
        }
    }

    fn tell(&self, fact: Fact) {
        // The thread ends only with the sender, or with an error that it has logged.
        if let Some((facts, _)) = &self.file {
            let _ = facts.send(Order::Keep(fact));
        }
    }
}

fn write(mut file: Connection, orders: &Receiver<Order>) {
    while let Ok(first) = orders.recv() {
        let mut facts = Vec::new();
        let mut waiting = Vec::new();
        for order in std::iter::once(first).chain(orders.try_iter().take(10_000)) {
            match order {
                Order::Keep(fact) => facts.push(fact),
                Order::Tell(tell) => waiting.push(tell),
            }
        }
        if let Err(error) = write_all(&mut file, facts) {
            tracing::error!(%error, "the fake Telegram can't write its state and goes on without it");
            return;
        }
        for tell in waiting {
            // Whoever waited may have gone.
            let _ = tell.send(());
        }
    }
}

fn write_all(file: &mut Connection, facts: Vec<Fact>) -> rusqlite::Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let all = file.transaction()?;
    {
        let mut put =
            all.prepare_cached("INSERT OR REPLACE INTO facts (kind, key, body) VALUES (?, ?, ?)")?;
        let mut remove = all.prepare_cached("DELETE FROM facts WHERE kind = ? AND key = ?")?;
        for Fact { kind, key, body } in facts {
            match body {
                Some(body) => put.execute(params![kind, key, body])?,
                None => remove.execute(params![kind, key])?,
            };
        }
    }
    all.commit()
}
