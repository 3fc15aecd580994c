//! Contexts and carriers for property tests (the strategies of `proptest`).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, BaggageMetadata, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId};
use proptest::prelude::*;

use super::trace_state;
use super::{FullList, SamplingRequest};
use crate::settings::Propagator;

/// The contents of a context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The ids, whether it is sampled, and whether its id is random.
    pub(crate) span: Option<(u128, u64, bool, bool)>,
    pub(crate) debug: bool,
    pub(crate) state: Vec<(String, String)>,
    /// Values and properties.
    pub(crate) baggage: BTreeMap<String, (String, String)>,
}

/// Valid contexts that are small enough to be passed on whole.
pub(crate) fn said() -> impl Strategy<Value = Said> {
    let span = (1..=u128::MAX, 1..=u64::MAX, any::<bool>(), any::<bool>());
    let state = prop::collection::btree_map("[a-z][a-z0-9_*/@-]{0,8}", "[!-+\\--<>-~]{1,8}", 0..20);
    let key = "[a-z0-9!#$%&'*+.^_`|~-]{1,8}";
    let property = "([a-z]{1,4}(=[a-z]{0,4})?(;[a-z]{1,4}){0,2})?";
    let baggage = prop::collection::btree_map(key, ("\\PC{0,12}", property), 0..8);
    (prop::option::of(span), any::<bool>(), state, baggage).prop_map(
        |(span, debug, state, baggage)| {
            let sampled = span.is_some_and(|(_, _, sampled, _)| sampled);
            Said {
                span,
                debug: debug && sampled,
                state: span.map_or_else(Vec::new, |_| state.into_iter().collect()),
                baggage,
            }
        },
    )
}

/// Headers that are nearly right, or anything at all.
pub(crate) fn hostile() -> impl Strategy<Value = HeaderMap> {
    let names = prop::sample::select(vec![
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "uber-trace-id",
        "uberctx-a",
        "uberctx-B!",
        "uberctx-",
    ]);
    let values = prop_oneof![
        "[ \t]?(00|01|cc|ff|0)-[0-9a-f]{31,32}-[0-9a-fA-F]{16}-0[0-9](-.*)?[ \t]?"
            .prop_map(String::into_bytes),
        "([0-9a-f]{16}){1,2}-[0-9a-f]{16}(-[01d])?(-[0-9a-f]{16})?".prop_map(String::into_bytes),
        "[0-9a-f]{0,33}(:|%3[aA])[0-9a-f]{1,17}:[0-9a-f]{0,2}:[0-9a-f]{1,3}"
            .prop_map(String::into_bytes),
        "[01d]|true|false|[0-9a-f]{16}".prop_map(String::into_bytes),
        "([a-z0-9@]{1,5}[ \t]?=[ -~]{0,9}[,;]{0,2}){0,40}".prop_map(String::into_bytes),
        ("[a-z]{1,3}=[a-z%]{0,9},", 1_usize..3000)
            .prop_map(|(member, times)| member.repeat(times).into_bytes()),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    prop::collection::vec((names, values), 0..12).prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) {
                headers.append(name, value);
            }
        }
        headers
    })
}

// === impl Said ===

impl Said {
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::new();
        if let Some((trace, span, sampled, random)) = self.span {
            let flags = TraceFlags::new(u8::from(random) << 1).with_sampled(sampled);
            let members = self.state.iter().map(|(key, value)| (&**key, &**value));
            let members: Vec<_> = members.collect();
            let list = trace_state::divide(&members);
            let (trace, span) = (TraceId::from(trace), SpanId::from(span));
            let span = SpanContext::new(trace, span, flags, true, list.state);
            context = context.with_remote_span_context(span);
            if let Some(members) = list.full {
                context = context.with_value(FullList::new(trace, members));
            }
        }
        if self.debug {
            context = context.with_value(SamplingRequest::Debug);
        }
        if !self.baggage.is_empty() {
            let members = self.baggage.iter().map(|(key, (value, metadata))| {
                let metadata = BaggageMetadata::from(metadata.as_str());
                KeyValueMetadata::new(key.clone(), value.clone(), metadata)
            });
            context = context.with_baggage(members);
        }
        context
    }

    pub(crate) fn of(context: &Context) -> Self {
        let span = context.span();
        let span = span.span_context();
        let number = |bytes: [u8; 16]| u128::from_be_bytes(bytes);
        let full_list = context.get::<FullList>();
        let (state, _) = trace_state::format(span.trace_state(), full_list);
        let state = state.split(',').filter_map(|member| member.split_once('='));
        let baggage = context.baggage().iter().map(|(key, (value, metadata))| {
            (key.to_string(), (value.to_string(), metadata.to_string()))
        });
        Self {
            span: span.is_valid().then(|| {
                (
                    number(span.trace_id().to_bytes()),
                    u64::from_be_bytes(span.span_id().to_bytes()),
                    span.is_sampled(),
                    span.trace_flags().to_u8() & 2 != 0,
                )
            }),
            debug: context.get::<SamplingRequest>() == Some(&SamplingRequest::Debug),
            state: state
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            baggage: baggage.collect(),
        }
    }

    /// The part of it that these formats can express.
    pub(crate) fn as_far_as(&self, order: &[Propagator]) -> Self {
        let has = |propagator| order.contains(&propagator);
        let b3 = has(Propagator::B3) || has(Propagator::B3Multi);
        let (w3c, jaeger) = (has(Propagator::TraceContext), has(Propagator::Jaeger));
        let mut said = self.clone();
        said.debug &= b3 || jaeger;
        if !w3c {
            said.state.clear();
            said.span = said
                .span
                .map(|(trace, span, sampled, _)| (trace, span, sampled, false));
        }
        if !(w3c || b3 || jaeger) {
            said.span = None;
        }
        if !has(Propagator::Baggage) {
            said.baggage
                .values_mut()
                .for_each(|(_, metadata)| metadata.clear());
        }
        if !has(Propagator::Baggage) && !jaeger {
            said.baggage.clear();
        }
        said
    }
}
