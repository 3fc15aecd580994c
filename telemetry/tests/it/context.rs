//! Contexts that are kept and carried.

use futures::FutureExt;
use telemetry::context::{
    SavedContext, TraceExt, current_trace_id, link, set_parent, spawn, spawn_blocking,
    spawn_blocking_in, spawn_in,
};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::harness::{named, run, series, spans, traced};

#[test]
fn a_saved_context_is_the_same_after_a_round_trip_through_text() {
    run(async {
        let (trace, saved) = traced(async { SavedContext::current() }).await;
        let read = SavedContext::from_text(&saved.to_text());
        assert!(!read.is_empty());
        let (before, after) = (saved.span_context().unwrap(), read.span_context().unwrap());
        assert_eq!(after.trace_id().to_string(), trace);
        assert_eq!(after.span_id(), before.span_id());
        assert!(after.is_sampled());
        assert_eq!(read.to_text(), saved.to_text());
    });
}

#[test]
fn outside_any_trace_there_is_nothing_to_save() {
    run(async {
        assert_eq!(current_trace_id(), None);
        let saved = SavedContext::current();
        assert!(saved.is_empty());
        assert_eq!(saved.to_text(), "");
        assert!(SavedContext::from_text("").is_empty());
    });
}

#[test]
fn baggage_and_trace_state_are_saved_too() {
    let text = r#"{"baggage":"tenant=mapo","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00","tracestate":"a=1"}"#;
    assert_eq!(SavedContext::from_text(text).to_text(), text);
}

#[test]
fn a_spawned_task_goes_on_in_the_trace() {
    run(async {
        let (trace, inside) = traced(async {
            spawn(async { tracing::info_span!("inside").in_scope(current_trace_id) })
                .await
                .unwrap()
        })
        .await;
        assert_eq!(inside.as_ref(), Some(&trace));
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        assert_eq!(named(&spans, "inside").parent(), named(&spans, "root").id());
    });
}

#[test]
fn a_link_names_the_other_trace_without_joining_it() {
    run(async {
        let (bid, saved) = traced(async { SavedContext::current() }).await;
        let (award, ()) = traced(async {
            let span = tracing::info_span!("award");
            link(&span, &saved);
            link(&span, &SavedContext::default());
            async {}.instrument(span).await;
        })
        .await;
        let spans = spans(&award, |spans| spans.len() == 2).await;
        let id = saved.span_context().unwrap().span_id().to_string();
        assert_eq!(named(&spans, "award").links(), [(bid, id)]);
    });
}

#[test]
fn a_parent_that_comes_too_late_becomes_a_link_and_is_counted() {
    run(async {
        let counted = || {
            series("telemetry_context_rejected_total{telemetry_reason=\"already_started\"}")
                .unwrap_or(0.0)
        };
        let before = counted();
        let (late, saved) = traced(async { SavedContext::current() }).await;
        let (trace, ()) = traced(async {
            let span = tracing::info_span!("entered");
            span.in_scope(|| {});
            set_parent(&span, &saved);
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let links = named(&spans, "entered").links();
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].0, late);
        assert!((counted() - before - 1.0).abs() < f64::EPSILON);
    });
}

#[test]
fn a_task_of_a_join_set_goes_on_in_the_trace_across_its_awaits() {
    run(async {
        let (trace, inside) = traced(async {
            let mut set = JoinSet::new();
            for _ in 0..2 {
                set.spawn(
                    async {
                        tokio::task::yield_now().await;
                        tracing::info_span!("inside").in_scope(current_trace_id)
                    }
                    .in_current_trace(),
                );
            }
            set.join_all().await
        })
        .await;
        assert_eq!(inside, [Some(trace.clone()), Some(trace.clone())]);
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let root = named(&spans, "root").id();
        let children = spans.iter().filter(|span| span.parent() == root);
        assert_eq!(children.count(), 2);
    });
}

