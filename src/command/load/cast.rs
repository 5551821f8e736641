//! People who play one transcript, again and again.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde_json::json;
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout_at};

use super::{
    play::{Deed, Play, Step},
    stage::{Shown, Stage},
    tally::Counts,
};
use crate::model::Place;

/// A message that has not come after so long is missing.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Cast {
    play: Arc<Play>,
    stage: Stage,
    members: Vec<Member>,
    albums: u64,
    /// What they send, by what Telegram calls it.
    files: BTreeMap<&'static str, String>,
}

/// Small files of each kind that somebody can send. They begin as such files do, for apps look at that.
const FILES: [(&str, &str, &str, &[u8]); 6] = [
    ("photo", "load.png", "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0"),
    ("document", "load.pdf", "application/pdf", b"%PDF-1.7"),
    ("voice", "load.ogg", "audio/ogg", b"OggS\0\x02"),
    ("audio", "load.mp3", "audio/mpeg", b"ID3\x03\0\0\0\0\0\0"),
    ("video", "load.mp4", "video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
    ("sticker", "load.webp", "image/webp", b"RIFF\x0c\0\0\0WEBPVP8 "),
];

/// Somebody, and what they were shown.
struct Member {
    id: i64,
    hears: UnboundedReceiver<Shown>,
    /// By id. A message that lost its buttons keeps them here: a slow thumb may still press them.
    shown: BTreeMap<i64, Shown>,
}

impl Member {
    /// Takes in what came; true if it is a new message.
    fn takes(&mut self, shown: Shown) -> bool {
        match self.shown.get_mut(&shown.id) {
            Some(known) if shown.buttons.is_empty() => {
                known.text = shown.text;
                false
            }
            Some(known) => {
                *known = shown;
                false
            }
            None => {
                self.shown.insert(shown.id, shown);
                if self.shown.len() > 100 {
                    self.shown.pop_first();
                }
                true
            }
        }
    }

    /// The next new message, unless it is too late.
    async fn waits(&mut self, until: Instant) -> Option<i64> {
        loop {
            let shown = timeout_at(until.into(), self.hears.recv()).await.ok()??;
            let id = shown.id;
            if self.takes(shown) {
                return Some(id);
            }
        }
    }

    /// How many messages came that nobody waited for.
    fn surplus(&mut self) -> usize {
        let mut surplus = 0;
        while let Ok(shown) = self.hears.try_recv() {
            surplus += usize::from(self.takes(shown));
        }
        surplus
    }

    /// The newest button of this label, under a message that begins so.
    fn button(&self, label: &str, under: &str) -> Option<(i64, String)> {
        let mut newest = self.shown.values().rev().filter(|shown| shown.text.starts_with(under));
        newest.find_map(|shown| {
            let (_, data) = shown.buttons.iter().find(|(known, _)| known == label)?;
            Some((shown.id, data.clone()))
        })
    }
}

impl Cast {
    /// New people for this play.
    pub(super) async fn invite(play: Arc<Play>, number: usize, stage: &Stage) -> anyhow::Result<Self> {
        let mut members = Vec::new();
        for (who, name) in play.names().iter().enumerate() {
            let (id, hears) = stage.invite(&format!("{name} {number}"), play.language(who)).await?;
            members.push(Member { id, hears, shown: BTreeMap::new() });
        }
        let mut files = BTreeMap::new();
        for (kind, name, mime, content) in FILES {
            files.insert(kind, stage.upload(name, mime, content).await?);
        }
        Ok(Self { play, stage: stage.clone(), members, albums: 0, files })
    }

    pub(super) fn people(&self) -> usize {
        self.members.len()
    }

    /// Plays it once. What goes wrong is counted; after a missing message the rest would make no sense, and is left out.
    pub(super) async fn talk(&mut self, pause: Duration, counts: &Counts) {
        let play = self.play.clone();
        for step in play.steps() {
            tokio::time::sleep(pause).await;
            self.leave(counts);
            let begun = Instant::now();
            if let Err(why) = self.act(step, begun + PATIENCE).await {
                return counts.wrong(format!("line {}: {why}", step.line));
            }
            for (nth, who) in step.brings.iter().enumerate() {
                if self.members[*who].waits(begun + PATIENCE).await.is_none() {
                    return counts.missing(step.brings.len() - nth);
                }
                if nth == 0 {
                    counts.replied(begun.elapsed());
                }
            }
        }
        counts.ended();
    }

    /// Counts what came that nobody waited for.
    pub(super) fn leave(&mut self, counts: &Counts) {
        let surplus = self.members.iter_mut().map(Member::surplus).sum();
        counts.doubled(surplus);
    }

    async fn act(&mut self, step: &Step, until: Instant) -> anyhow::Result<()> {
        let person = self.members[step.who].id;
        match &step.deed {
            Deed::Write(words) => self.stage.act(person, "say", json!({ "text": words })).await,
            Deed::Tap { label, under } => {
                let (message_id, data) = self.button(step.who, label, under, until).await?;
                self.stage.act(person, "press", json!({ "message_id": message_id, "data": data })).await
            }
            Deed::Send { files, caption } => {
                self.albums += 1;
                let album = (files.len() > 1).then(|| format!("{person}-{}", self.albums));
                for (nth, kind) in files.iter().enumerate() {
                    let kind = json!(kind);
                    let name = kind.as_str().unwrap_or_default();
                    let caption = if nth == 0 { caption.as_str() } else { "" };
                    let mut what =
                        json!({ "file": self.files[name], "caption": caption, "media_group_id": album });
                    match name {
                        "photo" | "document" => self.stage.act(person, name, what).await?,
                        _ => {
                            what["kind"] = kind;
                            self.stage.act(person, "media", what).await?;
                        }
                    }
                }
                Ok(())
            }
            Deed::Place(Place { latitude, longitude }) => {
                let place = json!({ "latitude": latitude, "longitude": longitude });
                self.stage.act(person, "location", place).await
            }
        }
    }

    /// A button, as soon as somebody sees it: a keyboard may change a little later than the message came.
    async fn button(
        &mut self,
        who: usize,
        label: &str,
        under: &str,
        until: Instant,
    ) -> anyhow::Result<(i64, String)> {
        let member = &mut self.members[who];
        loop {
            if let Some(button) = member.button(label, under) {
                return Ok(button);
            }
            let shown = timeout_at(until.into(), member.hears.recv()).await.ok().flatten();
            member.takes(shown.with_context(|| format!("there is no button `{label}`"))?);
        }
    }
}
