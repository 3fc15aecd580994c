//! The account under all that can happen to a span, without a collector.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider,
};
use opentelemetry::{InstrumentationScope, KeyValue};

use super::ledger::{ExportResult, Work};
use super::*;
use crate::export::account::{Loss, Snapshot};
use crate::export::batch::Batch;
use crate::settings::{BatchLimits, Limits};
use crate::trace::sampling;
use crate::trace::tracer::Tracer;
use crate::trace::wire::Draft;

fn ledger(queue_size: usize, export_size: usize) -> Arc<Ledger> {
    Arc::new(Ledger::new(BatchLimits {
        schedule_delay: Duration::from_hours(1),
        export_timeout: Duration::from_secs(30),
        queue_size,
        export_size,
    }))
}

/// A tracer whose spans go to the ledger, where nobody takes them but the test.
fn tracer(ledger: &Arc<Ledger>) -> Tracer {
    let processor = Processor {
        ledger: Arc::clone(ledger),
    };
    let limits = Limits::default();
    Tracer::new(
        sampling::everything(),
        limits,
        Vec::new(),
        Some(Arc::new(processor)),
    )
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// A runtime without a clock: what waits in the pipeline must not need its caller's.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

/// A sampled span with nothing in it.
pub(crate) fn empty_span() -> Ended<'static> {
    span(&[])
}

fn span(attributes: &[KeyValue]) -> Ended<'static> {
    static SCOPE: LazyLock<Arc<InstrumentationScope>> = LazyLock::new(Arc::default);

    let flags = TraceFlags::SAMPLED;
    let (trace, id) = (TraceId::from(1), SpanId::from(1));
    let identity = SpanContext::new(trace, id, flags, false, TraceState::NONE);
    let parent = SpanContext::NONE;
    let kind = SpanKind::Internal;
    let mut draft = Draft::new(&identity, &parent, "test".into(), &kind, UNIX_EPOCH);
    let limits = Limits::default();
    draft.attributes(&limits).extend(attributes.iter().cloned());
    draft.end(&SCOPE, UNIX_EPOCH)
}

/// So many of those.
pub(crate) fn batch_of_empty_spans(count: usize) -> Batch {
    let ledger = ledger(count, count);
    end(&ledger, count);
    match ledger.take() {
        Work::Export(batch) => batch,
        other => panic!("there is no batch: {other:?}"),
    }
}

fn end(ledger: &Ledger, count: usize) {
    for _ in 0..count {
        ledger.started();
        ledger.ended(&empty_span());
    }
}

fn taken(ledger: &Ledger) -> usize {
    match ledger.take() {
        Work::Export(batch) => batch.count(),
        other => panic!("there is no batch: {other:?}"),
    }
}

fn balanced(ledger: &Ledger) -> Snapshot {
    let now = ledger.snapshot();
    assert!(now.is_balanced(), "{now:?}");
    now
}

#[test]
fn what_finds_no_room_or_comes_too_late_is_counted() {
    let ledger = ledger(2, 2);
    let tracer = tracer(&ledger);
    let mut live = tracer.start("ends late");
    for _ in 0..5 {
        tracer.start("ends").end();
    }
    let full = balanced(&ledger);
    assert_eq!((full.started, full.live, full.queued), (6, 1, 2));
    assert_eq!(full.lost[Loss::QueueFull], 3);
    ledger.close();
    live.end();
    let closed = balanced(&ledger);
    assert_eq!((closed.live, closed.lost[Loss::AlreadyShutdown]), (0, 1));
}

#[test]
fn a_span_that_is_not_sampled_is_none_of_the_pipelines() {
    let ledger = ledger(2, 2);
    let left_out = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::default(),
        true,
        opentelemetry::trace::TraceState::default(),
    );
    let parent = Context::new().with_remote_span_context(left_out);
    let mut span = tracer(&ledger).start_with_context("unsampled", &parent);
    assert!(!span.is_recording());
    span.end();
    assert_eq!(ledger.snapshot(), Snapshot::default());
}

#[test]
fn a_batch_is_there_when_it_is_full_in_spans_or_in_bytes_or_when_it_is_asked_for() {
    let ledger = ledger(100, 4);
    end(&ledger, 3);
    assert!(matches!(ledger.take(), Work::Wait));
    end(&ledger, 1);
    assert_eq!(taken(&ledger), 4);
    ledger.settle(ExportResult::Accepted { rejected: 0 });
    end(&ledger, 1);
    ledger.started();
    ledger.ended(&span(&[KeyValue::new("large", "x".repeat(3 << 20))]));
    assert_eq!(taken(&ledger), 2);
    ledger.settle(ExportResult::Accepted { rejected: 0 });
    end(&ledger, 1);
    ledger.seal();
    assert_eq!(taken(&ledger), 1);
    assert_eq!(balanced(&ledger).in_flight, 1);
}

#[test]
fn the_queue_is_full_when_it_has_its_bytes_and_has_room_again_when_they_are_gone() {
    let ledger = ledger(1000, 512);
    let large = || span(&[KeyValue::new("large", "x".repeat(5 << 20))]);
    let mut offered = 0;
    while ledger.snapshot().lost[Loss::QueueFull] == 0 {
        ledger.started();
        ledger.ended(&large());
        offered += 1;
        assert!(offered < 10, "more than the queue's bytes are in it");
    }
    taken(&ledger);
    ledger.started();
    ledger.ended(&large());
    assert_eq!(balanced(&ledger).lost[Loss::QueueFull], 1);
}

