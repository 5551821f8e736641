//! The model: what may happen next, and what always holds.

use backline::runtime::rules;
use stateright::{Model, Property};

use super::{
    row::Row,
    scope::{Kind, Rule, Scope},
    state::{Item, Part, SHARED, State, begun_by, cause, effect, is_handout},
    step::Step,
    worker::{At, Handing, Visit, Worker},
};

/// What an idle worker is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Telegram delivers an update, perhaps once more. It is stored first, or by the commit that applies it.
    Deliver { key: u8, joins: bool },
    /// A hint, perhaps a stale one, or the sweep.
    Look { place: usize, by_sweep: bool },
    /// A hint, or the sweep, says that something may leave the shared workflow.
    LookAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Begin(usize, Task),
    Step(usize),
    /// A step whose write is written, and whose answer is lost.
    StepUnknown(usize),
    Crash(usize),
    /// So much time passes that every claim ends.
    Wait,
}

impl Scope {
    /// What must be looked at, should everybody die: the sweep finds it.
    pub(crate) fn is_due(&self, state: &State, place: usize) -> bool {
        let outbox = state.conversations[place].outbox;
        let is_due = self.keeps(Rule::OutboxIsDue) && rules::is_conversation_due(outbox.is_empty());
        is_due || !state.pending(self, place).is_empty()
    }

    pub(crate) fn workflow_is_due(&self, state: &State) -> bool {
        let handouts = state.workflows[usize::from(SHARED)].handouts;
        self.keeps(Rule::HandoutsAreDue) && rules::is_workflow_due(handouts.is_empty())
    }

    fn tasks(&self, state: &State) -> Vec<Task> {
        let mut tasks = Vec::new();
        for key in self.keys() {
            let may_come = match state.items[usize::from(key)] {
                Item::Absent => self.redelivers || !state.is_joined(key),
                Item::Pending { .. } => self.redelivers,
                Item::Done | Item::Dead => !self.keeps(Rule::ItemIsCreated),
            };
            let ways = [Some(false), self.one_transaction.then_some(true)].into_iter().flatten();
            tasks.extend(ways.filter(|_| may_come).map(|joins| Task::Deliver { key, joins }));
        }
        for place in 0..2 {
            let has_failed = |item: &Item| matches!(item, Item::Pending { attempts } if *attempts > 1);
            let by_sweep =
                self.keys().any(|key| self.place(key) == place && has_failed(&state.items[usize::from(key)]));
            if self.is_due(state, place) {
                tasks.push(Task::Look { place, by_sweep });
            }
        }
        tasks.extend(self.workflow_is_due(state).then_some(Task::LookAfter));
        tasks
    }

    fn begin(&self, state: &mut State, worker: usize, task: Task) {
        let visit = match task {
            Task::Deliver { key, joins } => {
                let at = if joins { At::default() } else { At::Store };
                Visit { place: self.place(key), own: Some(key), joins, at, ..Visit::default() }
            }
            Task::Look { place, by_sweep } => Visit { place, by_sweep, ..Visit::default() },
            Task::LookAfter => {
                state.workers[worker].handing = Some(Handing::default());
                self.step(state, worker, false);
                return;
            }
        };
        state.workers[worker].visit = Some(visit);
        if !matches!(task, Task::Deliver { joins: false, .. }) {
            let me = std::mem::take(&mut state.workers[worker]);
            let mut step = Step { scope: self, me, state, is_lost: false };
            step.look();
            let reads = matches!(step.at().at, At::ReadConversation | At::ReadHead(_) | At::ReadItems);
            state.workers[worker] = step.me;
            if !reads {
                // What it knows is enough: the first step is a write, whose answer may be lost.
                return;
            }
        }
        self.step(state, worker, false);
    }

    fn step(&self, state: &mut State, worker: usize, is_lost: bool) -> bool {
        let me = std::mem::take(&mut state.workers[worker]);
        let mut step = Step { scope: self, me, state, is_lost };
        let taken = step.take();
        state.workers[worker] = step.me;
        taken
    }

