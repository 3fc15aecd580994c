//! How many events of streams become traces, in processes of their own: the rate is for all streams of one.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures::StreamExt;
use http_body_util::BodyExt;
use telemetry::http::ServerLayer;
use tower::Service;

use crate::child;
use crate::echo::{LIVE, client};
use crate::grpc::server_stream;
use crate::harness::{all_spans_so_far, http_client, named, run, series, serve, spans, traced};
use crate::http::request;
use crate::streams::events_of;

const RATE: &str = "TELEMETRY_STREAM_EVENT_TRACES";

#[test]
fn the_traces_of_a_rapid_streams_events_are_bounded() {
    child::run("stream_rate::child_reads_a_rapid_stream", &[(RATE, "50")]);
}

#[test]
#[ignore = "a child"]
fn child_reads_a_rapid_stream() {
    run(async {
        let events = futures::stream::iter(0..2000)
            .map(|number| Ok::<_, std::io::Error>(Event::default().data(number.to_string())));
        let events = Arc::new(Mutex::new(Some(events)));
        let router = Router::new()
            .route(
                "/rapid",
                get(async move || Sse::new(events.lock().unwrap().take().unwrap())),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let response = http_client()
                .call(request(address, "/rapid"))
                .await
                .unwrap();
            response.into_body().collect().await.unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let stream = named(&spans, "GET /rapid");
        assert_eq!(stream.attribute("telemetry.stream.events"), "2000");
        let events = events_of(stream, 50).await;
        assert!(events.len() < 500, "{}", events.len());
    });
}

/// Reads two streams of server-sent events and one of gRPC, of 1000 events in all, and gives how many became traces.
async fn read_three_streams() -> u32 {
    let events = || {
        let events = futures::stream::iter(0..400);
        Sse::new(events.map(|_| Ok::<_, std::io::Error>(Event::default().data("x"))))
    };
    let router = Router::new()
        .route("/one", get(async move || events()))
        .route("/other", get(async move || events()))
        .layer(ServerLayer::new());
    let address = serve(router).await;
    let mut client = client().await;
    traced(async {
        for path in ["/one", "/other"] {
            let response = http_client().call(request(address, path)).await.unwrap();
            response.into_body().collect().await.unwrap();
        }
        let words = ["x"; 200].join(" ");
        let words = server_stream(&mut client, LIVE, &words).await;
        assert_eq!(words.count().await, 200);
    })
    .await;
    let spans = all_spans_so_far().await;
    let events = spans
        .iter()
        .filter(|span| span.name().starts_with("event "));
    u32::try_from(events.count()).unwrap()
}

#[test]
fn the_rate_is_for_all_streams_together_and_what_it_holds_back_is_counted() {
    child::run(
        "stream_rate::child_counts_what_is_held_back",
        &[(RATE, "10")],
    );
}

#[test]
#[ignore = "a child"]
fn child_counts_what_is_held_back() {
    run(async {
        let traces = read_three_streams().await;
        assert!((10..500).contains(&traces), "{traces}");
        let held_back = series("telemetry_stream_events_untraced_total");
        assert_eq!(held_back, Some(f64::from(1000 - traces)));
    });
}

#[test]
fn the_traces_of_events_can_be_turned_off() {
    for off in ["off", "0"] {
        child::run(
            "stream_rate::child_makes_no_trace_of_an_event",
            &[(RATE, off)],
        );
    }
}

#[test]
#[ignore = "a child"]
fn child_makes_no_trace_of_an_event() {
    run(async {
        assert_eq!(read_three_streams().await, 0);
        assert_eq!(series("telemetry_stream_events_untraced_total"), Some(0.0));
    });
}
