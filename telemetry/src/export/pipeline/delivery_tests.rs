//! The whole way: spans of a tracer, through the pipeline, to a collector on loopback.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _};
use opentelemetry_sdk::Resource;
use tokio::net::TcpListener;
use tonic::Code;

use super::*;
use crate::export::account::{Loss, Snapshot};
use crate::export::otlp::collector::{Answer, Collector};
use crate::settings::{Otlp, Protocol, Settings, VENDOR};
use crate::trace::sampling;
use crate::trace::tracer::Tracer;

const LIMIT: Duration = Duration::from_secs(20);
const NO_LIMIT: Duration = Duration::from_hours(1);

/// A pipeline to `otlp` that exports only when asked to, or when a batch of four is full.
struct Way {
    tracer: Tracer,
    pipeline: Pipeline,
}

impl Way {
    fn to(otlp: Otlp, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::from_environment(None, VENDOR);
        settings.otlp = otlp;
        settings.batch.schedule_delay = NO_LIMIT;
        settings.batch.export_timeout = LIMIT;
        settings.batch.export_size = 4;
        change(&mut settings);
        let ledger = Arc::new(Ledger::new(settings.batch));
        let resource = Resource::builder_empty().build();
        let (processor, pipeline) = start(&settings, &resource, &ledger).unwrap().unwrap();
        let tracer = Tracer::new(
            sampling::everything(),
            settings.limits,
            Vec::new(),
            Some(Arc::new(processor)),
        );
        Self { tracer, pipeline }
    }

    fn spans(&self, count: usize) {
        for _ in 0..count {
            self.tracer.start("span").end();
        }
    }

    fn flush(&self) {
        let pipeline = self.pipeline.clone();
        let missing = self
            .pipeline
            .block_on(async move { pipeline.flush(LIMIT).await });
        assert_eq!(missing, Some(0));
    }

    fn account(&self) -> Snapshot {
        let now = self.pipeline.ledger.snapshot();
        assert!(now.is_balanced(), "{now:?}");
        now
    }

    async fn until(&self, reached: impl Fn(Snapshot) -> bool) {
        let wait = async {
            while !reached(self.account()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("it stays at {:?}", self.account()));
    }
}

async fn grpc() -> (Collector, Otlp) {
    let collector = Collector::start().await;
    let settings = collector.settings(Protocol::Grpc);
    (collector, settings)
}

#[tokio::test]
async fn a_full_batch_goes_out_by_itself_and_the_rest_by_time() {
    let (collector, otlp) = grpc().await;
    let way = Way::to(otlp.clone(), |_| {});
    way.spans(6);
    way.until(|now| now.exported == 4).await;
    assert_eq!(way.account().queued, 2);
    assert_eq!(collector.spans(), 4);
    way.pipeline.shutdown(LIMIT).await;
    let way = Way::to(otlp, |settings| {
        settings.batch.schedule_delay = Duration::from_millis(1);
    });
    way.spans(1);
    way.until(|now| now.exported == 1).await;
}

#[tokio::test]
async fn a_flush_exports_what_has_ended_on_the_runtime_of_its_collector_too() {
    let (collector, otlp) = grpc().await;
    let way = Way::to(otlp, |_| {});
    let live = way.tracer.start("live");
    way.spans(3);
    assert_eq!(way.pipeline.flush(LIMIT).await, 0);
    let now = way.account();
    assert_eq!((now.exported, now.live, collector.spans()), (3, 1, 3));
    drop(live);
    way.pipeline.shutdown(LIMIT).await;
    let last = way.account();
    assert_eq!((last.exported, last.live, last.lost.total()), (4, 0, 0));
}

#[test]
fn a_flush_may_block_a_thread_with_any_runtime_or_none() {
    let collector_runtime = tokio::runtime::Runtime::new().unwrap();
    let (collector, otlp) = collector_runtime.block_on(grpc());
    let way = Way::to(otlp, |_| {});
    way.spans(1);
    way.flush();
    assert_eq!(collector.spans(), 1);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        way.spans(1);
        way.flush();
        assert_eq!(collector.spans(), 2);
        way.spans(1);
        assert_eq!(way.pipeline.shutdown_blocking(LIMIT).total(), 0);
    });
    assert_eq!(collector.spans(), 3);
}

#[tokio::test]
async fn what_is_rejected_is_no_export() {
    let (collector, otlp) = grpc().await;
    collector.answer([Answer::Partial(1), Answer::Refuse(Code::InvalidArgument)]);
    let way = Way::to(otlp, |_| {});
    way.spans(4);
    way.spans(4);
    assert_eq!(way.pipeline.flush(LIMIT).await, 0);
    let now = way.account();
    assert_eq!(now.exported, 3);
    assert_eq!((now.lost[Loss::Rejected], now.lost[Loss::Refused]), (1, 4));
    assert_eq!(collector.seen().len(), 2, "neither is sent again");
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again_and_not_before_it_said() {
    let (collector, otlp) = grpc().await;
    let wait = Duration::from_millis(300);
    collector.answer([
        Answer::Refuse(Code::Unavailable),
        Answer::ComeAgain(Code::ResourceExhausted, wait),
    ]);
    let way = Way::to(otlp, |_| {});
    way.spans(2);
    assert_eq!(way.pipeline.flush(LIMIT).await, 0);
    assert_eq!(way.account().exported, 2);
    let seen = collector.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[2].at - seen[1].at >= wait);
}

