//! The composite propagator: several header formats at once.

#[cfg(any(feature = "grpc", feature = "http"))]
use http::HeaderMap;
use http::HeaderName;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use opentelemetry::{Context, Key};

#[cfg(any(feature = "grpc", feature = "http"))]
use super::carrier::Picked;
use super::carrier::{Foreign, Initials, Sink, Source};
use super::trace_state::FullList;
use super::{Caller, Rejection, Remote, SamplingRequest, b3, baggage, jaeger, trace_context};
use crate::settings::Propagator;

/// The header formats of a process, in the order of `OTEL_PROPAGATORS`.
///
/// They are read in this order, as the specification's composite propagator does. Of two different spans the later one
/// is the parent. Of the same span in two formats, the later sampled flag counts, and what only the earlier format can
/// express stays. An invalid header changes nothing. Baggage is merged key by key; a value from the W3C header wins over
/// one from Jaeger's headers, whose names have lost their case. Every format is written.
#[derive(Debug, Clone)]
pub(crate) struct Propagators {
    order: Vec<Propagator>,
    // The names of the headers that are written.
    fields: Vec<String>,
    // The first letters of the headers that are read, except for those known by a prefix only.
    initials: Initials,
}

/// What has been read from the headers so far.
#[derive(Debug, Default)]
struct Received {
    span: Option<SpanContext>,
    full_list: Option<FullList>,
    request: Option<SamplingRequest>,
    /// From the `baggage` header; none when there is no such header.
    baggage: Option<Baggage>,
    /// From Jaeger's headers.
    jaeger_baggage: Option<Baggage>,
}

// === impl Propagators ===

impl Propagators {
    pub(crate) fn new(order: &[Propagator]) -> Self {
        let names = || order.iter().flat_map(|propagator| fields(*propagator));
        Self {
            order: order.to_vec(),
            fields: names().map(|name| name.as_str().to_owned()).collect(),
            initials: Initials::of(names()),
        }
    }

    /// The caller, as the headers of a request describe it.
    #[cfg(any(feature = "grpc", feature = "http"))]
    pub(super) fn caller(&self, headers: &HeaderMap) -> Caller {
        self.read_caller(&Picked::of(headers, self.initials), Context::new())
    }

    /// `base` with the context that the carrier has. Rejected parts are counted.
    pub(super) fn read(&self, source: &impl Source, base: Context) -> Context {
        self.read_caller(source, base).into_context()
    }

    /// The same, with the span beside the context.
    fn read_caller(&self, source: &impl Source, base: Context) -> Caller {
        let mut received = Received::default();
        for propagator in &self.order {
            received.read(*propagator, source);
        }
        received.into_caller(base)
    }

    /// Writes `context` and removes the headers of earlier hops. Parts that do not fit are counted.
    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let span = context.span();
        let span = span.span_context();
        let request = context.get::<SamplingRequest>().copied();
        if self.order.iter().any(|propagator| propagator.is_b3()) {
            b3::clear(sink);
        }
        for propagator in &self.order {
            let cut = match propagator {
                Propagator::TraceContext => {
                    let full_list = context.get::<FullList>();
                    let full_list = full_list.filter(|list| list.belongs_to(span));
                    trace_context::inject(span, full_list, sink)
                }
                Propagator::Baggage => baggage::inject(context.baggage(), sink),
                Propagator::B3 => b3::inject(b3::Form::Single, span, request, sink),
                Propagator::B3Multi => b3::inject(b3::Form::Multi, span, request, sink),
                Propagator::Jaeger => {
                    jaeger::inject(span, request, sink);
                    jaeger::inject_baggage(context.baggage(), sink)
                }
            };
            if cut {
                Rejection::Truncated.count();
            }
        }
    }
}

