//! The bill: a formula over what was measured and what things cost. docs/COST.md tells it in words.

use super::prices::Prices;

/// Request units of an update with one message sent, by the emulator's model (docs/MEASURED.md; a test compares).
pub(super) const UPDATE_RU: f64 = 64.5;
/// Of each further message (docs/MEASURED.md).
const MESSAGE_RU: f64 = 10.0;
/// Of a sweep that finds nothing (docs/MEASURED.md); the other timers look no further.
const SWEEP_RU: f64 = 16.0;
/// Of what an update leaves behind, until it is gone: `purge` gives its entry a time to live (a replacement of 1 KB, 11),
/// and where nothing is provisioned, the deletion of what has expired is charged (the entry and the item, 5.5 each).
/// <https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live>
const FORGETTING_RU: f64 = 22.0;

/// What an update of the `report` workflow leaves in its conversation and in its workflow's log, in GB: documents of 1.3
/// and 1.7 KB, and 0.3 KB for what Cosmos DB adds to each.
const TRANSCRIPT_GB: f64 = 1.6e-6;
const LOG_GB: f64 = 2.0e-6;
/// Telemetry of an execution, in GB.
const TELEMETRY_GB: f64 = 3.0e-6;

const SECONDS: f64 = 30.42 * 24.0 * 60.0 * 60.0;
const DAYS: f64 = 30.42;
/// The timers, and how often they run in an hour (a test compares with their schedules).
const TIMERS: [(&str, f64); 3] = [("purge", 6.0), ("sweep", 60.0), ("watch_webhooks", 12.0)];
/// A period of work is billed as a second at least, however short it is; what runs in it at the same time is free.
/// <https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs>
const PERIOD_SECONDS: f64 = 1.0;
/// People write in a fifth of the hours.
const BUSY: f64 = 0.2;
/// Queues that the platform looks into every ten seconds, to see whether there is work.
const QUEUES: f64 = 2.0;
/// A hint is put, taken and deleted.
const HINT_OPERATIONS: f64 = 3.0;
/// The host renews its lease this often while an instance runs; the sweep keeps one running.
const LEASE_SECONDS: f64 = 15.0;
/// infra/alerts (a test counts them).
const ALERTS: f64 = 7.0;

/// What is to be reckoned.
pub(super) struct Plan {
    pub(super) updates: f64,
    pub(super) memory_gb: f64,
    pub(super) always_ready: f64,
    pub(super) retention_days: f64,
    pub(super) workflow_days: f64,
    /// That an update causes.
    pub(super) messages: f64,
    /// The share of updates that leave one.
    pub(super) hints: f64,
    pub(super) update_ru: f64,
    pub(super) log_gb_a_day: f64,
}

/// What is paid for, and how much.
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) usd: f64,
}

/// What a month costs, and of how much.
pub(super) struct Bill {
    pub(super) updates: f64,
    pub(super) lines: Vec<Line>,
    /// The same if no two executions shared a second.
    pub(super) at_most: f64,
    pub(super) executions: f64,
    pub(super) request_units: f64,
    pub(super) gigabytes: f64,
}

impl Bill {
    pub(super) fn total(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }
}

