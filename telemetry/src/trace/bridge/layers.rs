//! The filter as layers of `tracing_subscriber`.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter as LayerFilter};

use super::filter::Filter;

/// The filter for traces and lines in one, and the layer that makes lines: filters of single layers cost each span several
/// times what the registry does.
pub(super) struct ForAll(pub(super) Filter);

/// The layer that makes lines, beside layers of others.
pub(super) struct LinesLayer(pub(super) Arc<Filter>);

/// Its filter.
pub(super) struct OfLines(pub(super) Arc<Filter>);

/// The filter of the layer that makes spans, beside layers of others.
pub(super) struct OfSpans(pub(super) Arc<Filter>);

// === impl ForAll ===

impl<S: Subscriber> Layer<S> for ForAll {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.0.begin(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.is_line(metadata) {
            Interest::always()
        } else {
            self.0.interest_in_traces(metadata)
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.is_line(metadata) || self.0.traces(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.most_logged().max(self.0.most_traced()))
    }

    /// Only what is for the traces goes on.
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if self.0.is_line(metadata) {
            self.0.log(event);
        }
        self.0.traces(metadata)
    }
}

// === impl LinesLayer ===

impl<S: Subscriber> Layer<S> for LinesLayer {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.0.begin(subscriber);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.log(event);
    }
}

// === impl OfLines ===

impl<S> LayerFilter<S> for OfLines {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.is_line(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.is_line(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.most_logged())
    }
}

// === impl OfSpans ===

impl<S> LayerFilter<S> for OfSpans {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.traces(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.interest_in_traces(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.most_traced())
    }
}
