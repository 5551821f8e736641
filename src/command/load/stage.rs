//! The stage: a fake Telegram, ours or that of a running `dev`, through the JSON API of its page.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use super::tally::Counts;

/// A message of the bot's, new or changed.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) id: i64,
    pub(super) text: String,
    /// Labels and data; none where the message has lost its buttons.
    pub(super) buttons: Vec<(String, String)>,
}

impl Shown {
    fn read(message: &Value) -> Option<Self> {
        if message["from"]["is_bot"] != true {
            return None;
        }
        let rows = message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
        let buttons = rows.flat_map(|row| row.as_array().into_iter().flatten());
        let read = |button: &Value| {
            Some((button["text"].as_str()?.to_owned(), button["callback_data"].as_str()?.to_owned()))
        };
        Some(Self {
            id: message["message_id"].as_i64()?,
            text: message["text"].as_str().unwrap_or_default().to_owned(),
            buttons: buttons.filter_map(read).collect(),
        })
    }
}

/// Who listens, by room.
type Ears = Arc<Mutex<BTreeMap<String, UnboundedSender<Shown>>>>;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Stage {
    http: reqwest::Client,
    url: String,
    bot: String,
    ears: Ears,
}

impl Stage {
    /// The stage at this URL, for talks with this bot; and what hears all that happens there.
    pub(super) async fn open(
        url: &str,
        bot: &str,
        counts: Arc<Counts>,
    ) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = url.trim_end_matches('/').to_owned();
        let stage = Self { http, url, bot: bot.to_owned(), ears: Ears::default() };
        let overview = stage.get("/chat/overview").await.with_context(|| {
            format!(
                "nobody plays Telegram at `{}`: start `dev`, or name its address with --telegram",
                stage.url
            )
        })?;
        let bots = overview["bots"].as_array().into_iter().flatten();
        let slugs: Vec<&str> = bots.filter_map(|bot| bot["slug"].as_str()).collect();
        ensure!(slugs.contains(&bot), "there is no bot `{bot}`; there is {}", slugs.join(", "));
        let events = stage.http.get(format!("{}/chat/events", stage.url)).send().await?.error_for_status()?;
        let listening = tokio::spawn({
            let stage = stage.clone();
            async move {
                if let Err(why) = stage.listen(events, &counts).await {
                    counts.wrong(format!("the stage has gone dark: {why}"));
                }
            }
        });
        Ok((stage, listening))
    }

    /// Somebody new; returns their id and what they are shown from now on.
    pub(super) async fn invite(
        &self,
        name: &str,
        language: Option<&str>,
    ) -> anyhow::Result<(i64, UnboundedReceiver<Shown>)> {
        let made = self.post("/chat/people", &json!({ "name": name, "language": language })).await?;
        let id = made["id"].as_i64().context("a person has an id")?;
        let (ear, hears) = unbounded_channel();
        self.ears.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{}:{id}", self.bot), ear);
        Ok((id, hears))
    }

    /// Somebody does something: a verb of the page, and what belongs to it.
    pub(super) async fn act(&self, person: i64, verb: &str, mut what: Value) -> anyhow::Result<()> {
        (what["person"], what["bot"]) = (person.into(), self.bot.as_str().into());
        self.post(&format!("/chat/{verb}"), &what).await.map(drop)
    }

    /// A small file to send; returns its id.
    pub(super) async fn upload(
        &self,
        name: &str,
        kind: &str,
        content: &'static [u8],
    ) -> anyhow::Result<String> {
        let url = format!("{}/chat/upload?name={name}", self.url);
        let sent = self.http.post(url).header("content-type", kind).body(content).send().await?;
        Ok(sent.json::<Value>().await?["file"].as_str().context("a file has an id")?.to_owned())
    }

    /// Waits until nothing is on its way any more, for some seconds at most.
    pub(super) async fn settle(&self) {
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let overview = self.get("/chat/overview").await.unwrap_or_default();
            let waits = |bot: &Value| bot["slug"] == self.bot.as_str() && bot["pending"] != 0;
            if !overview["bots"].as_array().into_iter().flatten().any(waits) {
                // What the last answers caused may still be on its way.
                return tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.json().await?)
    }

    async fn post(&self, path: &str, what: &Value) -> anyhow::Result<Value> {
        let answer = self.http.post(format!("{}{path}", self.url)).json(what).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if !status.is_success() {
            bail!("{}", body["error"].as_str().unwrap_or(status.as_str()));
        }
        Ok(body)
    }

    /// Hears the page's news to their end.
    async fn listen(&self, mut events: reqwest::Response, counts: &Counts) -> anyhow::Result<()> {
        let (mut buffer, mut last) = (Vec::new(), BTreeMap::new());
        let mut is_first = true;
        while let Some(chunk) = events.chunk().await? {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data: ") else { continue };
                let news: Value = serde_json::from_slice(data)?;
                match news["news"].as_str() {
                    Some("message") => self.tell(&news["room"], &news["message"], &mut last),
                    Some("journal") => count(&news["delivery"], counts),
                    // Some were missed.
                    Some("all") if !is_first => self.look_again(&mut last).await?,
                    _ => {}
                }
                is_first = false;
            }
        }
        bail!("the connection ended")
    }

    fn tell(&self, room: &Value, message: &Value, last: &mut BTreeMap<String, i64>) {
        let (Some(room), Some(shown)) = (room.as_str(), Shown::read(message)) else { return };
        if let Some(ear) = self.ears.lock().unwrap_or_else(PoisonError::into_inner).get(room) {
            let last = last.entry(room.to_owned()).or_default();
            *last = shown.id.max(*last);
            // Whoever listened may have left.
            let _ = ear.send(shown);
        }
    }

    /// Tells everybody what they have not heard of.
    async fn look_again(&self, last: &mut BTreeMap<String, i64>) -> anyhow::Result<()> {
        let rooms: Vec<String> =
            self.ears.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        for room in rooms {
            let known = last.get(&room).copied().unwrap_or_default();
            let found = self.get(&format!("/chat/room?key={room}")).await?;
            for message in found["messages"].as_array().into_iter().flatten() {
                if message["message_id"].as_i64() > Some(known) {
                    self.tell(&json!(room), message, last);
                }
            }
        }
        Ok(())
    }
}

/// What became of an update.
fn count(delivery: &Value, counts: &Counts) {
    let attempts = delivery["attempts"].as_u64().unwrap_or_default();
    match delivery["state"].as_str() {
        Some("delivered") => {
            counts.answered(Duration::from_micros(delivery["micros"].as_u64().unwrap_or_default()));
            if attempts > 1 {
                counts.wrong("an update was taken at a later attempt only");
            }
        }
        Some("dropped") => counts.wrong("an update expired"),
        _ => {}
    }
}
