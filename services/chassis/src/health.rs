//! A service asked about its own health, by its own program: `auction healthcheck` ends well when the running service
//! is ready. A container's image then needs no HTTP client for its health check.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::config::Settings;

/// The argument that has a service ask instead of serve.
pub const COMMAND: &str = "healthcheck";

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much of an answer is read: a list of checks is far shorter.
const MAX_ANSWER: usize = 1 << 16;

/// Why a service is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// It answers, and says that it is not ready.
    #[error("not ready ({status}): {failing}")]
    NotReady {
        /// The answer's status.
        status: StatusCode,
        /// The checks that fail, as its admin port lists them.
        failing: String,
    },
    /// It does not answer.
    #[error("no answer from the admin port at {address}")]
    NoAnswer {
        /// Where it was asked.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Was this process started to ask, not to serve?
pub(crate) fn is_asked() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == COMMAND)
}

/// Asks the service that runs with these settings whether it is ready. Leaves no trace and no metric.
///
/// # Errors
/// When it is not, or does not answer within two seconds.
pub async fn check(settings: &Settings) -> Result<(), Unhealthy> {
    let address = reachable(settings.admin_listen);
    let (status, body) = tokio::time::timeout(PATIENCE, readiness(address))
        .await
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
        .map_err(|source| Unhealthy::NoAnswer { address, source })?;
    if status.is_success() {
        return Ok(());
    }
    Err(Unhealthy::NotReady {
        status,
        failing: String::from_utf8_lossy(&body).into_owned(),
    })
}

async fn readiness(
    address: SocketAddr,
) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new())
        .build::<HttpConnector, Empty<Bytes>>(HttpConnector::new());
    let response = client
        .get(format!("http://{address}/readyz").parse()?)
        .await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER)
        .collect()
        .await?;
    Ok((status, body.to_bytes()))
}

/// Where a process of the same machine finds a listener: one on every address is found on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::{Unhealthy, check, reachable};
    use crate::config::Settings;
    use crate::platform::Service;

    fn settings(admin_listen: SocketAddr) -> Settings {
        Settings {
            listen: Service::Auction.default_listen(),
            admin_listen,
            database_url: "sqlite::memory:".to_owned(),
            nats_url: String::new(),
            faults: None,
        }
    }

    async fn answering(status: StatusCode, body: &'static str) -> Settings {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let router = Router::new().route("/readyz", get(move || async move { (status, body) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        settings(address)
    }

    #[tokio::test]
    async fn a_ready_service_is_healthy() {
        let settings = answering(StatusCode::OK, "[]").await;
        assert!(check(&settings).await.is_ok());
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_is_unhealthy_and_says_why() {
        let settings = answering(StatusCode::SERVICE_UNAVAILABLE, r#"["broker"]"#).await;
        let error = check(&settings).await.expect_err("not ready");
        assert_eq!(
            error.to_string(),
            r#"not ready (503 Service Unavailable): ["broker"]"#
        );
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_unhealthy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        drop(listener);
        assert!(matches!(
            check(&settings(address)).await,
            Err(Unhealthy::NoAnswer { .. })
        ));
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:9183", "127.0.0.1:9183"),
            ("[::]:9183", "[::1]:9183"),
            ("10.0.0.7:9183", "10.0.0.7:9183"),
        ] {
            let listen: SocketAddr = listen.parse().expect("an address");
            assert_eq!(reachable(listen).to_string(), asked);
        }
    }
}
