//! The files of the chat page, from the binary.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

macro_rules! assets {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../page/", $name)))),*] };
}

const ASSETS: &[(&str, &str)] = assets![
    "index.html" "icon.svg"
    "page.css" "chat.css" "bubble.css" "phones.css" "behind.css" "replay.css" "host.css"
    "theme.js" "page.js" "state.js" "server.js" "elements.js" "sheets.js"
    "sidebar.js" "chat.js" "bubble.js" "words.js" "composer.js" "attach.js" "files.js" "places.js"
    "topics.js" "phones.js" "handset.js" "replay.js" "transcript.js"
    "tabs.js" "behind.js" "story.js" "host.js" "invocation.js" "rows.js"
];

/// What the page may load: nothing from elsewhere. It may stand in a frame of its own, as one of several phones.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'self'; base-uri 'none'";

/// A file of the page.
pub(super) fn asset(name: &str) -> Response {
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    let Some((_, text)) = ASSETS.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, *text).into_response()
}
