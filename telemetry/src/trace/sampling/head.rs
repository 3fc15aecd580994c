//! The decision at the beginning of a trace.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanKind, TraceId, TraceState};

use super::mark::Mark;
use super::ratio::Ratio;
use super::remote::Poller;
use super::strategy::Strategy;
use super::{Sampling, bucket, now, trace_id};
use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::settings::{self, RootSampler, Settings};
use crate::trace::propagation::Decision;

/// The sampler of the process. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Head(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parent_based: bool,
    root: Root,
    operations: HashMap<&'static str, Operation>,
}

#[derive(Debug)]
enum Root {
    Always,
    Never,
    Ratio(Ratio),
    Remote(Arc<ArcSwap<Strategy>>),
}

/// [`Sampling`], worked out.
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
        }))
    }

    /// Follows the strategies of `service`, when the sampler is a remote one, until what is returned is dropped.
    pub(crate) fn follow(&self, settings: &Settings, service: &str) -> Option<Poller> {
        match &self.0.root {
            Root::Remote(strategy) => {
                Poller::start(&settings.sampler.root, service, Arc::clone(strategy))
            }
            Root::Always | Root::Never | Root::Ratio(_) => None,
        }
    }

    /// Whether a child is sampled when its parent is, and only then.
    pub(crate) fn follows_parents(&self) -> bool {
        self.0.parent_based
    }

    /// Decides about a span of the trace `id` below `parent`, whose caller has `asked` for something.
    pub(crate) fn decide(
        &self,
        parent: Option<&SpanContext>,
        asked: Option<Decision>,
        id: TraceId,
        span: &FirstSpan<'_>,
    ) -> Sampled {
        // A child within the process: everything was said and noted when its first span began.
        let enters = parent.is_none_or(SpanContext::is_remote);
        let operation = enters.then(|| self.0.operation(span)).flatten();
        let followed = match (parent, asked) {
            _ if !self.0.parent_based => None,
            (_, Some(Decision::Deny)) => Some(false),
            (_, Some(Decision::Accept | Decision::Debug)) => Some(true),
            (_, Some(Decision::Defer)) => None,
            (parent, None) => parent.map(SpanContext::is_sampled),
        };
        let sampled = followed.unwrap_or_else(|| {
            operation.map_or_else(
                || self.0.root.samples(id, span),
                |operation| operation.samples(id),
            )
        });
        let mut result = Sampled {
            said: None,
            trace_state: parent
                .map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        };
        if sampled {
            let mut said = Vec::new();
            if enters {
                note(
                    &mut said,
                    &mut result.trace_state,
                    parent,
                    id,
                    span.kind,
                    operation,
                );
            }
            result.said = Some(said);
        }
        result
    }
}

/// What the sampler looks at beside the parent.
pub(crate) struct FirstSpan<'a> {
    /// Tells the name, which is made only when somebody asks.
    pub(crate) name: &'a dyn Fn() -> &'a str,
    pub(crate) kind: &'a SpanKind,
}

/// What was decided.
#[derive(Debug, PartialEq)]
pub(crate) struct Sampled {
    /// The attributes that the span begins with; none when it is not sampled.
    pub(crate) said: Option<Vec<KeyValue>>,
    pub(crate) trace_state: TraceState,
}

/// Notes on a span with which a trace begins or enters the process, and for all that follow, what is known of the trace.
fn note(
    said: &mut Vec<KeyValue>,
    trace_state: &mut TraceState,
    parent: Option<&SpanContext>,
    id: TraceId,
    kind: &SpanKind,
    operation: Option<Operation>,
) {
    let before = parent.map(Mark::of).unwrap_or_default();
    let mut mark = before;
    mark.kept |= matches!(operation, Some(Operation::Keep));
    // A request is answered at once, so what is asked is nearly as old as its trace; a message may have lain for days.
    if parent.is_some() && *kind == SpanKind::Server && mark.seen.is_none() {
        let now = now();
        if trace_id::age(id, now).is_none() {
            mark.seen = Some(now);
        }
    }
    if mark != before {
        *trace_state = mark.put_into(trace_state);
    }
    if mark.kept {
        said.push(TELEMETRY_KEEP.with(true).into());
    }
}

// === impl Shared ===

impl Shared {
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

