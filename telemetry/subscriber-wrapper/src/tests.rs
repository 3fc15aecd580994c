use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TraceContextExt;
use tracing::Dispatch;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::{Context, Layered, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use super::*;

/// A layer that counts the spans that are closed.
#[derive(Debug, Default, Clone)]
struct Closed(Arc<AtomicUsize>);

/// A layer below it.
#[derive(Debug)]
struct Below(u8);

/// Forwards everything.
#[derive(Debug, PartialEq)]
struct Nothing(u8);

/// Answers everything that a policy can.
#[derive(Debug, Default, Clone)]
struct Everything(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Closed {
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        assert!(context.span(&id).is_some());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<S: Subscriber> Layer<S> for Below {}

impl<S: Subscriber> Policy<S> for Nothing {}

impl Everything {
    fn saw(&self, call: &'static str) {
        self.0.lock().unwrap().push(call);
    }
}

impl<S: Subscriber> Policy<S> for Everything {
    fn on_register_dispatch(&self, dispatch: &Dispatch, inner: &S) {
        assert!(dispatch.is::<Self>());
        self.saw("register");
        inner.on_register_dispatch(dispatch);
    }

    fn event(&self, event: &Event<'_>, inner: &S) {
        self.saw("event");
        inner.event(event);
    }

    fn enter(&self, id: &Id, inner: &S) {
        self.saw("enter");
        inner.enter(id);
    }

    fn exit(&self, id: &Id, inner: &S) {
        self.saw("exit");
        inner.exit(id);
    }

    fn current_span(&self, inner: &S) -> Current {
        self.saw("current");
        inner.current_span()
    }
}

#[test]
fn it_downcasts_to_itself_its_policy_and_every_layer_below() {
    type Inner = Layered<Below, Layered<Closed, Registry>>;
    let closed = Closed::default();
    let inner = Registry::default().with(closed.clone()).with(Below(7));
    let dispatch = Dispatch::new(Wrapper::new(Nothing(3), inner));
    assert!(dispatch.is::<Wrapper<Nothing, Inner>>());
    assert_eq!(dispatch.downcast_ref(), Some(&Nothing(3)));
    assert!(dispatch.is::<Inner>());
    assert_eq!(dispatch.downcast_ref::<Below>().unwrap().0, 7);
    assert!(dispatch.is::<Layered<Closed, Registry>>());
    let found = dispatch.downcast_ref::<Closed>().unwrap();
    assert!(Arc::ptr_eq(&found.0, &closed.0));
    assert!(dispatch.is::<Registry>());
    assert!(!dispatch.is::<Everything>() && !dispatch.is::<Wrapper<Everything, Inner>>());
}

#[test]
fn it_downcasts_through_another_wrapper() {
    let inner = Wrapper::new(Nothing(1), Registry::default().with(Below(2)));
    let dispatch = Dispatch::new(Wrapper::new(Everything::default(), inner));
    assert!(dispatch.is::<Everything>() && dispatch.is::<Registry>());
    assert_eq!(dispatch.downcast_ref(), Some(&Nothing(1)));
    assert_eq!(dispatch.downcast_ref::<Below>().unwrap().0, 2);
}

/// A layer can be around it too, and then needs the registry below it.
#[test]
fn spans_are_freed_below_and_above_it() {
    let (below, above) = (Closed::default(), Closed::default());
    let wrapped = Wrapper::new(Nothing(0), Registry::default().with(below.clone()));
    let dispatch = Dispatch::new(wrapped);
    let freed = |span: &tracing::Span| {
        let registry = dispatch.downcast_ref::<Registry>().unwrap();
        registry.span(&span.id().unwrap()).is_none()
    };
    let handle = tracing::dispatcher::with_default(&dispatch, || {
        let span = tracing::info_span!("span");
        span.in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
        span
    });
    assert!(!freed(&handle));
    assert_eq!(below.0.load(Ordering::Relaxed), 1);
    let id = handle.id().unwrap();
    drop(handle);
    assert_eq!(below.0.load(Ordering::Relaxed), 2);
    let registry = dispatch.downcast_ref::<Registry>().unwrap();
    assert!(registry.span(&id).is_none());

    let wrapped = Wrapper::new(Nothing(0), Registry::default()).with(Below(0));
    let dispatch = Dispatch::new(Wrapper::new(Nothing(0), wrapped));
    let id = tracing::dispatcher::with_default(&dispatch, || tracing::info_span!("span").id());
    let registry = dispatch.downcast_ref::<Registry>().unwrap();
    assert!(registry.span(&id.unwrap()).is_none());
    drop(above);
}

#[test]
fn the_extension_trait_of_opentelemetry_finds_its_layer() {
    let inner = Registry::default().with(tracing_opentelemetry::layer());
    let dispatch = Dispatch::new(Wrapper::new(Nothing(0), inner));
    tracing::dispatcher::with_default(&dispatch, || {
        let span = tracing::info_span!("span");
        span.set_parent(opentelemetry::Context::new()).unwrap();
        assert!(span.context().has_active_span());
    });
}

#[test]
fn a_policy_is_asked_and_its_subscriber_does_the_rest() {
    let policy = Everything::default();
    let closed = Closed::default();
    let inner = Registry::default().with(closed.clone());
    let dispatch = Dispatch::new(Wrapper::new(policy.clone(), inner));
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info_span!("span").in_scope(|| {
            tracing::info!("event");
            assert_eq!(tracing::Span::current().metadata().unwrap().name(), "span");
        });
    });
    let seen = policy.0.lock().unwrap();
    assert_eq!(*seen, ["register", "enter", "event", "current", "exit"]);
    assert_eq!(closed.0.load(Ordering::Relaxed), 1);
}
