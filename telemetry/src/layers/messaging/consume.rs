//! Working on one message, and telling the broker what became of it.

use std::fmt::Display;
use std::future::Future;
use std::time::SystemTime;

use opentelemetry::trace::{SpanKind, TraceContextExt};

use super::Delivery;
use super::labels::{Labels, Operation, Outcome};
use crate::layers::hop::{Ending, Hop};
use crate::metrics::signals::attributes::MESSAGING_DELIVERY_ATTEMPT;
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// Processes a delivered message within a CONSUMER span `process {destination}`.
///
/// The span is a child of the producer's span, which the headers name, and is linked to it; each attempt is a
/// span of its own, numbered. The handler's result is returned as it is; an error marks the span, and so do a panic
/// and a drop before the end.
pub async fn process<T, E, F>(delivery: Delivery<'_>, handler: impl FnOnce() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display + 'static,
{
    let consumer = delivery.consumer;
    let destination = consumer.destination;
    let producer = propagation::extract_pairs(delivery.headers);
    let linked = producer.span().span_context().clone();
    let hop = Hop::start(
        Start::within(producer, SpanKind::Consumer).link(Some(linked)),
        || Operation::PROCESS.span_name(&destination).into(),
        |attributes| {
            Operation::PROCESS.describe_of_consumer(&consumer, attributes);
            delivery.envelope.describe(attributes);
            if let Some(attempt) = delivery.attempt {
                attributes.set(MESSAGING_DELIVERY_ATTEMPT, attempt);
            }
        },
    );
    hop.in_scope(|| delivery.begun());
    let processing = hop.around(async { handler().await });
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        processed(&Labels::of_consumer(consumer), hop, error_type);
    });
    let result = processing.await;
    ending.end(Outcome::of(&result, &destination).parts());
    result
}

/// Tells the broker what became of a message, within a CLIENT span `{name} {destination}`.
///
/// `name` is the broker's own for it: `ack`, `nak`, `term`, `reject`, `commit`. The span is a child of the current
/// one, so this belongs inside the handler that is given to [`process`]; it links to the producer's span.
pub async fn settle<T, E, F>(delivery: Delivery<'_>, name: &'static str, tell: F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display + 'static,
{
    let operation = Operation::settle(name);
    let consumer = delivery.consumer;
    let destination = consumer.destination;
    let producer = super::context(delivery.headers);
    let hop = Hop::start(
        Start::here(SpanKind::Client).link(producer.span_context().cloned()),
        || operation.span_name(&destination).into(),
        |attributes| {
            operation.describe_of_consumer(&consumer, attributes);
            delivery.envelope.describe(attributes);
        },
    );
    let telling = hop.around(tell);
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        Labels::of_consumer(consumer)
            .called(operation, error_type)
            .record(hop.seconds());
    });
    let result = telling.await;
    ending.end(Outcome::of(&result, &destination).parts());
    result
}

/// Records how long the work on a message, or on a batch of them, took.
pub(super) fn processed(labels: &Labels<'_>, hop: &Hop, error_type: Option<&str>) {
    labels
        .processed(Operation::PROCESS, error_type)
        .record(hop.seconds());
}

// === impl Delivery ===

impl Delivery<'_> {
    /// Counts the message as consumed, unless that was done when it was received, and measures how old it is.
    pub(super) fn begun(&self) {
        let labels = Labels::of_consumer(self.consumer);
        if !self.received {
            labels.consumed(Operation::PROCESS, None).add(1);
        }
        if let Some(stored_at) = self.stored_at {
            // The broker's clock may be ahead of ours; nothing is younger than new.
            let age = SystemTime::now()
                .duration_since(stored_at)
                .unwrap_or_default();
            labels.age().record(age.as_secs_f64());
        }
    }
}
