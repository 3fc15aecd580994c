//! The health check as a command of each service's program: `auction healthcheck` exits successfully when the running
//! service is ready. A container's image then needs no HTTP client for its health check.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};

use crate::config::Settings;
use crate::http_client::{Answer, HttpClient};

/// The command-line argument that runs the health check instead of the service.
pub const COMMAND: &str = "healthcheck";

/// The time-out of the request to the admin port.
const TIME_OUT: Duration = Duration::from_secs(2);

/// Why a service is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// The service reports that it is not ready.
    #[error("not ready ({status}): {failing}")]
    NotReady {
        /// The status of the response.
        status: StatusCode,
        /// The failing checks, as the admin port lists them.
        failing: String,
    },
    /// The admin port does not answer.
    #[error("no answer from the admin port at {address}")]
    NoAnswer {
        /// The admin port's address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Whether this process was started with [`COMMAND`].
pub(crate) fn is_requested() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == COMMAND)
}

/// Asks the service that runs with these settings whether it is ready. Records no span and no metric.
///
/// # Errors
/// When the service is not ready, or does not answer within two seconds.
pub async fn check(settings: &Settings) -> Result<(), Unhealthy> {
    let address = reachable(settings.admin_listen);
    let answer = readiness(address)
        .await
        .map_err(|source| Unhealthy::NoAnswer { address, source })?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(Unhealthy::NotReady {
        status: answer.status,
        failing: String::from_utf8_lossy(&answer.body).into_owned(),
    })
}

async fn readiness(address: SocketAddr) -> Result<Answer, Box<dyn Error + Send + Sync>> {
    let uri: Uri = format!("http://{address}/readyz").parse()?;
    let client = HttpClient::untraced(TIME_OUT);
    Ok(client.send(Method::GET, uri, HeaderMap::new(), "").await?)
}

/// The address at which a process on the same machine reaches a listener: loopback for one that listens on all
/// addresses.
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