impl TextMapPropagator for Propagators {
    /// Below an unsampled request there is no `tracing` span, so that `tracing::Span::current().context()` is empty.
    /// Whoever injects that wants to continue the request's trace: the unsampled current span is written then.
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        if !context.span().span_context().is_valid() {
            let current = Context::current();
            let span = current.span().span_context().clone();
            if span.is_valid() && !span.is_sampled() {
                let mut context = context.with_remote_span_context(span);
                if let Some(list) = current.get::<FullList>() {
                    context = context.with_value(list.clone());
                }
                return self.write(&context, &mut Foreign(injector));
            }
        }
        self.write(context, &mut Foreign(injector));
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.read(&Foreign(extractor), context.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

// === impl Received ===

impl Received {
    fn read(&mut self, propagator: Propagator, source: &impl Source) {
        let rejected = match propagator {
            Propagator::TraceContext => match trace_context::extract(source) {
                Ok(None) => None,
                Ok(Some(received)) => {
                    self.put(Remote::Span(received.span, None));
                    self.full_list = received.full_list;
                    received.rejected
                }
                Err(rejection) => Some(rejection),
            },
            Propagator::Baggage => {
                let mut lines = source.lines(&baggage::BAGGAGE);
                lines
                    .next()
                    .and_then(|_| baggage::extract(source, self.baggage.get_or_insert_default()))
            }
            Propagator::B3 | Propagator::B3Multi => self.take(b3::extract(source)),
            Propagator::Jaeger => {
                let baggage = self.jaeger_baggage.get_or_insert_default();
                if let Some(rejection) = jaeger::extract_baggage(source, baggage) {
                    rejection.count();
                }
                self.take(jaeger::extract(source))
            }
        };
        if let Some(rejection) = rejected {
            rejection.count();
        }
    }

    fn take(&mut self, remote: Result<Option<Remote>, Rejection>) -> Option<Rejection> {
        match remote {
            Ok(remote) => {
                if let Some(remote) = remote {
                    self.put(remote);
                }
                None
            }
            Err(rejection) => Some(rejection),
        }
    }

    fn put(&mut self, remote: Remote) {
        match (remote, &mut self.span) {
            (Remote::Span(span, request), Some(before)) if is_same(&span, before) => {
                // This format leaves the decision open, so that the earlier one stands.
                if request == Some(SamplingRequest::Defer) {
                    return;
                }
                *before = merge(before, &span);
                let debug = self
                    .request
                    .filter(|before| *before == SamplingRequest::Debug);
                self.request = request.or(debug);
            }
            (Remote::Span(span, request), before) => {
                (*before, self.request) = (Some(span), request);
            }
            (Remote::Request(request), None) => self.request = Some(request),
            // The span that was found has its own flag.
            (Remote::Request(_), Some(_)) => {}
        }
    }

    fn into_caller(self, base: Context) -> Caller {
        let span = self.span;
        let mut context = base;
        if let Some(request) = self.request {
            context = context.with_value(request);
        }
        if let Some(list) = self.full_list {
            context = context.with_value(list);
        }
        let read = match (self.baggage, self.jaeger_baggage) {
            (Some(first), Some(second)) => Some(beside(first, &second)),
            (one, other) => one.or(other),
        };
        if let Some(read) = read.filter(|read| !read.is_empty()) {
            let joined = join(context.baggage(), read);
            context = context.with_baggage(joined);
        }
        Caller { context, span }
    }
}

fn is_same(one: &SpanContext, other: &SpanContext) -> bool {
    (one.trace_id(), one.span_id()) == (other.trace_id(), other.span_id())
}

/// The same span in two formats: the later sampled flag counts, and what only the earlier format can express stays.
fn merge(before: &SpanContext, after: &SpanContext) -> SpanContext {
    let flags = (before.trace_flags() | after.trace_flags()).with_sampled(after.is_sampled());
    let state = match after.trace_state() {
        state if *state == TraceState::NONE => before.trace_state(),
        state => state,
    };
    SpanContext::new(
        after.trace_id(),
        after.span_id(),
        flags,
        true,
        state.clone(),
    )
}

/// `first`, and the members of `second` whose keys it does not have in any case.
fn beside(mut first: Baggage, second: &Baggage) -> Baggage {
    let is_new = |key: &Key| {
        let mut known = first.iter().map(|(known, _)| known.as_str());
        !known.any(|known| known.eq_ignore_ascii_case(key.as_str()))
    };
    let added: Vec<_> = second.iter().filter(|(key, _)| is_new(key)).collect();
    for (key, (value, metadata)) in added {
        first.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
    }
    first
}

/// `base`, overwritten by what was read.
fn join(base: &Baggage, read: Baggage) -> Baggage {
    if base.is_empty() {
        return read;
    }
    let members = base.iter().chain(read.iter());
    members
        .map(|(key, member)| (key.clone(), member.clone()))
        .collect()
}

// === impl Propagator ===

impl Propagator {
    fn is_b3(self) -> bool {
        matches!(self, Self::B3 | Self::B3Multi)
    }
}

fn fields(propagator: Propagator) -> Vec<&'static HeaderName> {
    match propagator {
        Propagator::TraceContext => vec![&trace_context::TRACEPARENT, &trace_context::TRACESTATE],
        Propagator::Baggage => vec![&baggage::BAGGAGE],
        Propagator::B3 => vec![&b3::SINGLE],
        Propagator::B3Multi => vec![&b3::TRACE_ID, &b3::SPAN_ID, &b3::SAMPLED, &b3::FLAGS],
        Propagator::Jaeger => vec![&jaeger::UBER_TRACE_ID],
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::super::carrier::Pairs;
    use super::super::strategies::{self, Said};
    use super::*;

    const ALL: [Propagator; 5] = [
        Propagator::TraceContext,
        Propagator::Baggage,
        Propagator::B3,
        Propagator::B3Multi,
        Propagator::Jaeger,
    ];

    /// A carrier that never comes to an end.
    struct Endless(&'static [u8]);

    impl Source for Endless {
        fn lines(&self, _name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
            iter::repeat(self.0)
        }

        fn prefixed(&self, _prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])> {
            iter::repeat(("", self.0))
        }
    }

    fn read(order: &[Propagator], headers: &[(&str, &str)]) -> Context {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let pairs = Pairs(headers.iter().map(owned).collect::<Vec<_>>());
        Propagators::new(order).read(&pairs, Context::new())
    }

    fn trace(context: &Context) -> String {
        context.span().span_context().trace_id().to_string()
    }

    const W3C: &str = "11111111111111111111111111111111";
    const ZIPKIN: &str = "22222222222222222222222222222222";
    const TRACEPARENT: (&str, &str) = (
        "traceparent",
        "00-11111111111111111111111111111111-1111111111111111-01",
    );
    const B3: (&str, &str) = ("b3", "22222222222222222222222222222222-2222222222222222-0");

    #[test]
    fn when_two_headers_disagree_the_later_form_is_the_parent() {
        use Propagator::{B3 as Zipkin, TraceContext};
        let both = [TRACEPARENT, B3];
        assert_eq!(trace(&read(&[TraceContext, Zipkin], &both)), ZIPKIN);
        assert_eq!(trace(&read(&[Zipkin, TraceContext], &both)), W3C);
        assert_eq!(trace(&read(&[TraceContext], &both)), W3C);
    }

    #[test]
    fn a_later_form_that_is_absent_or_bad_changes_nothing() {
        use Propagator::{B3 as Zipkin, TraceContext};
        for later in [&[][..], &[("b3", "nonsense")], &[("b3", "0")], &[B3, B3]] {
            let headers = [&[TRACEPARENT][..], later].concat();
            let context = read(&[TraceContext, Zipkin], &headers);
            assert_eq!(trace(&context), W3C, "{later:?}");
            assert_eq!(context.get::<SamplingRequest>(), None, "{later:?}");
        }
    }

    #[test]
    fn one_span_in_two_forms_has_what_each_of_them_says() {
        use Propagator::{B3 as Zipkin, TraceContext};
        let parent = "00-22222222222222222222222222222222-2222222222222222-01";
        let came = |state| {
            let b3 = format!("{ZIPKIN}-2222222222222222{state}");
            let headers = [("traceparent", parent), ("tracestate", "a=1"), ("b3", &b3)];
            let context = read(&[TraceContext, Zipkin], &headers);
            let span = context.span().span_context().clone();
            assert_eq!(span.trace_state().header(), "a=1");
            (span.is_sampled(), context.get::<SamplingRequest>().copied())
        };
        assert_eq!(came("-0"), (false, None));
        assert_eq!(came("-d"), (true, Some(SamplingRequest::Debug)));
        assert_eq!(came(""), (true, None), "no decision takes none away");
    }

    #[test]
    fn a_member_whose_name_has_lost_its_case_is_not_there_twice() {
        let headers = [
            ("uberctx-userid", "2"),
            ("uberctx-b", "3"),
            ("baggage", "userId=1"),
        ];
        for order in [
            [Propagator::Baggage, Propagator::Jaeger],
            [Propagator::Jaeger, Propagator::Baggage],
        ] {
            let context = read(&order, &headers);
            let baggage = context.baggage();
            let told = |key| baggage.get(key).map(ToString::to_string);
            assert_eq!(
                (told("userId"), told("b")),
                (Some("1".to_owned()), Some("3".to_owned()))
            );
            assert_eq!(baggage.len(), 2, "{order:?}");
        }
    }

    #[test]
    fn no_propagator_reads_and_writes_nothing() {
        let context = read(&[], &[TRACEPARENT, B3]);
        assert!(!context.has_active_span());
        let mut sent = HeaderMap::new();
        Propagators::new(&[]).write(&read(&ALL, &[TRACEPARENT]), &mut sent);
        assert!(sent.is_empty());
    }

    #[test]
    fn what_former_hops_wrote_does_not_stay_beside_a_new_context() {
        let mut headers = HeaderMap::new();
        for name in [
            "traceparent",
            "tracestate",
            "baggage",
            "b3",
            "x-b3-parentspanid",
            "x-b3-flags",
            "uber-trace-id",
            "uberctx-a",
            "accept",
        ] {
            headers.insert(name, HeaderValue::from_static("stale"));
        }
        Propagators::new(&ALL).write(&Context::new(), &mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn reading_stops_when_a_carrier_does_not() {
        for line in [&b""[..], b",", b"a=1", b" ", b"00-", b"a=1,"] {
            let context = Propagators::new(&ALL).read(&Endless(line), Context::new());
            assert!(!context.has_active_span());
            assert!(context.baggage().len() <= 1);
        }
    }

    #[test]
    fn what_was_in_a_context_stays_when_nothing_better_comes() {
        let base = Context::new().with_baggage([opentelemetry::KeyValue::new("kept", "1")]);
        let propagators = Propagators::new(&ALL);
        let pairs = Pairs([("baggage".to_owned(), "new=2".to_owned())]);
        let context = propagators.read(&pairs, base);
        assert_eq!(context.baggage().len(), 2);
    }

    fn orders() -> impl Strategy<Value = Vec<Propagator>> {
        prop::sample::subsequence(ALL.to_vec(), 1..=ALL.len()).prop_shuffle()
    }

    proptest! {
        #[test]
        fn nothing_that_a_carrier_has_makes_reading_panic_or_keep_more_than_it_may(
            order in orders(), headers in strategies::hostile(),
        ) {
            let context = Propagators::new(&order).read(&headers, Context::new());
            let span = context.span();
            prop_assert!(span.span_context().trace_state().into_iter().len() <= 32);
            prop_assert!(context.baggage().len() <= 64);
            let mut sent = HeaderMap::new();
            Propagators::new(&order).write(&context, &mut sent);
            let bytes: usize = sent.values().map(HeaderValue::len).sum();
            prop_assert!(bytes <= 2 * 8192 + 1024, "{bytes}");
        }

        #[test]
        fn what_is_written_is_what_is_read_in_any_order(
            order in orders(), said in strategies::said(),
        ) {
            let propagators = Propagators::new(&order);
            let mut headers = HeaderMap::new();
            propagators.write(&said.context(), &mut headers);
            let read = propagators.read(&headers, Context::new());
            prop_assert_eq!(Said::of(&read), said.as_far_as(&order));
            let mut again = HeaderMap::new();
            propagators.write(&read, &mut again);
            prop_assert_eq!(again, headers);
        }

        #[test]
        fn the_traits_of_opentelemetry_see_the_same(order in orders(), said in strategies::said()) {
            let propagators = Propagators::new(&order);
            let mut map = std::collections::HashMap::new();
            propagators.inject_context(&said.context(), &mut map);
            let read = propagators.extract_with_context(&Context::new(), &map);
            prop_assert_eq!(Said::of(&read), said.as_far_as(&order));
        }
    }
}
