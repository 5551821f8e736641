//! List prices: what Azure says that things cost.

/// When they were noted, in US dollars, for East US and West Europe without taxes. Azure changes them; `--price` corrects
/// one, and this table is where all are corrected.
pub(super) const AS_OF: &str = "2026-11-20";

const FUNCTIONS: &str = "https://azure.microsoft.com/pricing/details/functions/";
const COSMOS: &str = "https://azure.microsoft.com/pricing/details/cosmos-db/serverless/";
const QUEUES: &str = "https://azure.microsoft.com/pricing/details/storage/queues/";
const BLOBS: &str = "https://azure.microsoft.com/pricing/details/storage/blobs/";
const MONITOR: &str = "https://azure.microsoft.com/pricing/details/monitor/";

/// A price, or what is free of it.
struct Price {
    name: &'static str,
    usd: f64,
    of: &'static str,
    source: &'static str,
}

/// All of them, by name.
pub(super) struct Prices(Vec<Price>);

impl Default for Prices {
    fn default() -> Self {
        let price = |name, usd, of, source| Price { name, usd, of, source };
        Self(vec![
            price(
                "functions-gb-second",
                0.000_026,
                "a GB of memory for a second of work (Flex Consumption)",
                FUNCTIONS,
            ),
            price("functions-million-executions", 0.40, "a million executions", FUNCTIONS),
            price("functions-free-gb-seconds", 100_000.0, "GB-seconds free each month", FUNCTIONS),
            price("functions-free-executions", 250_000.0, "executions free each month", FUNCTIONS),
            price("ready-gb-second", 0.000_004, "a GB that is always ready, for a second", FUNCTIONS),
            price("ready-work-gb-second", 0.000_016, "the same while it works, besides", FUNCTIONS),
            price("cosmos-million-ru", 0.25, "a million request units (serverless)", COSMOS),
            price("cosmos-gb", 0.25, "a GB kept for a month", COSMOS),
            price("queue-million-operations", 0.40, "a million operations on queues", QUEUES),
            price("blob-million-writes", 5.0, "a million writes of blobs and renewals of leases", BLOBS),
            price("log-gb", 2.30, "a GB of logs", MONITOR),
            price("log-free-gb", 5.0, "GB of logs free each month", MONITOR),
            price("alert", 0.50, "a log alert that looks every 15 minutes", MONITOR),
        ])
    }
}

impl Prices {
    /// What this costs.
    pub(super) fn of(&self, name: &str) -> f64 {
        self.0.iter().find(|price| price.name == name).map_or(f64::NAN, |price| price.usd)
    }

    /// Changes a price; is there one of this name?
    pub(super) fn set(&mut self, name: &str, usd: f64) -> bool {
        let Some(price) = self.0.iter_mut().find(|price| price.name == name) else { return false };
        price.usd = usd;
        true
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut told = format!("US dollars, noted on {AS_OF}:\n\n");
        for Price { name, usd, of, source } in &self.0 {
            told += &format!("{name:<30} {usd:>10}  {of}\n{:43}{source}\n", "");
        }
        told
    }
}
