//! The names of the headers that the platform's services read and write, over HTTP and as gRPC metadata.

/// Makes a write repeatable: see [`idempotency`](crate::idempotency). The same name over HTTP and in gRPC metadata.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// [`IDEMPOTENCY_KEY`] as documents and the `field` of a problem document write it.
pub const IDEMPOTENCY_KEY_TITLE: &str = "Idempotency-Key";

/// A bearer token. When it has the `trace` claim, the gateway accepts the trace context of the request.
pub const TRACE_AUTHORIZATION: &str = "trace-authorization";

/// The trace id of a response.
pub const TRACE_ID: &str = "x-trace-id";

/// [`TRACE_ID`] as documents write it.
pub const TRACE_ID_TITLE: &str = "X-Trace-Id";

/// The id of the notification that a webhook request carries. It is the same at every attempt, so a receiver can
/// recognise a repetition.
pub const WEBHOOK_ID: &str = "webhook-id";

#[cfg(test)]
mod tests {
    use super::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_TITLE, TRACE_ID, TRACE_ID_TITLE};

    #[test]
    fn a_title_is_its_header_in_another_case() {
        assert!(IDEMPOTENCY_KEY.eq_ignore_ascii_case(IDEMPOTENCY_KEY_TITLE));
        assert!(TRACE_ID.eq_ignore_ascii_case(TRACE_ID_TITLE));
    }
}
