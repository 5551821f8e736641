//! Files that a workflow keeps and shows, as transcripts have them.

use super::{app, plays, q, somebody, t};
use crate::{
    engine::{Chat, files},
    model::FileKind,
};

async fn shows(chat: Chat) {
    let any = [FileKind::Photo, FileKind::Document, FileKind::Video];
    let sent = chat.ask(files("files", t("files?"), &any)).await;
    chat.ask(q("content")).await;
    let mut kept = Vec::new();
    for copy in chat.keep(&sent).await {
        match copy {
            Ok(file) => kept.push(file),
            Err(why) => chat.say(why.text()),
        }
    }
    if !kept.is_empty() {
        chat.show(&kept, t("These are kept."));
        chat.show_to(&somebody(1002, "Bo"), &sent, t("From Ada"));
    }
}

fn after(sends: &str, happens: &str) {
    plays(
        &app(shows),
        &format!(
            "~ Ada is here\n~ Bo is here\n> Ada: /go\n< files?\n> Ada sends {sends}\n< content? [‹ Back]\n> Ada: yes\n{happens}"
        ),
    );
}

#[test]
fn what_is_kept_can_be_shown() {
    after("a photo", "< (photo) These are kept.\n< Bo: (photo) From Ada\n");
    after(
        "an album of 2 photos, 1 video",
        "< (2 photos, video) These are kept.\n< Bo: (2 photos, video) From Ada\n",
    );
    after("a document", "< (document) These are kept.\n< Bo: (document) From Ada\n");
}

#[test]
fn what_can_not_be_kept_has_a_reason() {
    after("an expired photo", "< One file can no longer be fetched. Could you send it once more?\n");
    after("a document of 21 MB", "< One file is too large for me: 20 MB is the most that I can fetch.\n");
    after("a document of 20 MB", "< (document) These are kept.\n< Bo: (document) From Ada\n");
    after(
        "a forged document",
        "< One file is not what I can keep: please send a picture, a video, a sound or a PDF.\n",
    );
}
