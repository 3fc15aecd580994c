//! Many messages at once: sent in one call, received by one poll, processed together.

use std::fmt::Display;
use std::future::Future;

use opentelemetry::Context;
use opentelemetry::trace::SpanKind;

use super::consume::processed;
use super::labels::{Labels, Operation, Outcome};
use super::produce::{begin, sent};
use super::{Consumer, Delivery, Destination, Headers, Message};
use crate::layers::hop::{Ending, Hop};
use crate::metrics::signals::attributes::MESSAGING_BATCH_MESSAGE_COUNT;
use crate::trace::clock::Moment;
use crate::trace::context::SavedContext;
use crate::trace::context::links::link_within;
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// Sends messages in one call, within a CLIENT span `send {destination}` that links to each of them.
///
/// Each message is created in a PRODUCER span `create {destination}` of its own, a child of the context that was saved
/// with it; `send` is given the headers of each, in their order. No message is no span.
pub async fn publish_batch<'a, F, T, E>(
    destination: Destination<'_>,
    messages: impl IntoIterator<Item = (Message<'a>, &'a SavedContext)>,
    send: impl FnOnce(Vec<Headers>) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display + 'static,
{
    let (contexts, headers): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .map(|(message, parent)| {
            let hop = begin(message, Operation::CREATE, parent);
            let context = hop.context();
            let carried = (
                SavedContext::from_context(&context),
                propagation::inject_pairs(&context),
            );
            hop.end(|_| {});
            carried
        })
        .unzip();
    if contexts.is_empty() {
        return send(headers).await;
    }
    let hop = Hop::start(
        Start::here(SpanKind::Client),
        || Operation::SEND.span_name(&destination).into(),
        |attributes| {
            Operation::SEND.describe_of_producer(&destination, attributes);
            attributes.set(MESSAGING_BATCH_MESSAGE_COUNT, contexts.len());
        },
    );
    link_within(&hop.context(), "messaging.send", &contexts);
    let sending = hop.around(async { send(headers).await });
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        let count = u64::try_from(contexts.len()).unwrap_or(u64::MAX);
        sent(&Labels::of(destination), count, hop.seconds(), error_type);
    });
    let result = sending.await;
    ending.end(Outcome::of(&result, &destination).parts());
    result
}

/// Asks the broker for messages, within a CLIENT span `receive {destination}` that links to each one that came.
///
/// `context` reads a message's own, see [`context`](super::context). A poll that brings nothing makes no span and
/// counts in no metric: a consumer that waits must not look like one that works. What is received here is then
/// processed as [`received`](Delivery::received).
pub async fn receive<M, E, F>(
    consumer: Consumer<'_>,
    poll: F,
    context: impl Fn(&M) -> SavedContext,
) -> Result<Vec<M>, E>
where
    F: Future<Output = Result<Vec<M>, E>>,
    E: Display + 'static,
{
    let started = Moment::now();
    let result = poll.await;
    let contexts: Vec<SavedContext> = match &result {
        Ok(messages) if messages.is_empty() => return result,
        Ok(messages) => messages.iter().map(context).collect(),
        Err(_) => Vec::new(),
    };
    let seconds = started.elapsed().as_secs_f64();
    let outcome = Outcome::of(&result, &consumer.destination);
    // Only now is it known that there is something to tell.
    let hop = received(consumer, started, contexts.len());
    link_within(&hop.context(), "messaging.receive", &contexts);
    let error_type = outcome.parts().map(|(kind, _)| kind);
    let labels = Labels::of_consumer(consumer);
    hop.end(|hop| {
        if let Some((error_type, description)) = outcome.parts() {
            hop.fail(error_type, description);
        }
        labels
            .called(Operation::RECEIVE, error_type)
            .record(seconds);
    });
    if !contexts.is_empty() {
        labels
            .consumed(Operation::RECEIVE, error_type)
            .add(u64::try_from(contexts.len()).unwrap_or(u64::MAX));
    }
    result
}

/// Processes messages together, within one CONSUMER span `process {destination}` that links to each producer's span.
///
/// It is a root: the messages come from many traces. They are of one consumer, that of the first; no message is no
/// span. The handler's result is returned as it is.
pub async fn process_batch<T, E, F>(
    deliveries: &[Delivery<'_>],
    handler: impl FnOnce() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display + 'static,
{
    let Some(Delivery { consumer, .. }) = deliveries.first() else {
        return handler().await;
    };
    let destination = consumer.destination;
    let hop = Hop::start(
        Start::within(Context::new(), SpanKind::Consumer),
        || Operation::PROCESS.span_name(&destination).into(),
        |attributes| {
            Operation::PROCESS.describe_of_consumer(consumer, attributes);
            attributes.set(MESSAGING_BATCH_MESSAGE_COUNT, deliveries.len());
        },
    );
    let contexts: Vec<_> = deliveries
        .iter()
        .map(|delivery| super::context(delivery.headers))
        .collect();
    link_within(&hop.context(), "messaging.process", &contexts);
    hop.in_scope(|| deliveries.iter().for_each(Delivery::begun));
    let processing = hop.around(async { handler().await });
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        processed(&Labels::of_consumer(*consumer), hop, error_type);
    });
    let result = processing.await;
    ending.end(Outcome::of(&result, &destination).parts());
    result
}

/// The span of a poll that has come to something.
fn received(consumer: Consumer<'_>, started: Moment, count: usize) -> Hop {
    let operation = Operation::RECEIVE;
    Hop::start(
        Start::here(SpanKind::Client).since(started),
        || operation.span_name(&consumer.destination).into(),
        |attributes| {
            operation.describe_of_consumer(&consumer, attributes);
            attributes.set(MESSAGING_BATCH_MESSAGE_COUNT, count);
        },
    )
}
