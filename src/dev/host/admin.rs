//! `/admin/…`: what the host runs, how it is, and a function called by hand.
//! <https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http>

use std::sync::Arc;

use serde_json::json;

use super::{
    VERSION,
    answer::Answer,
    auth::Identity,
    envelope,
    function::{Function, Level, Trigger},
    http1::Request,
    json::Json,
    running::Running,
    server::Server,
    target::Target,
    timers,
};

/// Answers a request under `/admin/`.
pub(super) async fn answer(
    server: &Server,
    running: &Arc<Running>,
    request: &Request,
    target: &Target,
) -> Answer {
    let who = server.keys.identify(request, target, None);
    if !server.keys.allow(Level::Admin, &who) {
        return Answer::empty(401);
    }
    let path: Vec<&str> = target.path.trim_matches('/').split('/').skip(1).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["functions"]) => {
            let all: Vec<_> = running.app.functions.iter().map(|function| describe(function)).collect();
            Answer::json(200, &all.into())
        }
        ("GET", ["functions", name]) => match running.app.function(name) {
            Some(function) => Answer::json(200, &describe(function)),
            None => Answer::empty(404),
        },
        ("GET", ["host", "status"]) => Answer::json(
            200,
            &json!({
                "id": "backline",
                "state": "Running",
                "version": VERSION,
                "handler": running.worker().handler.state(),
                "errors": running.app.faults.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>(),
            }),
        ),
        ("GET" | "POST", ["host", "ping"]) => Answer::empty(200),
        ("POST", ["functions", name]) => match running.app.function(name) {
            Some(function) => call(running, function, request).await,
            None => Answer::empty(404),
        },
        _ => Answer::empty(404),
    }
}

/// Calls a function with `{"input": "…"}`; it runs on after the 202.
async fn call(running: &Arc<Running>, function: &Arc<Function>, request: &Request) -> Answer {
    if request.body.is_empty() && request.fields.first("content-type").is_none() {
        return Answer::empty(415);
    }
    let Ok(body) = Json::parse_whole(&String::from_utf8_lossy(&request.body)) else {
        return Answer::empty(400);
    };
    let input = match body.member("input") {
        Some(Json::Text(text)) => text.clone(),
        Some(Json::Null) | None => String::new(),
        Some(other) => other.compact(),
    };
    begin(running.clone(), function.clone(), input);
    Answer::empty(202)
}

/// Begins a call by hand; nobody waits for its end.
pub(super) fn begin(running: Arc<Running>, function: Arc<Function>, input: String) {
    tokio::spawn(async move {
        match (&function.trigger, timers::by_hand(&function)) {
            (Trigger::Http { route, .. }, _) => {
                let request = Request::made("POST", &format!("/{}", route.template()), input.as_bytes());
                running
                    .http(&function, &request, &Target::parse(&request.target), &Vec::new(), &Identity::Admin)
                    .await;
            }
            (_, Some(info)) => drop(running.call(&function, &envelope::by_timer(info)).await),
            _ => drop(running.call(&function, &envelope::by_hand(&input)).await),
        }
    });
}

fn describe(function: &Function) -> serde_json::Value {
    let mut description = json!({
        "name": function.name,
        "trigger": function.trigger.kind(),
        "isDisabled": function.disabled,
    });
    let (key, value) = function.trigger.what();
    description[key] = value.into();
    if let Trigger::Http { methods, .. } = &function.trigger {
        description["methods"] = methods.clone().into();
    }
    description
}
