//! Connections to the database file: made, set up, and lent to readers.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::statements::in_table_of;
use crate::store::{Container, Error};

/// `BKLN`, so that another program's database is never taken for ours.
const APPLICATION: i32 = 0x424B_4C4E;
const SCHEMA: i32 = 1;
/// How long a connection waits for the lock of another process.
const PATIENCE_MS: i32 = 10_000;
/// Above this many idle readers, one that comes back is closed.
const IDLE_READERS: usize = 8;

/// Opens the connection that writes, making the file and its tables where they are missing.
///
/// # Errors
/// `Refused` if the file is no database, another program's, or a newer version's, or lies where there can be no
/// write-ahead log (<https://www.sqlite.org/wal.html>: all who use it must share memory).
pub(super) fn for_writing(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    set_up(&mut connection)?;
    check_owner(&connection)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::Refused(format!(
            "SQLite can't keep a write-ahead log there, only `{mode}`: choose a file on a disk of this machine"
        )));
    }
    // What is more than that has a thread of its own, see `syncs.rs`.
    connection.pragma_update(None, "synchronous", "normal")?;
    // Checkpoints have a thread of their own, see `checkpoints.rs`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Above what the log grows to before it begins anew: to give room back and take it again costs more than to keep it.
    connection.pragma_update(None, "journal_size_limit", 128 << 20)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    // Savepoints keep what they would undo: in memory, not in a file.
    connection.pragma_update(None, "temp_store", "memory")?;
    make_tables(&mut connection)?;
    Ok(connection)
}

/// In one transaction, so that a process that is killed meanwhile leaves nothing that looks like a stranger's file.
fn make_tables(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let making = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for container in Container::ALL {
        making.execute_batch(&in_table_of(container, include_str!("../schema.sql")))?;
    }
    making.pragma_update(None, "application_id", APPLICATION)?;
    making.pragma_update(None, "user_version", SCHEMA)?;
    making.commit()
}

/// Opens a further connection to a file that is already prepared.
pub(super) fn another(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    set_up(&mut connection)?;
    Ok(connection)
}

/// What every connection needs.
pub(super) fn set_up(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(128);
    // Otherwise each call with another value in a range plans its statement anew, which costs four times the call
    // (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigenableqpsg).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // In even, short naps: SQLite's own waits grow to 100 ms, which starves whoever came second.
    connection.busy_handler(Some(|tries| {
        thread::sleep(Duration::from_millis(1));
        tries < PATIENCE_MS
    }))
}

fn check_owner(connection: &Connection) -> Result<(), Error> {
    // Counted first: whoever sees tables of ours then sees our mark as well.
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, schema) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION && objects > 0 {
        return Err(Error::Refused("it is a database of another program".into()));
    }
    if schema > SCHEMA {
        return Err(Error::Refused(format!(
            "it was written by a newer version (schema {schema}; this one knows {SCHEMA}): use that one"
        )));
    }
    Ok(())
}

/// Connections that read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads on the thread of the caller: what the store is asked is answered from an index in microseconds, less
    /// than handing it to another thread would cost.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle.lock().expect("nobody panics while holding the list").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let answer = read(&connection);
        let mut idle = self.idle.lock().expect("nobody panics while holding the list");
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        answer
    }

    fn open(&self) -> Result<Connection, rusqlite::Error> {
        let connection = another(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        // Each commit empties a reader's cache anyway.
        connection.pragma_update(None, "cache_size", -512)?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_write_ahead_log_there_is_no_store() {
        // SQLite keeps this in memory, where there is no log.
        let refused = for_writing(Path::new(":memory:")).err().unwrap();
        assert!(matches!(&refused, Error::Refused(why) if why.contains("only `memory`")), "{refused}");
    }
}
