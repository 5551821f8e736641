//! The account's key as an access signature: every request shows one of its own, and none shows the key.
//! <https://learn.microsoft.com/rest/api/storageservices/create-account-sas>

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::{
    credentials::Secret,
    hmac::hmac_sha256,
    http::{
        Context, Request, Url,
        policies::{Policy, PolicyResult},
    },
};
use chrono::{SecondsFormat, TimeDelta};

use crate::model::Clock;

/// The version of the storage services' REST interface that is spoken: an old one, so that no emulator is too old.
pub const VERSION: &str = "2021-12-02";

/// A signature counts from so long before until so long after now: so far may this machine's clock and Azure's differ,
/// and no longer is one of use to whoever finds it.
const TOLERANCE: TimeDelta = TimeDelta::minutes(15);

/// What a signature allows, in Azure's letters.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    services: &'static str,
    kinds: &'static str,
    deeds: &'static str,
}

impl Rights {
    /// The account (to list queues), a queue, its messages: read, list, add, create, update, process; nobody deletes
    /// queues.
    pub const QUEUES: Self = Self { services: "q", kinds: "sco", deeds: "rlacup" };
    /// A container and its blobs: read, write, create; nobody deletes.
    pub const BLOBS: Self = Self { services: "b", kinds: "co", deeds: "rwc" };
}

/// Signs requests with the account's key. Its `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct Sas {
    /// The account's name.
    pub account: String,
    /// In base64.
    pub key: Secret,
    /// What is allowed.
    pub rights: Rights,
    /// Says from when until when.
    pub clock: Clock,
}

impl Sas {
    /// Adds a fresh signature to the URL's query.
    ///
    /// # Errors
    /// The key is no base64.
    pub fn sign(&self, url: &mut Url) -> azure_core::Result<()> {
        let now = self.clock.now();
        let time = |at: crate::model::Timestamp| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (start, expiry) = (time(now - TOLERANCE), time(now + TOLERANCE));
        // An emulator is spoken to without encryption; Azure never, whatever the signature would allow.
        let protocol = if url.scheme() == "http" { "https,http" } else { "https" };
        let (any_address, no_scope) = ("", "");
        let signed = [
            &self.account,
            self.rights.deeds,
            self.rights.services,
            self.rights.kinds,
            &start,
            &expiry,
            any_address,
            protocol,
            VERSION,
            no_scope,
            "",
        ];
        let signature = hmac_sha256(&signed.join("\n"), &self.key)?;
        url.query_pairs_mut()
            .append_pair("sv", VERSION)
            .append_pair("ss", self.rights.services)
            .append_pair("srt", self.rights.kinds)
            .append_pair("sp", self.rights.deeds)
            .append_pair("st", &start)
            .append_pair("se", &expiry)
            .append_pair("spr", protocol)
            .append_pair("sig", &signature);
        Ok(())
    }
}

#[async_trait]
impl Policy for Sas {
    /// Called once a call, before its repetitions: they are over long before the signature is.
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.sign(request.url_mut())?;
        next[0].send(context, request, &next[1..]).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn sas(clock: &Clock) -> Sas {
        let key = Secret::new("c2VzYW1l");
        Sas { account: "shop".to_owned(), key, rights: Rights::QUEUES, clock: clock.clone() }
    }

    fn signed(sas: &Sas, url: &str) -> BTreeMap<String, String> {
        let mut url = Url::parse(url).unwrap();
        sas.sign(&mut url).unwrap();
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn a_signature_is_what_azure_says_it_is() {
        let clock = Clock::hand_wound("2026-01-01T12:00:00.5Z".parse().unwrap());
        let pairs = signed(&sas(&clock), "https://shop.queue.core.windows.net/hints?comp=metadata");
        let text =
            "shop\nrlacup\nq\nsco\n2026-01-01T11:45:00Z\n2026-01-01T12:15:00Z\n\nhttps\n2021-12-02\n\n";
        assert_eq!(pairs["sig"], hmac_sha256(text, &Secret::new("c2VzYW1l")).unwrap());
        assert_eq!((&*pairs["comp"], &*pairs["spr"]), ("metadata", "https"));
        assert_eq!(signed(&sas(&clock), "http://127.0.0.1:10001/shop")["spr"], "https,http");
    }

    #[test]
    fn a_signature_is_never_older_than_its_request() {
        let clock = Clock::hand_wound("2026-01-01T12:00:00Z".parse().unwrap());
        let sas = sas(&clock);
        let first = signed(&sas, "https://shop.queue.core.windows.net/hints");
        clock.wind(TimeDelta::days(30));
        let later = signed(&sas, "https://shop.queue.core.windows.net/hints");
        assert_eq!((&*first["se"], &*later["se"]), ("2026-01-01T12:15:00Z", "2026-01-31T12:15:00Z"));
        assert_ne!(first["sig"], later["sig"]);
    }

    #[test]
    fn the_key_is_not_shown() {
        assert!(!format!("{:?}", sas(&Clock::real())).contains("c2VzYW1l"));
    }
}
