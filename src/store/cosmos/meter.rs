//! What the operations cost: each is told to the log, and the sum is kept for whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};

use azure_core::http::Context;
use azure_data_cosmos::diagnostics::{CosmosOperationContext, DiagnosticsContext, DiagnosticsHandler};

use crate::store::Spent;

/// Sums up what the SDK says of each operation. Retries are counted in; what the client asks to find its way
/// (account, containers, ranges) is not, for the SDK does not tell it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    operations: AtomicU64,
    requests: AtomicU64,
    /// In thousandths.
    ru: AtomicU64,
}

impl Meter {
    pub(super) fn spent(&self) -> Spent {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a sum for people; 2^53 thousandths of an RU are years"
        )]
        let ru = self.ru.load(Ordering::Relaxed) as f64 / 1000.0;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Spent { operations: of(&self.operations), requests: of(&self.requests), ru }
    }
}

impl DiagnosticsHandler for Meter {
    fn handle(&self, diagnostics: &DiagnosticsContext, context: &Context<'_>) {
        let ru = diagnostics.total_request_charge().value();
        let requests = diagnostics.request_count();
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(requests as u64, Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a charge is positive and small"
        )]
        self.ru.fetch_add((ru * 1000.0).round() as u64, Ordering::Relaxed);
        let of = context.value::<CosmosOperationContext>();
        tracing::debug!(
            operation = of.and_then(CosmosOperationContext::operation_name),
            container = of.and_then(CosmosOperationContext::container_name),
            ru,
            requests,
            status = diagnostics.status().map(tracing::field::display),
            activity = %diagnostics.activity_id(),
            "asked Cosmos DB"
        );
    }
}
