//! The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`.

mod callback;
mod commands;
mod edit;
mod files;
mod markup;
mod media;
mod send;
mod webhook;

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Fake, Limits, fault::Wrong, journal::Call, media::MediaKind, parameters::Parameters, refusal::Refusal,
    room::RoomKey, world::World,
};

/// What a method gives, and what Telegram says with it.
pub(super) struct Done {
    result: Value,
    description: Option<&'static str>,
}

impl From<Value> for Done {
    fn from(result: Value) -> Self {
        Self { result, description: None }
    }
}

pub(super) type Outcome = Result<Done, Refusal>;

/// Every method that answers at once. Names are compared without regard to case, as at Telegram.
fn call(world: &mut World, bot: usize, method: &str, parameters: &Parameters) -> Outcome {
    match method.to_ascii_lowercase().as_str() {
        "getme" => Ok(get_me(world, bot)),
        "sendmessage" => send::message(world, bot, parameters),
        "sendphoto" => send::photo(world, bot, parameters),
        "senddocument" => send::document(world, bot, parameters),
        "sendmediagroup" => send::album(world, bot, parameters),
        "sendvoice" => media::send(world, bot, parameters, MediaKind::Voice),
        "sendaudio" => media::send(world, bot, parameters, MediaKind::Audio),
        "sendvideo" => media::send(world, bot, parameters, MediaKind::Video),
        "sendvideonote" => media::send(world, bot, parameters, MediaKind::VideoNote),
        "sendanimation" => media::send(world, bot, parameters, MediaKind::Animation),
        "sendsticker" => media::send(world, bot, parameters, MediaKind::Sticker),
        "sendlocation" => send::location(world, bot, parameters),
        "sendchataction" => send::action(world, bot, parameters),
        "editmessagetext" => edit::text(world, bot, parameters),
        "editmessagecaption" => edit::caption(world, bot, parameters),
        "editmessagereplymarkup" => edit::markup(world, bot, parameters),
        "deletemessage" => edit::delete(world, bot, parameters),
        "setmessagereaction" => edit::reaction(world, bot, parameters),
        "answercallbackquery" => callback::answer(world, bot, parameters),
        "setmycommands" => commands::set(world, bot, parameters),
        "getmycommands" => commands::get(world, bot, parameters),
        "deletemycommands" => commands::delete(world, bot, parameters),
        "setwebhook" => webhook::set(world, bot, parameters),
        "deletewebhook" => webhook::delete(world, bot, parameters),
        "getwebhookinfo" => Ok(webhook::info(world, bot)),
        "getfile" => files::get(world, parameters),
        _ => Err(Refusal::unknown_method()),
    }
}

/// Answers any request under `/bot` and `/file/bot`.
pub(super) async fn serve(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let path = request.uri().path().replace("%3A", ":").replace("%3a", ":");
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return files::download(&fake, rest);
    }
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return answer(&Err(Refusal::new(404, "Not Found")));
    };
    let Some(bot) = fake.world().bots.iter().position(|bot| bot.token == token) else {
        return answer(&Err(Refusal::unauthorized()));
    };
    let method = method.trim_end_matches('/');
    match Parameters::of(request).await {
        Ok(parameters) if method.eq_ignore_ascii_case("getUpdates") => {
            answer(&webhook::poll(&fake, bot, &parameters).await)
        }
        Ok(parameters) => match fake.call(bot, method, parameters, false) {
            Ok(outcome) => {
                fake.kept().await;
                answer(&outcome)
            }
            Err(Wrong::Hang) => fake.hang().await,
            // Unwinding ends the task that serves the connection, and with it the connection.
            Err(_) => std::panic::resume_unwind(Box::new("a fault breaks the connection")),
        },
        Err(refusal) => answer(&Err(refusal)),
    }
}

