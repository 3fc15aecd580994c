//! Database operations: a span where there is a trace, a duration always, nothing when quiet.

use std::any::Any;
use std::future::{Ready, ready};

use futures::FutureExt;
use telemetry::ErrorType;
use telemetry::context::current_trace_id;
use telemetry::db::{Operation, Pool, Target, observe};
use tracing::Instrument;

use crate::harness::{all_spans_so_far, has_line, named, run, sample, spans, traced};
use crate::receiver::SpanKind;

/// What a driver says.
#[derive(Debug)]
enum DriverError {
    /// The server's answer, whose text quotes values.
    Database {
        code: &'static str,
        text: &'static str,
    },
    Timeout,
}

fn driver_error(error: &dyn Any) -> Option<ErrorType> {
    Some(match error.downcast_ref::<DriverError>()? {
        DriverError::Database { code, .. } => ErrorType::status(*code),
        DriverError::Timeout => ErrorType::named("timeout"),
    })
}

const TARGET: Target = Target::new("postgresql")
    .namespace("auction")
    .server("db.internal", 5433)
    .errors(driver_error);

const fn select(collection: &'static str) -> Operation {
    TARGET.operation("SELECT", collection)
}

fn rows() -> Ready<Result<u32, DriverError>> {
    ready(Ok(3))
}

#[test]
fn an_operation_of_a_request_is_a_client_span_with_its_summary() {
    run(async {
        let (trace, rows) = traced(observe(select("bids"), rows())).await;
        assert_eq!(rows.unwrap(), 3);
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT bids");
        assert_eq!(span.parent(), named(&spans, "root").id());
        assert_eq!(span.kind(), SpanKind::Client);
        for (key, value) in [
            ("db.system.name", "postgresql"),
            ("db.operation.name", "SELECT"),
            ("db.collection.name", "bids"),
            ("db.namespace", "auction"),
            ("db.query.summary", "SELECT bids"),
            ("server.address", "db.internal"),
            ("server.port", "5433"),
            ("db.query.text", ""),
        ] {
            assert_eq!(span.attribute(key), value, "{key}");
        }
        assert_eq!(
            sample(
                "db_client_operation_duration_seconds_count",
                &[
                    "db_system_name=\"postgresql\"",
                    "db_namespace=\"auction\"",
                    "db_operation_name=\"SELECT\"",
                    "db_collection_name=\"bids\"",
                    "server_address=\"db.internal\"",
                    "server_port=\"5433\"",
                    "db_response_status_code=\"\"",
                    "error_type=\"\"",
                ]
            ),
            Some(1.0)
        );
    });
}

