//! Streams: open as long as their readers like, timed to the first event, and a trace for each event.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use futures::StreamExt;
use http::Request;
use http_body_util::BodyExt;
use telemetry::context::{SavedContext, caused_by};
use telemetry::http::ServerLayer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tower::{Service, ServiceExt};

use crate::echo::{LIVE, client};
use crate::grpc::server_stream;
use crate::harness::{
    all_spans_so_far, eventually, has_line, http_client, named, run, sample, serve, spans,
    telemetry, traced,
};
use crate::http::request;
use crate::receiver::{Span, SpanKind};

type Feed = mpsc::Sender<&'static str>;

/// A stream of server-sent events at `path` that is fed by hand, one piece after the other.
fn fed(path: &'static str) -> (Feed, Router) {
    let (feed, pieces) = mpsc::channel(1);
    let pieces = Arc::new(Mutex::new(Some(pieces)));
    let events = async move || {
        let pieces = pieces.lock().unwrap().take().unwrap();
        let pieces = ReceiverStream::new(pieces).map(|piece: &str| {
            if let Some(cause) = piece.strip_prefix("data: caused by ") {
                caused_by(&SavedContext::from_traceparent(cause.trim_end()));
            }
            Ok::<_, std::io::Error>(Bytes::from(piece))
        });
        let kind = [("content-type", "text/event-stream; charset=utf-8")];
        (kind, Body::from_stream(pieces)).into_response()
    };
    let router = Router::new()
        .route(path, get(events))
        .layer(ServerLayer::new());
    (feed, router)
}

pub async fn events_of(stream: &Span, count: usize) -> Vec<Span> {
    let linked = |span: &Span| span.links().contains(&(stream.trace_id(), stream.id()));
    let mut events = Vec::new();
    eventually(async || {
        events = all_spans_so_far().await;
        events.retain(linked);
        events.len() >= count
    })
    .await
    .unwrap_or_else(|()| panic!("{count} events of {stream:#?}: {events:#?}"));
    events.sort_by_key(|span| {
        span.attribute("telemetry.stream.event.index")
            .parse::<u64>()
            .unwrap()
    });
    events
}

/// The trace that a measurement of this series leads to.
fn exemplar_of(series: &str) -> String {
    let text = telemetry().render_open_metrics();
    text.lines()
        .filter(|line| line.starts_with(series))
        .find_map(|line| Some(line.split_once("# {trace_id=\"")?.1[..32].to_owned()))
        .unwrap()
}

const ROOT: &str = "";

