//! The processes: started as a host would, killed with SIGKILL, and started again at once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::{book::Process, gate::Gate};
use crate::dev::free_port;

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Program {
    /// `backline serve`: a handler, as a Functions host starts it.
    Handler,
    /// `backline dev`: a host with its handler.
    Host,
}

/// Dropped, all of it is killed, place by place.
pub(super) struct Fleet {
    gate: Gate,
    program: Program,
    data: PathBuf,
    settings: Vec<(&'static str, String)>,
    slots: Vec<Mutex<Option<Slot>>>,
}

/// A process in its place. Dropped, it is killed.
struct Slot {
    process: Process,
    child: Child,
    /// Whoever it started itself.
    children: Vec<u32>,
}

impl Fleet {
    pub(super) async fn start(
        gate: &Gate,
        program: Program,
        many: usize,
        data: &Path,
        settings: Vec<(&'static str, String)>,
    ) -> Self {
        let slots = (0..many).map(|_| Mutex::default()).collect();
        let fleet = Self { gate: gate.clone(), program, data: data.to_owned(), settings, slots };
        for slot in 0..many {
            fleet.start_in(slot).await;
        }
        fleet
    }

    pub(super) fn program(&self) -> Program {
        self.program
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Where this process is.
    pub(super) fn slot_of(&self, process: Process) -> Option<usize> {
        (0..self.len()).find(|slot| self.at(*slot).as_ref().is_some_and(|slot| slot.process == process))
    }

    fn at(&self, slot: usize) -> MutexGuard<'_, Option<Slot>> {
        self.slots[slot].lock().unwrap()
    }

    /// Starts a process in this place and waits until it answers.
    pub(super) async fn start_in(&self, slot: usize) {
        // Somebody else may take a port before it does.
        for _ in 0..5 {
            let port = free_port();
            let url = format!("http://127.0.0.1:{port}");
            let is_host = self.program == Program::Host;
            let process = self.gate.book().born(url.clone(), is_host);
            let child = self.command(port, process).spawn().unwrap();
            *self.at(slot) = Some(Slot { process, child, children: Vec::new() });
            while self.look_at(slot, |it| it.child.try_wait().unwrap().is_none()) {
                let health = reqwest::Client::new().get(format!("{url}/health"));
                if health
                    .timeout(Duration::from_secs(10))
                    .send()
                    .await
                    .is_ok_and(|it| it.status().is_success())
                {
                    if is_host {
                        self.look_at(slot, |it| it.children = children(it.child.id()));
                    }
                    self.gate.ready(process);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        panic!("it does not start");
    }

    fn look_at<T>(&self, slot: usize, look: impl FnOnce(&mut Slot) -> T) -> T {
        look(self.at(slot).as_mut().expect("whoever starts here is alone"))
    }

    fn command(&self, port: u16, process: Process) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
        let port = port.to_string();
        match self.program {
            Program::Handler => {
                command.args(["serve", "--port", &port]);
                let queues = format!("sqlite:{}", self.data.join("queues.db").display());
                command.env("AzureWebJobsStorage", queues);
            }
            Program::Host => {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                command.args(["dev", "--port", &port, "--telegram-port", "0"]);
                command.arg("--root").arg(root).arg("--data").arg(&self.data);
            }
        }
        command
            .current_dir(&self.data)
            .env("MESSAGES_PER_SECOND", "0")
            .env("BOTS__operations__token", "1:dev")
            .env("BOTS__operations__secret", "secret")
            .env("BOTS__operations__api", self.gate.api(process))
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Kills whoever is in these places, in one stroke.
    pub(super) async fn kill(&self, slots: &[usize]) {
        let victims: Vec<Slot> = slots.iter().filter_map(|slot| self.at(*slot).take()).collect();
        let processes: Vec<Process> = victims.iter().map(|slot| slot.process).collect();
        self.gate.kill(&processes, || drop(victims)).await;
    }

    /// Kills a host alone: its handler works on until it has seen that it is an orphan.
    pub(super) fn kill_the_host(&self, slot: usize) -> Option<Orphans> {
        let mut host = self.at(slot).take()?;
        self.gate.book().leaves(host.process);
        Some(Orphans { process: host.process, children: std::mem::take(&mut host.children) })
    }

    /// Waits until they have ended themselves.
    pub(super) async fn outlive(&self, orphans: Orphans) {
        while orphans.children.iter().any(|child| is_alive(*child)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.gate.kill(&[orphans.process], || {}).await;
    }
}

/// Handlers of a host that was killed.
pub(super) struct Orphans {
    process: Process,
    children: Vec<u32>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        for child in self.children.iter().filter(|child| is_alive(**child)) {
            // It may have ended by itself since.
            let _ = Command::new("kill").args(["-KILL", &child.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

/// The processes that this one has started.
fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).ok();
    let lists: Vec<String> = threads.flatten().filter_map(of_thread).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
}

/// Still there, and no zombie.
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
