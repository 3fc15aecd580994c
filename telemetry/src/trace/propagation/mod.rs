//! Propagation: reading trace contexts from headers and writing them, in the formats of `OTEL_PROPAGATORS`.
//!
//! Each format is a few functions over a [`carrier`]: header maps, pairs of strings, and whatever implements
//! OpenTelemetry's own traits. [`Propagators`] composes them without trait objects, so that a request pays for the
//! headers that it has: names are static, no value is copied before it is known to be valid, and nothing is allocated
//! for a header that is absent.

use std::sync::{LazyLock, OnceLock};

use http::HeaderMap;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, global};

use crate::metrics::signals::{TelemetryContextRejected, TelemetryContextRejectedReason as Reason};
use crate::settings::{Propagator, Settings};
use carrier::Pairs;
use composite::Propagators;
pub(crate) use trace_context::RANDOM;
pub(crate) use trace_state::FullList;

mod b3;
mod baggage;
mod carrier;
mod composite;
mod hex;
mod jaeger;
mod percent;
#[cfg(test)]
mod published;
#[cfg(test)]
pub(crate) mod strategies;
mod trace_context;
mod trace_state;

/// Why a context, or a part of one, was rejected when it was read or left out when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The span that it should become the parent of had started.
    AlreadyStarted,
    /// It does not follow its format's grammar.
    Malformed,
    /// A header that may come once came twice, or a key of `tracestate` did.
    Duplicated,
    /// A header has more bytes or more members than are read.
    Oversized,
    /// Members were left out when it was written: they did not fit, or are not valid in a header.
    Truncated,
}

/// Sampling requests that have no place in the sampled flag: B3 debug, a lone decision, a deferred one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplingRequest {
    /// Without ids: do not sample the trace that begins here.
    Deny,
    /// Without ids: sample it.
    Accept,
    /// Sample it, and pass the debug flag on to every service that is called.
    Debug,
    /// With ids: the receiver decides.
    Defer,
}

/// What the headers of one format contain.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remote {
    /// The caller's span, with what its sampled flag cannot express.
    Span(SpanContext, Option<SamplingRequest>),
    /// No ids.
    Request(SamplingRequest),
}

/// The remote parent of a span. Its span context is kept beside the context, since building a context that contains it
/// costs an allocation and is rarely needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) context: Context,
    pub(crate) span: Option<SpanContext>,
}

static INSTALLED: OnceLock<Propagators> = OnceLock::new();

/// Used when none were installed: the specification's default.
static DEFAULT: LazyLock<Propagators> =
    LazyLock::new(|| Propagators::new(&[Propagator::TraceContext, Propagator::Baggage]));

/// Installs the propagators of the settings, for this crate and as the global ones of OpenTelemetry's API.
pub(crate) fn install(settings: &Settings) {
    let propagators = INSTALLED.get_or_init(|| Propagators::new(&settings.propagators));
    global::set_text_map_propagator(propagators.clone());
}

/// Makes the installed propagators, or the default ones, the global ones of OpenTelemetry's API.
pub(crate) fn publish() {
    global::set_text_map_propagator(installed().clone());
}

/// The context in the headers of a request; empty when they have no valid one.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    installed().read(headers, Context::new())
}

/// The caller of a server, from the headers of a request.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) fn caller(headers: &HeaderMap) -> Caller {
    installed().caller(headers)
}

/// The context in the headers of a message; empty when they have no valid one.
pub(crate) fn extract_pairs(pairs: &[(String, String)]) -> Context {
    installed().read(&Pairs(pairs), Context::new())
}

/// Writes `context` into the headers of a request and removes those of earlier hops.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    installed().write(context, headers);
}

/// `context` as the headers of a message.
pub(crate) fn inject_pairs(context: &Context) -> Vec<(String, String)> {
    pairs(installed(), context)
}

/// A trace id as the value of a header.
#[cfg(feature = "http")]
pub(crate) fn trace_id_text(id: opentelemetry::trace::TraceId) -> Option<http::HeaderValue> {
    let mut text = [0; 32];
    hex::write(&mut text, &id.to_bytes());
    http::HeaderValue::from_bytes(&text).ok()
}

/// The caller's sampling request, for a span below `parent`; none when `parent` is a span of this process, which has
/// decided already.
pub(crate) fn sampling_request(context: &Context, parent: &SpanContext) -> Option<SamplingRequest> {
    let request = context.get::<SamplingRequest>().copied()?;
    (!parent.is_valid() || parent.is_remote()).then_some(request)
}

/// `context` as W3C headers, whatever propagators are installed: the format in which contexts are stored.
pub(crate) fn to_w3c(context: &Context) -> Vec<(String, String)> {
    pairs(&DEFAULT, context)
}

/// Reads what [`to_w3c`] wrote.
pub(crate) fn from_w3c(pairs: &[(String, String)]) -> Context {
    DEFAULT.read(&Pairs(pairs), Context::new())
}

fn installed() -> &'static Propagators {
    INSTALLED.get().unwrap_or(&DEFAULT)
}

fn pairs(propagators: &Propagators, context: &Context) -> Vec<(String, String)> {
    let mut pairs = Pairs(Vec::new());
    propagators.write(context, &mut pairs);
    pairs.0
}

// === impl Caller ===

impl Caller {
    /// The context that contains the span.
    pub(crate) fn into_context(self) -> Context {
        match self.span {
            Some(span) => self.context.with_remote_span_context(span),
            None => self.context,
        }
    }
}

// === impl Rejection ===

impl Rejection {
    /// Creates the counter of every reason, at 0.
    pub(crate) fn zero() {
        TelemetryContextRejected::zero();
    }

    fn reason(self) -> Reason {
        match self {
            Self::AlreadyStarted => Reason::AlreadyStarted,
            Self::Malformed => Reason::Malformed,
            Self::Duplicated => Reason::Duplicated,
            Self::Oversized => Reason::Oversized,
            Self::Truncated => Reason::Truncated,
        }
    }

    /// Counts one in `telemetry.context.rejected`.
    pub(crate) fn count(self) {
        TelemetryContextRejected {
            telemetry_reason: self.reason(),
        }
        .add(1);
    }
}
