//! `telegram_webhook`: Telegram brings an update. Anonymous for the host; guarded by the bot's secret.

use axum::{
    Json,
    body::to_bytes,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};

use super::{Doors, Failure, LARGEST_BODY, envelope::trace_parent};
use crate::{model::TraceParent, runtime::Answer};

/// Where Telegram proves itself (<https://core.telegram.org/bots/api#setwebhook>).
const SECRET: &str = "x-telegram-bot-api-secret-token";

pub(super) async fn handle(
    State(doors): State<Doors>,
    Path(bot): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let runtime = doors.runtime().await?;
    let bot = runtime.bot(&bot).ok_or(Failure::UnknownBot)?;
    let secret = request.headers().get(SECRET).ok_or(Failure::NotTelegram)?;
    if !bot.secret.is(secret.as_bytes()) {
        return Err(Failure::NotTelegram);
    }
    let trace = trace_parent(request.headers()).unwrap_or_else(TraceParent::root);
    let body = to_bytes(request.into_body(), LARGEST_BODY).await.map_err(Failure::of_body)?;
    Ok(match runtime.receive(bot, &body, trace).await? {
        Answer::Taken => ().into_response(),
        Answer::Call(call) => Json(call).into_response(),
    })
}
