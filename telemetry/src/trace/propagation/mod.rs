//! Reading contexts from headers and writing them there, in the forms that were installed.
//!
//! Each form is a few functions over a [`carrier`]: header maps, pairs of strings, and whatever implements
//! OpenTelemetry's own traits. [`Propagators`] composes them without a trait object between, so that a request
//! pays for the headers that it has: names are static, no value is copied before it is known to be good, and
//! nothing is allocated for what is absent.

use std::sync::{LazyLock, OnceLock};

use http::HeaderMap;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, global};

use crate::metrics::signals::{TelemetryContextRejected, TelemetryContextRejectedReason as Reason};
use crate::settings::{Propagator, Settings};
pub(crate) use baggage::is_token;
use carrier::Pairs;
use composite::Propagators;

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

/// Why a context, or a part of one, was not taken over or not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It came for a span that had started.
    AlreadyStarted,
    /// It is not what its form asks for.
    Malformed,
    /// A header that may come once came twice, or a key of `tracestate` did.
    Duplicated,
    /// A header has more bytes or more members than are read.
    Oversized,
    /// Members were left out because they did not fit, or are not valid in a header.
    Truncated,
}

/// What a caller said about sampling where the flag of a span context cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Without ids: do not sample what this request makes.
    Deny,
    /// Without ids: sample it.
    Accept,
    /// Sample it, and tell everybody further down.
    Debug,
    /// With ids: whoever is asked decides.
    Defer,
}

/// What the headers of one form say of the caller's span.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remote {
    /// What it is, with what its flag cannot say.
    Span(SpanContext, Option<Decision>),
    /// There are no ids.
    Decision(Decision),
}

/// Whom a span goes on from: a context, and the span of the caller when that is not in it, since a context with it is made
/// only when one is needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) context: Context,
    pub(crate) span: Option<SpanContext>,
}

static INSTALLED: OnceLock<Propagators> = OnceLock::new();

/// Those of a process that installed none: the specification's default.
static DEFAULT: LazyLock<Propagators> =
    LazyLock::new(|| Propagators::new(&[Propagator::TraceContext, Propagator::Baggage]));

/// Makes the forms that the settings name those of the process, for other users of OpenTelemetry's API too.
pub(crate) fn install(settings: &Settings) {
    let propagators = INSTALLED.get_or_init(|| Propagators::new(&settings.propagators));
    global::set_text_map_propagator(propagators.clone());
}

/// Makes the forms of the process, whatever they are, those of OpenTelemetry's API.
pub(crate) fn publish() {
    global::set_text_map_propagator(installed().clone());
}

/// The context that the headers of a request carry; empty when they carry none that is well-formed.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    installed().read(headers, Context::new())
}

/// The same for a server that goes on from it.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) fn caller(headers: &HeaderMap) -> Caller {
    installed().caller(headers)
}

/// The context that the headers of a message carry.
pub(crate) fn extract_pairs(pairs: &[(String, String)]) -> Context {
    installed().read(&Pairs(pairs), Context::new())
}

/// Writes `context` into the headers of a request, in place of what they carried.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    installed().write(context, headers);
}

/// `context` as the headers of a message.
pub(crate) fn inject_pairs(context: &Context) -> Vec<(String, String)> {
    pairs(installed(), context)
}

/// A trace's id as the value of a header.
#[cfg(feature = "http")]
pub(crate) fn trace_id_text(id: opentelemetry::trace::TraceId) -> Option<http::HeaderValue> {
    let mut text = [0; 32];
    hex::write(&mut text, &id.to_bytes());
    http::HeaderValue::from_bytes(&text).ok()
}

/// What the caller said about sampling beyond the flag of its span, `parent`; nothing when that is one of this process.
pub(crate) fn decision(context: &Context, parent: &SpanContext) -> Option<Decision> {
    let decision = context.get::<Decision>().copied()?;
    (!parent.is_valid() || parent.is_remote()).then_some(decision)
}

/// `context` in the form of W3C, whatever is installed: for what is kept.
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
    /// The context with the span in it.
    pub(crate) fn into_context(self) -> Context {
        match self.span {
            Some(span) => self.context.with_remote_span_context(span),
            None => self.context,
        }
    }
}

// === impl Rejection ===

impl Rejection {
    /// Has all of them be counted from 0.
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