impl Fake {
    /// Carries out one call and writes it into the journal. An `Err` is a fault that leaves the caller without answer.
    pub(super) fn call(
        &self,
        bot: usize,
        method: &str,
        parameters: Parameters,
        from_webhook: bool,
    ) -> Result<Outcome, Wrong> {
        let begun = Instant::now();
        let mut world = self.world();
        let slug = world.bots[bot].slug.to_string();
        let at = world.clock.now();
        let chat = parameters.integer("chat_id");
        let room = chat.map(|chat| room_key(&world, bot, chat).to_string());
        let room = room.or_else(|| callback::room(&world, &parameters));
        let n = world.journal.number();
        let wrong = world.faults.strike(&slug, method, chat);
        let outcome = match wrong.map(|wrong| (wrong, wrong.refusal())) {
            Some((_, Some(refusal))) => Err(refusal),
            Some((Wrong::Hang, None)) => Ok(Done::from(Value::Null)),
            Some((_, None)) | None => match too_fast(&mut world, bot, method, chat, &parameters) {
                Some(seconds) => Err(Refusal::too_many_requests(seconds)),
                None => call(&mut world, bot, method, &parameters),
            },
        };
        let silent = wrong.filter(|wrong| wrong.refusal().is_none());
        world.journal.called(Call {
            n,
            at,
            bot: slug,
            room: room.clone(),
            method: method.to_owned(),
            parameters: parameters.shown(),
            status: if silent.is_some() {
                0
            } else {
                outcome.as_ref().err().map_or(200, |refusal| refusal.code)
            },
            answer: body(&outcome),
            micros: begun.elapsed().as_micros().try_into().unwrap_or(u64::MAX),
            from_webhook,
        });
        world.tell(|| json!({ "news": "journal", "room": room }));
        silent.map_or(Ok(outcome), Err)
    }
}

/// After how many seconds this call may come again, if it comes too soon.
fn too_fast(
    world: &mut World,
    bot: usize,
    method: &str,
    chat: Option<i64>,
    parameters: &Parameters,
) -> Option<u32> {
    if world.limits == Limits::Lifted {
        return None;
    }
    let messages = parameters.json::<Vec<Value>>("media").ok().flatten().map_or(1, |album| album.len());
    let now = world.clock.now();
    world.bots[bot].flood.stops(method, chat?, messages, now)
}

/// The room that a bot means by a chat's id.
fn room_key(world: &World, bot: usize, chat: i64) -> RoomKey {
    RoomKey { bot: (chat > 0).then(|| world.bots[bot].slug.clone()), chat }
}

/// The room to do something in, or why this bot can't.
fn room(world: &World, bot: usize, parameters: &Parameters) -> Result<RoomKey, Refusal> {
    if parameters.text("chat_id").is_empty() {
        return Err(Refusal::bad("chat_id is empty"));
    }
    let chat = parameters.integer("chat_id").ok_or_else(Refusal::chat_not_found)?;
    let key = room_key(world, bot, chat);
    let room = world.rooms.get(&key).ok_or_else(Refusal::chat_not_found)?;
    if let Some(to) = room.about.migrated_to {
        return Err(Refusal::migrated(to));
    }
    if room.about.blocked {
        return Err(Refusal::blocked());
    }
    if !room.about.bots.contains(&world.bots[bot].slug) {
        return Err(Refusal::new(403, "Forbidden: bot is not a member of the supergroup chat"));
    }
    Ok(key)
}

fn get_me(world: &World, bot: usize) -> Done {
    let mut me = json!(world.bots[bot].user);
    for (field, value) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", true),
        ("supports_inline_queries", false),
        ("can_connect_to_business", false),
        ("has_main_web_app", false),
    ] {
        me[field] = value.into();
    }
    me.into()
}

/// The body of an answer, as Telegram writes it (<https://core.telegram.org/bots/api#making-requests>).
fn body(outcome: &Outcome) -> Value {
    match outcome {
        Ok(Done { result, description: None }) => json!({ "ok": true, "result": result }),
        Ok(Done { result, description }) => {
            json!({ "ok": true, "result": result, "description": description })
        }
        Err(Refusal { code, description, retry_after, migrate_to }) => {
            let mut refused = json!({ "ok": false, "error_code": code, "description": description });
            if let Some(seconds) = retry_after {
                refused["parameters"] = json!({ "retry_after": seconds });
            } else if let Some(chat) = migrate_to {
                refused["parameters"] = json!({ "migrate_to_chat_id": chat });
            }
            refused
        }
    }
}

fn answer(outcome: &Outcome) -> Response {
    let refusal = outcome.as_ref().err();
    let code = refusal.map_or(200, |refusal| refusal.code);
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body(outcome))).into_response();
    if let Some(seconds) = refusal.and_then(|refusal| refusal.retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
