//! The head sampler: whether a trace that begins is recorded.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry::trace::{SpanContext, SpanKind, TraceId, TraceState};

use super::mark::Mark;
use super::ratio::Ratio;
use super::remote::Poller;
use super::strategy::Strategy;
use super::{Sampling, bucket, now, trace_id};
use crate::settings::{self, RootSampler, Settings};
use crate::trace::propagation::SamplingRequest;

/// The head sampler of a process. Clones share its state.
#[derive(Debug, Clone)]
pub(crate) struct Head(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parent_based: bool,
    root: Root,
    operations: HashMap<&'static str, Operation>,
    /// The key of this crate's member of `tracestate`.
    vendor: &'static str,
}

#[derive(Debug)]
enum Root {
    Always,
    Never,
    Ratio(Ratio),
    Remote(Arc<ArcSwap<Strategy>>),
}

/// [`Sampling`] with its ratio prepared.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Always,
    Never,
    Ratio(Ratio),
    Keep,
}

// === impl Head ===

impl Head {
    pub(super) fn new(
        settings: &settings::Sampler,
        operations: &[(&'static str, Sampling)],
        vendor: &'static str,
    ) -> Self {
        let root = match settings.root {
            RootSampler::Always => Root::Always,
            RootSampler::Never => Root::Never,
            RootSampler::Ratio(share) => Root::Ratio(Ratio::new(share)),
            RootSampler::JaegerRemote { initial_ratio, .. } => {
                let initial = Strategy::Probabilistic(Ratio::new(initial_ratio));
                Root::Remote(Arc::new(ArcSwap::from_pointee(initial)))
            }
        };
        let operations = operations
            .iter()
            .map(|(name, sampling)| (*name, Operation::from(*sampling)))
            .collect();
        Self(Arc::new(Shared {
            parent_based: settings.parent_based,
            root,
            operations,
            vendor,
        }))
    }

    /// Starts to poll the sampling strategies of `service` when the sampler is a remote one, until the poller is dropped.
    pub(crate) fn follow(&self, settings: &Settings, service: &str) -> Option<Poller> {
        match &self.0.root {
            Root::Remote(strategy) => {
                Poller::start(&settings.sampler.root, service, Arc::clone(strategy))
            }
            Root::Always | Root::Never | Root::Ratio(_) => None,
        }
    }

    /// Whether the parent's decision counts, so that a child is sampled exactly when its parent is.
    pub(crate) fn follows_parents(&self) -> bool {
        self.0.parent_based
    }

    /// Decides about a span of the trace `id` below `parent`, whose caller has `asked` for something.
    pub(crate) fn decide(
        &self,
        parent: Option<&SpanContext>,
        asked: Option<SamplingRequest>,
        id: TraceId,
        span: &FirstSpan<'_>,
    ) -> SamplingResult {
        // Within a process, operation and mark were looked at when its first span began.
        let enters = parent.is_none_or(SpanContext::is_remote);
        let operation = enters.then(|| self.0.operation(span)).flatten();
        let followed = match (parent, asked) {
            _ if !self.0.parent_based => None,
            (_, Some(SamplingRequest::Deny)) => Some(false),
            (_, Some(SamplingRequest::Accept | SamplingRequest::Debug)) => Some(true),
            (_, Some(SamplingRequest::Defer)) => None,
            (parent, None) => parent.map(SpanContext::is_sampled),
        };
        let sampled = followed.unwrap_or_else(|| {
            operation.map_or_else(
                || self.0.root.samples(id, span),
                |operation| operation.samples(id),
            )
        });
        let mut result = SamplingResult {
            decision: Decision::Drop,
            trace_state: parent
                .map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        };
        if sampled {
            let kept = enters
                && self
                    .0
                    .mark(&mut result.trace_state, parent, id, span, operation);
            result.decision = if kept {
                Decision::RecordAndKeep
            } else {
                Decision::Record
            };
        }
        result
    }
}

/// What the sampler looks at beside the parent.
pub(crate) struct FirstSpan<'a> {
    /// Makes the span's name, which is called only when the name matters.
    pub(crate) name: &'a dyn Fn() -> &'a str,
    pub(crate) kind: &'a SpanKind,
}

/// The sampler's answer about a new span.
#[derive(Debug, PartialEq)]
pub(crate) struct SamplingResult {
    pub(crate) decision: Decision,
    /// The `tracestate` of the span, with this vendor's mark.
    pub(crate) trace_state: TraceState,
}

/// Whether a span is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Drop,
    Record,
    /// Recorded, with the attribute [`KEEP`](super::KEEP), so that the collector keeps the trace.
    RecordAndKeep,
}

// === impl Decision ===

impl Decision {
    pub(crate) fn is_recorded(self) -> bool {
        self != Self::Drop
    }
}

// === impl Shared ===

