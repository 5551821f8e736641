//! What a request costs. The emulator's prices are a model, and some of them would flatter: they are corrected here.

use axum::{
    body::HttpBody,
    http::{HeaderValue, Method, StatusCode},
    response::Response,
};
use azure_data_cosmos_driver::in_memory_emulator::RequestUnitChargingModel;
use serde_json::Value;

use super::asked::{Asked, Kind};

/// What it costs to find nothing, which the emulator gives away.
const NOBODY: f64 = 1.0;
const CHARGE: &str = "x-ms-request-charge";

/// Reads at `Strong` cost twice as much (<https://learn.microsoft.com/azure/cosmos-db/consistency-levels>). The
/// emulator charges 1.24 RU for each write of a batch, whatever it is; Azure charges what the writes cost by
/// themselves (<https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch>).
pub(super) fn correct(asked: &Asked, answer: &mut Response, strong: bool) {
    let factor = if strong { 2.0 } else { 1.0 };
    let charge = match asked.kind {
        Kind::Batch if answer.status() == StatusCode::OK => {
            asked.json().as_array().into_iter().flatten().map(of_write).sum()
        }
        Kind::Read if answer.status() == StatusCode::NOT_FOUND => NOBODY * factor,
        Kind::Read | Kind::Query | Kind::ChangeFeed => of(answer) * factor,
        _ => return,
    };
    if let Ok(charge) = HeaderValue::from_str(&format!("{charge:.2}")) {
        answer.headers_mut().insert(CHARGE, charge);
    }
}

pub(super) fn of(answer: &Response) -> f64 {
    let charge = answer.headers().get(CHARGE).and_then(|charge| charge.to_str().ok());
    charge.and_then(|charge| charge.parse().ok()).unwrap_or_default()
}

fn of_write(operation: &Value) -> f64 {
    let model = RequestUnitChargingModel::default();
    let body = &operation["resourceBody"];
    let (size, properties) = match body {
        Value::Null => (0, 0),
        body => (body.to_string().len(), RequestUnitChargingModel::count_properties(body)),
    };
    match operation["operationType"].as_str() {
        Some("Create") => model.compute_create_ru(size, properties),
        _ => model.compute_replace_or_delete_ru(size, properties),
    }
}

/// What Azure's documentation says of such a request: a point read is 1 RU for 1 KB and 10 for 100 KB, a write 5.5 RU
/// (unindexed) and 50, a replacement twice an insertion, reads at `Strong` twice as much
/// (<https://learn.microsoft.com/azure/cosmos-db/optimize-cost-reads-writes>). Of queries and feeds it says nothing
/// that could be worked out: for those it is what the emulator says.
pub(super) fn listed(asked: &Asked, answer: &Response, strong: bool) -> f64 {
    let ok = answer.status().is_success() && answer.status() != StatusCode::MULTI_STATUS;
    let factor = if strong { 2.0 } else { 1.0 };
    match asked.kind {
        Kind::Read => factor * between(1.0, 10.0, answer.body().size_hint().lower()),
        Kind::Write if ok => {
            let insertion = between(5.5, 50.0, asked.body.len() as u64);
            if asked.method == Method::PUT { 2.0 * insertion } else { insertion }
        }
        Kind::Batch if ok => asked.json().as_array().into_iter().flatten().map(listed_write).sum(),
        _ => of(answer),
    }
}

fn listed_write(operation: &Value) -> f64 {
    let insertion = between(5.5, 50.0, operation["resourceBody"].to_string().len() as u64);
    // An upsert is taken for the dearer of the two that it may be.
    if matches!(operation["operationType"].as_str(), Some("Replace" | "Upsert")) {
        2.0 * insertion
    } else {
        insertion
    }
}

/// The price of so many bytes, where those of 1 KB and of 100 KB are known.
fn between(one: f64, hundred: f64, bytes: u64) -> f64 {
    let kilobytes = (bytes as f64 / 1024.0).ceil().max(1.0);
    one + (hundred - one) * (kilobytes - 1.0) / 99.0
}
