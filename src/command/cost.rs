//! `cost`: what a month on Azure costs, from list prices and what was measured.

mod model;
mod prices;

use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde_json::json;

use self::{
    model::{Bill, Plan},
    prices::Prices,
};
use super::tell;

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} cost                                        from ten thousand to ten million updates a month
  {program} cost --updates 250_000 --retention-days 30
  {program} cost --always-ready 1 --memory-mb 2048
  {program} cost --price cosmos-million-ru=0.32         another region's price
  {program} cost --prices                               the prices that are used, and where they are from

It is an estimate by list prices without taxes; docs/COST.md explains it.";

/// What `cost` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Updates a month; `_` may stand between digits
    #[arg(long, value_name = "NUMBER", num_args = 1.., value_parser = number,
        default_values = ["10_000", "100_000", "1_000_000", "10_000_000"])]
    updates: Vec<u64>,
    /// The memory of an instance, in MB: 512, 2048 or 4096
    #[arg(long, default_value_t = 512)]
    memory_mb: u32,
    /// Instances that wait for the webhook, awake
    #[arg(long, default_value_t = 0)]
    always_ready: u32,
    /// How long transcripts are kept
    #[arg(long, default_value_t = 90)]
    retention_days: u32,
    /// How long the logs of finished workflows are kept
    #[arg(long, default_value_t = 30)]
    workflow_days: u32,
    /// Messages that an update causes to be sent
    #[arg(long, default_value_t = 1.0)]
    messages: f64,
    /// Of a hundred updates, so many leave a hint, which is one more execution
    #[arg(long, default_value_t = 2.0)]
    hints: f64,
    /// Request units of an update with one message
    #[arg(long, default_value_t = model::UPDATE_RU)]
    ru: f64,
    /// Gigabytes of logs a day that are taken at most
    #[arg(long, default_value_t = 0.1)]
    log_gigabytes: f64,
    /// Use another price
    #[arg(long = "price", value_name = "NAME=VALUE")]
    changed: Vec<String>,
    /// Print the prices that are used
    #[arg(long)]
    prices: bool,
    /// Print a JSON object for each number of updates
    #[arg(long)]
    json: bool,
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is no whole number, such as 1_000_000"))
}

/// Prints the bill.
pub(super) fn cost(options: &Options) -> anyhow::Result<ExitCode> {
    let mut prices = Prices::default();
    for changed in &options.changed {
        let (name, value) =
            changed.split_once('=').with_context(|| format!("`{changed}` is not NAME=VALUE"))?;
        let value: f64 = value.parse().with_context(|| format!("`{value}` is no price"))?;
        ensure!(value >= 0.0 && value.is_finite(), "`{value}` is no price");
        ensure!(prices.set(name, value), "there is no price `{name}`: --prices shows those there are");
    }
    if options.prices {
        tell(&prices.table())?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!([512, 2048, 4096].contains(&options.memory_mb), "instances have 512, 2048 or 4096 MB");
    let bill = |updates: &u64| model::reckon(&options.plan(*updates), &prices);
    let bills: Vec<Bill> = options.updates.iter().map(bill).collect();
    if options.json {
        for (updates, bill) in options.updates.iter().zip(&bills) {
            tell(&format!("{}\n", as_json(*updates, bill)))?;
        }
    } else {
        tell(&table(options, &bills))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn plan(&self, updates: u64) -> Plan {
        Plan {
            updates: updates as f64,
            memory_gb: f64::from(self.memory_mb) / 1024.0,
            always_ready: f64::from(self.always_ready),
            retention_days: f64::from(self.retention_days),
            workflow_days: f64::from(self.workflow_days),
            messages: self.messages.max(0.0),
            hints: (self.hints / 100.0).max(0.0),
            update_ru: self.ru,
            log_gb_a_day: self.log_gigabytes,
        }
    }
}

fn as_json(updates: u64, bill: &Bill) -> serde_json::Value {
    let lines: serde_json::Map<_, _> =
        bill.lines.iter().map(|line| (line.what.to_owned(), json!(line.usd))).collect();
    json!({
        "updates": updates, "usd": lines, "total": bill.total(), "atMost": bill.at_most,
        "executions": bill.executions, "requestUnits": bill.request_units, "gigabytes": bill.gigabytes,
    })
}

/// A column for each number of updates.
fn table(options: &Options, bills: &[Bill]) -> String {
    let column = |text: String| format!("{text:>13}");
    let row = |name: &str, cells: &dyn Fn(&Bill) -> String| {
        let cells: String = bills.iter().map(|bill| column(cells(bill))).collect();
        format!("{name:<34}{cells}\n")
    };
    let money = |usd: f64| format!("{usd:.2}");
    let head: String = options.updates.iter().map(|updates| column(grouped(*updates))).collect();
    let mut told = format!(
        "A month on Azure in US dollars, by the list prices of {}: instances of {} MB, transcripts for {} days.\n\n{:<34}{head}\n",
        prices::AS_OF,
        options.memory_mb,
        options.retention_days,
        "updates a month"
    );
    for (n, line) in bills.first().map(|bill| bill.lines.as_slice()).unwrap_or_default().iter().enumerate() {
        told += &row(line.what, &|bill| money(bill.lines[n].usd));
    }
    told += &row("total", &|bill| money(bill.total()));
    told += &row("at most, if nothing ran at once", &|bill| money(bill.at_most));
    told += &row("a thousand updates", &|bill| format!("{:.3}", bill.total() / bill.updates.max(1.0) * 1e3));
    told += "\n";
    told += &row("executions, millions", &|bill| format!("{:.2}", bill.executions / 1e6));
    told += &row("request units, millions", &|bill| format!("{:.1}", bill.request_units / 1e6));
    told += &row("kept in Cosmos DB, GB", &|bill| format!("{:.2}", bill.gigabytes));
    told
}

/// 1000000 as 1,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_lines_between_their_digits() {
        assert_eq!(number("1_000_000"), Ok(1_000_000));
        assert!(number("many").unwrap_err().contains("1_000_000"));
        assert_eq!(
            ["0", "999", "1000", "1234567"].map(|n| grouped(n.parse().unwrap())),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
