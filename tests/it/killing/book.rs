//! What is known from outside: every call of the Bot API and every request to a process, and which of them a kill fell
//! into.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A process is known by the order in which they were started.
pub(super) type Process = usize;

/// A message that somebody tried to send.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) by: Process,
    pub(super) chat: i64,
    pub(super) text: String,
    /// As Telegram keeps it, if it got there.
    pub(super) message: Option<Value>,
    /// Whoever called was given the answer.
    answered: bool,
    /// Whoever called was killed before the answer was given.
    cut: bool,
    /// When it began: a count of everything that begins.
    began: usize,
}

/// One process, from outside.
#[derive(Clone, Debug, Default)]
struct Life {
    url: String,
    is_ready: bool,
    is_dead: bool,
    /// What it was asked to do and has not answered, and when that began. A kill leaves it as it is.
    asked: BTreeMap<usize, Asked>,
    /// It may do things that nobody outside asked for.
    has_a_host: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    /// To take an update of this chat.
    Update(i64),
    /// To sweep, or to follow a hint.
    Else,
}

/// How a message came to be there a second time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doubled {
    /// The kill fell between the call and its answer.
    InTheCall,
    /// The kill fell after the answer, before the process had said that it was done with what made it call.
    BeforeItsRecord,
    /// There was no kill that could explain it.
    ForNoReason,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    calls: Vec<Call>,
    lives: Vec<Life>,
    /// Everything that begins is counted.
    begun: usize,
    /// The messages that arrived, by chat.
    arrived: BTreeMap<i64, Vec<usize>>,
    /// The updates that were brought, by chat.
    pub(super) updates: BTreeMap<i64, BTreeSet<u64>>,
    /// So often an update was brought, and so often taken.
    pub(super) brought: usize,
    pub(super) taken: usize,
    pub(super) kills: usize,
    /// Everybody has gone home.
    pub(super) is_over: bool,
}

impl Book {
    pub(super) fn born(&mut self, url: String, has_a_host: bool) -> Process {
        self.lives.push(Life { url, has_a_host, ..Life::default() });
        self.lives.len() - 1
    }

    pub(super) fn ready(&mut self, process: Process) {
        self.lives[process].is_ready = true;
    }

    /// It works on, but nobody can ask it anything.
    pub(super) fn leaves(&mut self, process: Process) {
        self.lives[process].is_ready = false;
    }

    /// The processes that may be asked something, with their addresses.
    pub(super) fn ready_ones(&self) -> Vec<(Process, String)> {
        let lives = self.lives.iter().enumerate();
        lives
            .filter(|(_, life)| life.is_ready && !life.is_dead)
            .map(|(n, life)| (n, life.url.clone()))
            .collect()
    }

    pub(super) fn is_dead(&self, process: Process) -> bool {
        self.lives[process].is_dead
    }

    /// It is dead, or will be before anybody hears of it again.
    pub(super) fn died(&mut self, process: Process) {
        self.lives[process].is_dead = true;
        self.kills += 1;
        for call in self.calls.iter_mut().filter(|call| call.by == process && !call.answered) {
            call.cut = true;
        }
    }

    fn begin(&mut self) -> usize {
        self.begun += 1;
        self.begun
    }

    pub(super) fn asks(&mut self, process: Process, what: Asked) -> usize {
        let n = self.begin();
        self.lives[process].asked.insert(n, what);
        n
    }

    /// It has answered; after its death that means nothing.
    pub(super) fn answers(&mut self, process: Process, asked: usize) {
        if !self.lives[process].is_dead {
            self.lives[process].asked.remove(&asked);
        }
    }

    pub(super) fn calls(&mut self, by: Process, chat: i64, text: String) -> usize {
        let began = self.begin();
        self.calls.push(Call { by, chat, text, message: None, answered: false, cut: false, began });
        self.calls.len() - 1
    }

    pub(super) fn arrived(&mut self, call: usize, message: Value) {
        self.arrived.entry(self.calls[call].chat).or_default().push(call);
        self.calls[call].message = Some(message);
    }

    /// May whoever called be given the answer? Not after its death.
    pub(super) fn answer(&mut self, call: usize) -> bool {
        let by = self.calls[call].by;
        self.calls[call].answered = !self.lives[by].is_dead;
        self.calls[call].answered
    }

    /// What arrived in a chat, in the order in which it did.
    pub(super) fn arrivals(&self, chat: i64) -> &[usize] {
        self.arrived.get(&chat).map_or(&[], Vec::as_slice)
    }

    pub(super) fn call(&self, n: usize) -> &Call {
        &self.calls[n]
    }

    /// Why the message of `first` is there again. Whatever a process still had to answer at its death, it may not have
    /// written down: so the call must be the last one it made in this chat, and made for that.
    pub(super) fn why_doubled(&self, first: usize) -> Doubled {
        let call = &self.calls[first];
        if call.cut {
            return Doubled::InTheCall;
        }
        let life = &self.lives[call.by];
        let is_last = !self.calls.iter().skip(first + 1).any(|c| c.by == call.by && c.chat == call.chat);
        let was_at_it = life.has_a_host
            || life.asked.iter().any(|(began, what)| {
                *began < call.began && (*what == Asked::Else || *what == Asked::Update(call.chat))
            });
        if life.is_dead && is_last && was_at_it { Doubled::BeforeItsRecord } else { Doubled::ForNoReason }
    }
}
