//! The connections that calls without files go over: JSON there, JSON back. Nearly all of a bot's calls are such,
//! and `hyper`'s own client takes a quarter less of the processor for each than `reqwest` (`cargo bench --bench calls`).

use std::time::Duration;

use axum::http::{Request, Uri, header::CONTENT_TYPE};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::{
        legacy::{
            Client,
            connect::{HttpConnector, proxy::Tunnel},
        },
        proxy::matcher::Matcher,
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpStream;
use tower::{BoxError, ServiceExt, util::BoxCloneSyncService};

use super::{Answered, Error, KEEPALIVE, retry_after, told};

/// Opens a connection to the server itself, or to a proxy on the way.
type Way = BoxCloneSyncService<Uri, TokioIo<TcpStream>, BoxError>;

/// One pool of connections to one server. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Wire(Client<HttpsConnector<Way>, Full<Bytes>>);

impl Wire {
    /// To the server at `base`; connecting may take `patience`. With `proxies`, by a tunnel through the proxy that the
    /// environment names for it (`HTTPS_PROXY`, `NO_PROXY` and so on), if it names one.
    ///
    /// # Errors
    /// It is no address, or this machine can't do TLS.
    pub(super) fn to(base: &str, patience: Duration, proxies: bool) -> Result<Self, Error> {
        let base: Uri = base.parse().map_err(|_| Error::Url(base.to_owned()))?;
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_keepalive(Some(KEEPALIVE));
        direct.set_connect_timeout(Some(patience));
        let proxy = proxies.then(Matcher::from_env).and_then(|proxies| proxies.intercept(&base));
        let way = match proxy {
            None => BoxCloneSyncService::new(direct.map_err(BoxError::from)),
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri().clone(), direct);
                let tunnel = proxy.basic_auth().into_iter().cloned().fold(tunnel, Tunnel::with_auth);
                BoxCloneSyncService::new(tunnel.map_request(with_port).map_err(BoxError::from))
            }
        };
        let tls = HttpsConnectorBuilder::new().try_with_platform_verifier();
        let tls = tls.map_err(|error| Error::Build(told(&error)))?;
        let https = tls.https_or_http().enable_all_versions().wrap_connector(way);
        Ok(Self(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https)))
    }

    /// Posts JSON.
    pub(super) async fn post(&self, uri: &str, json: Vec<u8>) -> Result<Answered, String> {
        let request = Request::post(uri).header(CONTENT_TYPE, "application/json").body(Full::from(json));
        let request = request.map_err(|error| told(&error))?;
        let (head, body) = self.0.request(request).await.map_err(|error| told(&error))?.into_parts();
        let body = body.collect().await.map_err(|error| told(&error))?.to_bytes();
        Ok(Answered { status: head.status.as_u16(), retry_after: retry_after(&head.headers), body })
    }
}

/// A tunnel leads to port 443 unless another one is named, whatever the scheme.
fn with_port(to: Uri) -> Uri {
    let named = match (to.scheme_str(), to.authority()) {
        (Some("http"), Some(server)) if server.port().is_none() => format!("http://{server}:80").parse(),
        _ => return to,
    };
    named.unwrap_or(to)
}
