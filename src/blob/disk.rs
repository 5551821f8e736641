//! Kept files in a folder on this machine.

use std::{
    io::{self, ErrorKind, Seek, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::{io::AsyncReadExt, task::spawn_blocking};

use super::{BlobName, Blobs, Content, Error, count};

/// A piece that is read at a time.
const PIECE: usize = 64 * 1024;

/// A folder of kept files. Any number of processes may use it at once.
#[derive(Clone, Debug)]
pub struct DiskBlobs {
    folder: PathBuf,
}

impl DiskBlobs {
    /// Kept files below `folder`, which is made when the first is kept.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        // A name has neither dots nor a slash at its start: it stays inside.
        self.folder.join(name.to_string())
    }
}

/// Content on its way into its place: `name.part`, locked as long as its process writes it.
struct Part {
    file: std::fs::File,
    path: PathBuf,
    whole: PathBuf,
}

/// What beginning came to.
enum Begun {
    /// It is there already, of this size.
    Whole(u64),
    Part(Part),
}

/// Whoever died left a part without a lock: it is begun anew. The lock comes before the look, so that a part that became
/// whole meanwhile is not begun again.
fn begin(whole: PathBuf) -> io::Result<Begun> {
    if let Some(folder) = whole.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let path = whole.with_extension("part");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(io::Error::new(ErrorKind::WouldBlock, "another process is keeping it"));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
    }
    match std::fs::metadata(&whole) {
        Ok(found) => {
            // This one is the empty file that opening has just made, or nothing any more.
            if file.metadata()?.len() == 0 {
                let _ = std::fs::remove_file(&path);
            }
            return Ok(Begun::Whole(found.len()));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.set_len(0)?;
    (&file).rewind()?;
    Ok(Begun::Part(Part { file, path, whole }))
}

impl Part {
    /// On the disk first, and then under its name.
    fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.whole)?;
        match self.whole.parent() {
            Some(folder) => std::fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Blobs for DiskBlobs {
    async fn put(&self, name: &BlobName, _: &str, mut content: Content, at_most: u64) -> Result<u64, Error> {
        let whole = self.path(name);
        let mut part = match blocking(move || begin(whole)).await? {
            Begun::Whole(size) => return Ok(size),
            Begun::Part(part) => part,
        };
        let mut size = 0;
        while let Some(piece) = content.next().await {
            let piece = match piece {
                Ok(piece) => count(&mut size, &piece, at_most).map(|()| piece),
                Err(why) => Err(Error::Unavailable(why)),
            };
            let piece = match piece {
                Ok(piece) => piece,
                Err(why) => {
                    blocking(move || std::fs::remove_file(&part.path)).await?;
                    return Err(why);
                }
            };
            part = blocking(move || part.file.write_all(&piece).map(|()| part)).await?;
        }
        blocking(move || part.finish()).await?;
        Ok(size)
    }

    async fn get(&self, name: &BlobName) -> Result<Option<(u64, Content)>, Error> {
        let file = match tokio::fs::File::open(self.path(name)).await {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let size = file.metadata().await.map_err(|error| failed(&error))?.len();
        let pieces = stream::try_unfold(file, async |mut file| {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).await.map_err(|error| error.to_string())?;
            piece.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(piece), file)))
        });
        Ok(Some((size, pieces.boxed())))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(&error)),
        Err(error) => Err(Error::Unavailable(error.to_string())),
    }
}

fn failed(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::Refused(format!(
            "{error}; give this process the right to write to the folder of kept files"
        )),
        _ => Error::Unavailable(error.to_string()),
    }
}
