//! Who lives at a database file: each process keeps a file beside it locked, and the system lets go of it at death.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

const DOOR: &str = "opening";

/// This process at this store, alive as long as this value.
pub(super) struct Alive {
    directory: PathBuf,
    name: String,
    _locked: File,
}

/// Held by the one process that is opening the store; the others wait.
pub(super) struct Opening {
    directory: PathBuf,
    _locked: File,
}

impl Opening {
    /// Waits until nobody else is opening this database. SQLite alone does not suffice: two processes that turn a new
    /// file to WAL at once may both be told `SQLITE_BUSY`, busy handler or not.
    pub(super) fn wait(database: &Path) -> io::Result<Self> {
        let mut directory = OsString::from(database);
        directory.push(".alive");
        let directory = PathBuf::from(directory);
        fs::create_dir_all(&directory)?;
        let door = open_or_create(&directory.join(DOOR))?;
        door.lock()?;
        Ok(Self { directory, _locked: door })
    }

    /// Begins a life under a new name, and clears away what the dead left.
    pub(super) fn enter(&self) -> io::Result<Alive> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if !path.ends_with(DOOR) {
                remove_if_dead(&path);
            }
        }
        let name = dice();
        let file = open_or_create(&self.directory.join(&name))?;
        file.lock()?;
        Ok(Alive { directory: self.directory.clone(), name, _locked: file })
    }
}

impl Alive {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Is the process of this name dead for certain? A name that no store of this kind gave is not ours to judge.
    pub(super) fn is_dead(&self, name: &str) -> bool {
        name != self.name && Uuid::try_parse(name).is_ok() && remove_if_dead(&self.directory.join(name))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // If it can't be removed now, whoever asks or opens next does it.
        let _ = fs::remove_file(self.directory.join(&self.name));
    }
}

/// Nobody holds this file's lock, or it is gone: then its owner is dead, and the file goes too.
fn remove_if_dead(path: &Path) -> bool {
    match File::open(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                let _ = fs::remove_file(path);
                true
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

#[expect(clippy::disallowed_methods, reason = "the name of a process at its store is no part of any script")]
fn dice() -> String {
    Uuid::new_v4().simple().to_string()
}
