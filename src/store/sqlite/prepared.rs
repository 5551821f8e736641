//! The statements of the connection that writes, each prepared when it is first needed and kept.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, Params, Row, Statement};

/// A connection with its statements. They are known by where their text stands: to look a text up takes a good part of
/// the time that executing it takes.
pub(super) struct Prepared<'c> {
    pub(super) connection: &'c Connection,
    kept: HashMap<*const u8, Statement<'c>>,
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, kept: HashMap::new() }
    }

    /// How many rows it has changed.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        parameters: impl Params,
    ) -> Result<usize, rusqlite::Error> {
        self.statement(sql)?.execute(parameters)
    }

    /// The first row that it gives.
    pub(super) fn row<T>(
        &mut self,
        sql: &'static str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        self.statement(sql)?.query_row(parameters, read)
    }

    fn statement(&mut self, sql: &'static str) -> Result<&mut Statement<'c>, rusqlite::Error> {
        Ok(match self.kept.entry(sql.as_ptr()) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(free) => free.insert(self.connection.prepare(sql)?),
        })
    }
}