#[test]
fn a_statement_goes_by_its_summary_and_shows_its_text_without_values_only_when_asked() {
    const SQL: &str = "SELECT price FROM dishes JOIN places ON true WHERE name = 'S3CRET'";
    run(async {
        let (trace, ()) = traced(async {
            let span = tracing::info_span!("asked");
            observe(TARGET.statement(SQL).text(), rows())
                .instrument(span)
                .await
                .unwrap();
            observe(TARGET.statement(SQL), rows()).await.unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 4).await;
        assert!(!format!("{spans:?}").contains("S3CRET"));
        let asked = named(&spans, "asked").id();
        let of_sql: Vec<_> = spans
            .iter()
            .filter(|span| span.name() == "SELECT dishes places")
            .collect();
        assert_eq!(of_sql.len(), 2);
        for span in of_sql {
            assert_eq!(span.attribute("db.query.summary"), "SELECT dishes places");
            let text = if span.parent() == asked {
                "SELECT price FROM dishes JOIN places ON true WHERE name = ?"
            } else {
                ""
            };
            assert_eq!(span.attribute("db.query.text"), text);
        }
        assert!(has_line(&[
            "db_client_operation_duration_seconds_count",
            "db_query_summary=\"SELECT dishes places\""
        ]));
    });
}

#[test]
fn an_operation_that_fails_says_so_by_the_code_of_the_server_and_tells_no_value() {
    run(async {
        let (trace, result) = traced(observe(select("coupons"), async {
            Err::<(), _>(DriverError::Database {
                code: "23505",
                text: "code 'S3CRET' is taken",
            })
        }))
        .await;
        assert!(
            matches!(result, Err(DriverError::Database { text, .. }) if text.contains("S3CRET"))
        );
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT coupons");
        assert!(span.is_error());
        assert_eq!(span.attribute("error.type"), "23505");
        assert_eq!(span.attribute("db.response.status_code"), "23505");
        assert!(!format!("{span:?}").contains("S3CRET"));
        let labels = [
            "\"coupons\"",
            "db_response_status_code=\"23505\"",
            "error_type=\"23505\"",
        ];
        let failed = sample("db_client_operation_duration_seconds_count", &labels);
        assert_eq!(failed, Some(1.0));
    });
}

#[test]
fn an_error_that_is_no_answer_of_the_server_has_a_type_and_no_status_code() {
    run(async {
        let (trace, _) = traced(observe(select("slow"), async {
            Err::<(), _>(DriverError::Timeout)
        }))
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT slow");
        assert_eq!(span.attribute("error.type"), "timeout");
        assert_eq!(span.attribute("db.response.status_code"), "");
    });
}

#[test]
fn an_operation_that_is_given_up_is_recorded_as_cancelled() {
    run(async {
        let (trace, ()) = traced(async {
            let waiting = std::future::pending::<Result<(), DriverError>>();
            let mut operation = Box::pin(observe(select("given_up"), waiting));
            assert!(futures::poll!(operation.as_mut()).is_pending());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "SELECT given_up");
        assert_eq!(span.attribute("error.type"), "cancelled");
        assert!(!span.is_error());
    });
}

#[test]
fn a_poll_outside_any_trace_makes_no_span_and_a_quiet_one_counts_nowhere() {
    run(async {
        assert_eq!(current_trace_id(), None);
        observe(select("outbox"), rows()).await.unwrap();
        observe(Operation::quiet(), rows()).await.unwrap();
        let spans = all_spans_so_far().await;
        assert!(spans.iter().all(|span| !span.name().contains("outbox")));
        assert!(has_line(&[
            "db_client_operation_duration_seconds_count",
            "outbox"
        ]));
        assert!(!has_line(&["db_system_name=\"\""]));
    });
}

#[test]
fn a_pool_tells_its_connections_its_waits_and_its_uses() {
    run(async {
        let pool = Pool::new("menu", 8);
        let of = |name: &str| sample(name, &["pool_name=\"menu\""]);
        let count = |state| sample("db_client_connection_count", &["pool_name=\"menu\"", state]);
        assert_eq!(of("db_client_connection_max"), Some(8.0));
        assert_eq!(of("db_client_connection_timeouts_total"), Some(0.0));
        pool.observe(5, 2);
        assert_eq!(count("state=\"idle\""), Some(5.0));
        assert_eq!(count("state=\"used\""), Some(2.0));

        let timed_out = |error: &DriverError| matches!(error, DriverError::Timeout);
        let waiting = std::future::pending::<Result<(), DriverError>>();
        let mut waiting = Box::pin(pool.acquire(waiting, timed_out));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        assert_eq!(of("db_client_connection_pending_requests"), Some(1.0));
        drop(waiting);
        assert_eq!(of("db_client_connection_pending_requests"), Some(0.0));
        assert_ne!(
            of("db_client_connection_wait_time_seconds_count"),
            Some(1.0)
        );

        let (connection, borrowed) = pool.acquire(rows(), timed_out).await.unwrap();
        assert_eq!(connection, 3);
        assert_eq!(
            of("db_client_connection_wait_time_seconds_count"),
            Some(1.0)
        );
        assert_ne!(of("db_client_connection_use_time_seconds_count"), Some(1.0));
        drop(borrowed);
        assert_eq!(of("db_client_connection_use_time_seconds_count"), Some(1.0));

        for error in [
            DriverError::Timeout,
            DriverError::Database {
                code: "57P03",
                text: "starting up",
            },
        ] {
            let failed = pool.acquire(async { Err::<(), _>(error) }, timed_out);
            assert!(failed.now_or_never().unwrap().is_err());
        }
        assert_eq!(of("db_client_connection_timeouts_total"), Some(1.0));
        assert_eq!(
            of("db_client_connection_wait_time_seconds_count"),
            Some(1.0)
        );
    });
}
