//! Who is let in: whoever signs with the account's key, or shows a token.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use azure_core::{credentials::Secret, hmac::hmac_sha256};

use super::asked::{Asked, decoded};

/// Is the request signed as Cosmos DB wants it
/// (<https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources>)? A token is taken as it is.
pub(super) fn lets_in(asked: &Asked, key: &str) -> bool {
    let (Some(authorization), Some(date)) = (asked.header("authorization"), asked.header("x-ms-date")) else {
        return false;
    };
    let shown = decoded(authorization);
    if shown.starts_with("type=aad&") {
        return true;
    }
    let Some(signature) = shown.strip_prefix("type=master&ver=1.0&sig=") else { return false };
    let method = asked.method.as_str().to_lowercase();
    let (kind, links) = resource(&asked.path);
    links.iter().any(|link| {
        let signed = format!("{method}\n{kind}\n{link}\n{}\n\n", date.to_lowercase());
        hmac_sha256(&signed, &Secret::new(key.to_owned())).is_ok_and(|made| made == signature)
    })
}

/// The kind of resource, and by what it may be signed: its link by names, or its id in the service's own numbering.
fn resource(path: &str) -> (String, [String; 2]) {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    // A feed is signed by what it belongs to.
    let feed = parts.len() % 2 == 1;
    let (kind, owner) = if feed {
        (parts.last(), &parts[..parts.len() - 1])
    } else {
        (parts.len().checked_sub(2).and_then(|at| parts.get(at)), &parts[..])
    };
    let by_id = owner.last().map(|id| id.to_lowercase()).unwrap_or_default();
    (kind.cloned().unwrap_or_default(), [owner.join("/"), by_id])
}

pub(super) fn closed() -> Response {
    let why = r#"{"code":"Unauthorized","message":"The input authorization token can't serve the request."}"#;
    (StatusCode::UNAUTHORIZED, why).into_response()
}
