//! Database operations: a span where there is a trace, a duration always, nothing when quiet.

use telemetry::context::current_trace_id;
use telemetry::db::{Operation, observe};

use crate::harness::{all_spans_so_far, has_line, named, run, series, spans, traced};
use crate::receiver::SpanKind;

const fn select(collection: &'static str) -> Operation {
    Operation {
        system: "sqlite",
        operation: "SELECT",
        collection,
        namespace: "auction",
    }
}

#[test]
fn an_operation_of_a_request_is_a_client_span_with_its_summary() {
    run(async {
        let (trace, rows) = traced(observe(select("bids"), async {
            Ok::<_, std::io::Error>(3)
        }))
        .await;
        assert_eq!(rows.unwrap(), 3);
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT bids");
        assert_eq!(span.parent(), named(&spans, "root").id());
        assert_eq!(span.kind(), SpanKind::Client);
        for (key, value) in [
            ("db.system.name", "sqlite"),
            ("db.operation.name", "SELECT"),
            ("db.collection.name", "bids"),
            ("db.namespace", "auction"),
            ("db.query.summary", "SELECT bids"),
        ] {
            assert_eq!(span.attribute(key), value, "{key}");
        }
        assert!(has_line(&[
            "db_client_operation_duration_seconds_count",
            "bids"
        ]));
    });
}

#[test]
fn an_operation_that_fails_marks_its_span_and_tells_no_value() {
    run(async {
        let (trace, result) = traced(observe(select("coupons"), async {
            Err::<(), _>(std::io::Error::other("code 'S3CRET' is taken"))
        }))
        .await;
        assert!(result.is_err());
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT coupons");
        assert!(span.is_error());
        assert!(!format!("{span:?}").contains("S3CRET"));
        let failed = "db_client_operation_duration_seconds_count{db_system_name=\"sqlite\",\
                      db_operation_name=\"SELECT\",db_collection_name=\"coupons\",\
                      error_type=\"std::io::error::Error\"}";
        assert_eq!(series(failed), Some(1.0));
    });
}

#[test]
fn a_poll_outside_any_trace_makes_no_span_and_a_quiet_one_counts_nowhere() {
    run(async {
        assert_eq!(current_trace_id(), None);
        observe(select("outbox"), async { Ok::<_, std::io::Error>(()) })
            .await
            .unwrap();
        observe(Operation::quiet(), async { Ok::<_, std::io::Error>(()) })
            .await
            .unwrap();
        let spans = all_spans_so_far().await;
        assert!(spans.iter().all(|span| !span.name().contains("outbox")));
        assert!(has_line(&[
            "db_client_operation_duration_seconds_count",
            "outbox"
        ]));
        assert!(!has_line(&["db_system_name=\"\""]));
    });
}
