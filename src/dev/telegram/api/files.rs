//! Files: `getFile`, downloads, and the files of messages that bots send.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde_json::json;

use super::{
    super::{
        Fake,
        parameters::Parameters,
        photo::file_of,
        refusal::Refusal,
        world::{File, World},
    },
    Outcome, answer,
};

/// What a bot may download at most: 20 MB (<https://core.telegram.org/bots/api#getfile>).
const LARGEST_DOWNLOAD: usize = 20 << 20;
/// How long the path that `getFile` gives leads to the file: "at least 1 hour".
const LINK_LASTS: TimeDelta = TimeDelta::hours(1);

pub(super) fn get(world: &mut World, parameters: &Parameters) -> Outcome {
    let id = parameters.text("file_id");
    if id.is_empty() {
        return Err(Refusal::bad("file_id not specified"));
    }
    let file = world.files.get(file_of(&id));
    let file = file.ok_or_else(|| Refusal::bad("wrong file_id or the file is temporarily unavailable"))?;
    if file.bytes.len() > LARGEST_DOWNLOAD {
        return Err(Refusal::bad("file is too big"));
    }
    let folder = if file.mime.starts_with("image/") { "photos" } else { "documents" };
    let ending = file.name.rsplit_once('.').map_or("bin", |(_, ending)| ending);
    let is_plain = !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ending = if is_plain { ending } else { "bin" };
    let path = format!("{folder}/{}.{ending}", file_of(&id));
    let size = file.bytes.len();
    world.links.insert(path.clone(), world.clock.now() + LINK_LASTS);
    Ok(json!({ "file_id": id, "file_unique_id": file_of(&id), "file_size": size, "file_path": path }).into())
}

/// Answers `/file/bot<token>/<file_path>`.
pub(super) fn download(fake: &Fake, path: &str) -> Response {
    let Some((token, path)) = path.split_once('/') else {
        return answer(&Err(Refusal::new(404, "Not Found")));
    };
    let world = fake.world();
    if !world.bots.iter().any(|bot| bot.token == token) {
        return answer(&Err(Refusal::unauthorized()));
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let id = name.split_once('.').map_or(name, |(id, _)| id);
    let is_open = world.links.get(path).is_some_and(|end| world.clock.now() < *end);
    match world.files.get(id).filter(|_| is_open) {
        Some(file) => {
            ([(header::CONTENT_TYPE, "application/octet-stream")], file.bytes.clone()).into_response()
        }
        None => answer(&Err(Refusal::new(404, "Not Found"))),
    }
}

/// The file that a message is to hold: `given` is the id of a known one, or `attach://part`; otherwise it is the part
/// called `name`.
pub(super) fn of(
    world: &mut World,
    parameters: &Parameters,
    given: &str,
    name: &str,
) -> Result<String, Refusal> {
    let part = given.strip_prefix("attach://").unwrap_or(name);
    if let Some(file) = parameters.files.get(part) {
        return Ok(world.add_file(file.clone()));
    }
    if given.is_empty() {
        return Err(Refusal::bad(format_args!("there is no {name} in the request")));
    }
    let id = file_of(given);
    if world.files.contains_key(id) {
        return Ok(id.to_owned());
    }
    Err(Refusal::bad("wrong file identifier/HTTP URL specified"))
}

impl World {
    /// Keeps a file; returns its id.
    pub(in super::super) fn add_file(&mut self, file: File) -> String {
        let mut number = self.files.len();
        let id = loop {
            number += 1;
            let id = format!("file_{number:06}");
            if !self.files.contains_key(&id) {
                break id;
            }
        };
        self.keeper.put("file", || id.clone(), || super::super::world::as_json(&[&file.name, &file.mime]));
        self.keeper.put("bytes", || id.clone(), || file.bytes.to_vec());
        self.files.insert(id.clone(), file);
        id
    }
}
