//! A script that takes its process with it, whenever it is tried: is it ever given up, and is the next input served?

use backline::runtime::rules::{Try, Verdict, may_try};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// An input that kills, and one behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Inbox {
    attempts: u32,
    deaths: u32,
    is_given_up: bool,
    next_is_done: bool,
    was_received: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The worker that has received the input, before anybody else.
    Receiver,
    Hint,
    Sweep,
}

struct Killing {
    /// An attempt is counted before it is made.
    counts_before: bool,
    /// `/start` waits behind it.
    overtaken: bool,
}

impl Model for Killing {
    type State = Inbox;
    type Action = Look;

    fn init_states(&self) -> Vec<Inbox> {
        vec![Inbox::default()]
    }

    fn actions(&self, inbox: &Inbox, looks: &mut Vec<Look>) {
        if !inbox.next_is_done {
            looks.extend([Look::Hint, Look::Sweep]);
            looks.extend((!inbox.was_received).then_some(Look::Receiver));
        }
    }

    fn next_state(&self, inbox: &Inbox, look: Look) -> Option<Inbox> {
        let mut inbox = Inbox { was_received: true, ..inbox.clone() };
        if inbox.is_given_up {
            inbox.next_is_done = true;
            return Some(inbox);
        }
        let verdict = may_try(Try {
            attempts: inbox.attempts,
            needs_no_count: look == Look::Receiver,
            by_sweep: look == Look::Sweep,
            is_start: false,
            overtaken: self.overtaken,
        });
        match verdict {
            Verdict::Go => inbox.deaths += 1,
            Verdict::Count => {
                inbox.attempts += u32::from(self.counts_before);
                inbox.deaths += 1;
            }
            Verdict::NotNow => {}
            Verdict::GiveUp | Verdict::Overtaken => inbox.is_given_up = true,
        }
        Some(inbox)
    }

    fn within_boundary(&self, inbox: &Inbox) -> bool {
        inbox.deaths < 20
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a process dies of it six times at most", |_, inbox: &Inbox| inbox.deaths <= 6),
            Property::always(
                "only the sweep dies of it after the third time",
                |killing: &Killing, inbox: &Inbox| !killing.overtaken || inbox.deaths <= 3,
            ),
            Property::sometimes("the next input is served", |_, inbox: &Inbox| inbox.next_is_done),
        ]
    }
}

#[test]
fn an_input_that_kills_is_given_up_and_the_next_one_served() {
    for overtaken in [false, true] {
        let tried = Killing { counts_before: true, overtaken }.checker().spawn_bfs().join();
        tried.assert_properties();
        println!("{:>9} states, overtaken: {overtaken}", tried.unique_state_count());
    }
}

#[test]
fn an_attempt_is_counted_before_it_is_made() {
    let killing = Killing { counts_before: false, overtaken: false };
    let tried = killing.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    tried.assert_any_discovery("a process dies of it six times at most");
}
