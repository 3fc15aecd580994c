//! The gateway as a value: its parts, its routes, its upkeep.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use chassis::clock::Clock;
use http::{Method, StatusCode, Uri};
use telemetry::http::{ServerLayer, TrustPolicy};
use tokio_util::sync::CancellationToken;
use utoipa_swagger_ui::SwaggerUi;

use crate::keys::Keys;
use crate::limits::{Limiter, RateLimit};
use crate::live::Audience;
use crate::refusal::Refusal;
use crate::standing::Standing;
use crate::upstreams::Upstreams;
use crate::{api, guard, openapi};

/// The largest request body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How often the verifying keys are asked for until they are there.
const FETCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often callers that have been quiet are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(10);

/// The state that all handlers share.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) upstreams: Upstreams,
    pub(crate) keys: Arc<Keys>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) audience: Audience,
    pub(crate) shutdown: CancellationToken,
}

impl Gateway {
    /// A gateway in front of these services. Its event streams end when `shutdown` is cancelled.
    pub fn new(
        upstreams: &Upstreams,
        limit: RateLimit,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            keys: Arc::new(Keys::new(upstreams.accounts.clone(), clock.clone())),
            standing: Arc::new(Standing::new(upstreams.accounts.clone(), clock)),
            limiter: Arc::new(Limiter::new(limit)),
            audience: Audience::new(),
            upstreams: upstreams.clone(),
            shutdown,
        }
    }

    /// The API, its OpenAPI document at `/openapi.json` and the Swagger UI at `/docs`, with telemetry around them all.
    ///
    /// It tells callers without a token apart by `ConnectInfo<SocketAddr>`: serve it with that.
    pub fn router(self) -> Router {
        let keys = self.keys.clone();
        let trust = TrustPolicy::Boundary(Arc::new(move |headers| keys.trust_trace_of(headers)));
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

    /// Fetches the verifying keys, trying until the account service has handed them out: a trusted caller's first
    /// request is to be known as such.
    pub async fn fetch_keys(self) {
        while self.keys.fetch().await.is_err() {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(FETCH_INTERVAL) => {}
            }
        }
    }

    /// Forgets, until shutdown, the rate limits of callers that have been quiet.
    pub async fn forget_idle_callers(self) {
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(FORGET_INTERVAL) => self.limiter.forget_idle(),
            }
        }
    }
}

async fn no_such_route(method: Method, uri: Uri) -> Refusal {
    Refusal::with_status(
        StatusCode::NOT_FOUND,
        "route.unknown",
        format!(
            "there is nothing at {method} {}; /docs lists what there is",
            uri.path()
        ),
    )
}

async fn no_such_method(method: Method) -> Refusal {
    Refusal::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "route.method_not_allowed",
        format!("{method} is not possible here; the Allow header says what is"),
    )
}
