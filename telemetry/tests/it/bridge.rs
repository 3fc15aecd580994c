//! `tracing` and the span of a request: what is current, where events go, which spans are made, and layers of others.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::trace::Status;
use opentelemetry::{Context, Value};
use telemetry::context::{TraceExt, spawn, spawn_blocking};
use telemetry::http::{ClientLayer, ServerLayer};
use telemetry::messaging::{Consumer, Delivery, Destination, process};
use telemetry::signals::TELEMETRY_SPAN_EXCLUDED;
use telemetry::test::{Capture, Captured, Span, capture};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

/// Serves one request with `handler` to the end of its response, with these headers.
async fn serve_with<F>(
    headers: &[(&'static str, &str)],
    handler: impl Fn() -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = StatusCode> + Send + 'static,
{
    let app = Router::new()
        .route("/dish", get(handler))
        .layer(ServerLayer::new());
    let mut request = Request::get("/dish");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

async fn serve<F>(handler: impl Fn() -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = StatusCode> + Send + 'static,
{
    serve_with(&[], handler).await;
}

/// Calls a service that logs.
async fn call() {
    let service = ServiceBuilder::new()
        .layer(ClientLayer::new())
        .service(service_fn(async |_: Request<Body>| {
            tracing::info!("in the call");
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let request = Request::get("http://127.0.0.1/stock")
        .body(Body::empty())
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

fn events(span: &Span) -> Vec<&str> {
    span.events
        .events
        .iter()
        .map(|event| event.name.as_ref())
        .collect()
}

fn server(captured: &Captured) -> Span {
    captured.span("GET /dish")
}

#[derive(Debug, thiserror::Error)]
#[error("the stove is cold")]
struct Cold;

#[tokio::test]
async fn events_go_to_the_innermost_of_requests_and_spans() {
    let captured = capture();
    async {
        serve(async || {
            tracing::info!("in the request");
            async {
                tracing::info!("in the span");
                call().await;
                tracing::info!("in the span again");
            }
            .instrument(tracing::info_span!("span"))
            .await;
            tracing::info!("in the request again");
            tracing::info!(parent: None, "nobody's");
            StatusCode::OK
        })
        .await;
        tracing::info!("outside again");
    }
    .instrument(tracing::info_span!("outside"))
    .await;
    let server = server(&captured);
    assert_eq!(events(&server), ["in the request", "in the request again"]);
    let span = captured.span("span");
    assert_eq!(events(&span), ["in the span", "in the span again"]);
    span.assert_child_of(&server);
    let client = captured.span("GET");
    assert_eq!(events(&client), ["in the call"]);
    client.assert_child_of(&span);
    assert_eq!(events(&captured.span("outside")), ["outside again"]);
}

#[tokio::test]
async fn an_event_says_the_same_of_a_request_as_of_a_span() {
    let captured = capture();
    let tell = || {
        let cold = Cold;
        tracing::warn!(
            flag = true,
            count = 3_u64,
            delta = -3_i64,
            share = 0.5,
            text = "soup",
            debug = ?Some(1),
            "told"
        );
        tracing::error!(error = %cold);
        tracing::error!(error = &cold as &(dyn std::error::Error + 'static), "burnt");
    };
    serve(move || async move {
        tell();
        tracing::info_span!("span").in_scope(tell);
        StatusCode::OK
    })
    .await;
    let (server, span) = (server(&captured), captured.span("span"));
    let told = |span: &Span| -> Vec<_> {
        let events = span.events.events.iter();
        events
            .map(|event| (event.name.clone(), event.attributes.clone()))
            .collect()
    };
    assert_eq!(told(&server), told(&span));
    assert_eq!(events(&server), ["told", "exception", "burnt"]);
    for span in [&server, &span] {
        span.assert_attribute("exception.message", "the stove is cold");
    }
}

#[tokio::test]
async fn the_current_span_of_a_request_is_one_and_the_same_wherever_it_is_asked_for() {
    let captured = capture();
    serve(async || {
        let current = tracing::Span::current();
        current.set_attribute("asked", "once");
        let again = || {
            assert_eq!(tracing::Span::current(), current);
        };
        again();
        tokio::task::yield_now().await;
        again();
        {
            let inner = tracing::info_span!("inner");
            let _in_inner = inner.enter();
            assert_eq!(tracing::Span::current(), inner);
            let _in_request = current.enter();
            tracing::info!("in the request, by hand");
        }
        again();
        async { again() }.in_current_trace().await;
        StatusCode::OK
    })
    .await;
    let server = server(&captured);
    server.assert_attribute("asked", "once");
    assert_eq!(events(&server), ["in the request, by hand"]);
    captured.span("inner").assert_child_of(&server);
    assert!(tracing::Span::current().is_none());
}

#[tokio::test]
async fn a_task_goes_on_in_the_request_when_that_has_ended() {
    let captured = capture();
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    serve(move || {
        let receiver = receiver.lock().unwrap().take();
        async move {
            spawn(async move {
                receiver.unwrap().await.unwrap();
                tracing::info_span!("late").in_scope(|| {});
                tracing::Span::current().in_scope(|| tracing::info_span!("later").in_scope(|| {}));
            });
            StatusCode::OK
        }
    })
    .await;
    let server = server(&captured);
    sender.send(()).unwrap();
    captured.ended("late").await.assert_child_of(&server);
    captured.ended("later").await.assert_child_of(&server);
}

#[tokio::test]
async fn requests_are_left_in_any_order() {
    let captured = capture();
    let (one, two) = (tracing::info_span!("one"), tracing::info_span!("two"));
    serve(move || {
        let (one, two) = (one.clone(), two.clone());
        async move {
            let in_one = one.enter();
            let in_two = two.enter();
            drop(in_one);
            tracing::info!("in two");
            drop(in_two);
            tracing::info!("in the request");
            StatusCode::OK
        }
    })
    .await;
    assert_eq!(events(&server(&captured)), ["in the request"]);
    assert_eq!(events(&captured.span("two")), ["in two"]);
}

#[tokio::test]
async fn an_error_that_is_logged_is_not_how_a_request_ends() {
    for (answer, is_error) in [
        (StatusCode::OK, false),
        (StatusCode::NOT_FOUND, false),
        (StatusCode::BAD_GATEWAY, true),
    ] {
        for layered in [false, true] {
            let mut capture = Capture::new();
            if layered {
                capture = capture.layer(LevelFilter::INFO);
            }
            let captured = capture.start();
            serve(move || async move {
                tracing::error!("one dish burnt");
                tracing::error!(error = %Cold);
                let current = tracing::Span::current();
                tracing::error!(parent: &current, "by its parent");
                current.in_scope(|| tracing::error!(error = %Cold));
                answer
            })
            .await;
            let server = server(&captured);
            assert_eq!(events(&server).len(), 4);
            let status = &server.status;
            assert_eq!(
                matches!(status, Status::Error { .. }),
                is_error,
                "{answer} {status:?}"
            );
            if !is_error {
                assert_eq!(*status, Status::Unset, "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_that_is_logged_is_not_how_a_message_ends() {
    let consumer = || Consumer::of(Destination::new("nats", "dishes")).group("kitchen");
    for fails in [false, true] {
        let captured = capture();
        let handled = process(Delivery::to(consumer()), async || {
            tracing::error!("one dish burnt");
            if fails { Err(Cold) } else { Ok(()) }
        });
        assert_eq!(handled.await.is_err(), fails);
        let span = captured.span("process dishes");
        assert_eq!(events(&span), ["one dish burnt"]);
        let failed = matches!(span.status, Status::Error { .. });
        assert_eq!(failed, fails, "{:?}", span.status);
    }
}

#[tokio::test]
async fn a_status_that_is_set_by_hand_is_that_of_the_request() {
    let captured = capture();
    serve(async || {
        tracing::Span::current().set_status(Status::error("by hand"));
        StatusCode::OK
    })
    .await;
    assert_eq!(server(&captured).status, Status::error("by hand"));
}

#[tokio::test]
async fn a_function_that_fails_in_a_request_has_a_failed_span_of_its_own() {
    #[tracing::instrument(err)]
    fn cook() -> Result<(), Cold> {
        Err(Cold)
    }
    let captured = capture();
    serve(async || {
        let _ = cook();
        StatusCode::NOT_FOUND
    })
    .await;
    captured.span("cook").assert_error();
    assert_eq!(server(&captured).status, Status::Unset);
}

#[test]
fn no_name_of_a_module_keeps_its_spans_away() {
    let captured = capture();
    macro_rules! spans {
        ($($target:literal)*) => {
            $(tracing::info_span!(target: $target, $target).in_scope(|| {
                tracing::info!(target: $target, "event");
            });)*
        };
    }
    spans!("hyperloop::orders" "hyper" "tower_desk" "tower" "h2o" "h2" "tonic_water" "tonic::soda"
        "opentelemetry_demo::shop" "opentelemetryx");
    let spans = captured.spans();
    assert_eq!(spans.len(), 10);
    assert!(spans.iter().all(|span| events(span) == ["event"]));
    assert!(!captured.metrics().has(&TELEMETRY_SPAN_EXCLUDED, &[]));
}

#[test]
fn a_span_of_opentelemetry_s_own_and_one_where_telemetry_is_suppressed_are_counted() {
    let captured = capture();
    let counted = |reason| {
        captured
            .metrics()
            .counter(&TELEMETRY_SPAN_EXCLUDED, &[("telemetry.reason", reason)])
    };
    assert!(tracing::info_span!(target: "opentelemetry_sdk::trace", "own").is_disabled());
    assert_eq!(counted("target"), 1);
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        assert!(tracing::info_span!("exporting").is_disabled());
        tracing::info!("an event is no span");
        assert!(tracing::debug_span!("not wanted anyway").is_disabled());
    }
    assert_eq!(counted("suppressed"), 1);
    tracing::info_span!("afterwards").in_scope(|| {});
    assert_eq!(captured.spans().len(), 1);
}

#[test]
fn spans_of_every_level_are_made_where_directives_ask_for_them() {
    #[tracing::instrument(level = "debug", target = "kitchen::stove")]
    fn boil() {
        tracing::debug!(target: "kitchen::stove", "bubbles");
        tracing::trace!(target: "kitchen::stove", "steam");
        tracing::trace_span!(target: "kitchen::stove", "stir").in_scope(|| {});
    }
    let cook = || {
        tracing::info_span!("cook").in_scope(|| {
            tracing::debug_span!(target: "kitchenette", "peel").in_scope(|| {});
            boil();
        });
    };
    let names = |captured: &Captured| {
        let mut names: Vec<_> = captured
            .spans()
            .iter()
            .map(|span| span.name.clone())
            .collect();
        names.sort();
        names
    };
    let captured = capture();
    cook();
    assert_eq!(names(&captured), ["cook"]);
    let captured = Capture::new().tracing("kitchen=debug").start();
    cook();
    assert_eq!(names(&captured), ["boil", "cook"]);
    let boil = captured.span("boil");
    assert_eq!(events(&boil), ["bubbles"]);
    boil.assert_child_of(&captured.span("cook"));
    let captured = Capture::new().tracing("trace,kitchen=off").start();
    cook();
    assert_eq!(names(&captured), ["cook", "peel"]);
}

/// What a layer of somebody else's sees: each span with the spans that it is in, and each event with its own.
#[derive(Debug, Default, Clone)]
struct Seen(Arc<Mutex<Vec<String>>>);

/// The name of a span: `otel.name` when it has that.
struct Name(String);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "otel.name" {
            self.0 = format!("{} {value:?}", self.0);
        }
    }
}

impl Seen {
    fn put(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        let mut name = Name(attributes.metadata().name().to_owned());
        attributes.record(&mut name);
        context.span(id).unwrap().extensions_mut().insert(name);
        let scope = context.span_scope(id).unwrap();
        let names: Vec<_> = scope
            .map(|span| span.extensions().get::<Name>().unwrap().0.clone())
            .collect();
        self.put(names.join(" < "));
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        let span = context.event_span(event);
        let name = span.map(|span| span.extensions().get::<Name>().unwrap().0.clone());
        self.put(format!("event in {}", name.unwrap_or_default()));
    }

    fn on_close(&self, id: Id, context: layer::Context<'_, S>) {
        let span = context.span(&id).unwrap();
        self.put(format!(
            "end of {}",
            span.extensions().get::<Name>().unwrap().0
        ));
    }
}

#[tokio::test]
async fn a_layer_of_somebody_else_s_sees_spans_events_and_requests() {
    let seen = Seen::default();
    let captured = Capture::new()
        .layer(seen.clone().with_filter(LevelFilter::INFO))
        .start();
    serve(async || {
        tracing::info!("in the request");
        tracing::info_span!("span").in_scope(|| {
            tracing::debug!("not asked for");
            tracing::info!("in the span");
        });
        call().await;
        spawn_blocking(|| ()).await.unwrap();
        StatusCode::OK
    })
    .await;
    assert_eq!(
        seen.take(),
        [
            "server \"GET /dish\"",
            "event in server \"GET /dish\"",
            "span < server \"GET /dish\"",
            "event in span",
            "end of span",
            "client \"GET\" < server \"GET /dish\"",
            "event in client \"GET\"",
            "end of client \"GET\"",
            "end of server \"GET /dish\"",
        ]
    );
    // The telemetry is what it is without such a layer.
    let server = server(&captured);
    assert_eq!(events(&server), ["in the request"]);
    let span = captured.span("span");
    span.assert_child_of(&server);
    assert_eq!(events(&span), ["in the span"]);
    let client = captured.span("GET");
    client.assert_child_of(&server);
    assert_eq!(events(&client), ["in the call"]);
    assert_eq!(captured.spans().len(), 3);
    assert_eq!(captured.logs().len(), 3);
    captured.log("in the span").is_in(&span);
}

#[tokio::test]
async fn a_layer_of_somebody_else_s_sees_requests_that_are_not_sampled() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let seen = Seen::default();
    let captured = Capture::new()
        .layer(seen.clone().with_filter(LevelFilter::INFO))
        .start();
    serve_with(&[("traceparent", PARENT)], async || {
        tracing::info_span!("span").in_scope(|| tracing::info!("in the span"));
        let saved = telemetry::context::SavedContext::current();
        assert!(!saved.span_context().unwrap().is_sampled());
        StatusCode::OK
    })
    .await;
    let seen = seen.take();
    assert!(
        seen.contains(&"span < server \"GET /dish\"".to_owned()),
        "{seen:?}"
    );
    let _ = captured.log("in the span");
}

#[tokio::test]
async fn what_others_layers_want_is_theirs_and_no_span_or_line_of_this_crate() {
    let seen = Seen::default();
    let captured = Capture::new()
        .layer(seen.clone().with_filter(LevelFilter::TRACE))
        .start();
    tracing::trace_span!("for the layer").in_scope(|| tracing::debug!("for the layer"));
    assert_eq!(
        seen.take(),
        [
            "for the layer",
            "event in for the layer",
            "end of for the layer"
        ]
    );
    assert!(captured.spans().is_empty() && captured.logs().is_empty());
    let captured = Capture::new()
        .layer(seen.clone().with_filter(LevelFilter::OFF))
        .start();
    tracing::info_span!("for the crate").in_scope(|| {
        let current = tracing::Span::current();
        current.set_attribute("by.extension", "the default bridge's");
        tracing::info!("for the crate");
    });
    assert!(seen.take().is_empty());
    let span = captured.span("for the crate");
    assert_eq!(
        span.attribute("by.extension"),
        Some(&Value::from("the default bridge's"))
    );
    assert!(captured.log("for the crate").is_in(&span));
}
