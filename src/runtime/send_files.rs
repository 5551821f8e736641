//! Sending files: kept ones are sent along, and what can no longer be sent is replaced by words.

use serde::Deserialize;
use serde_json::Map;

use super::{Bot, Runtime};
use crate::{
    blob::{self, BlobName},
    model::{Delivery, Message, Send, Text},
    telegram::{
        client::{Refusal, Upload},
        render::{Call, Part},
        update::{Maybe, must},
    },
    text,
};

/// What we want to know of a message that was made or changed (<https://core.telegram.org/bots/api#message>).
#[derive(Deserialize)]
pub(super) struct Made {
    #[serde(deserialize_with = "must")]
    pub(super) message_id: i64,
}

impl Runtime {
    /// Makes a call, with the kept files that it sends along. Returns the message if its result is one.
    pub(super) async fn call(&self, bot: &Bot, call: &Call) -> Result<Option<Made>, Refusal> {
        if call.uploads.is_empty() {
            let made: Maybe<Made> = bot.api.call(&bot.token, call.method, &call.parameters).await?;
            return Ok(made.0);
        }
        let mut uploads = Vec::with_capacity(call.uploads.len());
        for part in &call.uploads {
            uploads.push(self.opened(part).await?);
        }
        let nothing = Map::new();
        let parameters = call.parameters.as_object().unwrap_or(&nothing);
        let made: Maybe<Made> = bot.api.upload(&bot.token, call.method, parameters, uploads).await?;
        Ok(made.0)
    }

    async fn opened(&self, part: &Part) -> Result<Upload, Refusal> {
        let Part { part, blob, mime, .. } = part.clone();
        let gone = || Refusal::Final { code: 0, description: format!("`{blob}` is not kept") };
        let name: BlobName = blob.parse().map_err(|_| gone())?;
        let found = self.blobs().get(&name).await.map_err(|why| Refusal::Transient(why.to_string()))?;
        let (size, content) = found.ok_or_else(gone)?;
        let file_name = format!("{part}.{}", blob::ending(&mime));
        Ok(Upload { part, file_name, mime, size, content })
    }
}

/// What is said instead of a message whose files can't be sent; `parts` of its calls are made already.
pub(super) fn without_files(send: &Send, parts: usize) -> Option<Delivery> {
    if send.message.files.is_empty() {
        return None;
    }
    let sorry = text!("file-unsent");
    let text = match parts {
        0 if send.message.text != Text::literal("") => {
            Text::Paragraphs(vec![send.message.text.clone(), sorry])
        }
        _ => sorry,
    };
    let message = Message { text, files: Vec::new(), ..send.message.clone() };
    Some(Delivery::Send(Send { message, prompt: send.prompt.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_result_of_a_call_is_the_call_is_made() {
        let made =
            |result: &str| serde_json::from_str::<Maybe<Made>>(result).unwrap().0.map(|made| made.message_id);
        for other in [
            "true",
            "7",
            "null",
            "\"x\"",
            "[{}]",
            "{}",
            r#"{"message_id":[7],"chat":{}}"#,
            r#"{"message_id":"7"}"#,
        ] {
            assert_eq!(made(other), None, "{other}");
        }
        assert_eq!(made(r#"{"chat":{"id":[1]},"message_id":7,"text":"\ud800"}"#), Some(7));
    }
}
