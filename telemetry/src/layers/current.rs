//! The span of the request, call or message that the current code handles.
//!
//! The span is that of the innermost server layer, or of [`messaging::process`](crate::messaging::process), around the
//! current code; `tracing` spans and client calls in between do not change it. While a handler is polled, its thread knows
//! the span. Only a handler that asks for it pays for more than that: then an error that it names is shared with the layer.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, Key, KeyValue, Value};

use crate::metrics::signals::attributes::TELEMETRY_KEEP;

/// The SERVER or CONSUMER span of the request, call or message that is being handled; see [`current`].
///
/// It may be kept across awaits and sent to other tasks. Once the span has ended, and when there is none, its methods do
/// nothing.
#[derive(Debug, Clone, Default)]
pub struct ServerSpan(Option<Handled>);

/// What a handler shares with the layer that serves it.
#[derive(Debug, Clone)]
struct Handled {
    /// The context of the span, when it is recorded.
    recorded: Option<Context>,
    error: Arc<NamedError>,
}

/// The `error.type` that a handler has chosen.
#[derive(Debug, Default)]
pub(crate) struct NamedError(Mutex<Option<&'static str>>);

/// Whether a span is one that [`current`] returns.
#[derive(Debug)]
pub(crate) enum Role {
    /// It is: the error that the handler names, once it has asked for the span.
    Handles(OnceLock<Arc<NamedError>>),
    Other,
}

/// What a thread knows of the span while a handler is polled on it.
#[derive(Debug)]
struct Frame {
    recorded: Option<Context>,
    error: Option<Arc<NamedError>>,
}

/// While this lives, the code on this thread handles a request.
#[must_use = "the request is left when this is dropped"]
pub(crate) struct Handling<'a> {
    asked: Option<&'a OnceLock<Arc<NamedError>>>,
    before: Option<Frame>,
}

thread_local! {
    static CURRENT: RefCell<Option<Frame>> = const { RefCell::new(None) };
}

/// The server span of the request or call, or the consumer span of the message, that the current code handles, however
/// many `tracing` spans deep. Outside of a request its methods do nothing.
///
/// ```
/// # use axum::{Router, body::Body, routing::get};
/// # use http::{Request, StatusCode};
/// # use tower::ServiceExt;
/// async fn order() -> StatusCode {
///     tracing::info_span!("look").in_scope(|| {
///         let request = telemetry::current();
///         request.set_attribute("shop.dish", "soup"); // of the span of `GET /order`, not of `look`
///         request.error("sold_out"); // its `error.type`, and that of its duration
///         request.keep(); // the collector keeps the trace
///     });
///     StatusCode::INTERNAL_SERVER_ERROR
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let captured = telemetry::test::capture();
/// let app = Router::new()
///     .route("/order", get(order))
///     .layer(telemetry::http::ServerLayer::new());
/// # let response = app.oneshot(Request::get("/order").body(Body::empty()).unwrap()).await.unwrap();
/// # axum::body::to_bytes(response.into_body(), 9).await.unwrap();
/// # captured
/// #     .span("GET /order")
/// #     .assert_attribute("shop.dish", "soup")
/// #     .assert_attribute("error.type", "sold_out")
/// #     .assert_attribute("telemetry.keep", true)
/// #     .assert_error();
/// # }
/// ```
///
/// Tasks that are spawned with [`context::spawn`](crate::context::spawn) and its kin have the span of their spawner; to
/// others it is handed by value. `tracing::Span::current().record(..)` is no way to the span: it only fills fields that
/// a `tracing` span was declared with, and the span of a request has none.
pub fn current() -> ServerSpan {
    let handled = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        current.as_mut().map(Frame::handled)
    });
    ServerSpan(handled.ok().flatten())
}

// === impl ServerSpan ===

impl ServerSpan {
    /// Sets an attribute of the span, in place of an earlier value of this key.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) -> &Self {
        if let Some(context) = self.recorded() {
            let attribute = KeyValue::new(key.into(), value.into());
            context.span().set_attribute(attribute);
        }
        self
    }

    /// Says that the request failed, and how: `error.type` of the span and of its duration's metric, in place of what the
    /// layer would call the error. The last name counts.
    ///
    /// The span's status becomes an error, unless the response says that the caller was at fault (a status 4xx). A request
    /// that is cancelled, or whose handler panics, is called that.
    ///
    /// The name is a label: of each there are as many series as there are names. The metrics of requests that are not
    /// sampled have it too.
    pub fn error(&self, error_type: &'static str) -> &Self {
        if let Some(handled) = &self.0 {
            handled.error.name(error_type);
        }
        self
    }

    /// Marks the span so that the collector keeps its trace (see [`sampling`](crate::sampling)).
    pub fn keep(&self) -> &Self {
        self.set_attribute(TELEMETRY_KEEP.name(), true)
    }

    /// Whether the span is recorded: for attributes that are expensive to compute.
    pub fn is_recorded(&self) -> bool {
        self.recorded()
            .is_some_and(|context| context.span().is_recording())
    }

    /// Has the code on this thread handle the same request while the guard lives.
    pub(crate) fn enter(&self) -> Handling<'static> {
        let frame = self.0.as_ref().map(|handled| Frame {
            recorded: handled.recorded.clone(),
            error: Some(Arc::clone(&handled.error)),
        });
        Handling {
            asked: None,
            before: replace(frame),
        }
    }

    fn recorded(&self) -> Option<&Context> {
        self.0.as_ref()?.recorded.as_ref()
    }
}

// === impl Role ===

impl Role {
    pub(crate) fn of(kind: &SpanKind) -> Self {
        match kind {
            SpanKind::Server | SpanKind::Consumer => Self::Handles(OnceLock::new()),
            SpanKind::Client | SpanKind::Producer | SpanKind::Internal => Self::Other,
        }
    }

    /// The same, for a future that outlives the hop.
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Handles(asked) => {
                Self::Handles(Arc::clone(asked.get_or_init(Arc::default)).into())
            }
            Self::Other => Self::Other,
        }
    }

    /// Has the code on this thread handle this span's request while the guard lives.
    #[inline]
    pub(crate) fn enter(&self, recorded: Option<&Context>) -> Option<Handling<'_>> {
        let Self::Handles(asked) = self else {
            return None;
        };
        let frame = Frame {
            recorded: recorded.cloned(),
            error: asked.get().cloned(),
        };
        Some(Handling {
            asked: Some(asked),
            before: replace(Some(frame)),
        })
    }

    /// The error that the handler has named.
    pub(crate) fn named_error(&self) -> Option<&'static str> {
        match self {
            Self::Handles(asked) => asked.get()?.get(),
            Self::Other => None,
        }
    }
}

// === impl NamedError ===

impl NamedError {
    fn name(&self, error_type: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error_type);
    }

    fn get(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Frame ===

impl Frame {
    fn handled(&mut self) -> Handled {
        Handled {
            recorded: self.recorded.clone(),
            error: Arc::clone(self.error.get_or_insert_default()),
        }
    }
}

// === impl Handling ===

impl Drop for Handling<'_> {
    fn drop(&mut self) {
        let frame = replace(self.before.take());
        if let (Some(asked), Some(error)) = (self.asked, frame.and_then(|frame| frame.error)) {
            // It is there already when the handler had asked before.
            let _ = asked.set(error);
        }
    }
}

fn replace(frame: Option<Frame>) -> Option<Frame> {
    // A thread that is about to end knows nothing any more.
    CURRENT
        .try_with(|current| current.replace(frame))
        .ok()
        .flatten()
}
