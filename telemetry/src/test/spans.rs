//! The spans of a capture.

use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use crate::trace::tracer::Sink;
use crate::trace::wire;

/// How long [`Ended::wait_for`] waits for a span.
const LIMIT: Duration = Duration::from_secs(10);

/// A span that has ended, as it would have been exported, with assertions.
#[derive(Debug, Clone, PartialEq)]
pub struct Span(SpanData);

/// The spans that have ended. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    one_more: Notify,
}

// === impl Span ===

impl Span {
    /// Whether `parent` is its parent.
    pub fn is_child_of(&self, parent: &SpanData) -> bool {
        self.span_context.trace_id() == parent.span_context.trace_id()
            && self.parent_span_id == parent.span_context.span_id()
    }

    /// Whether it links to `other`.
    pub fn links_to(&self, other: &SpanData) -> bool {
        let other = &other.span_context;
        self.links.iter().any(|link| {
            let linked = &link.span_context;
            (linked.trace_id(), linked.span_id()) == (other.trace_id(), other.span_id())
        })
    }

    /// The value of one of its attributes.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        let found = self.attributes.iter().find(|pair| pair.key.as_str() == key);
        found.map(|pair| &pair.value)
    }

    /// Asserts that `parent` is its parent.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_child_of(&self, parent: &SpanData) -> &Self {
        assert!(
            self.is_child_of(parent),
            "{} is no child of {}",
            describe(self),
            describe(parent)
        );
        self
    }

    /// Asserts that it has no parent.
    ///
    /// # Panics
    ///
    /// When it has one.
    #[track_caller]
    pub fn assert_root(&self) -> &Self {
        let is_root = self.parent_span_id == SpanId::INVALID;
        assert!(is_root, "{} has a parent", describe(self));
        self
    }

    /// Asserts that it links to `other`.
    ///
    /// # Panics
    ///
    /// When it does not; the message lists what it links to.
    #[track_caller]
    pub fn assert_links_to(&self, other: &SpanData) -> &Self {
        let ids = |context: &opentelemetry::trace::SpanContext| {
            format!("{} in {}", context.span_id(), context.trace_id())
        };
        let links: Vec<_> = self
            .links
            .iter()
            .map(|link| ids(&link.span_context))
            .collect();
        assert!(
            self.links_to(other),
            "{} does not link to {}; it links to {links:?}",
            describe(self),
            describe(other)
        );
        self
    }

    /// Asserts that it has an attribute of this value.
    ///
    /// # Panics
    ///
    /// When it does not; the message lists the attributes that it has.
    #[track_caller]
    pub fn assert_attribute(&self, key: &str, value: impl Into<Value>) -> &Self {
        let value = value.into();
        assert!(
            self.attribute(key) == Some(&value),
            "{} does not have {key} = {value:?}; it has:{}",
            describe(self),
            self.attributes
                .iter()
                .fold(String::new(), |mut list, pair| {
                    let _ = write!(list, "\n  {} = {:?}", pair.key, pair.value);
                    list
                })
        );
        self
    }

    /// Asserts that its status is an error.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_error(&self) -> &Self {
        let is_error = matches!(self.status, Status::Error { .. });
        assert!(is_error, "{} is {:?}", describe(self), self.status);
        self
    }
}

impl Deref for Span {
    type Target = SpanData;

    fn deref(&self) -> &SpanData {
        &self.0
    }
}

/// One line for each span.
pub(super) fn list(spans: &[Span]) -> String {
    spans.iter().fold(String::new(), |mut list, span| {
        let _ = writeln!(list, "  {}", describe(span));
        list
    })
}

fn describe(span: &SpanData) -> String {
    let context = &span.span_context;
    let parent = match span.parent_span_id {
        SpanId::INVALID => "a root".to_owned(),
        parent => format!("below {parent}"),
    };
    format!(
        "{:?} ({}, {parent}, in {})",
        span.name,
        context.span_id(),
        context.trace_id()
    )
}

// === impl Ended ===

impl Ended {
    pub(super) fn so_far(&self) -> Vec<Span> {
        self.spans().clone()
    }

    /// Returns when there is a span of this name, or after [`LIMIT`].
    pub(super) async fn wait_for(&self, name: &str) {
        let waiting = async {
            loop {
                let one_more = self.0.one_more.notified();
                if self.spans().iter().any(|span| span.name == name) {
                    return;
                }
                one_more.await;
            }
        };
        let _ = tokio::time::timeout(LIMIT, waiting).await;
    }

    fn spans(&self) -> MutexGuard<'_, Vec<Span>> {
        self.0.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Ended {
    fn started(&self) {}

    fn ended(&self, span: wire::Ended<'_>) {
        match wire::read(&span) {
            Ok(span) => self.spans().push(Span(span)),
            Err(error) => panic!("a span is not valid protobuf: {error}"),
        }
        self.0.one_more.notify_waiters();
    }
}
