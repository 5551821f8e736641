//! What the kills did, as it can be seen from outside: in the chats, and in the store when all is over.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use backline::{
    model::{Clock, ConversationId, Timestamp},
    runtime::{State, behind, rebuild},
    store::{Container, Store},
};
use chrono::TimeDelta;

use super::{
    book::{Book, Doubled},
    people::{UPDATES, told},
};

/// Everything is at rest long before this is over.
const PATIENCE: Duration = Duration::from_secs(150);

#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) kills: usize,
    pub(super) updates: usize,
    /// So often an update was brought to a process, redeliveries included.
    pub(super) brought: usize,
    pub(super) messages: usize,
    pub(super) lost: usize,
    pub(super) twice: usize,
    pub(super) out_of_order: usize,
    pub(super) given_up: usize,
    /// Messages that came once more, because the kill fell between a call and its answer.
    pub(super) doubled_in_the_call: usize,
    /// The same, between the answer and the write after it.
    pub(super) doubled_before_its_record: usize,
    pub(super) doubled_for_no_reason: usize,
    pub(super) took: Duration,
    /// What was seen of the harm, for whoever looks for the reason.
    pub(super) harm: Vec<String>,
}

impl Verdict {
    /// Waits until the store is at rest, and looks at everything.
    pub(super) async fn reach(store: &dyn Store, book: impl Fn() -> Book, people: &[(i64, usize)]) -> Self {
        rest(store).await;
        let book = book();
        let mut verdict = Self { kills: book.kills, brought: book.brought, ..Self::default() };
        for &(person, reports) in people {
            verdict.look_at_chat(&book, person, reports);
            verdict.look_at_store(store, &book, person, reports).await;
        }
        verdict.given_up = count(store, Container::DeadLetters).await;
        let (events, reports) =
            (count(store, Container::Events).await, people.iter().map(|(_, reports)| reports).sum::<usize>());
        verdict.compare("the events", events, reports);
        verdict
    }

    fn compare(&mut self, what: &str, found: usize, wanted: usize) {
        if found != wanted {
            self.harm.push(format!("{what}: {found} instead of {wanted}"));
        }
        self.lost += wanted.saturating_sub(found);
        self.twice += found.saturating_sub(wanted);
    }

    /// The messages of a chat are those of an undisturbed one, but for those that a kill explains.
    fn look_at_chat(&mut self, book: &Book, person: i64, reports: usize) {
        let mut arrived = book.arrivals(person).to_vec();
        arrived.sort_by_key(|n| book.call(*n).message.as_ref().and_then(|kept| kept["message_id"].as_i64()));
        self.messages += arrived.len();
        let mut once: Vec<usize> = Vec::new();
        for call in arrived {
            let same = once.last().copied().filter(|last| book.call(*last).text == book.call(call).text);
            let Some(first) = same else {
                once.push(call);
                continue;
            };
            match book.why_doubled(first) {
                Doubled::InTheCall => self.doubled_in_the_call += 1,
                Doubled::BeforeItsRecord => self.doubled_before_its_record += 1,
                Doubled::ForNoReason => {
                    self.doubled_for_no_reason += 1;
                    self.harm.push(format!("doubled: {:?} and {:?}", book.call(first), book.call(call)));
                }
            }
            // The third copy has to be explained by the second.
            *once.last_mut().unwrap() = call;
        }
        let says =
            |n: usize, call: usize| told(n).iter().all(|words| book.call(call).text.contains(words.as_str()));
        self.compare(&format!("the messages to {person}"), once.len(), reports * UPDATES);
        if let Some(n) = (0..once.len()).find(|n| !says(*n, once[*n])) {
            self.out_of_order += usize::from(once.len() == reports * UPDATES);
            let around: Vec<&str> =
                once.iter().skip(n.saturating_sub(2)).take(5).map(|call| &*book.call(*call).text).collect();
            self.harm.push(format!("{person}, message {n}: {around:#?}"));
        }
    }

    /// Every update that was brought is applied once, in the order in which Telegram numbers them.
    async fn look_at_store(&mut self, store: &dyn Store, book: &Book, person: i64, reports: usize) {
        let updates = book.updates.get(&person).cloned().unwrap_or_default();
        self.updates += updates.len();
        self.compare(&format!("the updates of {person}"), updates.len(), reports * UPDATES);
        let id = ConversationId::private("operations".parse().unwrap(), person);
        let behind = behind(store, &id).await.unwrap();
        for item in behind.items.iter().filter(|item| item.state != State::Done) {
            self.harm.push(format!("{} is {:?}", item.input.key, item.state));
        }
        let mut applied: BTreeMap<u64, usize> = BTreeMap::new();
        let mut logs: Vec<Vec<u64>> = Vec::new();
        for logged in &behind.workflows {
            let keys = logged.log.iter().map(|entry| entry.input.key.as_str());
            let log: Vec<u64> = keys.map(|key| key.rsplit(':').next().unwrap().parse().unwrap()).collect();
            log.iter().for_each(|update| *applied.entry(*update).or_default() += 1);
            logs.push(log);
            let workflow = logged.document.head.workflow;
            if !rebuild(store, workflow).await.is_ok_and(|rebuilt| rebuilt.agrees()) {
                self.harm.push(format!("the log of {workflow} does not fold to its head"));
                self.out_of_order += 1;
            }
        }
        logs.sort();
        self.out_of_order += usize::from(!logs.concat().is_sorted());
        for update in &updates {
            let times = applied.get(update).copied().unwrap_or_default();
            self.compare(&format!("update {update} of {person} applied"), times, 1);
        }
    }

    /// Nothing was lost, nothing done twice, nothing out of order; and no message is doubled that no kill explains.
    pub(super) fn expect_no_harm(&self) {
        let harm = (self.lost, self.twice, self.out_of_order, self.given_up, self.doubled_for_no_reason);
        assert_eq!(harm, (0, 0, 0, 0, 0), "{self}\n{}", self.harm.join("\n"));
        assert!(self.harm.is_empty(), "{}", self.harm.join("\n"));
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills over {} updates (brought {} times) and {} messages in {:.0} s: lost {}, applied twice {}, out of \
             order {}, given up {}; sent again: {} cut in the call, {} before its record, {} for no reason",
            self.kills,
            self.updates,
            self.brought,
            self.messages,
            self.took.as_secs_f64(),
            self.lost,
            self.twice,
            self.out_of_order,
            self.given_up,
            self.doubled_in_the_call,
            self.doubled_before_its_record,
            self.doubled_for_no_reason,
        )
    }
}

/// Waits until nothing is due any more, now or later.
async fn rest(store: &dyn Store) {
    let start = Instant::now();
    loop {
        let ever = || Timestamp::UNIX_EPOCH..=Clock::real().now() + TimeDelta::days(1);
        let mut due = store.due(Container::Conversations, ever(), 5).await.unwrap();
        due.extend(store.due(Container::Inputs, ever(), 5).await.unwrap());
        if due.is_empty() {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "never comes to rest: {due:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn count(store: &dyn Store, container: Container) -> usize {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.list(container, after, 1000).await.unwrap();
        count += page.documents.len();
        after = page.next;
        if after.is_none() {
            return count;
        }
    }
}
