//! The unit of export: ended spans by their scopes, as they are sent.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;

use crate::trace::wire::{Ended, Message, SPANS};

/// Spans that are sent in one request.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    scopes: Vec<Scoped>,
    count: usize,
    bytes: usize,
}

/// The spans of one scope.
#[derive(Debug)]
pub(crate) struct Scoped {
    pub(crate) scope: Arc<InstrumentationScope>,
    /// Fields of a `ScopeSpans`, one after the other.
    pub(crate) spans: Message,
}

// === impl Batch ===

impl Batch {
    /// The number of its spans.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Its spans in bytes, as they are sent.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn scopes(&self) -> &[Scoped] {
        &self.scopes
    }

    /// The memory of its spans, to be used again.
    pub(super) fn into_memory(self) -> impl Iterator<Item = Message> {
        self.scopes.into_iter().map(|scoped| scoped.spans)
    }

    /// Adds a span; memory for a scope is taken from `spare`.
    pub(super) fn push(&mut self, span: &Ended<'_>, spare: &mut Vec<Message>) {
        let known = self
            .scopes
            .iter()
            .position(|known| Arc::ptr_eq(&known.scope, span.scope) || known.scope == *span.scope);
        let at = known.unwrap_or_else(|| {
            self.scopes.push(Scoped {
                scope: Arc::clone(span.scope),
                spans: spare.pop().unwrap_or_default(),
            });
            self.scopes.len() - 1
        });
        self.scopes[at].spans.bytes(SPANS, &span.bytes);
        self.count += 1;
        self.bytes += span.bytes.len();
    }
}
