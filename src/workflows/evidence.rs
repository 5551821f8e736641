//! The photos of a report are kept, for Telegram may lose them. Nobody chats with this one, so nobody can interrupt it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    engine::{Chat, DomainEvent, Loss, StartedBy},
    model::{FileRef, KeptFile, Person},
    text,
};

/// What is to be kept, for what, and who sent it.
#[derive(Serialize, Deserialize)]
pub(super) struct Evidence {
    pub(super) reference: String,
    pub(super) files: Vec<FileRef>,
    pub(super) sender: Option<Person>,
}

/// Copies of the photos of an issue are kept.
#[derive(Serialize)]
struct EvidenceKept {
    reference: String,
    files: Vec<KeptFile>,
}

impl DomainEvent for EvidenceKept {
    const TYPE: &'static str = "backline.evidence-kept.v1";
    fn subject(&self) -> String {
        self.reference.clone()
    }
}

/// Started by `report`, with an [`Evidence`].
pub(super) async fn evidence(chat: Chat) {
    let StartedBy::Workflow { payload } = chat.started().by else { return };
    let Ok(Evidence { reference, files, sender }) = Evidence::deserialize(payload) else { return };
    let kept = chat.keep(&files).await;
    let losses: BTreeSet<Loss> = kept.iter().filter_map(|kept| kept.as_ref().err().copied()).collect();
    if let Some(sender) = sender {
        for why in losses {
            chat.tell(&sender, text!("evidence-lost", reference = &reference, why = why.text()));
        }
    }
    let files: Vec<KeptFile> = kept.into_iter().filter_map(Result::ok).collect();
    if !files.is_empty() {
        chat.emit(EvidenceKept { reference, files });
    }
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn photos_are_kept_or_whoever_sent_them_hears_why_not() {
        rehearse_table(&table(), include_str!("evidence/kept.talk")).unwrap();
        rehearse_table(&table(), include_str!("evidence/kept.de.talk")).unwrap();
    }
}
