//! Migration: a group that becomes a supergroup gets another id (<https://core.telegram.org/bots/api#responseparameters>).
//!
//! Nothing is moved. A conversation stays what it is known by, with its log, its inbox and its workflows: what comes
//! from the new id is brought to the old one, what goes to the old one leaves for the new. That the two are one stands in
//! a document that is written before anything else is done about the news. Only messages stay behind: so each
//! conversation of the group hears of it by an input of its own, and puts its open questions again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Error, Runtime,
    documents::{Conversation, LEFT_BEHIND, Outgoing},
};
use crate::{
    engine::read_prompt_name,
    model::{ConversationId, EffectId, Input, InputKey, TraceParent, What},
    store::{Batch, Container, DocumentId, Draft, Query, Write},
};

/// What a supergroup was before: it stands in the partition of its own conversation, which is otherwise empty.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    /// The group's id, which everything of it is known by.
    chat: i64,
}

/// Somebody talks to the bot in this group, here: it stands in the partition of the group's own conversation.
#[derive(Debug, Serialize, Deserialize)]
struct Talk {
    /// Where.
    conversation: ConversationId,
}

/// What the ids of those begin with.
const TALK: &str = "talk:";
/// So many are told at once.
const PAGE: usize = 100;

fn before_id() -> DocumentId {
    "before".parse().expect("`before` is an id")
}

impl Runtime {
    /// The input in the conversation that it belongs to: a supergroup's, in that of the group that it was.
    ///
    /// Asked for each update of a group: its first message after the migration says so, and Telegram brings a chat's
    /// messages one after the other; so whatever comes later finds what was written because of it.
    ///
    /// # Errors
    /// The store's. Nothing is stored: Telegram shall bring the update again.
    pub(super) async fn at_home(&self, mut input: Input) -> Result<Input, Error> {
        let here = &mut input.conversation;
        if let What::Moved { to } = input.what {
            self.remember_group(here, to).await?;
        } else if here.chat < 0
            && let Some(Before { chat }) = self.before(here).await?
        {
            if let What::Membership { via, .. } = &mut input.what {
                *via = Some(here.chat);
            }
            // Who signs as the chat signs as the chat of old.
            here.user = if here.user == here.chat { chat } else { here.user };
            here.chat = chat;
        }
        Ok(input)
    }

    /// What the chat was before, if it was another one.
    async fn before(&self, here: &ConversationId) -> Result<Option<Before>, Error> {
        let place = here.of_chat().to_string();
        let document = self.store().read(Container::Conversations, &place, &before_id()).await?;
        Ok(document.map(|document| document.parse()).transpose()?)
    }

    /// Written twice, it is written once.
    async fn remember_group(&self, group: &ConversationId, to: i64) -> Result<(), Error> {
        let supergroup = ConversationId { chat: to, ..group.clone() }.of_chat();
        let batch = Batch {
            container: Container::Conversations,
            partition: supergroup.to_string(),
            writes: vec![Write::Upsert(before_id(), Draft::of(&Before { chat: group.chat }))],
        };
        self.store().commit(vec![batch]).await?;
        Ok(())
    }

    /// Telegram refused a call and named the chat's new id: nobody has told us yet. Can be repeated.
    pub(super) async fn note_migration(
        &self,
        id: &ConversationId,
        to: i64,
        trace: TraceParent,
    ) -> Result<(), Error> {
        let group = id.of_chat();
        self.remember_group(&group, to).await?;
        let (key, now) = (InputKey::moved(group.chat, to), self.store().now());
        self.create_item(Input::of_ours(key, now, group.clone(), trace, What::Moved { to })).await?;
        self.hint(&group, Duration::ZERO).await;
        Ok(())
    }

    /// Notes where the chat of a conversation is now, and returns whether the bot may write there. Of a group its own
    /// conversation knows; it is asked once for all that is to be sent.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn find_chat(
        &self,
        id: &ConversationId,
        conversation: &mut Conversation,
    ) -> Result<bool, Error> {
        let chat = id.of_chat();
        if id.is_private() || *id == chat {
            return Ok(conversation.reachable);
        }
        let (own, _) = self.conversation(&chat).await?;
        own.moved_to.into_iter().for_each(|to| conversation.move_to(to));
        Ok(conversation.reachable && own.reachable)
    }

    /// The write that notes a conversation of a group, when it is new.
    pub(super) fn talk(&self, before: &Conversation, input: &Input) -> Option<Batch> {
        let here = &input.conversation;
        let own = here.of_chat();
        let is_new = before.person.is_none() && input.from.is_some();
        let id = format!("{TALK}{}:{}", here.thread, here.user).parse().expect("two numbers are an id");
        (is_new && !here.is_private() && *here != own).then(|| Batch {
            container: Container::Conversations,
            partition: own.to_string(),
            writes: vec![Write::Upsert(id, Draft::of(&Talk { conversation: here.clone() }))],
        })
    }

    /// Tells every conversation of the group, each by an input that is there once however often it is told.
    ///
    /// # Errors
    /// The store's: the news stays pending, and is told again.
    pub(super) async fn tell_talks(&self, news: &Input, to: i64) -> Result<(), Error> {
        let group = &news.conversation;
        if *group != group.of_chat() {
            return Ok(());
        }
        let mut query = Query { prefix: TALK.to_owned(), limit: PAGE, ..Query::default() };
        loop {
            let page =
                self.store().query(Container::Conversations, &group.to_string(), query.clone()).await?;
            query.after = page.last().map(|last| last.id.clone());
            let is_last = page.len() < PAGE;
            for document in page {
                let Talk { conversation } = document.parse()?;
                let key = InputKey::moved(group.chat, to);
                let told = Input { key, conversation, message_id: None, ..news.clone() };
                let place = told.conversation.clone();
                self.create_item(told).await?;
                self.hint(&place, Duration::ZERO).await;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The prompts of open questions whose messages stayed behind, once more.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn prompts_again(
        &self,
        conversation: &Conversation,
        news: &Input,
    ) -> Result<Vec<Outgoing>, Error> {
        let mut again = Vec::new();
        let left = conversation.prompts.iter().filter(|(_, message)| **message == LEFT_BEHIND);
        for (workflow, question) in left.filter_map(|(prompt, _)| read_prompt_name(prompt)) {
            let Some((document, _)) = self.workflow(workflow).await? else { continue };
            if let Some(delivery) = document.head.prompt_again(question) {
                let id = EffectId::of_input(&news.key, again.len());
                again.push(Outgoing::new(id, delivery, news.trace.clone()));
            }
        }
        Ok(again)
    }
}