/// Reckons a month.
pub(super) fn reckon(plan: &Plan, prices: &Prices) -> Bill {
    let hints = plan.updates * plan.hints;
    let ticks = TIMERS.iter().map(|(_, an_hour)| an_hour * SECONDS / 3600.0).sum::<f64>();
    let executions = plan.updates + hints + ticks;
    let billed = |free: &str, used: f64| (used - prices.of(free)).max(0.0);
    let executed =
        billed("functions-free-executions", executions) / 1e6 * prices.of("functions-million-executions");
    // Timers and queues have instances of their own, and work alone.
    let alone = (ticks + hints) * PERIOD_SECONDS;
    let worked = |webhooks: f64| {
        let (on_demand, ready) =
            if plan.always_ready > 0.0 { (alone, webhooks) } else { (alone + webhooks, 0.0) };
        billed("functions-free-gb-seconds", on_demand * plan.memory_gb) * prices.of("functions-gb-second")
            + ready * plan.memory_gb * prices.of("ready-work-gb-second")
    };
    let memory = worked(shared_seconds(plan.updates));
    let ready = plan.always_ready * plan.memory_gb * SECONDS * prices.of("ready-gb-second");

    let an_update = plan.update_ru + (plan.messages - 1.0).max(0.0) * MESSAGE_RU + FORGETTING_RU;
    let request_units = plan.updates * an_update + ticks * SWEEP_RU;
    let kept = plan.retention_days * TRANSCRIPT_GB + plan.workflow_days * LOG_GB;
    let gigabytes = plan.updates / DAYS * kept;

    let queue_operations = hints * HINT_OPERATIONS + QUEUES * SECONDS / 10.0;
    let blob_writes = ticks + SECONDS / LEASE_SECONDS;
    let storage = queue_operations / 1e6 * prices.of("queue-million-operations")
        + blob_writes / 1e6 * prices.of("blob-million-writes");
    let logs = (executions * TELEMETRY_GB).min(plan.log_gb_a_day * DAYS);

    let lines = vec![
        Line { what: "Functions: executions", usd: executed },
        Line { what: "Functions: memory while working", usd: memory },
        Line { what: "Functions: always ready", usd: ready },
        Line { what: "Cosmos DB: requests", usd: request_units / 1e6 * prices.of("cosmos-million-ru") },
        Line { what: "Cosmos DB: kept", usd: gigabytes * prices.of("cosmos-gb") },
        Line { what: "Storage: queues, timers, leases", usd: storage },
        Line { what: "Logs", usd: billed("log-free-gb", logs) * prices.of("log-gb") },
        Line { what: "Alerts", usd: ALERTS * prices.of("alert") },
    ];
    let mut bill = Bill { updates: plan.updates, lines, at_most: 0.0, executions, request_units, gigabytes };
    bill.at_most = bill.total() - memory + worked(plan.updates * PERIOD_SECONDS);
    bill
}

/// For how many seconds somebody is at work, if updates come by chance in the busy hours and each takes a period: the
/// busy share of an M/D/∞ queue.
fn shared_seconds(updates: f64) -> f64 {
    let busy = SECONDS * BUSY;
    busy * (1.0 - (-updates * PERIOD_SECONDS / busy).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(updates: f64) -> Plan {
        Plan {
            updates,
            memory_gb: 0.5,
            always_ready: 0.0,
            retention_days: 90.0,
            workflow_days: 30.0,
            messages: 1.0,
            hints: 0.02,
            update_ru: UPDATE_RU,
            log_gb_a_day: 0.1,
        }
    }

    fn total(change: impl FnOnce(&mut Plan)) -> f64 {
        let mut plan = plan(1e6);
        change(&mut plan);
        reckon(&plan, &Prices::default()).total()
    }

    #[test]
    fn a_million_updates_a_month_stay_within_the_budget_even_if_none_share_a_second() {
        assert!(reckon(&plan(1e6), &Prices::default()).at_most < 50.0);
    }

    #[test]
    fn sharing_a_second_is_never_dearer_and_hardly_happens_to_few() {
        for updates in [1.0, 1e4, 1e6, 1e8] {
            assert!(shared_seconds(updates) <= updates && shared_seconds(updates) <= SECONDS * BUSY);
        }
        assert!(shared_seconds(1e3) > 999.0);
    }

    #[test]
    fn more_of_anything_costs_more() {
        let usual = total(|_| ());
        assert!(usual.is_finite(), "a price is missing");
        for more in [
            total(|plan| plan.updates *= 2.0),
            total(|plan| plan.memory_gb = 2.0),
            total(|plan| plan.always_ready = 1.0),
            total(|plan| plan.retention_days *= 2.0),
            total(|plan| plan.workflow_days *= 2.0),
            total(|plan| plan.messages = 3.0),
            total(|plan| plan.hints = 0.5),
            total(|plan| plan.update_ru += 1.0),
        ] {
            assert!(more > usual, "{more} > {usual}");
        }
        let logs = |gb: f64| {
            total(|plan| {
                plan.updates = 1e7;
                plan.log_gb_a_day = gb;
            })
        };
        assert!(logs(1.0) > logs(0.1), "the daily ceiling of logs is a ceiling of what they cost");
    }
}
