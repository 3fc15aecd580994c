//! Sending one message.

use std::fmt::Display;
use std::future::Future;

use opentelemetry::trace::SpanKind;

use super::labels::{Labels, Operation, Outcome};
use super::{Headers, Message};
use crate::layers::hop::{Ending, Hop};
use crate::trace::context::SavedContext;
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// Sends a message within a PRODUCER span `send {destination}`.
///
/// The span is a child of `parent`, the context saved with what is sent, or of the current span when that is
/// empty. `send` is given the headers to put on the message. Its result is returned as it is.
pub async fn publish<F, T, E>(
    message: Message<'_>,
    parent: &SavedContext,
    send: impl FnOnce(Headers) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display + 'static,
{
    let destination = message.destination;
    let hop = begin(message, Operation::SEND, parent);
    let headers = propagation::inject_pairs(&hop.context());
    let sending = hop.around(async { send(headers).await });
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        sent(&Labels::of(destination), 1, hop.seconds(), error_type);
    });
    let result = sending.await;
    ending.end(Outcome::of(&result, &destination).parts());
    result
}

/// Starts the PRODUCER span of one message, whose context the message carries.
pub(super) fn begin(message: Message<'_>, operation: Operation, parent: &SavedContext) -> Hop {
    let destination = message.destination;
    let start = if parent.is_empty() {
        Start::here(SpanKind::Producer)
    } else {
        Start::within(parent.to_context(), SpanKind::Producer)
    };
    Hop::start(
        start,
        || operation.span_name(&destination).into(),
        |attributes| {
            operation.describe_of_producer(&destination, attributes);
            message.envelope.describe(attributes);
        },
    )
}

/// Records that this many messages were given to the broker in one call.
pub(super) fn sent(labels: &Labels<'_>, count: u64, seconds: f64, error_type: Option<&str>) {
    labels.sent(Operation::SEND, error_type).add(count);
    labels.called(Operation::SEND, error_type).record(seconds);
}
