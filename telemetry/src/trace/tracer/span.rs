//! A span of this crate behind OpenTelemetry's API.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Span as OtelSpan, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::Source;
use crate::trace::clock::SpanClock;
use crate::trace::wire::Draft;

/// A span of this process.
#[derive(Debug)]
pub(crate) struct Span {
    identity: SpanContext,
    state: State,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // The API puts a span into a box of its own.
enum State {
    Recorded {
        draft: Draft,
        clock: SpanClock,
        source: Arc<Source>,
    },
    /// It has ended, or is not sampled.
    Nothing,
    /// A proxy for the span of this context: what is done to it is done to that span, except for its end.
    Proxy(Context),
}

// === impl Span ===

impl Span {
    pub(super) fn recorded(
        draft: Draft,
        clock: SpanClock,
        identity: SpanContext,
        source: &Arc<Source>,
    ) -> Self {
        Self {
            identity,
            state: State::Recorded {
                draft,
                clock,
                source: Arc::clone(source),
            },
        }
    }

    pub(super) fn left_out(identity: SpanContext) -> Self {
        Self {
            identity,
            state: State::Nothing,
        }
    }

    pub(super) fn proxy_for(context: Context) -> Self {
        Self {
            identity: context.span().span_context().clone(),
            state: State::Proxy(context),
        }
    }

    fn finish(&mut self, time: impl FnOnce(&SpanClock) -> SystemTime) {
        if !matches!(self.state, State::Recorded { .. }) {
            return;
        }
        if let State::Recorded {
            draft,
            clock,
            source,
        } = std::mem::replace(&mut self.state, State::Nothing)
            && let Some(sink) = &source.making.sink
        {
            sink.ended(draft.end(&source.scope, time(&clock)));
        }
    }
}

impl OtelSpan for Span {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.state {
            State::Recorded {
                draft,
                clock,
                source,
            } => {
                let time = clock.convert(timestamp);
                draft.event(&name.into(), time, &attributes, 0, &source.making.limits);
            }
            State::Nothing => {}
            State::Proxy(context) => {
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
            State::Proxy(context) => context.span().is_recording(),
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        match &mut self.state {
            State::Recorded { draft, source, .. } => {
                draft.attributes(&source.making.limits).put(&attribute);
            }
            State::Nothing => {}
            State::Proxy(context) => context.span().set_attribute(attribute),
        }
    }

    fn set_status(&mut self, status: Status) {
        match &mut self.state {
            State::Recorded { draft, .. } => draft.set_status(status),
            State::Nothing => {}
            State::Proxy(context) => {
                if !super::IN_EVENT.get() {
                    context.span().set_status(status);
                }
            }
        }
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.state {
            State::Recorded { draft, .. } => draft.rename(name.into()),
            State::Nothing => {}
            State::Proxy(context) => context.span().update_name(name),
        }
    }

    fn add_link(&mut self, other: SpanContext, attributes: Vec<KeyValue>) {
        match &mut self.state {
            State::Recorded { draft, source, .. } => {
                draft.link(&other, &attributes, 0, &source.making.limits);
            }
            State::Nothing => {}
            State::Proxy(context) => context.span().add_link(other, attributes),
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(|clock| clock.convert(timestamp));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(SpanClock::now);
    }
}