    /// The worker's process dies.
    fn crash(&self, state: &mut State, worker: usize) {
        let Worker { visit, .. } = std::mem::take(&mut state.workers[worker]);
        state.faults -= 1;
        let Some(visit) = visit else { return };
        if visit.is_owner {
            state.conversations[visit.place].claim.holder_is_dead = true;
        }
        visit.in_flight.into_iter().for_each(|effect| state.excused.push(effect));
        visit.counted.into_iter().for_each(|key| state.poorer.push(key));
    }

    /// Every claim ends. That a live holder's does is a fault: it was stalled. So it is excused for what it has called for
    /// and not recorded, but for nothing else.
    fn wait(&self, state: &mut State) -> bool {
        let mut owners =
            state.workers.iter().filter_map(|worker| worker.visit).filter(|visit| visit.is_owner);
        if owners.next().is_some() {
            if state.faults == 0 {
                return false;
            }
            state.faults -= 1;
        }
        let in_flight = state.workers.iter().filter_map(|worker| worker.visit?.in_flight);
        in_flight.for_each(|effect| state.excused.push(effect));
        for conversation in &mut state.conversations {
            conversation.claim.has_ended = conversation.claim.is_held;
        }
        true
    }

    /// What was stored, and everything that must have been sent because of it.
    pub(crate) fn is_all_sent(&self, state: &State) -> bool {
        let sent = |effect| state.sent.iter().any(|row| row.contains(effect));
        let told = state.workflows[usize::from(SHARED)].log;
        self.keys().all(|key| {
            let is_told = self.is_shared && told.contains(key) && self.kind(key) != Kind::Command;
            let is_answered = state.queued.iter().any(|row| row.contains(effect(key, Part::Answer)));
            sent(effect(key, Part::Own))
                && (!is_told || sent(effect(key, Part::Handout)))
                && (!is_answered || sent(effect(key, Part::Answer)))
        })
    }

    /// Would anybody come, if everybody who works died?
    pub(crate) fn is_at_rest(&self, state: &State) -> bool {
        state.workers.iter().all(Worker::is_idle)
            && state.items[..self.updates.len()].iter().all(|item| *item != Item::Absent)
            && !(0..2).any(|place| self.is_due(state, place))
            && !self.workflow_is_due(state)
    }
}

impl Model for Scope {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Act>) {
        let mut has_idle = false;
        for (worker, is) in state.workers.iter().enumerate() {
            if is.is_idle() {
                if !has_idle || !self.is_symmetric {
                    actions.extend(self.tasks(state).into_iter().map(|task| Act::Begin(worker, task)));
                }
                has_idle = true;
                continue;
            }
            actions.push(Act::Step(worker));
            if state.faults > 0 {
                actions.extend([Act::Crash(worker), Act::StepUnknown(worker)]);
            }
        }
        if state.conversations.iter().any(|head| head.claim.is_held && !head.claim.has_ended) {
            actions.push(Act::Wait);
        }
    }

    fn next_state(&self, before: &State, act: Act) -> Option<State> {
        let mut state = before.clone();
        let is_possible = match act {
            Act::Begin(worker, task) => {
                self.begin(&mut state, worker, task);
                true
            }
            Act::Step(worker) => self.step(&mut state, worker, false),
            Act::StepUnknown(worker) => self.step(&mut state, worker, true),
            Act::Crash(worker) => {
                self.crash(&mut state, worker);
                true
            }
            Act::Wait => self.wait(&mut state),
        };
        for worker in 0..state.workers.len() {
            let me = std::mem::take(&mut state.workers[worker]);
            let mut step = Step { scope: self, me, state: &mut state, is_lost: false };
            step.take_hopeless();
            state.workers[worker] = step.me;
        }
        if self.is_symmetric {
            state.workers.sort_unstable();
        }
        is_possible.then_some(state)
    }

    /// Where a rule is left out, there is no end to some things.
    fn within_boundary(&self, state: &State) -> bool {
        let rows = state.sent.iter().chain(&state.queued).chain(state.workflows.iter().map(|head| &head.log));
        rows.chain([&state.excused]).all(|row| row.len() < 12)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no input is applied twice", applied_once),
            Property::always("nothing is put into an outbox twice", |_, state: &State| {
                state.queued.iter().all(|row| row.without_repeats() == *row)
            }),
            Property::always("inputs are applied as they were stored", |_, state: &State| {
                (0..2).all(|place| keeps_order(state, state.applied[place]))
            }),
            Property::always("messages come in order", messages_in_order),
            Property::always("only what was in flight is sent twice", doubles_are_excused),
            Property::always("nothing is left undone", |scope: &Scope, state: &State| {
                !scope.is_at_rest(state) || (state.is_complete(scope) && scope.is_all_sent(state))
            }),
            Property::always("a conversation has one current workflow", one_current),
            Property::always("what is sent is what the log says", |_, state: &State| !state.is_contradicted),
            Property::always("only what may have failed is counted", counts_failures),
            Property::always("no innocent input is given up", |_, state: &State| {
                !state.items.contains(&Item::Dead)
            }),
        ]
    }
}

