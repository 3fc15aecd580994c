//! A response that is open for as long as its reader wants, and the events in it.
//!
//! Such a stream does not show how fast the service is, so it is kept out of the durations. It is counted
//! while it is open, its first event is timed, and each event is a short trace of its own, linked to the stream's
//! span: an event that comes an hour later is found without looking into a span that has not ended yet. The rate of
//! these traces is limited for all streams of the process together ([`event_rate`]).

use std::cell::RefCell;

use bytes::Buf;
use metrics::{Gauge, Histogram};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanKind};

use crate::layers::hop::Hop;
use crate::metrics::gauge::Held;
use crate::metrics::signals::AttributeKey;
use crate::metrics::signals::attributes::{TELEMETRY_STREAM_EVENT_INDEX, TELEMETRY_STREAM_EVENTS};
use crate::trace::context::SavedContext;
use crate::trace::tracer::Start;

pub(crate) mod event_rate;

/// Maximum number of pieces of one frame's data that are read.
const MAX_PIECES: usize = 16;

thread_local! {
    // The causes of the next events of the stream that this thread polls.
    static CAUSES: RefCell<Vec<SpanContext>> = const { RefCell::new(Vec::new()) };
}

/// Tells events apart in the bytes of a stream.
pub(crate) trait Framing: Default {
    /// How many events are complete with these bytes.
    fn completed(&mut self, bytes: &[u8]) -> u32;
}

/// A stream while it is open.
#[derive(Debug)]
pub(crate) struct OpenStream<F> {
    _held: Held,
    framing: F,
    // The attribute that names the stream.
    name: (AttributeKey<str>, String),
    // Makes the histogram of the time to the first event, until that has come.
    first: Option<fn(&str) -> Histogram>,
    events: u64,
    causes: Vec<SpanContext>,
    delivered: Vec<Hop>,
}

/// Names the cause of the next event of a stream: the event's trace is linked to it.
///
/// To be called while the item is made, by the code that the stream polls; once for each item, in their order, or
/// not at all. Elsewhere it does nothing.
pub fn caused_by(cause: &SavedContext) {
    let span = cause.span_context().cloned();
    CAUSES.with_borrow_mut(|causes| causes.push(span.unwrap_or(SpanContext::NONE)));
}

/// Hands each piece of `data` to `read`, without taking it.
pub(crate) fn pieces(data: &impl Buf, mut read: impl FnMut(&[u8])) {
    let mut pieces = [std::io::IoSlice::new(&[]); MAX_PIECES];
    let count = data.chunks_vectored(&mut pieces);
    pieces.iter().take(count).for_each(|piece| read(piece));
}

// === impl OpenStream ===

impl<F: Framing> OpenStream<F> {
    /// Counts it in `open`, and times its first event in the histogram that `first` has for the stream's name.
    pub(crate) fn new(
        open: Gauge,
        first: fn(&str) -> Histogram,
        name: (AttributeKey<str>, String),
    ) -> Self {
        Self {
            _held: Held::new(open),
            framing: F::default(),
            name,
            first: Some(first),
            events: 0,
            causes: Vec::new(),
            delivered: Vec::new(),
        }
    }

    /// Tells events apart in another way, which is only known from the head of the response.
    pub(crate) fn frame_by(&mut self, framing: F) {
        self.framing = framing;
    }

    /// The body is about to be polled: the events that it gave before have been taken.
    pub(crate) fn next(&mut self) {
        self.end_events();
        CAUSES.with_borrow_mut(Vec::clear);
    }

    /// The body was polled: the causes that were named meanwhile are those of its next events.
    pub(crate) fn asked(&mut self, hop: &Hop) {
        CAUSES.with_borrow_mut(|causes| {
            if hop.is_recording() {
                self.causes.append(causes);
            }
            causes.clear();
        });
    }

    /// The body gave this data.
    pub(crate) fn data(&mut self, hop: &Hop, data: &impl Buf) {
        if self.first.is_none() && !hop.is_recording() {
            return;
        }
        let mut completed = 0;
        pieces(data, |piece| completed += self.framing.completed(piece));
        if completed == 0 {
            return;
        }
        if hop.is_recording() {
            self.trace(hop, completed);
        }
        if let Some(first) = self.first.take() {
            let record = || {
                let seconds = hop.seconds();
                first(&self.name.1).record(seconds);
            };
            // Its exemplar is the event: the stream's span ends long after the collector has decided about its trace,
            // so that a mark on it would come too late.
            match self.delivered.first() {
                Some(event) => event.record(record),
                None => record(),
            }
        }
    }

    /// The stream has ended.
    pub(crate) fn end(mut self, hop: &Hop) {
        self.end_events();
        if hop.is_recording() {
            hop.set(TELEMETRY_STREAM_EVENTS, self.events);
        }
    }

    fn trace(&mut self, hop: &Hop, completed: u32) {
        let mut causes = std::mem::take(&mut self.causes).into_iter();
        for _ in 0..completed {
            let index = self.events;
            self.events += 1;
            let cause = causes.next();
            if event_rate::admits() {
                let event = self.event(hop, index, cause);
                self.delivered.push(event);
            }
        }
    }

    fn event(&self, hop: &Hop, index: u64, cause: Option<SpanContext>) -> Hop {
        let (key, name) = &self.name;
        let event = Start::within(Context::new(), SpanKind::Internal);
        Hop::start(
            event.link(Some(hop.span_context())).link(cause),
            || format!("event {name}").into(),
            |attributes| {
                attributes.set(*key, name.as_str());
                attributes.set(TELEMETRY_STREAM_EVENT_INDEX, index);
            },
        )
    }

    fn end_events(&mut self) {
        for event in self.delivered.drain(..) {
            event.end(|_| {});
        }
    }
}
