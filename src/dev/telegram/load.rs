//! Builds the world at the start: the bots that are configured, and what the state remembers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Context;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, broadcast, watch};

use super::{
    FakeBot, Options, Reach,
    connections::Connections,
    fault::Faults,
    flood::Flood,
    journal::Journal,
    keeper::{Keeper, Memory},
    mail::{Mail, Parcel},
    room::{About, Kept, Room, RoomKey},
    wire::User,
    world::{Bot, File, Settings, Webhook, World, keep_settings},
};
use crate::model::short_hash;

/// People that are there from the start, with their languages.
const PEOPLE: [(&str, &str); 3] = [("Ada", "en"), ("Bo", "de"), ("Cleo", "fr")];

/// The world that these options describe, as its state remembers it.
pub(super) fn world(options: &Options) -> anyhow::Result<World> {
    let Options { state, bots, .. } = options;
    let mut world = World {
        clock: options.clock.clone(),
        limits: options.limits,
        is_local: options.reach == Reach::Local,
        bots: Vec::new(),
        people: BTreeMap::new(),
        rooms: BTreeMap::new(),
        presses: BTreeMap::new(),
        files: HashMap::new(),
        links: HashMap::new(),
        faults: Faults::default(),
        journal: Journal::default(),
        keeper: Keeper::default(),
        changes: watch::Sender::new(0),
        news: broadcast::Sender::new(16_384),
    };
    let mut settings = BTreeMap::new();
    if let Some(path) = state.as_deref() {
        let (keeper, read) = Keeper::open(path).with_context(|| path.display().to_string())?;
        world.keeper = keeper;
        settings = parsed(read("bot")?)?;
        remember(&mut world, &read)?;
        bots.iter().for_each(|bot| add_bot(&mut world, bot, settings.remove(&bot.slug)));
        for (key, parcel) in parsed::<Parcel>(read("update")?)? {
            let slug = key.split(':').next().unwrap_or_default();
            world.mail(slug, parcel);
        }
    } else {
        bots.iter().for_each(|bot| add_bot(&mut world, bot, settings.remove(&bot.slug)));
    }
    if world.people.is_empty() {
        for (name, language) in PEOPLE {
            world.invite(name, Some(language)).map_err(|why| anyhow::anyhow!("{why}"))?;
        }
    }
    Ok(world)
}

fn remember(world: &mut World, read: &impl Fn(&str) -> anyhow::Result<Memory>) -> anyhow::Result<()> {
    world.people = parsed::<User>(read("person")?)?.into_values().map(|person| (person.id, person)).collect();
    for (key, about) in parsed::<About>(read("room")?)? {
        let key: RoomKey = key.parse().map_err(|why| anyhow::anyhow!("room `{key}`: {why}"))?;
        world.rooms.insert(key, Room { about, messages: BTreeMap::new() });
    }
    for (key, kept) in parsed::<Kept>(read("message")?)? {
        let room = key.split('/').next().unwrap_or_default().parse().ok();
        if let Some(room) = room.and_then(|key: RoomKey| world.rooms.get_mut(&key)) {
            room.messages.insert(kept.message.message_id, Arc::new(kept));
        }
    }
    let mut bytes: BTreeMap<String, Vec<u8>> = read("bytes")?.into_iter().collect();
    for (id, [name, mime]) in parsed::<[String; 2]>(read("file")?)? {
        let bytes = bytes.remove(&id).unwrap_or_default().into();
        world.files.insert(id, File { name, mime, bytes });
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(facts: Memory) -> anyhow::Result<BTreeMap<String, T>> {
    facts
        .into_iter()
        .map(|(key, body)| {
            let fact = serde_json::from_slice(&body).with_context(|| format!("`{key}` is damaged"))?;
            Ok((key, fact))
        })
        .collect()
}

fn add_bot(world: &mut World, bot: &FakeBot, remembered: Option<Settings>) {
    let seconds = world.clock.now().timestamp();
    let mut settings = remembered.unwrap_or_else(|| Settings {
        webhook: None,
        commands: Vec::new(),
        next_update: first_update(seconds),
        next_message: 1,
    });
    if let Some(url) = &bot.webhook {
        settings.webhook = Some(Webhook {
            url: url.clone(),
            secret: (!bot.secret.is_empty()).then(|| bot.secret.clone()),
            max_connections: 40,
            allowed_updates: Vec::new(),
            ip_address: "127.0.0.1".to_owned(),
            gone_since: None,
            last_error: None,
        });
    }
    let mut name = bot.slug.clone();
    name[..1].make_ascii_uppercase();
    let bot = Bot {
        slug: bot.slug.as_str().into(),
        token: bot.token.clone(),
        user: User {
            id: user_id(&bot.token),
            is_bot: true,
            first_name: name,
            username: Some(bot.username.clone()),
            ..User::default()
        },
        settings,
        mail: Mail::default(),
        connections: Connections::new(world.limits),
        flood: Flood::default(),
        bell: Arc::new(Notify::new()),
    };
    keep_settings(&world.keeper, &bot);
    world.bots.push(bot);
}

/// Where a bot's updates begin to count. It grows with time, so that a bot that remembers more than its fake Telegram
/// does not take new updates for old ones; and it fits 31 bits, which some bots' libraries think enough.
fn first_update(seconds: i64) -> u64 {
    ((seconds - 1_700_000_000).max(1) * 10).unsigned_abs()
}

/// The number before the token's colon; for a token of another shape, one made from it.
fn user_id(token: &str) -> i64 {
    token.split(':').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| {
        short_hash(token).bytes().fold(7_000_000_000, |id, byte| id + i64::from(byte) * 1_000_003)
    })
}