fn applied_once(scope: &Scope, state: &State) -> bool {
    scope.keys().all(|key| {
        let logs = state.workflows.iter().enumerate();
        let times = |log: Row| log.iter().filter(|other| *other == key).count();
        let begins = usize::from(begun_by(key));
        let (begun, others): (Vec<_>, Vec<_>) =
            logs.map(|(place, head)| (place, times(head.log))).partition(|(place, _)| *place == begins);
        let most = usize::from(scope.kind(key) == Kind::Command);
        let sum = |of: Vec<(usize, usize)>| of.iter().map(|(_, times)| times).sum::<usize>();
        sum(begun) <= most && sum(others) <= 1
    })
}

/// What was stored before something with a higher key came goes before it.
fn keeps_order(state: &State, done: Row) -> bool {
    done.iter().enumerate().all(|(turn, key)| {
        let mut ahead = state.ahead[usize::from(key)].iter();
        ahead.all(|other| done.position(other).is_some_and(|other| other < turn))
    })
}

/// Answers come in the order of the inputs; what one workflow sends comes in the order of its log.
fn messages_in_order(scope: &Scope, state: &State) -> bool {
    let log = state.workflows[usize::from(SHARED)].log;
    (0..2).all(|place| {
        let sent = state.sent[place].without_repeats();
        let own = |effect: &u8| !is_handout(*effect) && scope.place(cause(*effect)) == place;
        let of_log = |effect: &u8| scope.kind(cause(*effect)) != Kind::Command;
        let answered: Row = sent.iter().filter(own).map(cause).collect();
        let ns = sent.iter().filter(of_log).filter_map(|effect| log.position(cause(effect)));
        keeps_order(state, answered.without_repeats()) && ns.is_sorted()
    })
}

/// An attempt is counted while it is made, and stays counted if its worker dies over it.
fn counts_failures(scope: &Scope, state: &State) -> bool {
    scope.keys().all(|key| {
        let visits = state.workers.iter().filter_map(|worker| worker.visit);
        let under_way = visits.filter(|visit| visit.counted == Some(key)).count();
        let failed = state.poorer.iter().filter(|other| *other == key).count();
        match state.items[usize::from(key)] {
            Item::Pending { attempts } => usize::from(attempts) <= under_way + failed,
            Item::Absent | Item::Done | Item::Dead => true,
        }
    })
}

fn doubles_are_excused(_: &Scope, state: &State) -> bool {
    state.sent.iter().all(|sent| {
        sent.iter().all(|effect| {
            let times = |row: Row| row.iter().filter(|other| *other == effect).count();
            times(*sent) <= 1 + times(state.excused)
        })
    })
}

/// When nothing is left to do, the only workflow that takes what a conversation says is its current one.
fn one_current(scope: &Scope, state: &State) -> bool {
    if !state.is_complete(scope) {
        return true;
    }
    let begun = scope.keys().filter(|key| scope.kind(*key) == Kind::Command);
    let begun = begun.map(|key| (begun_by(key), scope.place(key))).chain([(SHARED, super::scope::ADA)]);
    begun.into_iter().all(|(workflow, place)| {
        !state.workflows[usize::from(workflow)].takes()
            || state.conversations[place].current == Some(workflow)
    })
}
