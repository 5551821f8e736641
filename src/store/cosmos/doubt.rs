//! The SDK repeats a write whose answer was lost. If that one had been done, the repetition meets it and is told of a
//! conflict: with the caller's own write, which is no conflict to the port.

use azure_data_cosmos::{CosmosStatus, diagnostics::DiagnosticsContext};

/// From here on sub-statuses are the SDK's own, of what no service ever answered.
const MADE_UP: u16 = 20_000;

/// May one of the requests before the last have been carried out?
pub(super) fn remains(diagnostics: &DiagnosticsContext) -> bool {
    let requests = diagnostics.requests();
    let earlier = requests.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let forgotten = diagnostics.request_count() > requests.len();
    let repeated_below = requests.iter().any(|request| request.local_shard_retry_count() > 0);
    forgotten
        || repeated_below
        || earlier
            .iter()
            .any(|request| request.request_sent().may_have_been_sent() && !is_refusal(*request.status()))
}

/// Does the service answer so only where it has done nothing?
/// (<https://learn.microsoft.com/azure/cosmos-db/nosql/conceptual-resilient-sdk-applications>)
fn is_refusal(status: CosmosStatus) -> bool {
    let answered = status.sub_status().is_none_or(|sub| sub.value() < MADE_UP);
    answered && matches!(u16::from(status.status_code()), 403 | 410 | 429 | 449 | 503)
}

#[cfg(test)]
mod tests {
    use azure_core::http::StatusCode;

    use super::*;

    #[test]
    fn a_busy_service_has_done_nothing_and_a_silent_one_perhaps() {
        let status = |code: u16| CosmosStatus::new(StatusCode::from(code));
        for code in [429, 449, 410, 503] {
            assert!(is_refusal(status(code)), "{code}");
        }
        for unknown in [status(408), status(500), status(503).with_sub_status(20_003)] {
            assert!(!is_refusal(unknown), "{unknown}");
        }
    }
}
