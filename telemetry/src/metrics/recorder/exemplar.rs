//! Exemplars: which measurement stands for its bucket, and which trace shows what happened.
//!
//! A bucket takes at most one exemplar in an [interval](Clock). Taking it marks the trace to be kept, while its
//! span is still open, so that whoever follows the exemplar finds the trace.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceId};

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::trace::sampling;

/// How long an exemplar is told. Traces are kept for longer than this also when they come fast, and what has seen
/// no measurement for minutes should not point to one.
pub(crate) const LIFETIME: Duration = Duration::from_mins(2);

/// A measurement and the span in which it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) value: f64,
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) time: SystemTime,
}

/// Counts the intervals: one ends with each scrape that can carry exemplars, or with a tick when nobody scrapes.
#[derive(Debug)]
pub(crate) struct Clock {
    // 0 means never: the slots begin with it.
    interval: AtomicU64,
    scraped: AtomicBool,
}

/// The place for the exemplar of one bucket.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    // The interval in which it was last filled.
    filled: AtomicU64,
    exemplar: Mutex<Option<Exemplar>>,
}

// === impl Clock ===

impl Clock {
    /// A clock that stands still when there shall be no exemplars.
    pub(crate) fn new(exemplars: bool) -> Self {
        Self {
            interval: AtomicU64::new(u64::from(exemplars)),
            scraped: AtomicBool::new(false),
        }
    }

    /// A scrape has seen the exemplars.
    pub(crate) fn scraped(&self) {
        self.scraped.store(true, Ordering::Relaxed);
        self.advance();
    }

    /// The time has passed that an interval lasts when nobody scrapes.
    pub(crate) fn tick(&self) {
        if !self.scraped.swap(false, Ordering::Relaxed) {
            self.advance();
        }
    }

    fn now(&self) -> u64 {
        self.interval.load(Ordering::Relaxed)
    }

    fn advance(&self) {
        if self.now() > 0 {
            self.interval.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// === impl Slot ===

impl Slot {
    /// Takes the measurement as the exemplar if one is due and the current span may be one. Never waits.
    pub(crate) fn offer(&self, value: f64, clock: &Clock) {
        let now = clock.now();
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

    /// The exemplar, unless it is too old at this time.
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

/// Has what `work` measures belong to the span of this context, or to none, instead of the current one.
pub(crate) fn measured_within(context: Option<Context>, work: impl FnOnce()) {
    /// Puts back what was there, also when the work panics.
    struct Before(Measured);

    impl Drop for Before {
        fn drop(&mut self) {
            MEASURED.replace(std::mem::take(&mut self.0));
        }
    }

    let span = context.map_or(Measured::Outside, Measured::Within);
    let _before = Before(MEASURED.replace(span));
    work();
}

/// Where measurements of this thread are made.
#[derive(Default)]
enum Measured {
    /// In the current span.
    #[default]
    Here,
    Within(Context),
    /// In none that is recorded.
    Outside,
}

thread_local! {
    static MEASURED: RefCell<Measured> = const { RefCell::new(Measured::Here) };
}

/// The span of a measurement, if an exemplar may point to it: it is open, so it can still be marked.
///
/// Only its ids leave the closure: a context that is cloned in there and dropped may find the stack borrowed.
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
    MEASURED.with_borrow(|measured| match measured {
        Measured::Here => Context::map_current(of),
        Measured::Within(context) => of(context),
        Measured::Outside => None,
    })
}

/// Marks its trace to be kept by whoever samples traces after us.
fn keep() {
    let context = MEASURED.with_borrow(|measured| match measured {
        Measured::Within(context) => context.clone(),
        Measured::Here | Measured::Outside => Context::current(),
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

    fn told(slot: &Slot) -> Option<f64> {
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
        let (clock, slot) = (Clock::new(true), Slot::default());
        provider.tracer("t").in_span("a", |_| {
            slot.offer(1.0, &clock);
            slot.offer(2.0, &clock);
            assert_eq!(told(&slot), Some(1.0));
            clock.scraped();
            slot.offer(3.0, &clock);
            assert_eq!(told(&slot), Some(3.0));
            clock.tick(); // There was a scrape, so that the interval goes on.
            slot.offer(4.0, &clock);
            assert_eq!(told(&slot), Some(3.0));
            clock.tick();
            slot.offer(5.0, &clock);
            assert_eq!(told(&slot), Some(5.0));
        });
    }

    #[test]
    fn a_span_that_becomes_an_exemplar_is_marked_to_be_kept_and_no_other() {
        let (provider, ended) = provider(Sampler::AlwaysOn);
        let (clock, slot) = (Clock::new(true), Slot::default());
        provider.tracer("t").in_span("taken", |context| {
            slot.offer(1.0, &clock);
            let exemplar = slot.at(SystemTime::now()).unwrap();
            let span = context.span().span_context().clone();
            assert_eq!(
                (exemplar.trace, exemplar.span),
                (span.trace_id(), span.span_id())
            );
        });
        provider
            .tracer("t")
            .in_span("too late", |_| slot.offer(2.0, &clock));
        let spans = ended.0.lock().unwrap();
        let mark = KeyValue::new(sampling::KEEP, true);
        assert!(spans[0].attributes.contains(&mark));
        assert!(spans[1].attributes.is_empty());
    }

    #[test]
    fn an_unsampled_an_ended_or_a_remote_span_is_no_exemplar_and_neither_is_none() {
        let (clock, slot) = (Clock::new(true), Slot::default());
        slot.offer(1.0, &clock);
        let (off, _) = provider(Sampler::AlwaysOff);
        off.tracer("t")
            .in_span("unsampled", |_| slot.offer(2.0, &clock));
        let (on, _) = provider(Sampler::AlwaysOn);
        on.tracer("t").in_span("ended", |context| {
            context.span().end();
            slot.offer(3.0, &clock);
        });
        let remote = SpanContext::new(
            DatedIds::default().new_trace_id(),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        let _attached = Context::new().with_remote_span_context(remote).attach();
        slot.offer(4.0, &clock);
        assert_eq!(told(&slot), None);
    }

    #[test]
    fn without_exemplars_the_clock_stands_still() {
        let (provider, _) = provider(Sampler::AlwaysOn);
        let (clock, slot) = (Clock::new(false), Slot::default());
        clock.scraped();
        clock.tick();
        clock.tick();
        provider
            .tracer("t")
            .in_span("a", |_| slot.offer(1.0, &clock));
        assert_eq!(told(&slot), None);
    }

    #[test]
    fn an_exemplar_expires() {
        let (provider, _) = provider(Sampler::AlwaysOn);
        let (clock, slot) = (Clock::new(true), Slot::default());
        provider
            .tracer("t")
            .in_span("a", |_| slot.offer(1.0, &clock));
        let time = slot.at(SystemTime::now()).unwrap().time;
        let almost = time + LIFETIME.saturating_sub(Duration::from_millis(1));
        assert!(slot.at(almost).is_some());
        assert_eq!(slot.at(time + LIFETIME), None);
    }
}
