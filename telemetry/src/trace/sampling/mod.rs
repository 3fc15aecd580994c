//! Which traces are recorded, and which of them the collector must keep.
//!
//! Two decisions are made about a trace. The **head** decides when a trace begins whether it is recorded at all: by
//! `OTEL_TRACES_SAMPLER`, and for single operations by [`Builder::sampling`](crate::Builder::sampling). A service that is
//! called follows its caller's decision, so that a trace is complete or absent. The **tail** is the collector's: it
//! decides once, some seconds after a trace's first span, and spans that arrive later follow that decision.
//!
//! A trace that must be kept therefore has to be marked early, by a span with the attribute [`KEEP`] that ends before the
//! collector decides. [`Sampling::Keep`] marks the first span of a trace, [`context::keep`](crate::context::keep)
//! the current one. Two facts about a trace are known at every hop without asking anybody:
//!
//! - **Its age** is in its id. The first four bytes of the trace ids made here are the second in which the trace began;
//!   the other twelve are random, more than the seven that W3C Trace Context, level 2, asks for. The id of a trace that
//!   began elsewhere has no such time; the first server of ours that it reaches notes the current second in `tracestate`.
//! - **That it is kept** is in `tracestate`, in the member of this vendor, when its first span decided so. Each service
//!   that it reaches then marks its own first span too, so that a collector that has forgotten the trace keeps that part.
//!
//! An ordinary trace pays nothing for this: it has no `tracestate`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::SpanContext;

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::settings;
use crate::settings::Settings;

mod bucket;
mod head;
mod mark;
mod ratio;
mod remote;
mod strategy;
mod trace_id;

pub(crate) use head::{Decision, FirstSpan, Head};
pub(crate) use remote::Poller;
pub(crate) use trace_id::DatedIds;

use mark::Mark;

/// The boolean attribute of a span whose trace the tail sampler keeps.
pub const KEEP: &str = TELEMETRY_KEEP.name();

/// How long the collector must wait after a trace's first span before it decides: `decision_wait` of its tail sampler.
///
/// The collector's setting cannot be read from here. A longer wait does no harm; with a shorter one, traces are dropped
/// that exemplars lead to.
pub const DECISION_WAIT: Duration = Duration::from_secs(15);

/// Allowance for the export of an ended span and for differences between clocks, on top of the pipeline's schedule.
const TRANSFER: Duration = Duration::from_secs(2);

/// Maximum age of a trace, in seconds, at which a mark on its current span still reaches the collector in time.
static IN_TIME: AtomicU32 = AtomicU32::new(8);

/// The key of this crate's member of `tracestate`.
static VENDOR: OnceLock<&str> = OnceLock::new();

/// The sampling of traces that begin with one operation; it overrides the process's sampler.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Sampling {
    /// All are recorded.
    Always,
    /// None is recorded.
    Never,
    /// This share of them is recorded, from 0 to 1.
    Ratio(f64),
    /// All are recorded, and the collector keeps them.
    Keep,
}

/// Whether a measurement within this span may become an exemplar, which is so when the collector will keep the trace.
///
/// It will when the trace is kept already, or is so young that a [`KEEP`] on the current span comes in time.
pub(crate) fn may_become_exemplar(span: &SpanContext) -> bool {
    if !span.is_sampled() {
        return false;
    }
    let now = now();
    let in_time = IN_TIME.load(Ordering::Relaxed);
    let vendor = VENDOR.get().copied().unwrap_or(settings::VENDOR);
    let mark = Mark::of(span, vendor);
    mark.kept
        || mark
            .seen
            .map_or_else(
                || trace_id::age(span.trace_id(), now),
                |seen| age(seen, now),
            )
            .is_some_and(|age| age <= in_time)
}

/// The sampler that the settings and the service's own operations ask for.
pub(crate) fn head(settings: &Settings, operations: &[(&'static str, Sampling)]) -> Head {
    let in_time = DECISION_WAIT.saturating_sub(settings.batch.schedule_delay + TRANSFER);
    IN_TIME.store(
        u32::try_from(in_time.as_secs()).unwrap_or(u32::MAX),
        Ordering::Relaxed,
    );
    let vendor = VENDOR.get_or_init(|| settings.vendor);
    Head::new(&settings.sampler, operations, vendor)
}

/// The sampler of tests: it records everything that no caller has decided against.
#[cfg(feature = "test")]
pub(crate) fn everything() -> Head {
    use crate::settings::{RootSampler, Sampler};

    let sampler = Sampler {
        parent_based: true,
        root: RootSampler::Always,
    };
    Head::new(&sampler, &[], settings::VENDOR)
}

/// The current time in seconds since 1970.
fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    })
}

/// The seconds from `then` to `now`. A time that is a little ahead, since clocks differ, is an age of 0; one further in
/// the future is no valid time.
fn age(then: u32, now: u32) -> Option<u32> {
    const AHEAD: u32 = 5;
    (then <= now.saturating_add(AHEAD)).then(|| now.saturating_sub(then))
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::IdGenerator;

    use super::*;

    fn span(trace_id: TraceId, flags: TraceFlags, state: &str) -> SpanContext {
        let state = state.parse().unwrap_or(TraceState::NONE);
        SpanContext::new(trace_id, SpanId::from(7), flags, true, state)
    }

    fn born(seconds_ago: u32) -> TraceId {
        let random = DatedIds::default().new_trace_id().to_bytes();
        let mut bytes = random;
        bytes[..4].copy_from_slice(&(now() - seconds_ago).to_be_bytes());
        TraceId::from_bytes(bytes)
    }

    #[test]
    fn a_young_trace_may_become_an_exemplar_and_an_old_one_only_when_it_is_kept() {
        let may = |id, state| may_become_exemplar(&span(id, TraceFlags::SAMPLED, state));
        assert!(may(born(0), ""));
        assert!(may(born(5), "vendor=1"));
        assert!(!may(born(60), ""));
        assert!(!may(born(60), "vendor=1"));
        assert!(may(born(60), "vendor=1,telemetry=k"));
    }

    #[test]
    fn an_unsampled_trace_is_never_an_exemplar() {
        assert!(!may_become_exemplar(&span(
            born(0),
            TraceFlags::default(),
            "telemetry=k"
        )));
    }

    #[test]
    fn a_trace_from_elsewhere_is_as_old_as_the_first_server_here_says() {
        let foreign = TraceId::from(0xfeed_face_feed_face_feed_face_feed_face);
        let may = |state: &str| may_become_exemplar(&span(foreign, TraceFlags::SAMPLED, state));
        assert!(!may(""));
        assert!(may(&format!("telemetry=t{:x}", now())));
        assert!(!may(&format!("telemetry=t{:x}", now() - 60)));
        assert!(!may("telemetry=tnever"));
    }

    #[test]
    fn a_clock_that_is_ahead_makes_a_trace_new_and_no_other_future_counts() {
        assert_eq!(age(100, 97), Some(0));
        assert_eq!(age(100, 103), Some(3));
        assert_eq!(age(200, 100), None);
    }
}
