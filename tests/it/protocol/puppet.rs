//! Real processes that do one operation at a time, when they are told to.

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use crate::harness::{App, Fault, Gate, Held, Kind, Operation, Process};

/// One operation, by the document it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Read(&'static str),
    Write(&'static str),
    Call,
    Nothing,
}

/// Where a process stands.
enum Standing {
    Idle,
    AtStore { operation: String, reads: bool },
    Calling(Held),
}

enum Event {
    AtStore { process: usize, operation: String, reads: bool },
    Ended { process: usize },
}

struct Puppet {
    number: usize,
    process: Process,
    gate: Gate,
    work: Option<JoinHandle<()>>,
    standing: Standing,
}

/// Processes, one a worker.
pub(crate) struct Puppets {
    puppets: Vec<Puppet>,
    sender: UnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    /// What came while another puppet was waited for: one stores and reads at the same time.
    early: Vec<Event>,
    calls: UnboundedReceiver<Held>,
    made: usize,
}

impl Puppets {
    pub(crate) fn new(app: &App, workers: usize) -> Self {
        let ((sender, events), (held, calls)) = (unbounded_channel(), unbounded_channel());
        app.wire.hold(Kind::Message, held);
        let mut all = Self { puppets: Vec::new(), sender, events, early: Vec::new(), calls, made: 0 };
        for _ in 0..workers {
            let puppet = all.make(app);
            all.puppets.push(puppet);
        }
        all
    }

    fn make(&mut self, app: &App) -> Puppet {
        self.made += 1;
        let (number, process, gate, sender) =
            (self.made, app.another_process(), Gate::default(), self.sender.clone());
        process.store.fail(Fault::Wait(gate.clone()), usize::MAX, move |operation| {
            let (reads, operation) = match operation {
                Operation::Read(id) => (true, id.clone()),
                Operation::Write(_, ids) => (false, ids.join(" ")),
            };
            sender.send(Event::AtStore { process: number, operation, reads }).is_ok()
        });
        Puppet { number, process, gate, work: None, standing: Standing::Idle }
    }

    pub(crate) async fn post(&mut self, worker: usize, update: &str) {
        let (process, update) = (self.puppets[worker].process.clone(), update.to_owned());
        self.begin(worker, async move {
            process.post(&update).await;
        })
        .await;
    }

    pub(crate) async fn follow(&mut self, worker: usize, hint: String) {
        let process = self.puppets[worker].process.clone();
        self.begin(worker, async move {
            process.unless_it_dies(process.runtime.follow(&hint)).await.map(Result::unwrap);
        })
        .await;
    }

    async fn begin(&mut self, worker: usize, work: impl Future<Output = ()> + Send + 'static) {
        let (sender, process) = (self.sender.clone(), self.puppets[worker].number);
        self.puppets[worker].work = Some(tokio::spawn(async move {
            work.await;
            sender.send(Event::Ended { process }).ok();
        }));
        self.wait(worker).await;
    }

    /// Until the process stands before its next operation, or has nothing more to do. All others stand still.
    async fn wait(&mut self, worker: usize) {
        let puppet = &mut self.puppets[worker];
        let mut early = std::mem::take(&mut self.early).into_iter();
        loop {
            let event = match early.next() {
                Some(event) => event,
                None => tokio::select! {
                    Some(event) = self.events.recv() => event,
                    Some(call) = self.calls.recv() => {
                        puppet.standing = Standing::Calling(call);
                        return;
                    }
                },
            };
            puppet.standing = match event {
                Event::AtStore { process, operation, reads } if process == puppet.number => {
                    Standing::AtStore { operation, reads }
                }
                Event::Ended { process } if process == puppet.number => Standing::Idle,
                other => {
                    self.early.push(other);
                    continue;
                }
            };
            self.early.extend(early);
            return;
        }
    }

    /// Lets a process do what it stands before, which must be this.
    pub(crate) async fn go_on(&mut self, worker: usize, doing: Doing) {
        let puppet = &mut self.puppets[worker];
        let standing = std::mem::replace(&mut puppet.standing, Standing::Idle);
        match (standing, doing) {
            (Standing::AtStore { operation, reads: true }, Doing::Read(id)) if operation.starts_with(id) => {
                puppet.gate.open();
            }
            (Standing::AtStore { operation, reads: false }, Doing::Write(id))
                if operation.starts_with(id) =>
            {
                puppet.gate.open();
                // What it does at the same time may stand at the gate already.
                puppet.gate.written().await;
            }
            (Standing::Calling(call), Doing::Call) => call.let_through.send(()).unwrap(),
            (standing, doing) => panic!("the model is at {doing:?}, and the runtime {standing}"),
        }
        self.wait(worker).await;
        // Entries are read one by one, and never change.
        if let (Doing::Read("inputs/tg:"), Standing::AtStore { operation, .. }) =
            (doing, &self.puppets[worker].standing)
            && operation.starts_with("inputs/tg:")
        {
            Box::pin(self.go_on(worker, doing)).await;
        }
    }

    /// The model's worker has nothing more to do; a process may still read, and must not write.
    pub(crate) async fn end(&mut self, worker: usize) {
        loop {
            match &self.puppets[worker].standing {
                Standing::Idle => return,
                Standing::AtStore { reads: true, .. } => self.puppets[worker].gate.open(),
                standing => panic!("the model has nothing to do, and the runtime {standing}"),
            }
            self.wait(worker).await;
        }
    }

    /// The process dies where it stands, and another takes its place.
    pub(crate) async fn kill(&mut self, app: &App, worker: usize) {
        let new = self.make(app);
        let dead = std::mem::replace(&mut self.puppets[worker], new);
        bury(dead).await;
    }

    /// They all die, and messages pass again.
    pub(crate) async fn release(&mut self, app: &App) {
        app.wire.hold_no_more();
        for puppet in self.puppets.drain(..) {
            bury(puppet).await;
        }
    }
}

async fn bury(dead: Puppet) {
    dead.process.store.die();
    // What stands at the gate lets go of the store, and waits for ever.
    dead.gate.open();
    if let Some(work) = dead.work {
        work.abort();
        work.await.ok();
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Idle => write!(f, "has nothing to do"),
            Self::AtStore { operation, reads: true } => write!(f, "reads `{operation}`"),
            Self::AtStore { operation, reads: false } => write!(f, "writes `{operation}`"),
            Self::Calling(call) => write!(f, "sends to {:?}", call.chat),
        }
    }
}
