//! What is done to a span of `tracing` and happens to the one of OpenTelemetry.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, Status};
use opentelemetry::{Context, Key, KeyValue, Value};
use tracing::span::Id;
use tracing::{Dispatch, Span};

use crate::bridge::Bridge;
use crate::span::{self, Change};

/// The span of OpenTelemetry behind one of `tracing`.
pub trait OpenTelemetrySpanExt {
    /// Makes the span of `context` its parent.
    ///
    /// # Errors
    ///
    /// When it has started, which is when it is first entered or asked for its context, or is not the bridge's.
    fn set_parent(&self, context: Context) -> Result<(), SetParentError>;

    /// Links it to another span; of one that is none nothing comes.
    fn add_link(&self, other: SpanContext);

    /// The same, with attributes of the link.
    fn add_link_with_attributes(&self, other: SpanContext, attributes: Vec<KeyValue>);

    /// The context in which it is the current span. It starts with that. One that is disabled, or that the bridge does
    /// not know, changes nothing: it is the context of whoever asks.
    fn context(&self) -> Context;

    /// Sets an attribute.
    fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>);

    /// Sets the status.
    fn set_status(&self, status: Status);

    /// Adds an event that happens now.
    fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>);

    /// Adds an event that happened then.
    fn add_event_with_timestamp(
        &self,
        name: impl Into<Cow<'static, str>>,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    );
}

/// Why a span keeps the parent that it has.
#[derive(Debug)]
pub enum SetParentError {
    /// The bridge does not know the span: it is another subscriber's.
    LayerNotFound,
    /// It has started.
    AlreadyStarted,
    /// Nobody wants it.
    SpanDisabled,
}

/// The context of the span `id`, which starts with that.
pub fn get_otel_context(id: &Id, dispatch: &Dispatch) -> Option<Context> {
    let bridge = dispatch.downcast_ref::<Bridge>()?;
    let (context, _) = span::context(bridge.spans(), id)?;
    Some(context)
}

/// Changes the span; none when it is disabled, or the bridge does not know it.
fn change<T>(span: &Span, change: impl FnOnce(Change<'_>) -> T) -> Option<T> {
    span.with_subscriber(|(id, dispatch)| {
        let bridge = dispatch.downcast_ref::<Bridge>()?;
        span::change(bridge.spans(), id, change)
    })?
}

// === impl SetParentError ===

impl std::fmt::Display for SetParentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LayerNotFound => "the span is one of another subscriber",
            Self::AlreadyStarted => "the span has started, so that its parent stays",
            Self::SpanDisabled => "the span is disabled",
        })
    }
}

impl std::error::Error for SetParentError {}

// === impl Span ===

impl OpenTelemetrySpanExt for Span {
    fn set_parent(&self, context: Context) -> Result<(), SetParentError> {
        if self.is_disabled() {
            return Err(SetParentError::SpanDisabled);
        }
        let set = change(self, |change| match change {
            Change::New(new) => {
                new.parent = context;
                Ok(())
            }
            Change::Started(_) => Err(SetParentError::AlreadyStarted),
        });
        set.unwrap_or(Err(SetParentError::LayerNotFound))
    }

    fn add_link(&self, other: SpanContext) {
        self.add_link_with_attributes(other, Vec::new());
    }

    fn add_link_with_attributes(&self, other: SpanContext, attributes: Vec<KeyValue>) {
        if other.is_valid() {
            change(self, |mut change| change.link(other, attributes));
        }
    }

    fn context(&self) -> Context {
        self.with_subscriber(|(id, dispatch)| get_otel_context(id, dispatch))
            .flatten()
            .unwrap_or_else(Context::current)
    }

    fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        change(self, |mut change| change.attribute(attribute));
    }

    fn set_status(&self, status: Status) {
        change(self, |mut change| change.status(status));
    }

    fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        self.add_event_with_timestamp(name, SystemTime::now(), attributes);
    }

    fn add_event_with_timestamp(
        &self,
        name: impl Into<Cow<'static, str>>,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let name = name.into();
        change(self, |mut change| change.event(name, timestamp, attributes));
    }
}
