//! Kills: at a message on its way, at a write of the store, or whenever.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    book::Process,
    fleet::{Fleet, Program},
    gate::{Gate, Moment},
};
use crate::cosmos_bridge::{Bridge, Fault, Kind};

/// Who is to be caught somewhere and is not there by then is killed wherever it is.
const PATIENCE: Duration = Duration::from_millis(800);

/// How the store's writes can be told from outside.
pub(super) enum Writes<'a> {
    /// SQLite counts its commits at the beginning of this file
    /// (<https://www.sqlite.org/walformat.html#the_wal_index_file_format>).
    InFile(PathBuf),
    /// They are requests, which can be held.
    AtAccount(&'a Bridge),
}

pub(super) struct Reaper<'a> {
    gate: &'a Gate,
    fleet: &'a Fleet,
    writes: Writes<'a>,
    kills: usize,
    /// So many updates are taken between two kills.
    pace: usize,
    dice: Dice,
}

/// Whom a kill is for.
enum Victims {
    /// Whoever was caught.
    Caught(Process),
    Anybody,
    Everybody,
}

impl<'a> Reaper<'a> {
    /// Spreads its kills over so many updates.
    pub(super) fn new(
        gate: &'a Gate,
        fleet: &'a Fleet,
        writes: Writes<'a>,
        kills: usize,
        updates: usize,
        seed: u64,
    ) -> Self {
        Self { gate, fleet, writes, kills, pace: updates * 8 / 10 / kills, dice: Dice::of(seed) }
    }

    /// Kills until it has killed enough, or all the people have gone home. Whoever is killed is started again at once.
    pub(super) async fn run(mut self) {
        let mut then = self.pace;
        for n in 2.. {
            let go_on =
                |book: &super::book::Book| (book.is_over || book.taken >= then).then_some(!book.is_over);
            if !self.gate.until(go_on).await || self.gate.book().kills >= self.kills {
                return;
            }
            let victims = self.wait().await;
            then = (n * self.pace).max(self.gate.book().taken + self.pace / 3);
            let slots = self.slots(victims);
            if self.fleet.program() == Program::Host && self.dice.under(2) == 0 {
                for slot in slots {
                    let Some(orphans) = self.fleet.kill_the_host(slot) else { continue };
                    tokio::join!(self.fleet.start_in(slot), self.fleet.outlive(orphans));
                }
                continue;
            }
            self.fleet.kill(&slots).await;
            for slot in slots {
                self.fleet.start_in(slot).await;
            }
        }
    }

    fn slots(&mut self, victims: Victims) -> Vec<usize> {
        match victims {
            Victims::Caught(process) => self.fleet.slot_of(process).into_iter().collect(),
            Victims::Anybody => vec![self.dice.under(self.fleet.len())],
            Victims::Everybody => (0..self.fleet.len()).collect(),
        }
    }

    /// Until the moment has come.
    async fn wait(&mut self) -> Victims {
        match self.dice.under(10) {
            0..4 => {
                let moment = if self.dice.under(2) == 0 { Moment::Before } else { Moment::After };
                let caught = self.gate.trap(self.dice.under(6), moment);
                match tokio::time::timeout(PATIENCE, caught).await {
                    Ok(Ok(process)) => Victims::Caught(process),
                    _ => Victims::Anybody,
                }
            }
            4..8 => self.at_a_write().await,
            8 => Victims::Everybody,
            _ => {
                tokio::time::sleep(Duration::from_micros(self.dice.under(30_000) as u64)).await;
                Victims::Anybody
            }
        }
    }

    async fn at_a_write(&mut self) -> Victims {
        match &self.writes {
            Writes::InFile(file) => {
                let (file, commits) = (file.clone(), 1 + self.dice.under(12));
                tokio::task::spawn_blocking(move || wait_for_commits(&file, commits)).await.unwrap();
                Victims::Anybody
            }
            Writes::AtAccount(account) => {
                let kind = if self.dice.under(3) == 0 { Kind::Write } else { Kind::Batch };
                let fault = if self.dice.under(2) == 0 { Fault::Silence } else { Fault::SilenceAfterwards };
                account.fail(1, kind, &fault);
                let start = Instant::now();
                while account.planned() > 0 && start.elapsed() < PATIENCE {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                account.mend();
                // Whose write is held is not known: all die.
                Victims::Everybody
            }
        }
    }
}

/// Returns right after so many commits, by whomever, or when there are none.
fn wait_for_commits(file: &Path, commits: usize) {
    let look = || {
        let mut header = [0; 48];
        File::open(file).and_then(|mut file| file.read_exact(&mut header)).ok().map(|()| header)
    };
    let (start, mut seen, mut left) = (Instant::now(), look(), commits);
    while left > 0 && start.elapsed() < PATIENCE {
        let now = look();
        left -= usize::from(now != seen);
        seen = now;
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// xorshift64: <https://www.jstatsoft.org/article/view/v008i14>.
    fn under(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}