    fn parent(id: TraceId, sampled: bool, remote: bool, state: &str) -> Context {
        let state: TraceState = state.parse().unwrap();
        let flags = TraceFlags::default().with_sampled(sampled);
        let span = SpanContext::new(id, SpanId::from(1), flags, remote, state);
        Context::new().with_remote_span_context(span)
    }

    fn ask(head: &Head, parent: &Context, name: &str) -> Sampled {
        let id = Some(parent.span().span_context().trace_id())
            .filter(|id| *id != TraceId::INVALID)
            .unwrap_or_else(dated);
        let name = &|| name;
        let kind = &SpanKind::Server;
        below(head, parent, id, &FirstSpan { name, kind })
    }

    fn below(head: &Head, context: &Context, id: TraceId, span: &FirstSpan<'_>) -> Sampled {
        let parent = context.span();
        let parent = parent.span_context();
        let asked = propagation::decision(context, parent);
        head.decide(
            Some(parent).filter(|parent| parent.is_valid()),
            asked,
            id,
            span,
        )
    }

    fn sampled(result: &Sampled) -> bool {
        result.said.is_some()
    }

    fn kept(result: &Sampled) -> bool {
        let said = result.said.as_ref();
        said.is_some_and(|said| said.contains(&KeyValue::new(crate::sampling::KEEP, true)))
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
                let head = Head::new(&settings(parent_based, root.clone()), &[]);
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
                (Decision::Deny, false),
                (Decision::Accept, true),
                (Decision::Debug, true),
                (Decision::Defer, other),
            ] {
                let following = Head::new(&settings(true, root.clone()), &[]);
                let lone = Context::new().with_value(decision);
                assert_eq!(
                    sampled(&ask(&following, &lone, "x")),
                    wanted,
                    "{decision:?}"
                );
                let own = Head::new(&settings(false, root.clone()), &[]);
                assert_eq!(sampled(&ask(&own, &lone, "x")), other, "{decision:?}");
            }
        }
    }

    #[test]
    fn a_caller_that_defers_is_asked_no_more_below_the_span_that_decided() {
        let head = Head::new(&settings(true, RootSampler::Always), &[]);
        let deferring = |remote| parent(dated(), false, remote, "").with_value(Decision::Defer);
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
            let head = Head::new(&settings(true, root), &operations);
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
        let head = Head::new(
            &settings(true, RootSampler::Always),
            &[("keep", Sampling::Keep)],
        );
        let root = ask(&head, &Context::new(), "keep");
        assert!(kept(&root));
        assert_eq!(root.trace_state.header(), "bidtrace=k");

        let entered = ask(
            &head,
            &parent(dated(), true, true, "a=1,bidtrace=k"),
            "other",
        );
        assert!(kept(&entered));
        assert_eq!(
            entered.trace_state.header(),
            "a=1,bidtrace=k",
            "nothing has changed"
        );

        let within = ask(&head, &parent(dated(), true, false, "bidtrace=k"), "other");
        assert!(!kept(&within), "one mark a process is enough");
        assert_eq!(within.trace_state.header(), "bidtrace=k");

        let joined = ask(&head, &parent(dated(), true, true, "a=1"), "keep");
        assert!(kept(&joined));
        assert_eq!(joined.trace_state.header(), "bidtrace=k,a=1");
    }

    #[test]
    fn what_is_not_sampled_is_not_marked_and_its_state_goes_on() {
        let head = Head::new(
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
        let head = Head::new(&settings(true, RootSampler::Always), &[]);
        assert_eq!(
            ask(&head, &Context::new(), "x").trace_state,
            TraceState::NONE
        );
        let entered = ask(&head, &parent(dated(), true, true, ""), "x");
        assert_eq!(entered.trace_state, TraceState::NONE);
    }

    #[test]
    fn a_trace_from_elsewhere_is_dated_once_by_the_first_server() {
        let head = Head::new(&settings(true, RootSampler::Always), &[]);
        let entered = ask(&head, &parent(FOREIGN, true, true, "a=1"), "x");
        let header = entered.trace_state.header();
        assert!(
            header.starts_with("bidtrace=t") && header.ends_with(",a=1"),
            "{header}"
        );
        let next = ask(&head, &parent(FOREIGN, true, true, "bidtrace=t1"), "x");
        assert_eq!(next.trace_state.header(), "bidtrace=t1");

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