#[test]
fn an_event_stream_counts_as_open_and_not_as_slow_and_leaving_it_is_no_error() {
    run(async {
        let (feed, router) = fed("/events");
        let address = serve(router).await;
        let open = || sample("http_server_open_streams", &["http_route=\"/events\""]);
        let first = || {
            let name = "http_server_stream_first_event_duration_seconds_count";
            sample(name, &["http_route=\"/events\""])
        };
        let (trace, ()) = traced(async {
            let mut response = http_client()
                .call(request(address, "/events"))
                .await
                .unwrap();
            assert_eq!(open(), Some(1.0));
            for (piece, seen) in [
                (": alive\n\n", None),
                ("data: 1\n\n", Some(1.0)),
                ("data: 2\n\n", Some(1.0)),
            ] {
                feed.send(piece).await.unwrap();
                response.body_mut().frame().await.unwrap().unwrap();
                assert_eq!(first(), seen, "after {piece:?}");
            }
            drop(response);
            // The server learns of it when it next writes.
            eventually(async || feed.send("data: 3\n\n").await.is_err())
                .await
                .unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "GET /events");
        let exemplar = exemplar_of(
            "http_server_stream_first_event_duration_seconds_bucket{http_route=\"/events\"",
        );
        let first_event = events_of(server, 1).await.remove(0);
        assert_eq!(
            exemplar,
            first_event.trace_id(),
            "it ends early enough to be kept"
        );
        assert_eq!(server.attribute("error.type"), "");
        assert_eq!(server.attribute("telemetry.streaming"), "true");
        assert!(!server.is_error());
        assert_eq!(open(), Some(0.0));
        assert!(!has_line(&[
            "server_request_duration_seconds_count",
            "/events"
        ]));
    });
}

#[test]
fn each_server_sent_event_is_a_trace_of_its_own_linked_to_the_stream_and_to_its_cause() {
    run(async {
        let (feed, router) = fed("/linked");
        let address = serve(router).await;
        let (cause_trace, cause_span) = ("4bf92f3577b34da6a3ce929d0e0e4799", "00f067aa0ba90299");
        let (trace, ()) = traced(async {
            let mut response = http_client()
                .call(request(address, "/linked"))
                .await
                .unwrap();
            for piece in [
                "data: 0\n\n",
                ": a comment\n\n",
                "data: caused by 00-4bf92f3577b34da6a3ce929d0e0e4799-00f067aa0ba90299-01\n\n",
                // One event in two pieces, and two in one.
                "event: x\nda",
                "ta: 2\n\n",
                "data: 3\n\ndata: 4\n\n",
            ] {
                feed.send(piece).await.unwrap();
                response.body_mut().frame().await.unwrap().unwrap();
            }
            drop(feed);
            assert!(response.body_mut().frame().await.is_none());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let stream = named(&spans, "GET /linked");
        assert_eq!(stream.attribute("telemetry.stream.events"), "5");
        let events = events_of(stream, 5).await;
        assert_eq!(events.len(), 5, "{events:#?}");
        let to_stream = (stream.trace_id(), stream.id());
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.name(), "event /linked");
            assert_eq!(event.parent(), ROOT);
            assert_ne!(event.trace_id(), trace);
            assert_eq!(event.attribute("http.route"), "/linked");
            assert_eq!(
                event.attribute("telemetry.stream.event.index"),
                index.to_string()
            );
            let mut links = vec![to_stream.clone()];
            if index == 1 {
                links.push((cause_trace.to_owned(), cause_span.to_owned()));
            }
            assert_eq!(event.links(), links, "of {index}");
        }
    });
}

#[test]
fn an_events_trace_is_there_while_the_stream_is_open() {
    run(async {
        let (feed, router) = fed("/long");
        let address = serve(router).await;
        let mut response = http_client().call(request(address, "/long")).await.unwrap();
        feed.send("data: 1\n\n").await.unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        eventually(async || {
            let all = all_spans_so_far().await;
            all.iter().any(|span| span.name() == "event /long")
        })
        .await
        .unwrap();
        let all = all_spans_so_far().await;
        assert!(!all.iter().any(|span| span.name() == "GET /long"));
    });
}

#[test]
fn a_stream_that_is_not_sampled_makes_no_traces_of_its_events() {
    run(async {
        let (feed, router) = fed("/unsampled");
        let unsampled = Request::get("/unsampled")
            .header(
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4711-00f067aa0ba902b7-00",
            )
            .body(Body::empty())
            .unwrap();
        let mut response = router.oneshot(unsampled).await.unwrap();
        for _ in 0..2 {
            feed.send("data: 1\n\n").await.unwrap();
            response.body_mut().frame().await.unwrap().unwrap();
        }
        drop(response);
        let all = all_spans_so_far().await;
        assert!(!all.iter().any(|span| span.name().contains("/unsampled")));
        let count = "http_server_stream_first_event_duration_seconds_count";
        assert_eq!(sample(count, &["http_route=\"/unsampled\""]), Some(1.0));
    });
}

#[test]
fn each_message_of_a_declared_grpc_stream_is_a_trace_of_its_own() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            let words = server_stream(&mut client, LIVE, "a b c").await;
            assert_eq!(words.count().await, 3);
        })
        .await;
        let spans = spans(&trace, |spans| {
            spans
                .iter()
                .filter(|span| span.name() == "it.Echo/Live")
                .count()
                == 2
        })
        .await;
        let server = spans
            .iter()
            .find(|span| span.kind() == SpanKind::Server)
            .unwrap();
        assert_eq!(server.attribute("telemetry.stream.events"), "3");
        let events = events_of(server, 3).await;
        assert_eq!(events.len(), 3);
        for event in &events {
            assert_eq!(event.name(), "event it.Echo/Live");
            assert_eq!(event.parent(), ROOT);
            assert_eq!(event.attribute("rpc.method"), "it.Echo/Live");
        }
        let count = "rpc_server_stream_first_event_duration_seconds_count";
        assert!(sample(count, &["rpc_method=\"it.Echo/Live\""]) >= Some(1.0));
    });
}
