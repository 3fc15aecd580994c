//! Contexts that are kept and carried.

use telemetry::context::{SavedContext, current_trace_id, link, set_parent, spawn};
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
            series("telemetry_context_rejected_total{reason=\"already_started\"}").unwrap_or(0.0)
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
