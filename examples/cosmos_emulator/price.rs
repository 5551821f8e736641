//! What a request costs. The emulator's prices are a model, and two of them would flatter: they are corrected here.

use axum::{
    http::{HeaderValue, StatusCode},
    response::Response,
};
use azure_data_cosmos_driver::in_memory_emulator::RequestUnitChargingModel;
use serde_json::Value;

use super::asked::{Asked, Kind};

const CHARGE: &str = "x-ms-request-charge";

/// Reads at `Strong` cost twice as much (<https://learn.microsoft.com/azure/cosmos-db/consistency-levels>). The
/// emulator charges 1.24 RU for each write of a batch, whatever it is; Azure charges what the writes cost by
/// themselves (<https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch>).
pub(super) fn correct(asked: &Asked, answer: &mut Response, strong: bool) {
    let charge = match asked.kind {
        Kind::Batch if answer.status() == StatusCode::OK => {
            asked.json().as_array().into_iter().flatten().map(of_write).sum()
        }
        Kind::Read | Kind::Query | Kind::ChangeFeed if strong => of(answer) * 2.0,
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