impl Shared {
    /// Puts into `tracestate` what is known of a trace that begins or enters the process here. Returns whether the
    /// collector must keep it.
    fn mark(
        &self,
        trace_state: &mut TraceState,
        parent: Option<&SpanContext>,
        id: TraceId,
        span: &FirstSpan<'_>,
        operation: Option<Operation>,
    ) -> bool {
        let before = parent.map(|parent| Mark::of(parent, self.vendor));
        let before = before.unwrap_or_default();
        let mut mark = before;
        mark.kept |= matches!(operation, Some(Operation::Keep));
        // A request arrives right after its trace has begun; a message may have waited for days.
        if parent.is_some() && *span.kind == SpanKind::Server && mark.seen.is_none() {
            let now = now();
            if trace_id::age(id, now).is_none() {
                mark.seen = Some(now);
            }
        }
        if mark != before {
            *trace_state = mark.put_into(trace_state, self.vendor);
        }
        mark.kept
    }

    fn operation(&self, span: &FirstSpan<'_>) -> Option<Operation> {
        if self.operations.is_empty() {
            None
        } else {
            self.operations.get((span.name)()).copied()
        }
    }
}

// === impl Root ===

impl Root {
    fn samples(&self, id: TraceId, span: &FirstSpan<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Ratio(ratio) => ratio.samples(id),
            Self::Remote(strategy) => strategy.load().samples(id, (span.name)(), bucket::now),
        }
    }
}

// === impl Operation ===

impl From<Sampling> for Operation {
    fn from(sampling: Sampling) -> Self {
        match sampling {
            Sampling::Always => Self::Always,
            Sampling::Never => Self::Never,
            Sampling::Ratio(share) => Self::Ratio(Ratio::new(share)),
            Sampling::Keep => Self::Keep,
        }
    }
}

