//! Exemplars: for each bucket of a histogram one measurement, with the trace and span in which it was made.
//!
//! A bucket takes at most one exemplar per [interval](Intervals). Taking it marks the trace to be kept while its span is
//! still open, so that the trace can be found by the exemplar.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceId};

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::trace::sampling;

/// Maximum age of an exemplar that is exposed. Jaeger keeps traces for longer than this, also under load, and a bucket
/// without measurements for minutes should not point to an old one.
pub(crate) const LIFETIME: Duration = Duration::from_mins(2);

/// A measurement and the span in which it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) time: SystemTime,
}

/// Counts the sampling intervals of exemplars: one ends with each OpenMetrics scrape, or with a tick when nobody scrapes.
#[derive(Debug)]
pub(crate) struct Intervals {
    // 0 turns exemplars off: every slot begins as filled in interval 0.
    current: AtomicU64,
    scraped: AtomicBool,
}

/// The exemplar of one bucket.
#[derive(Debug, Default)]
pub(crate) struct ExemplarSlot {
    // The interval in which it was last filled.
    filled: AtomicU64,
    exemplar: Mutex<Option<Exemplar>>,
}

// === impl Intervals ===

impl Intervals {
    /// The first interval; without exemplars there is never another.
    pub(crate) fn new(exemplars: bool) -> Self {
        Self {
            current: AtomicU64::new(u64::from(exemplars)),
            scraped: AtomicBool::new(false),
        }
    }

    /// Ends the interval: an OpenMetrics scrape has read the exemplars.
    pub(crate) fn scraped(&self) {
        self.scraped.store(true, Ordering::Relaxed);
        self.advance();
    }

    /// Ends the interval unless there was a scrape since the last call; to be called every few seconds.
    pub(crate) fn tick(&self) {
        if !self.scraped.swap(false, Ordering::Relaxed) {
            self.advance();
        }
    }

    fn now(&self) -> u64 {
        self.current.load(Ordering::Relaxed)
    }

