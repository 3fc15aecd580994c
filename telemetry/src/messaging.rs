//! Messages over a broker: sending one and processing one.
//!
//! The attributes are those of the semantic conventions for messaging 1.42 (in development there). A consumer's
//! span is a child of the producer's and links to it, so that both readings of the conventions are served.

use std::fmt::Display;
use std::future::Future;

use opentelemetry::trace::TraceContextExt;
use tracing::Instrument;

use crate::context::{SavedContext, adopt, link, set_parent};
use crate::hop::{Ending, Hop};
use crate::{propagation, signals};

/// A message that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The broker: `nats`.
    pub system: &'static str,
    /// Where it goes, as a template with few values (`auction.awarded`): it becomes a label.
    pub destination: &'a str,
    /// Its id, which a republished message keeps.
    pub message_id: &'a str,
}

/// A message as it was delivered, for the `attempt`-th time.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The broker: `nats`.
    pub system: &'static str,
    /// Where it came from, as a template with few values.
    pub destination: &'a str,
    /// The durable consumer that it was delivered to.
    pub consumer: &'a str,
    /// Its id, the same for every attempt.
    pub message_id: &'a str,
    /// 1 for the first delivery.
    pub attempt: u64,
    /// The headers of the message, which carry the producer's context.
    pub headers: &'a [(String, String)],
}

/// Sends a message within a PRODUCER span `send {destination}`.
///
/// The span is a child of `parent`, the context saved with what is sent, or of the current span when that is
/// empty. `send` is given the headers to put on the message. Its result is returned as it is.
pub async fn publish<F, T, E>(
    message: Message<'_>,
    parent: &SavedContext,
    send: impl FnOnce(Vec<(String, String)>) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display,
{
    let Message {
        system,
        destination,
        message_id,
    } = message;
    let span = tracing::info_span!(
        target: "telemetry",
        "messaging.send",
        otel.name = format!("send {destination}"),
        otel.kind = "producer",
    );
    set_parent(&span, parent);
    let hop = Hop::new(span);
    hop.set("messaging.system", system);
    hop.set("messaging.destination.name", destination.to_owned());
    hop.set("messaging.message.id", message_id.to_owned());
    hop.set("messaging.operation.name", "send");
    hop.set("messaging.operation.type", "send");
    let headers = propagation::inject_pairs(&hop.context());
    let span = hop.span().clone();
    let ending = Ending::new(hop, |hop: &Hop, error_type: &str| {
        signals::MESSAGING_CLIENT_SENT_MESSAGES
            .counter(&[
                ("messaging.system", system),
                ("messaging.destination.name", destination),
                ("error.type", error_type),
            ])
            .increment(1);
        signals::MESSAGING_CLIENT_OPERATION_DURATION
            .histogram(&[
                ("messaging.system", system),
                ("messaging.operation.name", "send"),
                ("messaging.destination.name", destination),
                ("error.type", error_type),
            ])
            .record(hop.seconds());
    });
    let result = async { send(headers).await }.instrument(span).await;
    let error = result.as_ref().err().map(ToString::to_string);
    ending.end(
        error
            .as_deref()
            .map(|text| (std::any::type_name::<E>(), text)),
    );
    result
}

/// Processes a delivered message within a CONSUMER span `process {destination}`.
///
/// The span is a child of the producer's span, which the headers name, and is linked to it; each attempt is a
/// span of its own, numbered. The handler's result is returned as it is; an error marks the span.
pub async fn process<T, E, F>(delivery: Delivery<'_>, handler: impl FnOnce() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display,
{
    let Delivery {
        system,
        destination,
        consumer,
        message_id,
        attempt,
        headers,
    } = delivery;
    let span = tracing::info_span!(
        target: "telemetry",
        parent: None,
        "messaging.process",
        otel.name = format!("process {destination}"),
        otel.kind = "consumer",
    );
    let producer = propagation::extract_pairs(headers);
    if producer.has_active_span() {
        link(&span, &SavedContext::from_context(&producer));
    }
    adopt(&span, producer);
    let hop = Hop::new(span);
    hop.set("messaging.system", system);
    hop.set("messaging.destination.name", destination.to_owned());
    hop.set("messaging.consumer.group.name", consumer.to_owned());
    hop.set("messaging.message.id", message_id.to_owned());
    hop.set("messaging.operation.name", "process");
    hop.set("messaging.operation.type", "process");
    hop.set(
        "messaging.delivery.attempt",
        i64::try_from(attempt).unwrap_or(i64::MAX),
    );
    let span = hop.span().clone();
    let ending = Ending::new(hop, |hop: &Hop, error_type: &str| {
        signals::MESSAGING_PROCESS_DURATION
            .histogram(&[
                ("messaging.system", system),
                ("messaging.destination.name", destination),
                ("messaging.consumer.group.name", consumer),
                ("error.type", error_type),
            ])
            .record(hop.seconds());
    });
    let result = async { handler().await }.instrument(span).await;
    let error = result.as_ref().err().map(ToString::to_string);
    ending.end(
        error
            .as_deref()
            .map(|text| (std::any::type_name::<E>(), text)),
    );
    result
}
