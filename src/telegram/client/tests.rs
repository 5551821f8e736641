//! The client against a Bot API server of our own on the loopback.

use std::net::SocketAddr;

use axum::{Json, Router, extract::Path, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::*;

const SECRET: &str = "very-Secret_1";

fn token() -> Token {
    format!("123:{SECRET}").parse().unwrap()
}

fn client(address: SocketAddr, patience: Duration) -> Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new(Some(&format!("http://{address}/")), patience).unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn serve(router: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn shows_no_secret(refusal: &Refusal) {
    let shown = format!("{refusal} {refusal:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn a_call_is_posted_as_json_to_the_bots_own_path() {
    let echo = async |Path((bot, method)): Path<(String, String)>, Json(body): Json<Value>| {
        Json(json!({ "ok": true, "result": [bot, method, body] }))
    };
    let address = serve(Router::new().route("/{bot}/{method}", post(echo))).await;

    let result =
        client(address, PATIENCE).call::<Value>(&token(), "sendMessage", &json!({ "chat_id": 1 })).await;
    assert_eq!(result, Ok(json!([format!("bot123:{SECRET}"), "sendMessage", { "chat_id": 1 }])));
}

#[tokio::test]
async fn a_refusal_is_sorted_and_shows_no_token() {
    let refuse = async |Path((bot, method)): Path<(String, String)>| match method.as_str() {
        "limited" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "17")], "slow down").into_response(),
        "moved" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/some/where")]).into_response(),
        "where" => Json(json!({ "ok": true })).into_response(),
        _ => {
            let description = format!("Bad Request: what is {bot}?");
            Json(json!({ "ok": false, "error_code": 400, "description": description })).into_response()
        }
    };
    let address = serve(Router::new().route("/{bot}/{method}", post(refuse))).await;
    let client = client(address, PATIENCE);

    let refused = async |method| client.call::<Value>(&token(), method, &json!({})).await.unwrap_err();
    assert_eq!(refused("limited").await, Refusal::RetryAfter(Duration::from_secs(17)));
    assert!(matches!(refused("moved").await, Refusal::Transient(_)), "a redirect is not followed");
    let echoed = refused("echoed").await;
    assert!(
        matches!(&echoed, Refusal::Final { description, .. } if description.contains("123:…")),
        "{echoed}"
    );
    shows_no_secret(&echoed);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up() {
    // Takes connections (the kernel does) and never answers.
    let (_listener, address) = listen().await;
    let client = client(address, Duration::from_secs(60));
    let refusal = client
        .call_within::<Value>(Duration::from_millis(20), &token(), "getUpdates", &json!({}))
        .await
        .unwrap_err();
    assert!(matches!(refusal, Refusal::Transient(_)), "{refusal}");
    shows_no_secret(&refusal);
}

#[tokio::test]
async fn a_connection_that_breaks_is_transient_and_shows_no_token() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Has read something and closes with unread data: the peer sees a reset.
            let _ = stream.read(&mut [0; 1]).await;
        }
    });
    let refusal =
        client(address, PATIENCE).call::<Value>(&token(), "sendMessage", &json!({})).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Transient(_)), "{refusal}");
    shows_no_secret(&refusal);
}

#[tokio::test]
async fn nobody_at_the_address_is_transient_and_shows_no_token() {
    let (listener, address) = listen().await;
    drop(listener);
    let client = client(address, PATIENCE);
    let refusal = client.call::<Value>(&token(), "sendMessage", &json!({})).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Transient(_)), "{refusal}");
    shows_no_secret(&refusal);
    let uploaded = client.upload::<Value>(&token(), "sendPhoto", &Default::default(), Vec::new()).await;
    let called = client.wire.post(&client.url(&token().path("sendMessage")), Vec::new()).await;
    for why in [uploaded.unwrap_err().to_string(), called.err().unwrap()] {
        assert!(!why.contains("/bot"), "nothing of the URL is told: {why}");
    }
}

#[test]
fn a_server_may_have_a_path_of_its_own() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (base, path) in
        [("http://x", ""), ("http://x/", ""), ("http://x/api", "/api"), ("http://x/api/", "/api")]
    {
        let client = Client::new(Some(base), PATIENCE).unwrap();
        let called = client.url(&token().path("sendMessage"));
        assert_eq!(called.as_str(), format!("http://x{path}/bot123:{SECRET}/sendMessage"));
    }
}

#[test]
fn a_base_url_must_be_one() {
    for url in ["", "api.telegram.org", "ftp://x", "http://x/?a=b", "http://x/#f", "http://"] {
        assert!(matches!(Client::new(Some(url), PATIENCE), Err(Error::Url(_))), "{url}");
    }
}
