//! What a rehearsal does about effects: at once, and seen by whoever they are for.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{EXPIRED, FORGED, Shown, World};
use crate::{
    engine::{
        effect::{Caused, Effect, read_prompt_name},
        keep::{KeepFile, Keeping, LARGEST_FETCHED, Loss},
        rehearse::transcript::name_of_kind,
        script::Activity,
    },
    model::{ConversationId, Delivery, EffectId, FileKind, Input, InputKey, KeptFile, Message, Send, What},
};

impl World<'_> {
    pub(super) fn perform(&mut self, caused: Caused, input: &Input) {
        match caused.effect {
            Effect::Deliver { to, delivery } => {
                self.deliver(&caused.id, &to, Delivery::clone(&delivery));
            }
            Effect::Broadcast { to, text } => {
                for person in to {
                    let id = EffectId::of_broadcast(&caused.id, person);
                    let to = ConversationId::private(input.conversation.bot.clone(), person);
                    let send = Send { message: Message::plain(text.clone()), prompt: None };
                    self.deliver(&id, &to, Delivery::Send(send));
                }
            }
            Effect::Call { call, activity, arguments } => {
                if activity == KeepFile::NAME {
                    self.keeps(&caused.id, call, &arguments);
                } else if let Some(workflow) = caused.id.workflow() {
                    self.calls.push((workflow, caused.id, call, activity));
                }
            }
            Effect::Start { workflow, script, payload } => {
                let what = What::Started { workflow, script, payload, by: caused.id.clone() };
                let input = self.input(InputKey::start(&caused.id), input.conversation.clone(), what);
                self.inputs.push_back(input);
            }
            Effect::Publish(event) => self.shown.push_str(&format!("* {} {}\n", event.kind, event.subject)),
        }
    }

    /// What every app does by itself is done at once.
    fn keeps(&mut self, id: &EffectId, call: String, arguments: &Value) {
        let (Ok(file), Some(workflow)) = (KeepFile::deserialize(arguments), id.workflow()) else { return };
        let keeping = match &file {
            file if file.size.is_some_and(|size| size > LARGEST_FETCHED) => Keeping::Lost(Loss::TooLarge),
            file if file.id.starts_with(EXPIRED) => Keeping::Lost(Loss::Gone),
            file if file.id.starts_with(FORGED) => Keeping::Lost(Loss::Unaccepted),
            file => Keeping::Kept(KeptFile {
                kind: file.kind,
                blob: format!("rehearsal/{workflow}/{}", file.unique_id),
                mime: "image/jpeg".to_owned(),
                size: file.size.unwrap_or_default(),
            }),
        };
        let conversation = self.heads.get(&workflow).and_then(|head| head.conversation.clone());
        let conversation = conversation.unwrap_or_else(|| ConversationId::private(self.bot.clone(), 0));
        let what = What::Returned { workflow, call, outcome: Ok(json!(keeping)) };
        self.inputs.push_back(self.input(InputKey::result(id), conversation, what));
    }

    pub(super) fn deliver(&mut self, id: &EffectId, to: &ConversationId, delivery: Delivery) {
        match delivery {
            Delivery::Send(send) if self.blocked.contains(&to.chat) => {
                let prompt = send.prompt.as_deref().and_then(read_prompt_name);
                if let Some((workflow, question)) = prompt {
                    let what = What::Unreachable { workflow, question: question.to_owned() };
                    self.inputs.push_back(self.input(InputKey::unreachable(id), to.clone(), what));
                }
            }
            Delivery::Send(send) => {
                self.tell(to, &send.message, "");
                self.screen.push(Shown {
                    to: to.clone(),
                    message: send.message,
                    prompt: send.prompt,
                    stripped: false,
                });
            }
            Delivery::Edit(_) if self.blocked.contains(&to.chat) => {}
            Delivery::Edit(edit) => {
                let by_prompt =
                    |shown: &Shown| shown.to == *to && shown.prompt.as_ref() == Some(&edit.prompt);
                let place = match edit.message_id {
                    Some(id) => usize::try_from(id).ok().filter(|&id| id < self.screen.len()),
                    None => self.screen.iter().rposition(by_prompt),
                };
                if let Some(message) = edit.message.as_ref().filter(|_| place.is_some() && !to.is_private()) {
                    self.tell(to, message, " now");
                }
                if let Some(shown) = place.map(|place| &mut self.screen[place]) {
                    match edit.message {
                        Some(message) if !edit.closes => shown.message = message,
                        message => {
                            shown.stripped = true;
                            shown.message.text =
                                message.map_or(shown.message.text.clone(), |message| message.text);
                        }
                    }
                }
            }
            Delivery::Language { language: Some(language) } => drop(self.chosen.insert(to.user, language)),
            Delivery::Language { language: None } => drop(self.chosen.remove(&to.user)),
            Delivery::Answer { .. } => {}
        }
    }

    fn tell(&mut self, to: &ConversationId, message: &Message, when: &str) {
        let mut words = files(message);
        words.push_str(&self.words(&message.text, to.user));
        for button in message.buttons.iter().flatten() {
            words.push_str(&format!(" [{}]", self.words(&button.label, to.user)));
        }
        let receiver =
            self.people.iter().find(|person| person.id == to.user && self.speaker != Some(person.id));
        let name = self.name_of(to).or_else(|| receiver.map(|person| person.name.clone()));
        let name = name.map(|name| format!("{name}{when}: ")).unwrap_or_default();
        let mut lines = words.lines().filter(|line| !line.trim().is_empty());
        self.shown.push_str(&format!("< {name}{}\n", lines.next().unwrap_or_default()));
        lines.for_each(|line| {
            self.shown.push_str(&format!("  {}\n", line.trim_end()));
        });
    }
}

/// `(2 photos, document) `
fn files(message: &Message) -> String {
    let mut counted: Vec<(FileKind, usize)> = Vec::new();
    for file in &message.files {
        match counted.last_mut() {
            Some((kind, count)) if *kind == file.kind => *count += 1,
            _ => counted.push((file.kind, 1)),
        }
    }
    let name = |(kind, count): (FileKind, usize)| {
        let name = name_of_kind(kind);
        if count == 1 { name.to_owned() } else { format!("{count} {name}s") }
    };
    match counted.is_empty() {
        true => String::new(),
        false => format!("({}) ", counted.into_iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}
