//! What a rehearsal does about effects: at once, and seen by whoever they are for.

use super::{Shown, World};
use crate::{
    engine::effect::{Caused, Effect, read_prompt_name},
    model::{ConversationId, Delivery, EffectId, Input, InputKey, Message, Send, What},
};

impl World<'_> {
    pub(super) fn perform(&mut self, caused: Caused, input: &Input) {
        match caused.effect {
            Effect::Deliver { to, delivery } => self.deliver(&caused.id, &to, delivery),
            Effect::Broadcast { to, text } => {
                for person in to {
                    let id = EffectId::of_broadcast(&caused.id, person);
                    let to = ConversationId::private(input.conversation.bot.clone(), person);
                    let send = Send { message: Message::plain(text.clone()), prompt: None };
                    self.deliver(&id, &to, Delivery::Send(send));
                }
            }
            Effect::Call { call, activity, .. } => {
                if let Some((workflow, _)) = caused.id.to_string().split_once(':') {
                    let workflow = workflow.parse().expect("an entry's effect begins with its workflow");
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

    pub(super) fn deliver(&mut self, id: &EffectId, to: &ConversationId, delivery: Delivery) {
        match delivery {
            Delivery::Send(send) if self.blocked.contains(&to.user) => {
                let prompt = send.prompt.as_deref().and_then(read_prompt_name);
                if let Some((workflow, question)) = prompt {
                    let what = What::Unreachable { workflow, question: question.to_owned() };
                    self.inputs.push_back(self.input(InputKey::unreachable(id), to.clone(), what));
                }
            }
            Delivery::Send(send) => {
                self.tell(to, &send.message);
                self.screen.push(Shown {
                    to: to.clone(),
                    message: send.message,
                    prompt: send.prompt,
                    stripped: false,
                });
            }
            Delivery::Edit(edit) => {
                let by_prompt =
                    |shown: &Shown| shown.to == *to && shown.prompt.as_ref() == Some(&edit.prompt);
                let place = match edit.message_id {
                    Some(id) => usize::try_from(id).ok().filter(|&id| id < self.screen.len()),
                    None => self.screen.iter().rposition(by_prompt),
                };
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

    fn tell(&mut self, to: &ConversationId, message: &Message) {
        let mut words = self.words(&message.text, to.user);
        for button in message.buttons.iter().flatten() {
            words.push_str(&format!(" [{}]", self.words(&button.label, to.user)));
        }
        let receiver =
            self.people.iter().find(|person| person.id == to.user && self.speaker != Some(person.id));
        let name = receiver.map(|person| format!("{}: ", person.name)).unwrap_or_default();
        let mut lines = words.lines().filter(|line| !line.trim().is_empty());
        self.shown.push_str(&format!("< {name}{}\n", lines.next().unwrap_or_default()));
        lines.for_each(|line| {
            self.shown.push_str(&format!("  {}\n", line.trim_end()));
        });
    }
}
