//! Which questions a turn opens, changes and ends, and what that does to their prompts.

use chrono::TimeDelta;

use super::applying::Applying;
use crate::{
    engine::{
        effect::{Effect, closed, prompt, refreshed, tally},
        head::covers,
        interpret::still_picked,
        log::{Fact, Given, OpenQuestion},
    },
    model::{ConversationId, Text, Timestamp, What},
    text,
};

impl Applying<'_> {
    /// Opens a question, or leaves it open as it is.
    pub(super) fn ask(&mut self, mut question: OpenQuestion, within: Option<TimeDelta>) {
        question.deadline = within.and_then(|limit| self.input.at.checked_add_signed(limit));
        let before = self.head.open.iter().find(|open| open.name() == question.name());
        self.asked.push(question.name().to_owned());
        // A question that was answered and undone is a new one: it has a new deadline and a new prompt.
        if let Some(before) = before.filter(|open| !(self.answer(open).is_some() && self.was_undone(open))) {
            question.n = before.n;
            question.deadline = kept_deadline(question.deadline, before.deadline);
            question.picked = still_picked(&question, &before.picked);
            if !self.was_in_vain(before) {
                if question.looks_like(before) {
                    (question.back, question.page) = (before.back, before.page);
                    if question.deadline != before.deadline {
                        self.opened.push(question);
                    }
                    return;
                }
                self.close(before, None);
            }
        }
        self.put(&question, None);
        self.opened.push(question);
    }

    /// What this very input answered to the question.
    fn answer(&self, open: &OpenQuestion) -> Option<&Given> {
        self.facts.iter().find_map(|recorded| match &recorded.fact {
            Fact::Answered { question, given, .. }
                if open.parts.iter().any(|part| part.name == *question) =>
            {
                Some(given)
            }
            _ => None,
        })
    }

    /// Of a question that is asked still: did somebody answer it, in a way that this version of the script won't take?
    fn was_in_vain(&self, open: &OpenQuestion) -> bool {
        self.answer(open).is_some_and(|given| *given != Given::Elapsed)
    }

    /// Was its answer undone by this very input?
    fn was_undone(&self, open: &OpenQuestion) -> bool {
        self.facts.iter().any(|recorded| match &recorded.fact {
            Fact::Undone { names } => {
                open.parts.iter().any(|part| names.iter().any(|name| covers(name, &part.name)))
            }
            _ => false,
        })
    }

    /// Ends the questions that are no longer asked. What a button chose is shown where its keyboard was, unless the
    /// script did not take it; and whoever was asked by name sees that nobody waits for them any more.
    pub(super) fn close_others(&mut self, chosen: Option<Text>) {
        let head = self.head;
        for question in &head.open {
            let is_asked = self.asked.iter().any(|name| name == question.name());
            if !is_asked {
                self.closed.push(question.name().to_owned());
            }
            if question.gathers {
                self.count(question, is_asked);
                continue;
            }
            match self.answer(question) {
                Some(_) if !is_asked || self.was_undone(question) => {
                    let ending = chosen.clone().map(|choice| text!("chosen", choice = choice));
                    self.close(question, ending);
                }
                Some(_) if self.was_in_vain(question) => self.close(question, None),
                None if !is_asked => {
                    let is_elsewhere = question.is_of_somebody() && question.to != self.input.conversation;
                    self.close(question, is_elsewhere.then(|| text!("withdrawn")));
                }
                _ => {}
            }
        }
    }

    /// What many are asked shows how many have answered; when it is over, what they chose.
    fn count(&mut self, question: &OpenQuestion, is_asked: bool) {
        let counts = self.view.counts(question.name());
        let mut opened = self.opened.iter().filter(|opened| opened.name() == question.name());
        let is_put_anew = opened.any(|opened| !opened.looks_like(question));
        let is_new = self.facts.iter().any(
            |recorded| matches!(&recorded.fact, Fact::Gathered { question: of, .. } if of == question.name()),
        );
        if !is_asked {
            self.close(question, Some(tally(question, &counts)));
        } else if (is_new || self.was_undone(question)) && !is_put_anew {
            let delivery = refreshed(self.head.workflow, question, &counts);
            self.edits.push(Effect::deliver(question.to.clone(), delivery));
        }
    }

    /// Takes the keyboard off a prompt. One without a keyboard stays as it is: Telegram lets nobody change a message
    /// that asked for a reply (<https://core.telegram.org/bots/api#updating-messages>).
    pub(super) fn close(&mut self, question: &OpenQuestion, ending: Option<Text>) {
        if question.has_buttons() {
            let delivery = closed(self.head.workflow, question, ending);
            self.edits.push(Effect::deliver(question.to.clone(), delivery));
        }
    }

    /// In a group, what is asked because somebody wrote something answers that message.
    pub(super) fn reply_to(&self, to: &ConversationId) -> Option<i64> {
        let was_written = matches!(self.input.what, What::Said(_) | What::Command { .. });
        let is_here = !to.is_private() && *to == self.input.conversation;
        self.input.message_id.filter(|_| is_here && was_written)
    }

    /// Puts a question, after `lead_in` if there is one.
    pub(super) fn put(&mut self, question: &OpenQuestion, lead_in: Option<&Text>) {
        let counts = self.view.counts(question.name());
        let delivery = prompt(self.head.workflow, question, &counts, lead_in, self.reply_to(&question.to));
        self.prompts.push(Effect::deliver(question.to.clone(), delivery));
    }
}

/// A deadline that was set stays, as long as the script has one at all.
fn kept_deadline(now: Option<Timestamp>, before: Option<Timestamp>) -> Option<Timestamp> {
    now.map(|now| before.unwrap_or(now))
}