    fn advance(&self) {
        if self.now() > 0 {
            self.current.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// === impl ExemplarSlot ===

impl ExemplarSlot {
    /// Takes the measurement as this bucket's exemplar, unless the bucket has one of this interval already or the current
    /// span cannot be one. Never blocks.
    pub(crate) fn try_sample(&self, value: f64, intervals: &Intervals) {
        let now = intervals.now();
        if self.filled.load(Ordering::Relaxed) == now {
            return;
        }
        let Some((trace, span)) = candidate() else {
            return;
        };
        let mut place = match self.exemplar.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // Another thread may have filled it in the meantime.
        if self.filled.swap(now, Ordering::Relaxed) == now {
            return;
        }
        keep();
        *place = Some(Exemplar {
            value,
            trace,
            span,
            time: SystemTime::now(),
        });
    }

    /// The exemplar, unless it is older than the maximum age at this time.
    pub(crate) fn at(&self, time: SystemTime) -> Option<Exemplar> {
        self.exemplar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .filter(|exemplar| {
                time.duration_since(exemplar.time)
                    .is_ok_and(|age| age < LIFETIME)
            })
            .cloned()
    }
}

/// Runs `work` with its measurements taking their exemplars from the span of this context, or none, instead of from the
/// current span.
pub(crate) fn with_exemplars_of(context: Option<Context>, work: impl FnOnce()) {
    /// Restores the previous source on drop, also when the work panics.
    struct Restore(ExemplarSource);

    impl Drop for Restore {
        fn drop(&mut self) {
            SOURCE.replace(std::mem::take(&mut self.0));
        }
    }

    let span = context.map_or(ExemplarSource::None, ExemplarSource::Span);
    let _restore = Restore(SOURCE.replace(span));
    work();
}

/// The span that the measurements of this thread take their exemplars from.
#[derive(Default)]
enum ExemplarSource {
    #[default]
    CurrentSpan,
    /// The span of this context.
    Span(Context),
    /// No span is recorded.
    None,
}

thread_local! {
    static SOURCE: RefCell<ExemplarSource> = const { RefCell::new(ExemplarSource::CurrentSpan) };
}

/// The ids of the span that a measurement belongs to, if it can be an exemplar: it is recorded and open, so that it can
/// still be marked.
///
/// Only the ids leave the closure: a context that is cloned in there and dropped may find the stack borrowed.
fn candidate() -> Option<(TraceId, SpanId)> {
    let of = |context: &Context| {
        if !context.has_active_span() {
            return None;
        }
        let span = context.span();
        let ids = span.span_context();
        (sampling::may_become_exemplar(ids) && span.is_recording())
            .then(|| (ids.trace_id(), ids.span_id()))
    };
    SOURCE.with_borrow(|source| match source {
        ExemplarSource::CurrentSpan => Context::map_current(of),
        ExemplarSource::Span(context) => of(context),
        ExemplarSource::None => None,
    })
}

/// Marks the trace so that the tail sampler keeps it.
fn keep() {
    let context = SOURCE.with_borrow(|source| match source {
        ExemplarSource::Span(context) => context.clone(),
        ExemplarSource::CurrentSpan | ExemplarSource::None => Context::current(),
    });
    context
        .span()
        .set_attribute(TELEMETRY_KEEP.with(true).into());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::KeyValue;
    use opentelemetry::trace::{SpanContext, TraceFlags, TraceState, Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{
        IdGenerator, Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor,
    };

    use super::*;
    use crate::trace::sampling::DatedIds;

    #[derive(Debug, Clone, Default)]
    struct Ended(Arc<Mutex<Vec<SpanData>>>);

    impl SpanProcessor for Ended {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    fn told(slot: &ExemplarSlot) -> Option<f64> {
        slot.at(SystemTime::now()).map(|exemplar| exemplar.value)
    }

    fn provider(sampler: Sampler) -> (SdkTracerProvider, Ended) {
        let ended = Ended::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_id_generator(DatedIds::default())
            .with_span_processor(ended.clone())
            .build();
        (provider, ended)
    }

    #[test]
    fn a_bucket_takes_one_exemplar_an_interval() {
        let (provider, _) = provider(Sampler::AlwaysOn);
        let (intervals, slot) = (Intervals::new(true), ExemplarSlot::default());
        provider.tracer("t").in_span("a", |_| {
            slot.try_sample(1.0, &intervals);
            slot.try_sample(2.0, &intervals);
            assert_eq!(told(&slot), Some(1.0));
            intervals.scraped();
            slot.try_sample(3.0, &intervals);
            assert_eq!(told(&slot), Some(3.0));
            intervals.tick(); // There was a scrape, so that the interval goes on.
            slot.try_sample(4.0, &intervals);
            assert_eq!(told(&slot), Some(3.0));
            intervals.tick();
            slot.try_sample(5.0, &intervals);
            assert_eq!(told(&slot), Some(5.0));
        });
    }

    #[test]
    fn a_span_that_becomes_an_exemplar_is_marked_to_be_kept_and_no_other() {
        let (provider, ended) = provider(Sampler::AlwaysOn);
        let (intervals, slot) = (Intervals::new(true), ExemplarSlot::default());
        provider.tracer("t").in_span("taken", |context| {
            slot.try_sample(1.0, &intervals);
            let exemplar = slot.at(SystemTime::now()).unwrap();
            let span = context.span().span_context().clone();
            assert_eq!(
                (exemplar.trace, exemplar.span),
                (span.trace_id(), span.span_id())
            );
        });
        provider
            .tracer("t")
            .in_span("too late", |_| slot.try_sample(2.0, &intervals));
        let spans = ended.0.lock().unwrap();
        let mark = KeyValue::new(sampling::KEEP, true);
        assert!(spans[0].attributes.contains(&mark));
        assert!(spans[1].attributes.is_empty());
    }

    #[test]
    fn an_unsampled_an_ended_or_a_remote_span_is_no_exemplar_and_neither_is_none() {
        let (intervals, slot) = (Intervals::new(true), ExemplarSlot::default());
        slot.try_sample(1.0, &intervals);
        let (off, _) = provider(Sampler::AlwaysOff);
        off.tracer("t")
            .in_span("unsampled", |_| slot.try_sample(2.0, &intervals));
        let (on, _) = provider(Sampler::AlwaysOn);
        on.tracer("t").in_span("ended", |context| {
            context.span().end();
            slot.try_sample(3.0, &intervals);
        });
        let remote = SpanContext::new(
            DatedIds::default().new_trace_id(),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        let _attached = Context::new().with_remote_span_context(remote).attach();
        slot.try_sample(4.0, &intervals);
        assert_eq!(told(&slot), None);
    }

    #[test]
    fn without_exemplars_there_is_no_next_interval() {
        let (provider, _) = provider(Sampler::AlwaysOn);
        let (intervals, slot) = (Intervals::new(false), ExemplarSlot::default());
        intervals.scraped();
        intervals.tick();
        intervals.tick();
        provider
            .tracer("t")
            .in_span("a", |_| slot.try_sample(1.0, &intervals));
        assert_eq!(told(&slot), None);
    }

    #[test]
    fn an_exemplar_expires() {
        let (provider, _) = provider(Sampler::AlwaysOn);
        let (intervals, slot) = (Intervals::new(true), ExemplarSlot::default());
        provider
            .tracer("t")
            .in_span("a", |_| slot.try_sample(1.0, &intervals));
        let time = slot.at(SystemTime::now()).unwrap().time;
        let almost = time + LIFETIME.saturating_sub(Duration::from_millis(1));
        assert!(slot.at(almost).is_some());
        assert_eq!(slot.at(time + LIFETIME), None);
    }
}
