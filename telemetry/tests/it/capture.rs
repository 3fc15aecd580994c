//! The test support, as an adopter uses it: without a collector, in tests that run side by side.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::trace::{SpanKind, Status};
use telemetry::context::{SavedContext, link};
use telemetry::http::ServerLayer;
use telemetry::signals::HTTP_SERVER_REQUEST_DURATION;
use telemetry::test::{Captured, capture, capture_logging, on_threads};
use tower::ServiceExt;

use crate::kitchen_signals::{DishOutcome, DishSize, HEAT, Heat, SOUPS, Soups};

const SOUP: Soups = Soups {
    dish_size: None,
    dish_outcome: None,
};

async fn serve_once() -> Captured {
    let captured = capture();
    let app = Router::new()
        .route(
            "/dishes/{id}",
            get(async || {
                tracing::info_span!("look up").in_scope(|| {});
                tracing::warn!(password = "hunter2", "the kitchen is closed");
                http::StatusCode::BAD_GATEWAY
            }),
        )
        .layer(ServerLayer::new());
    let request = Request::get("/dishes/7").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    captured
}

/// What the panic of `assertion` says.
fn failure(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("it must fail");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[tokio::test]
async fn a_test_sees_its_own_spans_measurements_and_lines() {
    let captured = serve_once().await;
    let server = captured.span("GET /dishes/{id}");
    assert_eq!(server.span_kind, SpanKind::Server);
    assert!(matches!(server.status, Status::Error { .. }));
    server.assert_root().assert_error();
    server.assert_attribute("http.route", "/dishes/{id}");
    let trace = captured.trace(server.span_context.trace_id());
    assert_eq!(trace.len(), 2);
    captured.span("look up").assert_child_of(&server);

    let durations = captured.metrics().histogram(
        &HTTP_SERVER_REQUEST_DURATION,
        &[("http.response.status_code", "502")],
    );
    assert_eq!(durations.len(), 1);

    let line = captured.log("kitchen is closed");
    assert_eq!(
        (line.level.as_str(), line.target.as_str()),
        ("WARN", module_path!())
    );
    assert_eq!(line.field("password"), Some(&"REDACTED".into()));
    assert_eq!(line.fields.len(), 1, "{line:?}");
    assert!(line.is_in(&server) && !line.is_in(&captured.span("look up")));
}

#[tokio::test]
async fn a_test_sees_nothing_of_another() {
    let captured = serve_once().await;
    let elsewhere = std::thread::spawn(|| {
        let other = capture();
        tracing::info_span!("other").in_scope(|| tracing::info!("other"));
        Soups {
            dish_size: Some(DishSize::Small),
            ..SOUP
        }
        .add(1);
        (
            other.spans().len(),
            other.logs().len(),
            other.metrics().counter(&SOUPS, &[]),
        )
    });
    assert_eq!(elsewhere.join().unwrap(), (1, 1, 1));
    std::thread::spawn(|| {
        tracing::info_span!("nobody's").in_scope(|| tracing::info!("nobody's"));
        SOUP.add(1);
    })
    .join()
    .unwrap();
    assert_eq!((captured.spans().len(), captured.logs().len()), (2, 1));
    assert!(!captured.metrics().has(&SOUPS, &[]));
}

#[tokio::test]
async fn a_capture_ends_with_its_value_and_gives_back_what_was_before() {
    let outer = capture();
    drop(serve_once().await);
    SOUP.add(1);
    tracing::info_span!("after").in_scope(|| {});
    assert_eq!(outer.metrics().counter(&SOUPS, &[]), 1);
    let names: Vec<_> = outer.spans().iter().map(|span| span.name.clone()).collect();
    assert_eq!(names, ["after"]);
    drop(outer);
    let next = capture();
    assert!(next.spans().is_empty() && next.logs().is_empty());
    assert!(!next.metrics().has(&SOUPS, &[]));
}

#[tokio::test]
async fn labels_choose_series_and_several_are_put_together() {
    let captured = capture();
    for (size, outcome, count) in [
        (DishSize::Small, DishOutcome::Ok, 1),
        (DishSize::Large, DishOutcome::Ok, 2),
        (DishSize::Large, DishOutcome::Cold, 4),
    ] {
        let soups = Soups {
            dish_size: Some(size),
            dish_outcome: Some(outcome),
        };
        soups.add(count);
    }
    Heat.set(40.0);
    Heat.gauge().decrement(1.5);
    metrics::histogram!("plain", "a.b" => "c").record(2.0);
    metrics::histogram!("plain").record(1.0);
    let metrics = captured.metrics();
    assert_eq!(metrics.counter(&SOUPS, &[]), 7);
    assert_eq!(metrics.counter(&SOUPS, &[("dish.size", "large")]), 6);
    assert_eq!(
        metrics.counter(
            "kitchen_soups_total",
            &[("dish_size", "large"), ("dish_outcome", "ok")]
        ),
        2
    );
    assert!((metrics.gauge(&HEAT, &[]) - 38.5).abs() < 1e-9);
    assert_eq!(metrics.histogram("plain", &[]), [1.0, 2.0]);
    assert!(
        metrics.has(&SOUPS, &[("dish_outcome", "cold")])
            && !metrics.has(&SOUPS, &[("dish_outcome", "hot")])
    );
}

#[tokio::test]
async fn a_link_is_seen() {
    let captured = capture();
    let cause = tracing::info_span!("cause").in_scope(SavedContext::current);
    let effect = tracing::info_span!("effect");
    link(&effect, &cause);
    effect.in_scope(|| {});
    drop(effect);
    let (cause, effect) = (captured.span("cause"), captured.span("effect"));
    effect.assert_links_to(&cause).assert_root();
    assert!(!cause.links_to(&effect));
    assert!(
        failure(|| {
            cause.assert_links_to(&effect);
        })
        .contains("does not link to \"effect\"")
    );
}

#[tokio::test]
async fn an_assertion_that_fails_lists_what_there_is() {
    let captured = serve_once().await;
    let server = captured.span("GET /dishes/{id}");
    let look_up = captured.span("look up");
    for (message, parts) in [
        (
            failure(|| drop(captured.span("cook"))),
            ["\"cook\"", "\"look up\""],
        ),
        (
            failure(|| drop(captured.log("open"))),
            ["\"open\"", "kitchen is closed"],
        ),
        (
            failure(|| {
                captured.metrics().counter(&SOUPS, &[]);
            }),
            [
                "kitchen_soups_total",
                "http_server_request_duration_seconds",
            ],
        ),
        (
            failure(|| {
                server.assert_child_of(&look_up);
            }),
            ["\"GET /dishes/{id}\"", "is no child of \"look up\""],
        ),
        (
            failure(|| {
                look_up.assert_root();
            }),
            ["\"look up\"", "has a parent"],
        ),
        (
            failure(|| {
                server.assert_attribute("http.route", "/");
            }),
            ["http.route = ", "/dishes/{id}"],
        ),
        (
            failure(|| {
                look_up.assert_error();
            }),
            ["\"look up\"", "Unset"],
        ),
    ] {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[tokio::test]
async fn lines_come_by_the_directives_that_are_asked_for() {
    let captured = capture_logging("warn,kitchen=debug");
    tracing::info!("left out");
    tracing::debug!(target: "kitchen::soup", "kept");
    assert_eq!(captured.logs().len(), 1);
    captured.log("kept");
}

#[test]
fn all_threads_of_a_runtime_can_take_part() {
    on_threads(3, async |captured| {
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    tracing::info_span!("task").in_scope(|| tracing::info!(number, "done"));
                    SOUP.add(1);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let blocking = || SOUP.add(1);
        tokio::task::spawn_blocking(blocking).await.unwrap();
        assert_eq!(
            (captured.spans_named("task").len(), captured.logs().len()),
            (50, 50)
        );
        assert_eq!(captured.metrics().counter(&SOUPS, &[]), 51);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_future_takes_part_wherever_it_is_polled_and_others_do_not() {
    let captured = capture();
    let work = |name: &'static str| async move {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        tracing::info_span!("work", name).in_scope(|| {});
        SOUP.add(1);
    };
    let inside = tokio::spawn(captured.in_scope(work("inside")));
    let outside = tokio::spawn(work("outside"));
    inside.await.unwrap();
    outside.await.unwrap();
    captured
        .ended("work")
        .await
        .assert_attribute("name", "inside");
    assert_eq!(captured.spans().len(), 1);
    assert_eq!(captured.metrics().counter(&SOUPS, &[]), 1);
}