#[tokio::test]
async fn a_collector_that_asks_for_more_time_than_a_batch_has_is_left_alone_by_the_next_too() {
    let (collector, otlp) = grpc().await;
    collector.always(Answer::ComeAgain(Code::Unavailable, Duration::MAX));
    let way = Way::to(otlp, |settings| {
        settings.batch.export_timeout = Duration::from_millis(100);
    });
    way.spans(8);
    assert_eq!(way.pipeline.flush(LIMIT).await, 0);
    assert_eq!(way.account().lost[Loss::Refused], 8);
    assert_eq!(collector.seen().len(), 1);
}

#[tokio::test]
async fn a_batch_that_may_have_arrived_is_not_said_to_be_refused() {
    let (collector, otlp) = grpc().await;
    collector.answer([Answer::Hang, Answer::Refuse(Code::InvalidArgument)]);
    let way = Way::to(
        Otlp {
            timeout: Duration::from_millis(100),
            ..otlp
        },
        |_| {},
    );
    way.spans(1);
    assert_eq!(way.pipeline.flush(LIMIT).await, 0);
    assert_eq!(way.account().lost[Loss::Timeout], 1);
    assert_eq!(collector.seen().len(), 2);
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_one_batch_at_a_time_and_one_that_is_back_gets_the_next() {
    let (collector, otlp) = grpc().await;
    let address = collector.address;
    drop(collector);
    let way = Way::to(otlp, |settings| {
        settings.batch.export_timeout = Duration::from_millis(100);
    });
    way.spans(4);
    way.until(|now| now.lost.total() == 4).await;
    assert_eq!(way.account().lost[Loss::Unreachable], 4);
    let listener = TcpListener::bind(address).await.unwrap();
    let collector = Collector::start_on(listener);
    way.spans(3);
    way.until(|now| {
        way.pipeline.ledger.seal();
        now.exported == 3
    })
    .await;
    assert_eq!(collector.spans(), 3);
}

#[tokio::test]
async fn behind_a_collector_that_hangs_the_queue_keeps_its_bound_and_a_shutdown_its_time() {
    let (collector, otlp) = grpc().await;
    collector.always(Answer::Hang);
    let otlp = Otlp {
        timeout: NO_LIMIT,
        ..otlp
    };
    let way = Way::to(otlp, |settings| {
        settings.batch.export_timeout = NO_LIMIT;
        settings.batch.queue_size = 8;
    });
    way.spans(4);
    way.until(|now| now.in_flight == 4).await;
    while collector.spans() < 4 {
        tokio::task::yield_now().await;
    }
    way.spans(20);
    let hung = way.account();
    assert_eq!((hung.queued, hung.in_flight), (8, 4));
    assert_eq!(hung.lost[Loss::QueueFull], 12);
    let flush = way.pipeline.flush(Duration::from_millis(10));
    assert_eq!(flush.await, 12, "a flush gives up and loses nothing");
    assert_eq!(way.account(), hung);
    let live = way.tracer.start("ends late");
    let shutdown = way.pipeline.shutdown(Duration::from_millis(10));
    tokio::time::timeout(LIMIT, shutdown).await.unwrap();
    drop(live);
    let last = way.account();
    assert_eq!((last.queued, last.in_flight, last.live), (0, 0, 0));
    assert_eq!(last.lost[Loss::Timeout], 4);
    assert_eq!(last.lost[Loss::ShutdownTimeout], 8);
    assert_eq!(last.lost[Loss::AlreadyShutdown], 1);
}

#[tokio::test]
async fn a_shutdown_exports_what_waits_behind_a_batch_that_is_tried_again() {
    let (collector, otlp) = grpc().await;
    collector.answer([Answer::Refuse(Code::Unavailable)]);
    let way = Way::to(otlp, |_| {});
    way.spans(9);
    way.pipeline.shutdown(LIMIT).await;
    assert_eq!(way.account().exported, 9);
    assert_eq!(collector.spans(), 4 + 9);
}

#[tokio::test]
async fn long_values_are_cut_before_they_wait() {
    let (collector, otlp) = grpc().await;
    let way = Way::to(otlp, |settings| settings.limits.attribute_length = Some(5));
    let mut span = way.tracer.start("span");
    span.set_attribute(KeyValue::new("text", "zwölf Boxkämpfer"));
    span.end();
    way.pipeline.shutdown(LIMIT).await;
    let sent = format!("{:?}", collector.seen()[0].spans[0].attributes);
    assert!(
        sent.contains("\"zwölf\"") && !sent.contains("Box"),
        "{sent}"
    );
}

#[tokio::test]
async fn what_the_exporter_itself_does_makes_no_spans() {
    let (_collector, otlp) = grpc().await;
    let way = Way::to(otlp, |_| {});
    let suppressed = way
        .pipeline
        .runtime
        .spawn(async { Context::is_current_telemetry_suppressed() });
    assert!(suppressed.await.unwrap());
}

#[test]
fn with_no_exporter_there_is_no_pipeline() {
    let mut settings = Settings::from_environment(None, VENDOR);
    settings.exporter = Exporter::None;
    let ledger = Arc::new(Ledger::new(settings.batch));
    let resource = Resource::builder_empty().build();
    assert!(start(&settings, &resource, &ledger).unwrap().is_none());
}