#[test]
fn every_outcome_of_an_export_has_its_place() {
    let ledger = ledger(100, 4);
    for (outcome, exported, lost) in [
        (ExportResult::Accepted { rejected: 0 }, 4, None),
        (
            ExportResult::Accepted { rejected: 1 },
            3,
            Some(Loss::Rejected),
        ),
        // A collector that rejects more than it was sent rejects all of it.
        (
            ExportResult::Accepted { rejected: 9 },
            0,
            Some(Loss::Rejected),
        ),
        (ExportResult::Lost(Loss::Timeout), 0, Some(Loss::Timeout)),
        (ExportResult::Lost(Loss::Refused), 0, Some(Loss::Refused)),
    ] {
        let before = balanced(&ledger);
        end(&ledger, 4);
        taken(&ledger);
        ledger.settle(outcome);
        let after = balanced(&ledger);
        assert_eq!(after.exported - before.exported, exported, "{outcome:?}");
        assert_eq!((after.queued, after.in_flight), (0, 0));
        if let Some(loss) = lost {
            let counted = after.lost[loss] - before.lost[loss];
            assert_eq!(counted, 4 - exported, "{outcome:?}");
        }
    }
}

#[test]
fn what_is_abandoned_is_lost_by_what_is_known_of_it_and_stays_so() {
    let ledger = ledger(100, 2);
    end(&ledger, 5);
    taken(&ledger);
    ledger.set_loss_if_abandoned(Loss::ConnectionLost);
    ledger.close();
    ledger.abandon();
    let end_of_all = balanced(&ledger);
    assert_eq!(end_of_all.lost[Loss::ConnectionLost], 2);
    assert_eq!(end_of_all.lost[Loss::ShutdownTimeout], 3);
    assert_eq!((end_of_all.queued, end_of_all.in_flight), (0, 0));
    // The worker comes back with a result that nobody waited for.
    ledger.settle(ExportResult::Accepted { rejected: 0 });
    ledger.abandon();
    assert_eq!(ledger.snapshot(), end_of_all);
    assert!(matches!(ledger.take(), Work::Done));
}

#[test]
fn a_flush_and_a_shutdown_wait_for_what_was_there_and_no_longer_than_they_may() {
    let ledger = ledger(100, 2);
    let runtime = runtime();
    let pipeline = Pipeline {
        ledger: Arc::clone(&ledger),
        runtime: runtime.handle().clone(),
    };
    end(&ledger, 1);
    let flush = pipeline.flush(Duration::from_millis(1));
    assert_eq!(block_on(flush), 1, "nobody exports");
    taken(&ledger);
    ledger.settle(ExportResult::Lost(Loss::Refused));
    end(&ledger, 1);
    let flush = pipeline.flush(Duration::from_hours(1));
    let other = Arc::clone(&ledger);
    let worker = thread::spawn(move || {
        while matches!(other.take(), Work::Wait) {
            thread::yield_now();
        }
        other.settle(ExportResult::Accepted { rejected: 0 });
    });
    assert_eq!(block_on(flush), 0);
    worker.join().unwrap();
    end(&ledger, 1);
    block_on(pipeline.shutdown(Duration::from_millis(1)));
    assert_eq!(balanced(&ledger).lost[Loss::ShutdownTimeout], 1);
}

/// Spans start and end on four threads while batches are taken and settled, until a shutdown cuts it all off.
#[test]
fn the_identity_holds_at_every_moment() {
    const THREADS: usize = 4;
    const PAIRS: usize = 5_000;
    let ledger = ledger(256, 32);
    let provider = tracer(&ledger);
    let stop = AtomicBool::new(false);
    let shutdown_begins = Barrier::new(THREADS + 1);
    let shutdown_ended = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let spans: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let tracer = provider.tracer("test");
                    let pairs = || {
                        for _ in 0..PAIRS {
                            let mut outer = tracer.start("outer");
                            tracer.start("inner").end();
                            outer.end();
                        }
                    };
                    let mut late = tracer.start("late");
                    pairs();
                    shutdown_begins.wait();
                    pairs();
                    shutdown_ended.wait();
                    late.end();
                })
            })
            .collect();
        scope.spawn(|| {
            let mut outcomes = [
                ExportResult::Accepted { rejected: 0 },
                ExportResult::Accepted { rejected: 3 },
                ExportResult::Lost(Loss::Unreachable),
                ExportResult::Lost(Loss::Timeout),
            ]
            .into_iter()
            .cycle();
            loop {
                match ledger.take() {
                    Work::Export(_) => ledger.settle(outcomes.next().unwrap()),
                    Work::Wait => thread::yield_now(),
                    Work::Done => break,
                }
            }
        });
        let watcher = scope.spawn(|| {
            let mut seen = 0_u64;
            let mut before = Snapshot::default();
            while !stop.load(Ordering::Relaxed) {
                let now = balanced(&ledger);
                assert!(now.started >= before.started && now.exported >= before.exported);
                before = now;
                seen += 1;
            }
            seen
        });
        shutdown_begins.wait();
        ledger.close();
        ledger.abandon();
        shutdown_ended.wait();
        for thread in spans {
            thread.join().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
    });
    let last = balanced(&ledger);
    assert_eq!(last.started, (THREADS * (4 * PAIRS + 1)) as u64);
    assert_eq!((last.live, last.queued, last.in_flight), (0, 0, 0));
    assert!(last.lost[Loss::AlreadyShutdown] >= THREADS as u64);
}
