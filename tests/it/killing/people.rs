//! People who report things, one report after another, whatever happens to the processes behind the chat.

use std::time::Duration;

use backline::dev::telegram::{Act, FakeTelegram, Spot};
use serde_json::Value;

use super::gate::Gate;

/// Nothing takes longer that is not lost: a sweep finds what lies for 30 seconds, and a claim ends after 30.
const PATIENCE: Duration = Duration::from_secs(240);

/// So many updates are one report.
pub(super) const UPDATES: usize = 7;
/// What somebody is told in the course of it, in order; the last but one names the report.
const TOLD: [&str; 7] = [
    "Good to have you here",
    "What is it about?",
    "Where is it?",
    "A photo says a lot",
    "What is wrong?",
    "This is your report",
    "Thank you!",
];

/// What the `n`th message of somebody's reports says, for all `n` up to `7 * reports`.
pub(super) fn told(n: usize) -> [String; 2] {
    let (report, place) = (n / TOLD.len(), n % TOLD.len());
    [TOLD[place].to_owned(), if place == 5 { note(report) } else { String::new() }]
}

fn note(report: usize) -> String {
    format!("mud no. {report}, more of it")
}

/// One person in private with the bot.
pub(super) struct Somebody<'a> {
    pub(super) gate: &'a Gate,
    pub(super) telegram: &'a FakeTelegram,
    pub(super) id: i64,
    /// How long they think before they do something, at most.
    pub(super) thinks: Duration,
}

impl Somebody<'_> {
    fn spot(&self) -> Spot {
        Spot::private(self.id, "operations")
    }

    fn says(&self, words: &str) {
        let act = Act::Say { spot: self.spot(), text: words.to_owned(), reply_to: None };
        self.telegram.act(act).unwrap();
    }

    /// Presses a button of a message, as often as people do: once.
    fn presses(&self, message: &Value, label: &str) {
        let rows = message["reply_markup"]["inline_keyboard"].as_array().unwrap();
        let button = rows.iter().flat_map(|row| row.as_array().unwrap()).find(|it| it["text"] == label);
        let data = button.unwrap_or_else(|| panic!("no [{label}] in {message}"))["callback_data"].clone();
        let message_id = message["message_id"].as_i64().unwrap();
        let data = data.as_str().unwrap().to_owned();
        self.telegram.act(Act::Press { spot: self.spot(), message_id, data }).unwrap();
    }

    /// Nobody is as fast as a computer, and no two are equally fast.
    async fn thinks(&self, of: usize) {
        let part = (self.id.unsigned_abs() * 7919 + of as u64 * 104_729) % 100;
        tokio::time::sleep(self.thinks.mul_f64(part as f64 / 100.0)).await;
    }

    /// Waits for a message after the `seen` first ones that says this.
    async fn hears(&self, seen: &mut usize, says: [&str; 2]) -> Value {
        let look = |book: &super::book::Book| {
            let arrivals = book.arrivals(self.id);
            for (n, call) in arrivals.iter().enumerate().skip(*seen) {
                let call = book.call(*call);
                if says.iter().all(|words| call.text.contains(words)) {
                    *seen = n + 1;
                    return call.message.clone();
                }
            }
            None
        };
        let heard = tokio::time::timeout(PATIENCE, self.gate.until(look)).await;
        let Ok(heard) = heard else {
            let book = self.gate.book();
            let all: Vec<&str> =
                book.arrivals(self.id).iter().map(|call| book.call(*call).text.as_str()).collect();
            panic!("{} never heard {says:?}, only {:#?}", self.id, &all[all.len().saturating_sub(8)..]);
        };
        self.thinks(*seen).await;
        heard
    }

    /// Makes so many reports.
    pub(super) async fn reports(&self, many: usize) {
        let mut seen = 0;
        for report in 0..many {
            // Two at once: the second is there before the first is answered.
            self.says("/start");
            self.says("/report");
            let note = note(report);
            self.hears(&mut seen, [TOLD[0], ""]).await;
            let kind = self.hears(&mut seen, [TOLD[1], ""]).await;
            self.presses(&kind, "Cleaning");
            let place = self.hears(&mut seen, [TOLD[2], ""]).await;
            self.presses(&place, "Camp Site");
            let photos = self.hears(&mut seen, [TOLD[3], ""]).await;
            self.presses(&photos, "Skip");
            self.hears(&mut seen, [TOLD[4], ""]).await;
            self.says(&note);
            let review = self.hears(&mut seen, [TOLD[5], &note]).await;
            self.presses(&review, "Submit");
            self.hears(&mut seen, [TOLD[6], ""]).await;
        }
    }
}