#[test]
fn a_task_with_a_span_of_its_own_lasts_as_long_as_the_task_and_not_as_its_span_is_held() {
    run(async {
        let (trace, held) = traced(async {
            spawn_in(tracing::info_span!("task"), async {
                tokio::task::yield_now().await;
                tracing::info_span!("inside").in_scope(|| {});
                tracing::Span::current()
            })
            .await
            .unwrap()
        })
        .await;
        // A `tracing` span that is held keeps those above it open, all but the task's own.
        spans(&trace, |spans| spans.len() == 2).await;
        drop(held);
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let task = named(&spans, "task");
        assert_eq!(task.parent(), named(&spans, "root").id());
        assert_eq!(named(&spans, "inside").parent(), task.id());
    });
}

#[test]
fn a_task_that_panics_or_is_aborted_says_so_on_its_span() {
    run(async {
        let (trace, ()) = traced(async {
            let broken = spawn_in(tracing::info_span!("broken"), async {
                tokio::task::yield_now().await;
                panic!("a bug in the task");
            });
            assert!(broken.await.unwrap_err().is_panic());
            let aborted = spawn_in(tracing::info_span!("aborted"), std::future::pending::<()>());
            aborted.abort();
            assert!(aborted.await.unwrap_err().is_cancelled());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let broken = named(&spans, "broken");
        assert!(broken.is_error());
        assert_eq!(broken.attribute("error.type"), "panic");
        let aborted = named(&spans, "aborted");
        assert!(!aborted.is_error());
        assert_eq!(aborted.attribute("error.type"), "cancelled");
    });
}

#[test]
fn a_panic_that_is_caught_above_is_still_a_panic_of_the_span() {
    run(async {
        let (trace, caught) = traced(async {
            let work = async { panic!("a bug") }.in_span(tracing::info_span!("caught"));
            std::panic::AssertUnwindSafe(work).catch_unwind().await
        })
        .await;
        assert!(caught.is_err());
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        assert_eq!(named(&spans, "caught").attribute("error.type"), "panic");
    });
}

#[test]
fn blocking_work_goes_on_in_the_trace_with_or_without_a_span_of_its_own() {
    run(async {
        let (trace, ids) = traced(async {
            let plain = spawn_blocking(current_trace_id).await.unwrap();
            let own = spawn_blocking_in(tracing::info_span!("hash"), || {
                tracing::info_span!("round").in_scope(current_trace_id)
            });
            let broken = spawn_blocking_in(tracing::info_span!("broken"), || panic!("a bug"));
            assert!(broken.await.unwrap_err().is_panic());
            [plain, own.await.unwrap()]
        })
        .await;
        assert_eq!(ids, [Some(trace.clone()), Some(trace.clone())]);
        let spans = spans(&trace, |spans| spans.len() == 4).await;
        let hash = named(&spans, "hash");
        assert_eq!(hash.parent(), named(&spans, "root").id());
        assert_eq!(named(&spans, "round").parent(), hash.id());
        assert_eq!(named(&spans, "broken").attribute("error.type"), "panic");
    });
}

#[test]
fn secrets_and_personal_data_reach_no_span() {
    run(async {
        let (trace, ()) = traced(async {
            let span = tracing::info_span!(
                "log in",
                password = "hunter2",
                user.email = "minji@example.com",
                tries = 3
            );
            let _in = span.enter();
            tracing::warn!(
                access_token = "hunter2",
                url = "http://a:hunter2@host/",
                "sent Bearer hunter2hunter2"
            );
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let log_in = named(&spans, "log in");
        assert_eq!(log_in.attribute("password"), "REDACTED");
        assert_eq!(log_in.attribute("tries"), "3");
        let whole = format!("{log_in:?}");
        assert!(
            whole.contains("http://REDACTED@host/") && whole.contains("sent Bearer REDACTED"),
            "{whole}"
        );
        assert!(
            !whole.contains("hunter2") && !whole.contains("minji"),
            "{whole}"
        );
    });
}