impl Operation {
    fn samples(self, id: TraceId) -> bool {
        match self {
            Self::Always | Self::Keep => true,
            Self::Never => false,
            Self::Ratio(ratio) => ratio.samples(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanId, TraceContextExt, TraceFlags};

    use super::*;
    use crate::trace::propagation;

    /// All zeros but its time, so that a ratio of nearly nothing samples it.
    fn dated() -> TraceId {
        TraceId::from((u128::from(now()) << 96) | 1)
    }

    const FOREIGN: TraceId = TraceId::from_bytes([0xfe; 16]);

    fn settings(parent_based: bool, root: RootSampler) -> settings::Sampler {
        settings::Sampler { parent_based, root }
    }

    fn head(sampler: &settings::Sampler, operations: &[(&'static str, Sampling)]) -> Head {
        Head::new(sampler, operations, settings::VENDOR)
    }

    fn parent(id: TraceId, sampled: bool, remote: bool, state: &str) -> Context {
        let state: TraceState = state.parse().unwrap();
        let flags = TraceFlags::default().with_sampled(sampled);
        let span = SpanContext::new(id, SpanId::from(1), flags, remote, state);
        Context::new().with_remote_span_context(span)
    }

    fn ask(head: &Head, parent: &Context, name: &str) -> SamplingResult {
        let id = Some(parent.span().span_context().trace_id())
            .filter(|id| *id != TraceId::INVALID)
            .unwrap_or_else(dated);
        let name = &|| name;
        let kind = &SpanKind::Server;
        below(head, parent, id, &FirstSpan { name, kind })
    }

    fn below(head: &Head, context: &Context, id: TraceId, span: &FirstSpan<'_>) -> SamplingResult {
        let parent = context.span();
        let parent = parent.span_context();
        let asked = propagation::sampling_request(context, parent);
        head.decide(
            Some(parent).filter(|parent| parent.is_valid()),
            asked,
            id,
            span,
        )
    }

    fn sampled(result: &SamplingResult) -> bool {
        result.decision.is_recorded()
    }

    fn kept(result: &SamplingResult) -> bool {
        result.decision == Decision::RecordAndKeep
    }

    #[test]
    fn a_root_is_decided_by_the_sampler_and_a_child_by_its_parent_when_that_counts() {
        for (root, decision) in [
            (RootSampler::Always, true),
            (RootSampler::Never, false),
            (RootSampler::Ratio(1.0), true),
            (RootSampler::Ratio(0.0), false),
        ] {
            for parent_based in [true, false] {
                let head = head(&settings(parent_based, root.clone()), &[]);
                assert_eq!(sampled(&ask(&head, &Context::new(), "x")), decision);
                for (parent_sampled, remote) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    let parent = parent(dated(), parent_sampled, remote, "");
                    let wanted = if parent_based {
                        parent_sampled
                    } else {
                        decision
                    };
                    assert_eq!(
                        sampled(&ask(&head, &parent, "x")),
                        wanted,
                        "{root:?}, {parent_based}, {parent_sampled}, {remote}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_caller_asks_for_without_a_flag_is_followed_when_parents_are() {
        for (root, other) in [(RootSampler::Always, true), (RootSampler::Never, false)] {
            for (decision, wanted) in [
                (SamplingRequest::Deny, false),
                (SamplingRequest::Accept, true),
                (SamplingRequest::Debug, true),
                (SamplingRequest::Defer, other),
            ] {
                let following = head(&settings(true, root.clone()), &[]);
                let lone = Context::new().with_value(decision);
                assert_eq!(
                    sampled(&ask(&following, &lone, "x")),
                    wanted,
                    "{decision:?}"
                );
                let own = head(&settings(false, root.clone()), &[]);
                assert_eq!(sampled(&ask(&own, &lone, "x")), other, "{decision:?}");
            }
        }
    }

    #[test]
    fn a_caller_that_defers_is_asked_no_more_below_the_span_that_decided() {
        let head = head(&settings(true, RootSampler::Always), &[]);
        let deferring =
            |remote| parent(dated(), false, remote, "").with_value(SamplingRequest::Defer);
        assert!(sampled(&ask(&head, &deferring(true), "x")));
        assert!(!sampled(&ask(&head, &deferring(false), "x")));
    }

    #[test]
    fn an_operation_has_its_own_way_at_the_root_and_none_below() {
        let operations = [
            ("always", Sampling::Always),
            ("never", Sampling::Never),
            ("some", Sampling::Ratio(1.0)),
            ("keep", Sampling::Keep),
        ];
        for (root, other) in [(RootSampler::Always, true), (RootSampler::Never, false)] {
            let head = head(&settings(true, root), &operations);
            for (name, decision) in [
                ("always", true),
                ("never", false),
                ("some", true),
                ("keep", true),
                ("other", other),
            ] {
                assert_eq!(
                    sampled(&ask(&head, &Context::new(), name)),
                    decision,
                    "{name}"
                );
                for asked in [true, false] {
                    let parent = parent(dated(), asked, true, "");
                    assert_eq!(sampled(&ask(&head, &parent, name)), asked, "{name}");
                }
            }
        }
    }

    #[test]
    fn a_kept_trace_is_marked_where_it_begins_and_where_it_enters_a_process() {
        let head = head(
            &settings(true, RootSampler::Always),
            &[("keep", Sampling::Keep)],
        );
        let root = ask(&head, &Context::new(), "keep");
        assert!(kept(&root));
        assert_eq!(root.trace_state.header(), "telemetry=k");

        let entered = ask(
            &head,
            &parent(dated(), true, true, "a=1,telemetry=k"),
            "other",
        );
        assert!(kept(&entered));
        assert_eq!(
            entered.trace_state.header(),
            "a=1,telemetry=k",
            "nothing has changed"
        );

        let within = ask(&head, &parent(dated(), true, false, "telemetry=k"), "other");
        assert!(!kept(&within), "one mark a process is enough");
        assert_eq!(within.trace_state.header(), "telemetry=k");

        let joined = ask(&head, &parent(dated(), true, true, "a=1"), "keep");
        assert!(kept(&joined));
        assert_eq!(joined.trace_state.header(), "telemetry=k,a=1");
    }

    #[test]
    fn what_is_not_sampled_is_not_marked_and_its_state_goes_on() {
        let head = head(
            &settings(true, RootSampler::Never),
            &[("keep", Sampling::Keep)],
        );
        let unsampled = ask(&head, &parent(FOREIGN, false, true, "a=1"), "keep");
        assert!(!sampled(&unsampled) && !kept(&unsampled));
        assert_eq!(unsampled.trace_state.header(), "a=1");
        assert_eq!(
            ask(&head, &Context::new(), "x").trace_state,
            TraceState::NONE
        );
    }

    #[test]
    fn a_trace_of_our_own_needs_no_state() {
        let head = head(&settings(true, RootSampler::Always), &[]);
        assert_eq!(
            ask(&head, &Context::new(), "x").trace_state,
            TraceState::NONE
        );
        let entered = ask(&head, &parent(dated(), true, true, ""), "x");
        assert_eq!(entered.trace_state, TraceState::NONE);
    }

    #[test]
    fn a_trace_from_elsewhere_is_dated_once_by_the_first_server() {
        let head = head(&settings(true, RootSampler::Always), &[]);
        let entered = ask(&head, &parent(FOREIGN, true, true, "a=1"), "x");
        let header = entered.trace_state.header();
        assert!(
            header.starts_with("telemetry=t") && header.ends_with(",a=1"),
            "{header}"
        );
        let next = ask(&head, &parent(FOREIGN, true, true, "telemetry=t1"), "x");
        assert_eq!(next.trace_state.header(), "telemetry=t1");

        let consumed = FirstSpan {
            name: &|| "x",
            kind: &SpanKind::Consumer,
        };
        let consumed = below(&head, &parent(FOREIGN, true, true, ""), FOREIGN, &consumed);
        assert_eq!(
            consumed.trace_state,
            TraceState::NONE,
            "a message may be old"
        );
    }
}
