//! The gateway: the state of its handlers, its router and its background tasks.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use chassis::clock::Clock;
use http::{Method, StatusCode, Uri};
use telemetry::http::{ServerLayer, TrustPolicy};
use tokio_util::sync::CancellationToken;
use utoipa_swagger_ui::SwaggerUi;

use crate::account_states::AccountStates;
use crate::error_response::ErrorResponse;
use crate::keys::Keys;
use crate::limits::{Limiter, RateLimit};
use crate::live::LiveClients;
use crate::upstreams::Upstreams;
use crate::{api, guard, openapi};

/// The maximum size of a request body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The delay between attempts to fetch the verifying keys.
const FETCH_RETRY: Duration = Duration::from_secs(1);
/// How often the rate limiter drops idle callers.
const DROP_IDLE_INTERVAL: Duration = Duration::from_secs(10);

/// The state of the handlers.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) upstreams: Upstreams,
    pub(crate) keys: Arc<Keys>,
    pub(crate) account_states: Arc<AccountStates>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) live_clients: LiveClients,
    pub(crate) shutdown: CancellationToken,
}

impl Gateway {
    /// A gateway for these services. Its event streams end at `shutdown`.
    pub fn new(
        upstreams: &Upstreams,
        limit: RateLimit,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            keys: Arc::new(Keys::new(upstreams.accounts.clone(), clock.clone())),
            account_states: Arc::new(AccountStates::new(upstreams.accounts.clone(), clock)),
            limiter: Arc::new(Limiter::new(limit)),
            live_clients: LiveClients::new(),
            upstreams: upstreams.clone(),
            shutdown,
        }
    }

    /// The routes of the API, its OpenAPI document at `/openapi.json` and the Swagger UI at `/docs`, with telemetry.
    ///
    /// The router needs `ConnectInfo<SocketAddr>`, since the rate of callers without a token is limited by address.
    pub fn router(self) -> Router {
        let keys = self.keys.clone();
        let trust = TrustPolicy::Boundary(Arc::new(move |headers| keys.trusts_trace_of(headers)));
        let (routes, _) = api::routes().split_for_parts();
        routes
            .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi::document()))
            .fallback(no_such_route)
            .method_not_allowed_fallback(no_such_method)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::from_fn_with_state(self.clone(), guard::guard))
            .layer(middleware::map_response(guard::no_sniffing))
            .layer(ServerLayer::new().trust(trust))
            .with_state(self)
    }

    /// Fetches the verifying keys, and retries until it succeeds. They are needed to recognise the credentials of a caller
    /// whose trace context is trusted.
    pub async fn fetch_keys(self) {
        while self.keys.fetch().await.is_err() {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(FETCH_RETRY) => {}
            }
        }
    }

    /// Drops the rate limiter's state of idle callers at intervals, until shutdown.
    pub async fn drop_idle_callers(self) {
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(DROP_IDLE_INTERVAL) => self.limiter.drop_idle(),
            }
        }
    }
}

async fn no_such_route(method: Method, uri: Uri) -> ErrorResponse {
    ErrorResponse::with_status(
        StatusCode::NOT_FOUND,
        "route.unknown",
        format!(
            "there is nothing at {method} {}; /docs lists what there is",
            uri.path()
        ),
    )
}

async fn no_such_method(method: Method) -> ErrorResponse {
    ErrorResponse::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "route.method_not_allowed",
        format!("{method} is not possible here; the Allow header says what is"),
    )
}
