//! What may be wrong with a webhook, and whether setting it again is the cure. Pure.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::TimeDelta;

use super::{Health, Wanted};
use crate::{model::Timestamp, telegram::webhook::HANDLED};

/// More updates than these waiting means that the app does not keep up, or does not answer.
const MANY: u64 = 100;

/// What failed longer ago than this has passed.
const LATELY: TimeDelta = TimeDelta::minutes(15);

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is none, and people have written.
    #[error("there is no webhook, and {0} updates wait")]
    Missing(u64),
    /// It leads to another app, or to another bot of ours.
    #[error("it leads to `{0}`")]
    Elsewhere(String),
    /// The secret that Telegram has is not ours.
    #[error("the app refuses Telegram's secret: {0}")]
    Secret(String),
    /// Telegram calls an address to which the name leads no longer. It looks again every half hour at best.
    #[error("telegram calls {0}, where the app no longer is")]
    Moved(IpAddr),
    /// Not the kinds of update that we handle.
    #[error("other kinds of update are brought than the app handles")]
    Kinds,
    /// Not as many at once as is set.
    #[error("{found} updates are brought at once, not {wanted}")]
    AtOnce {
        /// As Telegram has it.
        found: u64,
        /// As it is set.
        wanted: u16,
    },
    /// Bringing updates fails.
    #[error("{waiting} updates wait; Telegram says: {why}")]
    Failing {
        /// So many wait.
        waiting: u64,
        /// Telegram's words.
        why: String,
    },
    /// Many wait, without any failure.
    #[error("{0} updates wait")]
    Behind(u64),
}

impl Trouble {
    /// Is it mended by setting the webhook again as it is?
    #[must_use]
    pub fn can_be_mended(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Moved(_) | Self::Kinds | Self::AtOnce { .. })
    }

    /// What somebody could do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing(_) => "`webhook set` sets one",
            Self::Elsewhere(_) => "`webhook set` leads it here, if it is to lead here",
            Self::Secret(_) | Self::Moved(_) | Self::Kinds | Self::AtOnce { .. } => {
                "`webhook set` mends it; where the app runs, `watch_webhooks` does within minutes"
            }
            Self::Failing { .. } => "see that the address can be reached, and what the app's log says",
            Self::Behind(_) => "the app answers too slowly or not at all: look at its log",
        }
    }
}

/// All that is wrong with a webhook that should be as `wanted`, whose name leads `here` as far as anybody knows. Where
/// nobody knows the app's own address, a webhook counts as ours if it ends like one, and its details are nobody's concern.
#[must_use]
pub fn troubles(health: &Health, wanted: &Wanted, here: &[IpAddr], now: Timestamp) -> Vec<Trouble> {
    let waiting = health.waiting;
    if health.url.is_empty() {
        // Somebody fetches the updates, or has stopped the bot.
        return if waiting > 0 { vec![Trouble::Missing(waiting)] } else { Vec::new() };
    }
    let is_ours = match &wanted.url {
        Some(url) => *url == health.url,
        None => health.url.trim_end_matches('/').ends_with(&wanted.path),
    };
    if !is_ours {
        return vec![Trouble::Elsewhere(health.url.clone())];
    }
    let mut found = match &health.failed {
        Some((at, why)) if now - *at < LATELY && why.contains("401") => vec![Trouble::Secret(why.clone())],
        Some((at, why)) if now - *at < LATELY && waiting > 0 => {
            vec![Trouble::Failing { waiting, why: why.clone() }]
        }
        _ if waiting > MANY => vec![Trouble::Behind(waiting)],
        _ => Vec::new(),
    };
    if wanted.url.is_some() {
        found.extend(details(health, wanted, here));
    }
    found
}

/// What Telegram has of the webhook, and should have otherwise.
fn details(health: &Health, wanted: &Wanted, here: &[IpAddr]) -> Vec<Trouble> {
    let mut found = Vec::new();
    if let Some(address) = health.address.filter(|address| !here.is_empty() && !here.contains(address)) {
        found.push(Trouble::Moved(address));
    }
    let kinds: BTreeSet<&str> = health.kinds.iter().map(String::as_str).collect();
    if kinds != BTreeSet::from(HANDLED) {
        found.push(Trouble::Kinds);
    }
    if health.at_once != u64::from(wanted.at_once) {
        found.push(Trouble::AtOnce { found: health.at_once, wanted: wanted.at_once });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://backline.example/telegram/operations";

    fn well() -> Health {
        Health {
            url: URL.into(),
            waiting: 0,
            failed: None,
            address: Some([20, 50, 2, 10].into()),
            at_once: 40,
            kinds: HANDLED.map(str::to_owned).into(),
        }
    }

    fn found(health: &Health) -> Vec<Trouble> {
        let wanted = Wanted { url: Some(URL.into()), path: "/telegram/operations".into(), at_once: 40 };
        troubles(health, &wanted, &[[20, 50, 2, 10].into()], at(60))
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn what_is_wrong_is_told_and_what_is_ours_can_be_mended() {
        let failed = |minutes, why: &str| Some((at(minutes), why.to_owned()));
        let refused = "Wrong response from the webhook: 401 Unauthorized";
        let slow = "Read timeout expired";
        let elsewhere = "https://other.example/telegram/operations";
        let table = [
            (well(), vec![]),
            (Health { waiting: 100, ..well() }, vec![]),
            (Health { waiting: 101, ..well() }, vec![Trouble::Behind(101)]),
            (Health { url: String::new(), ..well() }, vec![]),
            (Health { url: String::new(), waiting: 2, ..well() }, vec![Trouble::Missing(2)]),
            (
                Health { url: elsewhere.into(), waiting: 200, ..well() },
                vec![Trouble::Elsewhere(elsewhere.into())],
            ),
            (Health { failed: failed(50, refused), ..well() }, vec![Trouble::Secret(refused.into())]),
            (Health { failed: failed(45, refused), ..well() }, vec![]),
            (Health { failed: failed(50, slow), ..well() }, vec![]),
            (
                Health { failed: failed(50, slow), waiting: 3, ..well() },
                vec![Trouble::Failing { waiting: 3, why: slow.into() }],
            ),
            (
                Health { address: Some([20, 50, 2, 11].into()), ..well() },
                vec![Trouble::Moved([20, 50, 2, 11].into())],
            ),
            (Health { kinds: Vec::new(), ..well() }, vec![Trouble::Kinds]),
            (Health { at_once: 100, ..well() }, vec![Trouble::AtOnce { found: 100, wanted: 40 }]),
        ];
        for (health, expected) in table {
            assert_eq!(found(&health), expected, "{health:?}");
        }
        let is_mended = |trouble: &Trouble| trouble.can_be_mended();
        assert!(
            found(&Health { failed: failed(50, refused), kinds: Vec::new(), ..well() }).iter().all(is_mended)
        );
        assert!(!found(&Health { url: elsewhere.into(), ..well() }).iter().any(is_mended));
    }

    #[test]
    fn where_nobody_knows_the_apps_address_only_the_path_counts() {
        let wanted = Wanted { url: None, path: "/telegram/operations".into(), at_once: 1 };
        let found =
            |url: &str| troubles(&Health { url: url.into(), ..Health::default() }, &wanted, &[], at(60));
        assert_eq!(found("http://127.0.0.1:7071/telegram/operations"), vec![]);
        assert_eq!(found("https://x.example/").len(), 1);
    }
}
