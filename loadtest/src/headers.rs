//! The names of the gateway's headers.

/// Makes a write repeatable: the same key gives the same answer.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The bearer token of an account that may set the trace context of its requests.
pub const TRACE_AUTHORIZATION: &str = "trace-authorization";

/// The trace id of a response.
pub const TRACE_ID: &str = "x-trace-id";
