//! A span while it lasts.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Event, Link, Span as OtelSpan, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SpanData;

use super::Making;
use crate::clock;

/// A span of this process, as OpenTelemetry's API has it.
#[derive(Debug)]
pub(crate) struct Span {
    identity: SpanContext,
    state: State,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // The API puts a span into a box of its own.
enum State {
    Recorded {
        span: SpanData,
        making: Arc<Making>,
    },
    /// It has ended, or is not sampled.
    Nothing,
    StandsFor(Context),
}

// === impl Span ===

impl Span {
    pub(super) fn recorded(span: SpanData, making: &Arc<Making>) -> Self {
        Self {
            identity: span.span_context.clone(),
            state: State::Recorded {
                span,
                making: Arc::clone(making),
            },
        }
    }

    pub(super) fn left_out(identity: SpanContext) -> Self {
        Self {
            identity,
            state: State::Nothing,
        }
    }

    pub(super) fn standing_for(context: Context) -> Self {
        Self {
            identity: context.span().span_context().clone(),
            state: State::StandsFor(context),
        }
    }

    fn finish(&mut self, time: impl FnOnce() -> SystemTime) {
        if !matches!(self.state, State::Recorded { .. }) {
            return;
        }
        if let State::Recorded { mut span, making } =
            std::mem::replace(&mut self.state, State::Nothing)
            && let Some(sink) = &making.sink
        {
            // The clock of another thread may be behind.
            span.end_time = time().max(span.start_time);
            sink.ended(span);
        }
    }
}

impl OtelSpan for Span {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        mut attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.state {
            State::Recorded { span, making } => {
                let limits = &making.limits;
                if has_room(span.events.len(), limits.max_events_per_span) {
                    let dropped = super::cut(&mut attributes, limits.max_attributes_per_event);
                    let event = Event::new(name, timestamp, attributes, dropped);
                    span.events.events.push(event);
                } else {
                    span.events.dropped_count += 1;
                }
            }
            State::Nothing => {}
            State::StandsFor(context) => {
                context
                    .span()
                    .add_event_with_timestamp(name, timestamp, attributes);
            }
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.identity
    }

    fn is_recording(&self) -> bool {
        match &self.state {
            State::Recorded { .. } => true,
            State::Nothing => false,
            State::StandsFor(context) => context.span().is_recording(),
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        match &mut self.state {
            State::Recorded { span, making } => {
                if has_room(span.attributes.len(), making.limits.max_attributes_per_span) {
                    span.attributes.push(attribute);
                } else {
                    span.dropped_attributes_count += 1;
                }
            }
            State::Nothing => {}
            State::StandsFor(context) => context.span().set_attribute(attribute),
        }
    }

    fn set_status(&mut self, status: Status) {
        match &mut self.state {
            // Ok > Error > Unset, by the specification (Trace API, set status).
            State::Recorded { span, .. } if status > span.status => span.status = status,
            State::Recorded { .. } | State::Nothing => {}
            State::StandsFor(context) => context.span().set_status(status),
        }
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.state {
            State::Recorded { span, .. } => span.name = name.into(),
            State::Nothing => {}
            State::StandsFor(context) => context.span().update_name(name),
        }
    }

    fn add_link(&mut self, other: SpanContext, mut attributes: Vec<KeyValue>) {
        match &mut self.state {
            State::Recorded { span, making } => {
                let limits = &making.limits;
                if has_room(span.links.len(), limits.max_links_per_span) {
                    let dropped = super::cut(&mut attributes, limits.max_attributes_per_link);
                    span.links.links.push(Link::new(other, attributes, dropped));
                } else {
                    span.links.dropped_count += 1;
                }
            }
            State::Nothing => {}
            State::StandsFor(context) => context.span().add_link(other, attributes),
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(|| timestamp);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(clock::now);
    }
}

fn has_room(count: usize, limit: u32) -> bool {
    u32::try_from(count).is_ok_and(|count| count < limit)
}
