//! The public HTTP API. The gateway converts requests to gRPC calls, and sends live bids as server-sent events.
//!
//! The gateway authenticates, limits the rate, and converts; the rules of the platform are in the services. It trusts
//! credentials, and nothing else in a request:
//!
//! - **Authentication**: the caller is the subject of a token that the account service has signed. The public keys are
//!   fetched at start-up and when a token names an unknown key. The caller is sent to the services, which decide what its
//!   role may do.
//! - **Closed accounts**: a token stays valid until it expires, but the writes of a closed account are rejected within
//!   five seconds: the gateway caches an account's state for this time. When the account service does not answer, writes
//!   are allowed, so that an outage of it does not stop the bidding.
//! - **Trace context**: a request starts a new trace, which links to the trace context that the caller sent. The trace
//!   context is inherited only with `Trace-Authorization: Bearer TOKEN` and a token with the `trace` claim, such as the
//!   load generator's.
//! - **`Idempotency-Key`** is validated and sent to the service with every write. No other header is.
//!
//! Every error response is a problem document (RFC 9457) with a stable code and the trace id.

mod account_states;
mod api;
mod body;
mod error_response;
mod extract;
mod gateway;
mod guard;
mod json;
mod keys;
mod limits;
mod live;
mod openapi;
mod upstreams;

pub use gateway::Gateway;
pub use limits::RateLimit;
pub use openapi::openapi_json;
pub use upstreams::Upstreams;

use telemetry::sampling::Sampling;

/// The route that opens an auction.
pub const OPEN_AUCTION: &str = "POST /v1/auctions";

/// The service's [fault points](chassis::fault).
///
/// `gateway.write.answered`: a service has made a write and responded, and the client has no response yet. A retry with the
/// same `Idempotency-Key` must get the same response.
pub const FAULT_POINTS: &[&str] = &[guard::WRITE_ANSWERED];

/// Configures the gateway's telemetry. The traces of auctions are always kept: they continue at the deadline, long after
/// the collector's decision about them.
pub fn telemetry(builder: telemetry::Builder) -> telemetry::Builder {
    builder.sampling(OPEN_AUCTION, Sampling::Keep)
}

/// Runs the service until shutdown.
///
/// # Errors
/// When a setting is invalid, or the address cannot be listened on.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let limit = RateLimit::from_env()?;
    let upstreams = Upstreams::connect(chassis::config::url_of)?;
    let gateway = Gateway::new(
        &upstreams,
        limit,
        context.clock.clone(),
        context.shutdown.clone(),
    );
    let (fetching, ready) = (gateway.clone(), context.readiness("verifying_keys"));
    context.background(async move {
        fetching.fetch_keys().await;
        ready.set(true);
    });
    context.background(gateway.clone().drop_idle_callers());
    context.serve_http(gateway.router()).await
}
