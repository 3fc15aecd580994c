//! The admin port: `/metrics`, `/livez`, `/readyz` and `/log-level`, without traces or metrics of their own.
//!
//! Sizes, connections and times are limited. Anyone who reaches the port may read; the log level can be changed from
//! loopback only, unless [`Admin::allow_remote_changes`] is set.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::logs::Levels;
use crate::metrics::recorder::negotiation;
use crate::setup::guard::{Rendering, Telemetry};

mod log_level;

/// Maximum number of concurrent connections; more wait to be accepted.
const CONNECTIONS: usize = 64;

/// Time-out for the head of a request, and for idle connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum age of a connection, so that a slow reader does not keep its place.
const CONNECTION_LIFE: Duration = Duration::from_mins(2);

/// How long a response may take when its connection is closed.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Maximum size of a request's head, in bytes.
const HEAD_SIZE: usize = 16 * 1024;

/// The delay after a failed accept, usually for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// An admin port: bound, not served yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    state: AdminState,
}

/// The readiness checks of a service, which must all pass. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<&'static str, bool>>>,
}

/// One check of a [`Readiness`]; it fails until it is set.
#[derive(Debug, Clone)]
pub struct ReadinessCheck {
    name: &'static str,
    readiness: Readiness,
}

#[derive(Debug, Clone)]
struct AdminState {
    rendering: Rendering,
    readiness: Readiness,
    levels: Levels,
    remote_changes: bool,
}

type Answer = Response<Full<Bytes>>;

// === impl Admin ===

impl Admin {
    /// Binds the address. For port 0, [`local_addr`](Self::local_addr) returns the port that was chosen.
    pub fn bind(
        address: impl ToSocketAddrs,
        telemetry: &Telemetry,
        readiness: Readiness,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            state: AdminState {
                rendering: telemetry.rendering(),
                readiness,
                levels: telemetry.levels(),
                remote_changes: false,
            },
        })
    }

    /// Binds the address of `OTEL_EXPORTER_PROMETHEUS_HOST` and `OTEL_EXPORTER_PROMETHEUS_PORT`, by default
    /// `localhost:9464`.
    pub fn bind_from_environment(telemetry: &Telemetry, readiness: Readiness) -> io::Result<Self> {
        let (host, port) = &telemetry.scraped_at;
        Self::bind((host.as_str(), *port), telemetry, readiness)
    }

    /// Allows changes of the log level from other machines.
    #[must_use]
    pub fn allow_remote_changes(mut self) -> Self {
        self.state.remote_changes = true;
        self
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` completes, then finishes the responses in progress.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let next = async {
                // The semaphore is never closed, so there is always a place in the end.
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                Some(_) = connections.join_next() => continue,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = connection(self.state.clone(), stream, peer, stopped.clone());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "the admin port cannot accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        drop(listener);
        drop(stop);
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Serves one connection until its maximum age or the shutdown.
async fn connection(
    state: AdminState,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(state.answer(request, peer).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_SIZE)
            .serve_connection(TokioIo::new(stream), service)
    );
    // An error of one connection concerns its client only.
    tokio::select! {
        _ = &mut connection => return,
        _ = stopped.changed() => {}
        () = tokio::time::sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(LAST_ANSWER, connection).await;
}

// === impl AdminState ===

impl AdminState {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        match request.uri().path() {
            "/metrics" if reads => self.metrics(request.into_parts().0.headers).await,
            "/livez" if reads => text(StatusCode::OK, "ok"),
            "/readyz" if reads => self.readyz(),
            "/log-level" => {
                let may_change = self.remote_changes || peer.ip().to_canonical().is_loopback();
                log_level::answer(&self.levels, request, may_change).await
            }
            "/metrics" | "/livez" | "/readyz" => not_allowed("GET, HEAD"),
            _ => text(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    /// On a blocking thread: rendering thousands of series takes milliseconds.
    async fn metrics(&self, headers: HeaderMap) -> Answer {
        let rendering = self.rendering.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let format = negotiation::format(&headers);
            negotiation::answer(&headers, format, rendering.render(format))
        });
        match answered.await {
            Ok(answer) => answer.map(Full::new),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }

    fn readyz(&self) -> Answer {
        let failing = self.readiness.failing();
        let status = if failing.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        json(status, &failing)
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let content_type = header::HeaderValue::from_static(content_type);
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    answer
}

fn text(status: StatusCode, line: impl std::fmt::Display) -> Answer {
    answer(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(body) => answer(status, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("the methods here are {methods}"),
    );
    let methods = header::HeaderValue::from_static(methods);
    answer.headers_mut().insert(header::ALLOW, methods);
    answer
}

// === impl Readiness ===

impl Readiness {
    /// Adds a check of this name, which fails until it is set.
    pub fn check(&self, name: &'static str) -> ReadinessCheck {
        let check = ReadinessCheck {
            name,
            readiness: self.clone(),
        };
        check.set(false);
        check
    }

    /// The names of the failing checks, sorted.
    pub fn failing(&self) -> Vec<&'static str> {
        self.checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|(_, passes)| !**passes)
            .map(|(name, _)| *name)
            .collect()
    }
}

// === impl ReadinessCheck ===

impl ReadinessCheck {
    /// Sets whether the check passes.
    pub fn set(&self, passes: bool) {
        self.readiness
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.name, passes);
    }
}
