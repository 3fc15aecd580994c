//! The edge: HTTP in, gRPC out, live bids as server-sent events.
//!
//! The gateway authenticates, limits, and translates; every rule of the platform lives in the service behind it.
//! It trusts credentials and nothing else that a caller sends:
//!
//! - **Who asks** is what a token says that the account service signed. Its public keys are fetched once and again
//!   when a token names a key that is not known. The caller goes on to the services, which decide what its role may do.
//! - **A closed account** keeps a token that verifies until it expires. Its writes are refused within
//!   five seconds nevertheless: the gateway asks for the account's state with the first write and then once per that
//!   time. When the account service cannot answer, writes go on: an outage there must not stop the bidding.
//! - **The trace** of a stranger starts here; theirs becomes a link. Whoever sends `Trace-Authorization: Bearer TOKEN`
//!   with a token that carries the `trace` claim (the load generator's does) has its trace context inherited.
//! - **`Idempotency-Key`** is checked for its form and goes on with every write; no other header does.
//!
//! Whatever goes wrong is answered with a problem document (RFC 9457) that has a stable code and the trace id.

mod api;
mod body;
mod extract;
mod gateway;
mod guard;
mod json;
mod keys;
mod limits;
mod live;
mod openapi;
mod refusal;
mod standing;
mod upstreams;

pub use gateway::Gateway;
pub use limits::RateLimit;
pub use openapi::openapi_json;
pub use upstreams::Upstreams;

use telemetry::sampling::Sampling;

/// The operation that opens an auction.
pub const OPEN_AUCTION: &str = "POST /v1/auctions";

/// Where a test may make the gateway die.
///
/// `gateway.write.answered`: a service has made and answered a write, and the client has not heard of it. Trying again
/// with the same `Idempotency-Key` must give the same answer.
pub const FAULT_POINTS: &[&str] = &[guard::WRITE_ANSWERED];

/// What the gateway's telemetry has of its own. The trace of an auction's opening is kept: it goes on at the deadline,
/// long after the collector has decided about it.
pub fn telemetry(builder: telemetry::Builder) -> telemetry::Builder {
    builder.sampling(OPEN_AUCTION, Sampling::Keep)
}

/// Serves the API until shutdown.
///
/// # Errors
/// When a setting is wrong or the address cannot be listened on.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let limit = RateLimit::from_env()?;
    let upstreams = Upstreams::connect(chassis::config::url_of)?;
    let gateway = Gateway::new(
        &upstreams,
        limit,
        context.clock.clone(),
        context.shutdown.clone(),
    );
    let (fetching, has_keys) = (gateway.clone(), context.readiness("verifying_keys"));
    context.background(async move {
        fetching.fetch_keys().await;
        has_keys.set(true);
    });
    context.background(gateway.clone().forget_idle_callers());
    context.serve_http(gateway.router()).await
}
