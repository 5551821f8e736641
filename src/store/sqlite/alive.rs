//! Who lives at a database file: each process keeps a file beside it locked, and the system lets go of it at death. In it
//! stands what the process dared last: perhaps it died over it.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use uuid::Uuid;

const DOOR: &str = "opening";
/// A line holds one name.
const LINE: usize = 64;
/// So many lines a file has, the oldest of which is written over. What so many others began after is either over, or its
/// process hangs and begins nothing more.
const LINES: u64 = 256;
/// So many names of the dead are remembered: those of the last deaths.
const MOST_SUSPECTS: usize = 8 * LINES as usize;

/// This process at this store, alive as long as this value.
pub(super) struct Alive {
    directory: PathBuf,
    name: String,
    locked: File,
    dared: AtomicU64,
    /// What the dead dared last.
    suspects: Mutex<HashSet<String>>,
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
        let mut suspects = HashSet::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if !path.ends_with(DOOR) {
                remove_if_dead(&path, &mut suspects);
            }
        }
        let name = dice();
        let locked = open_or_create(&self.directory.join(&name))?;
        locked.lock()?;
        let (directory, suspects) = (self.directory.clone(), Mutex::new(suspects));
        Ok(Alive { directory, name, locked, dared: AtomicU64::new(0), suspects })
    }
}

impl Alive {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Is the process of this name dead for certain? A name that no store of this kind gave is not ours to judge.
    pub(super) fn is_dead(&self, name: &str) -> bool {
        name != self.name
            && Uuid::try_parse(name).is_ok()
            && remove_if_dead(&self.directory.join(name), &mut self.suspects())
    }

    /// May this process try something, by its name, that will leave no trace if it dies over it? It is noted where the
    /// next process finds it, and then dared no more, once. The note outlives the process, not the machine.
    pub(super) fn dares(&self, what: &str) -> bool {
        if what.len() >= LINE || self.suspects().remove(what) {
            return false;
        }
        let mut line = [b'\n'; LINE];
        line[..what.len()].copy_from_slice(what.as_bytes());
        let place = self.dared.fetch_add(1, Relaxed) % LINES;
        self.locked.write_all_at(&line, place * LINE as u64).is_ok()
    }

    fn suspects(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.suspects.lock().expect("nobody panics while holding the suspects")
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // If it can't be removed now, whoever asks or opens next does it.
        let _ = fs::remove_file(self.directory.join(&self.name));
    }
}

/// Nobody holds this file's lock, or it is gone: then its owner is dead, and the file goes too. What it dared last is
/// suspect.
fn remove_if_dead(path: &Path, suspects: &mut HashSet<String>) -> bool {
    match File::open(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                if suspects.len() >= MOST_SUSPECTS {
                    suspects.clear();
                }
                let lines = fs::read_to_string(path).unwrap_or_default();
                suspects.extend(lines.lines().filter(|line| !line.is_empty()).map(str::to_owned));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that has died over these, as it is found.
    fn dead(directory: &Path, over: &[&str]) -> String {
        let name = dice();
        fs::write(directory.join(&name), over.join("\n\n")).unwrap();
        name
    }

    #[test]
    fn what_somebody_died_over_is_not_dared_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let opening = Opening::wait(&folder.path().join("store.db")).unwrap();
        dead(&opening.directory, &["tg:a:1", "tg:a:2"]);
        let alive = opening.enter().unwrap();
        assert_eq!(
            ["tg:a:1", "tg:a:1", "tg:a:2", "tg:a:3"].map(|input| alive.dares(input)),
            [false, true, false, true]
        );
        let neighbour = dead(&opening.directory, &["tg:a:4"]);
        assert!(alive.is_dead(&neighbour));
        assert!(!alive.dares("tg:a:4"), "a neighbour died over it");
        assert!(!alive.dares(&"x".repeat(LINE)), "there is no room for it");
    }

    #[test]
    fn the_last_that_were_dared_stand_in_the_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let opening = Opening::wait(&folder.path().join("store.db")).unwrap();
        let alive = opening.enter().unwrap();
        assert!((0..LINES + 2).all(|n| alive.dares(&format!("tg:a:{n}"))));
        let mut found = HashSet::new();
        // As the system does at death.
        alive.locked.unlock().unwrap();
        assert!(remove_if_dead(&opening.directory.join(alive.name()), &mut found));
        let expected: HashSet<String> = (2..LINES + 2).map(|n| format!("tg:a:{n}")).collect();
        assert_eq!(found, expected);
    }
}
