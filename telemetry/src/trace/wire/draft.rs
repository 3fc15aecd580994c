//! A span that has not ended.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    Attributes, Count, Ended, InstrumentationScope, KeyValue, Message, SpanContext, SpanId,
    SpanKind, Status, Written, redact,
};
use crate::settings::Limits;

/// The size in bytes of most of this crate's spans.
const ROOM: usize = 640;

/// A span that has not ended: the fields that are encoded already, and those that may still change.
#[derive(Debug)]
pub(crate) struct Draft {
    message: Message,
    name: Cow<'static, str>,
    start: SystemTime,
    status: Status,
    attributes: Written,
    events: Count,
    links: Count,
}

/// The fields of a `Span`, by their numbers.
mod span {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const PARENT_SPAN_ID: u32 = 4;
    pub(super) const NAME: u32 = 5;
    pub(super) const KIND: u32 = 6;
    pub(super) const START_TIME: u32 = 7;
    pub(super) const END_TIME: u32 = 8;
    pub(super) const ATTRIBUTES: u32 = 9;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 10;
    pub(super) const EVENTS: u32 = 11;
    pub(super) const DROPPED_EVENTS: u32 = 12;
    pub(super) const LINKS: u32 = 13;
    pub(super) const DROPPED_LINKS: u32 = 14;
    pub(super) const STATUS: u32 = 15;
    pub(super) const FLAGS: u32 = 16;
}

/// The fields of an `Event`.
mod event {
    pub(super) const TIME: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const ATTRIBUTES: u32 = 3;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 4;
}

/// The fields of a `Link`.
mod link {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const ATTRIBUTES: u32 = 4;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 5;
    pub(super) const FLAGS: u32 = 6;
}

/// The fields of a `Status`.
mod status {
    pub(super) const MESSAGE: u32 = 2;
    pub(super) const CODE: u32 = 3;
}

// === impl Draft ===

impl Draft {
    /// A span that starts. `parent` is invalid when it has none.
    pub(crate) fn new(
        identity: &SpanContext,
        parent: &SpanContext,
        name: Cow<'static, str>,
        kind: &SpanKind,
        start: SystemTime,
    ) -> Self {
        let mut message = Message::with_capacity(ROOM);
        message.bytes(span::TRACE_ID, &identity.trace_id().to_bytes());
        message.bytes(span::SPAN_ID, &identity.span_id().to_bytes());
        trace_state(&mut message, span::TRACE_STATE, identity);
        if parent.span_id() != SpanId::INVALID {
            message.bytes(span::PARENT_SPAN_ID, &parent.span_id().to_bytes());
        }
        let is_below_remote = parent.is_valid() && parent.is_remote();
        message.fixed32(span::FLAGS, flags(identity, is_below_remote));
        message.number(span::KIND, number_of(kind));
        message.fixed64(span::START_TIME, nanoseconds(start));
        Self {
            message,
            name,
            start,
            status: Status::Unset,
            attributes: Written::default(),
            events: Count::default(),
            links: Count::default(),
        }
    }

    /// The writer of its attributes.
    pub(crate) fn attributes(&mut self, limits: &Limits) -> Attributes<'_> {
        Attributes {
            message: &mut self.message,
            start: 0,
            field: span::ATTRIBUTES,
            written: &mut self.attributes,
            most: limits.attributes,
            length: limits.attribute_length,
        }
    }

    /// Adds an event, unless the limit is reached. `dropped` attributes were dropped before.
    pub(crate) fn event(
        &mut self,
        name: &str,
        time: SystemTime,
        attributes: &[KeyValue],
        dropped: u32,
        limits: &Limits,
    ) {
        if !self.events.one_more(limits.events) {
            return;
        }
        self.message.nested(span::EVENTS, |message| {
            message.fixed64(event::TIME, nanoseconds(time));
            // The bridge from `tracing` puts a message here.
            message.text(event::NAME, &redact::scrub(name));
            let field = event::ATTRIBUTES;
            let most = limits.attributes_per_event;
            let dropped = all(message, field, attributes, most, limits) + dropped;
            some(message, event::DROPPED_ATTRIBUTES, dropped);
        });
    }

    /// Adds a link, unless the limit is reached. `dropped` attributes were dropped before.
    pub(crate) fn link(
        &mut self,
        to: &SpanContext,
        attributes: &[KeyValue],
        dropped: u32,
        limits: &Limits,
    ) {
        if !self.links.one_more(limits.links) {
            return;
        }
        self.message.nested(span::LINKS, |message| {
            message.bytes(link::TRACE_ID, &to.trace_id().to_bytes());
            message.bytes(link::SPAN_ID, &to.span_id().to_bytes());
            trace_state(message, link::TRACE_STATE, to);
            message.fixed32(link::FLAGS, flags(to, to.is_remote()));
            let field = link::ATTRIBUTES;
            let most = limits.attributes_per_link;
            let dropped = all(message, field, attributes, most, limits) + dropped;
            some(message, link::DROPPED_ATTRIBUTES, dropped);
        });
    }

    pub(crate) fn rename(&mut self, name: Cow<'static, str>) {
        self.name = name;
    }

    /// `Ok > Error > Unset`, by the specification (Trace API, set status).
    pub(crate) fn set_status(&mut self, status: Status) {
        if status > self.status {
            self.status = status;
        }
    }

    /// Ends it. A time before its start, which an explicit one may be, is taken for the start.
    pub(crate) fn end(self, scope: &Arc<InstrumentationScope>, time: SystemTime) -> Ended<'_> {
        let Self {
            mut message,
            name,
            start,
            status,
            attributes,
            events,
            links,
        } = self;
        message.text(span::NAME, &name);
        message.fixed64(span::END_TIME, nanoseconds(time.max(start)));
        some(
            &mut message,
            span::DROPPED_ATTRIBUTES,
            attributes.count.dropped,
        );
        some(&mut message, span::DROPPED_EVENTS, events.dropped);
        some(&mut message, span::DROPPED_LINKS, links.dropped);
        message.nested(span::STATUS, |message| match &status {
            Status::Unset => {}
            Status::Ok => message.number(status::CODE, 1),
            Status::Error { description } => {
                message.text(status::MESSAGE, &redact::scrub(description));
                message.number(status::CODE, 2);
            }
        });
        Ended {
            scope,
            bytes: message.into_bytes(),
        }
    }
}

/// Writes the attributes of an event or a link. Returns how many were dropped.
fn all(
    message: &mut Message,
    field: u32,
    attributes: &[KeyValue],
    most: u32,
    limits: &Limits,
) -> u32 {
    let mut written = Written::default();
    let mut writing = Attributes {
        start: message.len(),
        message,
        field,
        written: &mut written,
        most,
        length: limits.attribute_length,
    };
    for attribute in attributes {
        writing.put(attribute);
    }
    written.count.dropped
}

/// Writes a count, unless it is zero, which is what a missing field means.
fn some(message: &mut Message, field: u32, count: u32) {
    if count > 0 {
        message.number(field, u64::from(count));
    }
}

fn trace_state(message: &mut Message, field: u32, of: &SpanContext) {
    let state = of.trace_state();
    if *state != opentelemetry::trace::TraceState::NONE {
        message.text(field, &state.header());
    }
}

/// `SpanFlags`: the flags of W3C, and whether the parent of a span, or the target of a link, is remote.
fn flags(of: &SpanContext, is_remote: bool) -> u32 {
    const IS_KNOWN: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(of.trace_flags().to_u8()) | IS_KNOWN | remote
}

fn number_of(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// Since 1970, at least 0 and at most what the field holds (the year 2554).
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
