//! The `tracing` span for the span of a request, which OpenTelemetry has.

use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::trace::SpanKind;
use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::span::Entered;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Level, Metadata, Span};
use tracing_core::span::Current as CurrentSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::current::{self, InProxy};
use crate::trace::tracer::{self, Tracer};

/// The target of proxies, which no filter of this crate refuses.
pub(super) const TARGET: &str = "telemetry::proxy";

/// A `tracing` span for the span of a context, made when it is first asked for. What is done to it happens to that span,
/// but it does not end it.
pub(crate) struct Proxy {
    tracer: Arc<Tracer>,
    context: Context,
    span: OnceLock<Span>,
}

/// What `tracing` has for a request, call, message or query.
#[derive(Debug, Clone)]
pub(crate) enum HopSpan {
    /// Nothing: the current span stays that.
    None,
    /// A span.
    Made(Span),
    /// A span once somebody asks for it.
    OnDemand(Arc<Proxy>),
}

/// While this lives, the span is the current one of `tracing` on its thread.
#[must_use = "the span is left when this is dropped"]
pub(crate) enum InHop<'a> {
    None,
    Made { _entered: Entered<'a> },
    OnDemand { _entered: InProxy<'a> },
}

/// What proxies on demand are in `tracing`.
static METADATA: Metadata<'static> = Metadata::new(
    "hop",
    TARGET,
    Level::INFO,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&OnDemandCallsite)),
    Kind::SPAN,
);

/// Where they come from.
struct OnDemandCallsite;

// === impl Proxy ===

impl Proxy {
    /// One that belongs to the subscriber with that tracer.
    pub(super) fn new(tracer: Arc<Tracer>, context: Context) -> Self {
        Self {
            tracer,
            context,
            span: OnceLock::new(),
        }
    }

    pub(super) fn tracer(&self) -> &Arc<Tracer> {
        &self.tracer
    }

    /// The context in which the request's span is the current one.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The span as the current one, which is made in `dispatch` when it is not there yet.
    pub(super) fn current(&self, dispatch: &Dispatch) -> CurrentSpan {
        let span = self.span.get_or_init(|| {
            make(&self.context, || {
                Span::new_root_with(&METADATA, &METADATA.fields().value_set(&[]), dispatch)
            })
        });
        span.id()
            .map_or_else(CurrentSpan::none, |id| CurrentSpan::new(id, &METADATA))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

/// Makes the span that `new` makes a proxy for the span of `context`, and starts it.
fn make(context: &Context, new: impl FnOnce() -> Span) -> Span {
    tracer::proxy_for(context.clone(), || {
        let span = new();
        // It is new, so that this is not refused.
        let _ = span.set_parent(context.clone());
        // Starts it.
        drop(span.context());
        span
    })
}

/// A proxy that is there from the beginning, for layers that look at spans: it has the name of the span that it is for, as
/// the field `otel.name`, and its kind as its own name.
pub(super) fn made(context: &Context, kind: &SpanKind, name: &str) -> Span {
    macro_rules! proxy {
        ($kind:literal) => {
            make(context, || {
                tracing::info_span!(target: TARGET, $kind, otel.name = name)
            })
        };
    }
    match kind {
        SpanKind::Server => proxy!("server"),
        SpanKind::Client => proxy!("client"),
        SpanKind::Producer => proxy!("producer"),
        SpanKind::Consumer => proxy!("consumer"),
        SpanKind::Internal => proxy!("internal"),
    }
}

// === impl HopSpan ===

impl HopSpan {
    /// The current span of `tracing`, which is not made for that.
    pub(crate) fn current() -> Self {
        if let Some(proxy) = current::proxy() {
            return Self::OnDemand(proxy);
        }
        let span = Span::current();
        if span.is_disabled() {
            Self::None
        } else {
            Self::Made(span)
        }
    }

    /// Makes it the current span of `tracing` on this thread. The context of OpenTelemetry goes with it only when it is
    /// made; otherwise that is to be attached beside it.
    #[inline]
    pub(crate) fn enter(&self) -> InHop<'_> {
        match self {
            Self::None => InHop::None,
            Self::Made(span) => InHop::Made {
                _entered: span.enter(),
            },
            Self::OnDemand(proxy) => InHop::OnDemand {
                _entered: current::enter(proxy),
            },
        }
    }
}

// === impl OnDemandCallsite ===

impl Callsite for OnDemandCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

#[cfg(all(test, feature = "test"))]
mod tests {
    use opentelemetry::trace::SpanKind;

    use super::*;
    use crate::test::capture;
    use crate::trace::bridge;
    use crate::trace::tracer::Start;

    #[test]
    fn a_request_has_no_tracing_span_until_somebody_asks_for_the_current_one() {
        let captured = capture();
        let start = Start::here(SpanKind::Server);
        let (span, context, recording) = bridge::start(start, || "request".into(), |_| {});
        assert!(recording);
        let HopSpan::OnDemand(proxy) = &span else {
            panic!("{span:?}");
        };
        {
            let _context = context.clone().attach();
            let _entered = span.enter();
            tracing::info!("an event");
            tracing::info_span!("child").in_scope(|| tracing::info!("of the child"));
            assert!(matches!(HopSpan::current(), HopSpan::OnDemand(_)));
            assert!(proxy.span.get().is_none());
            let asked = Span::current();
            assert_eq!(proxy.span.get(), Some(&asked));
        }
        assert!(Span::current().is_none());
        drop((span, context));
        captured
            .span("child")
            .assert_child_of(&captured.span("request"));
        assert_eq!(captured.spans().len(), 2);
    }
}
