//! How far a function has come in a feed: what Azure keeps in the container of leases is a file here.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};

use crate::dev::host::whole;

/// What is remembered, in `feeds/<function>.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// What was followed: another feed begins anew.
    feed: String,
    /// Where to go on in each part of it.
    parts: BTreeMap<String, String>,
}

/// The checkpoints of one function. As long as they are held, nobody else can: no other host on the same folder, and no
/// other generation of the same app.
pub(super) struct Checkpoints {
    file: PathBuf,
    kept: Mutex<Kept>,
    /// Let go of when dropped, and when the process ends in whatever way.
    _lease: File,
}

impl Checkpoints {
    /// Takes hold of the checkpoints of a function that follows this feed; none while somebody else holds them.
    pub(super) fn take(data: &Path, function: &str, feed: String) -> io::Result<Option<Self>> {
        let folder = data.join("feeds");
        fs::create_dir_all(&folder)?;
        let lease = File::create(folder.join(format!("{function}.lock")))?;
        match lease.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e),
        }
        let file = folder.join(format!("{function}.json"));
        let kept = read(&file).filter(|kept| kept.feed == feed);
        let kept = kept.unwrap_or_else(|| Kept { feed, ..Kept::default() });
        Ok(Some(Self { file, kept: kept.into(), _lease: lease }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics while holding checkpoints")
    }

    /// The parts in which the function has come anywhere, and where.
    pub(super) fn parts(&self) -> BTreeMap<String, String> {
        self.kept().parts.clone()
    }

    /// From now on the function goes on here, also after a restart.
    ///
    /// # Errors
    /// The file could not be written: after a restart it goes on where it was before.
    pub(super) fn set(&self, part: &str, place: &str) -> io::Result<()> {
        let mut kept = self.kept();
        if kept.parts.get(part).is_some_and(|old| old == place) {
            return Ok(());
        }
        kept.parts.insert(part.to_owned(), place.to_owned());
        whole::write(&self.file, &*kept)
    }
}

fn read(file: &Path) -> Option<Kept> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_goes_on_where_the_one_before_was() {
        let data = tempfile::tempdir().unwrap();
        let take = |feed: &str| Checkpoints::take(data.path(), "f", feed.to_owned()).unwrap();
        let first = take("a").unwrap();
        first.set("0", "7").unwrap();
        assert!(take("a").is_none());
        drop(first);
        assert_eq!(take("a").unwrap().parts(), BTreeMap::from([("0".to_owned(), "7".to_owned())]));
        assert!(take("b").unwrap().parts().is_empty(), "another feed begins anew");
    }
}
