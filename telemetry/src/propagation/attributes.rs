//! Members of the baggage as attributes of spans.

use std::time::Duration;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::Span as _;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::settings::Settings;

/// A processor whose spans begin with the allowed members of the baggage that they were started with.
///
/// The attribute has the key of the member, as the baggage processors of OpenTelemetry's other languages have it.
/// It stands around the next processor rather than beside it: beside, each span would be copied when it ends.
#[derive(Debug)]
pub(crate) struct WithBaggage<P> {
    allowed: Vec<Key>,
    next: P,
}

// === impl WithBaggage ===

impl<P> WithBaggage<P> {
    /// Allows what the settings do and the members of these keys.
    pub(crate) fn new(settings: &Settings, keys: Vec<&'static str>, next: P) -> Self {
        let allowed = settings.baggage_attributes.iter().cloned().map(Key::new);
        Self {
            allowed: allowed.chain(keys.into_iter().map(Key::new)).collect(),
            next,
        }
    }
}

impl<P: SpanProcessor> SpanProcessor for WithBaggage<P> {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        if !self.allowed.is_empty() {
            let baggage = parent.baggage();
            for key in &self.allowed {
                if let Some(value) = baggage.get(key.as_str()) {
                    span.set_attribute(KeyValue::new(key.clone(), value.clone()));
                }
            }
        }
        self.next.on_start(span, parent);
    }

    fn on_end(&self, span: SpanData) {
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
