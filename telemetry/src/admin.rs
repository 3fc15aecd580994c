//! The admin port: `/metrics`, `/livez` and `/readyz`, without traces or metrics of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use http::{StatusCode, header};

use crate::guard::{Rendering, Telemetry};

/// The content type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A bound admin port that is not served yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    state: AdminState,
}

/// The checks that must all pass before a service is ready. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<&'static str, bool>>>,
}

/// One check of a [`Readiness`]. It fails until it is set.
#[derive(Debug, Clone)]
pub struct ReadinessCheck {
    name: &'static str,
    readiness: Readiness,
}

#[derive(Debug, Clone)]
struct AdminState {
    rendering: Rendering,
    readiness: Readiness,
}

// === impl Admin ===

impl Admin {
    /// Takes the address. Port 0 takes a free one, which [`local_addr`](Self::local_addr) tells.
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
            },
        })
    }

    /// The address that was taken.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown` is there, then finishes what is being answered.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .with_state(self.state);
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown)
            .await
    }
}

async fn metrics(State(state): State<AdminState>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, TEXT_FORMAT)],
        state.rendering.render(),
    )
}

async fn readyz(State(state): State<AdminState>) -> impl IntoResponse {
    let failing = state.readiness.failing();
    let status = if failing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(failing))
}

// === impl Readiness ===

impl Readiness {
    /// A check of this name, which fails until it is set.
    pub fn check(&self, name: &'static str) -> ReadinessCheck {
        let check = ReadinessCheck {
            name,
            readiness: self.clone(),
        };
        check.set(false);
        check
    }

    /// The names of the checks that fail now, sorted.
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
    /// Says whether the check passes from now on.
    pub fn set(&self, passes: bool) {
        self.readiness
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.name, passes);
    }
}
