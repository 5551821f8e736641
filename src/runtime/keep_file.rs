//! The activity that every app has: a copy of a file that lies with Telegram.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{Bot, Runtime};
use crate::{
    blob::{self, BlobName, Content},
    engine::{ActivityFailure, KeepFile, Keeping, LARGEST_FETCHED, Loss},
    model::{KeptFile, WorkflowId, short_hash},
    telegram::client::NoFile,
};

/// Telegram says of a file that is gone what it says of one that it can't give now: so often it is asked again.
const MOST_ASKED: u32 = 3;

impl Runtime {
    /// Makes the copy. Its name is made from the workflow and the file: made twice, by whomever, it is made once.
    pub(super) async fn keep_file(
        self,
        slug: String,
        workflow: WorkflowId,
        arguments: Value,
        tried: u32,
    ) -> Result<Value, ActivityFailure> {
        let file: KeepFile = serde_json::from_value(arguments)
            .map_err(|error| ActivityFailure::Final(format!("this is no file to keep: {error}")))?;
        // The sender's own name for the file is never a part of it.
        let known_by = if file.unique_id.is_empty() { &file.id } else { &file.unique_id };
        let name: BlobName = format!("{slug}/{workflow}/{}", short_hash(known_by))
            .parse()
            .map_err(|error: blob::InvalidName| ActivityFailure::Final(error.to_string()))?;
        let bot =
            self.bot(&slug).ok_or_else(|| ActivityFailure::Transient(format!("there is no bot `{slug}`")))?;
        self.copy(bot, &name, &file, tried).await.map(|keeping| json!(keeping))
    }

    async fn copy(
        &self,
        bot: &Bot,
        name: &BlobName,
        file: &KeepFile,
        tried: u32,
    ) -> Result<Keeping, ActivityFailure> {
        let lost = |why| Ok(Keeping::Lost(why));
        if file.size.is_some_and(|size| size > LARGEST_FETCHED) {
            return lost(Loss::TooLarge);
        }
        let content = match bot.api.fetch(&bot.token, &file.id).await {
            Ok(content) => content,
            Err(NoFile::TooLarge) => return lost(Loss::TooLarge),
            Err(why) => {
                // Whoever made the copy may have died before the call had its result.
                return match self.copied(name, file).await? {
                    Some(kept) => Ok(Keeping::Kept(kept)),
                    None if matches!(why, NoFile::Unavailable(_)) && tried >= MOST_ASKED => lost(Loss::Gone),
                    None => Err(ActivityFailure::Transient(why.to_string())),
                };
            }
        };
        let (head, content) = begun(content).await?;
        let Some(mime) = blob::content_type(file.kind, &head) else { return lost(Loss::Unaccepted) };
        match self.blobs().put(name, mime, content, LARGEST_FETCHED).await {
            Ok(size) => Ok(Keeping::Kept(kept(name, file, mime, size))),
            Err(blob::Error::TooLarge(_)) => lost(Loss::TooLarge),
            Err(why) => Err(ActivityFailure::Transient(why.to_string())),
        }
    }

    /// The copy, if it is there.
    async fn copied(&self, name: &BlobName, file: &KeepFile) -> Result<Option<KeptFile>, ActivityFailure> {
        let found =
            self.blobs().get(name).await.map_err(|why| ActivityFailure::Transient(why.to_string()))?;
        let Some((size, content)) = found else { return Ok(None) };
        let (head, _) = begun(content).await?;
        Ok(blob::content_type(file.kind, &head).map(|mime| kept(name, file, mime, size)))
    }
}

fn kept(name: &BlobName, file: &KeepFile, mime: &str, size: u64) -> KeptFile {
    KeptFile { kind: file.kind, blob: name.to_string(), mime: mime.to_owned(), size }
}

/// The first bytes of content, and all of it.
async fn begun(mut content: Content) -> Result<(Vec<u8>, Content), ActivityFailure> {
    let (mut head, mut pieces) = (Vec::new(), Vec::<Bytes>::new());
    while head.len() < blob::HEAD
        && let Some(piece) = content.next().await
    {
        let piece = piece.map_err(ActivityFailure::Transient)?;
        head.extend_from_slice(&piece[..piece.len().min(blob::HEAD)]);
        pieces.push(piece);
    }
    Ok((head, stream::iter(pieces.into_iter().map(Ok)).chain(content).boxed()))
}
