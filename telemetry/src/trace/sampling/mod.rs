//! Which traces are recorded, and which of them the collector must keep.
//!
//! Two decisions are made about a trace. The **head** decides before a trace's first span whether it is recorded at
//! all: by `OTEL_TRACES_SAMPLER`, and for single operations by [`Builder::sampling`](crate::Builder::sampling). Whoever
//! is called goes along with the caller, so that a trace is whole or not there. The **tail** is the collector's: it
//! decides once, some seconds after a trace's first span, and late spans only follow.
//!
//! So what must be kept has to say so early. A span with the attribute [`KEEP`] does: its trace is kept when the span
//! ends before the decision. [`Sampling::Keep`] marks the first span of a trace, [`context::keep`](crate::context::keep)
//! the current one. How far a trace has come is known at every hop without asking anybody:
//!
//! - **Its age** is in its id. The first four bytes of the trace ids made here are the second in which the trace began;
//!   the other twelve are random, more than the seven that W3C Trace Context, level 2, asks for. A trace that began
//!   elsewhere has no such time; the first server of ours that it reaches notes its own in the `tracestate`.
//! - **That it is kept** is in the `tracestate`, as the member `bidtrace`, when its first span decided so. Each service
//!   that it reaches then marks its own first span too, so that a collector that has forgotten the trace keeps that part.
//!
//! Neither costs a trace of the common kind anything: it has no `tracestate`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::SpanContext;

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::settings::Settings;

mod bucket;
mod head;
mod mark;
mod ratio;
mod remote;
mod strategy;
mod trace_id;

pub(crate) use head::{FirstSpan, Head};
pub(crate) use remote::Poller;
pub(crate) use trace_id::DatedIds;

use mark::Mark;

/// The attribute, a boolean, of a span whose trace the tail sampler keeps.
pub const KEEP: &str = TELEMETRY_KEEP.name();

/// How long after a trace's first span the collector decides: `decision_wait` of its tail sampler, or less.
///
/// The collector cannot be asked, so this is an agreement. One that waits longer loses nothing; one that does not wait
/// so long drops traces that exemplars lead to.
pub const DECISION_WAIT: Duration = Duration::from_secs(15);

/// What an ended span may take to the collector on top of the pipeline's schedule: the export itself, and clocks.
const TRANSFER: Duration = Duration::from_secs(2);

/// How many seconds a trace may be old for a mark on its current span to reach the collector in time.
static IN_TIME: AtomicU32 = AtomicU32::new(8);

/// What is done with the traces that begin with one operation, whatever the sampler says of all others.
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

/// Whether a measurement in the span of this context may become an exemplar: only when the collector will have the
/// trace for whoever follows it.
///
/// It will when the trace is kept already, or is so young that a [`KEEP`] on the current span comes in time.
pub(crate) fn may_become_exemplar(span: &SpanContext) -> bool {
    if !span.is_sampled() {
        return false;
    }
    let now = now();
    let in_time = IN_TIME.load(Ordering::Relaxed);
    let mark = Mark::of(span);
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
    Head::new(&settings.sampler, operations)
}

/// The sampler of tests: it records everything, unless the caller says otherwise.
#[cfg(feature = "test")]
pub(crate) fn everything() -> Head {
    use crate::settings::{RootSampler, Sampler};

    let sampler = Sampler {
        parent_based: true,
        root: RootSampler::Always,
    };
    Head::new(&sampler, &[])
}

/// The second that it is, counted from 1970.
fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    })
}

/// The seconds from `then` to `now`. A clock that is a little ahead of ours makes something new, not old; a time that
/// lies further in the future is none.
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
        assert!(may(born(60), "vendor=1,bidtrace=k"));
    }

    #[test]
    fn an_unsampled_trace_is_never_an_exemplar() {
        assert!(!may_become_exemplar(&span(
            born(0),
            TraceFlags::default(),
            "bidtrace=k"
        )));
    }

    #[test]
    fn a_trace_from_elsewhere_is_as_old_as_the_first_server_here_says() {
        let foreign = TraceId::from(0xfeed_face_feed_face_feed_face_feed_face);
        let may = |state: &str| may_become_exemplar(&span(foreign, TraceFlags::SAMPLED, state));
        assert!(!may(""));
        assert!(may(&format!("bidtrace=t{:x}", now())));
        assert!(!may(&format!("bidtrace=t{:x}", now() - 60)));
        assert!(!may("bidtrace=tnever"));
    }

    #[test]
    fn a_clock_that_is_ahead_makes_a_trace_new_and_no_other_future_counts() {
        assert_eq!(age(100, 97), Some(0));
        assert_eq!(age(100, 103), Some(3));
        assert_eq!(age(200, 100), None);
    }
}
