//! One cell: an exchange, what it must leave behind, and what differs.

use std::fmt;
use std::panic::AssertUnwindSafe;

use conformance::{Ending, Transport};
use futures::FutureExt as _;

use crate::receiver::{Span, SpanKind};
use crate::stage::{Stage, limit};
use crate::transport;

/// What the matrix says of one span.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Kind and name: `server GET /error`.
    pub label: String,
    pub parent: Parent,
    /// The labels of the spans that it links to.
    pub links: Vec<String>,
    pub fails: bool,
    /// Attributes by key; an empty value says that there is none, `*` that there is one.
    pub attributes: Vec<(&'static str, String)>,
}

/// Whose child a span is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// Nobody's: it starts a trace.
    Nobody,
    /// That of the cell's span with this label.
    Span(String),
}

/// A series that must have grown, by its name and some of its labels.
#[derive(Debug, Clone)]
pub struct Counted {
    pub name: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub by: f64,
}

/// Plays a cell and says what differed; nothing when it holds.
pub async fn play(stage: &Stage, transport: Transport, ending: Ending) -> Vec<String> {
    stage.clear().await;
    let expected = transport::expected(transport, ending);
    let counted = transport::counted(transport, ending);
    let before = stage.scrape();
    let mut differences = Vec::new();
    let played =
        AssertUnwindSafe(Box::pin(transport::play(transport, stage, ending))).catch_unwind();
    // Longer than all that has a limit of its own in there.
    match tokio::time::timeout(limit() * 4, played).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => differences.push("an assertion failed, which is told above".to_owned()),
        Err(_) => differences.push("the exchange did not end".to_owned()),
    }
    let spans = stage.settled(expected.len()).await;
    differences.extend(compare(&expected, &spans));
    let after = stage
        .scraped(|after| {
            counted
                .iter()
                .all(|one| one.growth(&before, after) >= one.by)
        })
        .await;
    for one in &counted {
        let grown = one.growth(&before, &after);
        if (grown - one.by).abs() > f64::EPSILON {
            let Counted { name, labels, by } = one;
            differences.push(format!("{name}{labels:?} grew by {grown}, not by {by}"));
        }
    }
    differences.extend(stage.leaks(&before).await);
    let travelled = Stage::seen();
    if ending == Ending::Unsampled && travelled.is_empty() {
        differences.push("no context was seen at the receiving end".to_owned());
    }
    for context in travelled {
        let sampled = ending != Ending::Unsampled;
        if context.sampled != sampled {
            differences.push(format!(
                "the receiving end saw sampled = {}",
                context.sampled
            ));
        }
        let joined = context.trace == stage.trace();
        if joined == (ending == Ending::Malformed) {
            differences.push(format!(
                "the receiving end was in the caller's trace: {joined}"
            ));
        }
    }
    differences
}

fn compare(expected: &[Expected], spans: &[Span]) -> Vec<String> {
    let mut differences = Vec::new();
    let labelled = |label: &str| {
        spans
            .iter()
            .filter(|span| label_of(span) == label)
            .collect::<Vec<_>>()
    };
    for span in spans {
        let label = label_of(span);
        if !expected.iter().any(|one| one.label == label) {
            differences.push(format!("there is a span {label:?}, which nobody expects"));
        }
    }
    for one in expected {
        let wanted = expected
            .iter()
            .filter(|other| other.label == one.label)
            .count();
        let found = labelled(&one.label);
        if found.len() != wanted {
            differences.push(format!(
                "{:?} ended {} times, not {wanted}",
                one.label,
                found.len()
            ));
            continue;
        }
        for span in found {
            differences.extend(one.compare(span, spans));
        }
    }
    differences
}

/// Kind and name, which tell the spans of a cell apart: `server GET /error`.
fn label_of(span: &Span) -> String {
    let kind = match span.kind() {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        _ => "internal",
    };
    format!("{kind} {}", span.name())
}

impl Expected {
    pub fn new(label: impl Into<String>, parent: Parent) -> Self {
        Self {
            label: label.into(),
            parent,
            links: Vec::new(),
            fails: false,
            attributes: vec![("error.type", String::new())],
        }
    }

    pub fn child(label: impl Into<String>, of: &str) -> Self {
        Self::new(label, Parent::Span(of.to_owned()))
    }

    pub fn has(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.attributes.retain(|(known, _)| *known != key);
        self.attributes.push((key, value.into()));
        self
    }

    pub fn linked(mut self, to: &str) -> Self {
        self.links.push(to.to_owned());
        self
    }

    pub fn fails(mut self) -> Self {
        self.fails = true;
        self
    }

    fn compare(&self, span: &Span, all: &[Span]) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, found: &dyn fmt::Debug, wanted: &dyn fmt::Debug| {
            differences.push(format!(
                "{:?}: {what} is {found:?}, not {wanted:?}",
                self.label
            ));
        };
        let name_of = |id: &str| {
            all.iter()
                .find(|other| other.id() == id && other.trace_id() == span.trace_id())
                .map_or_else(|| format!("unknown {id}"), label_of)
        };
        let parent = match span.parent() {
            nobody if nobody.is_empty() => Parent::Nobody,
            id => Parent::Span(name_of(&id)),
        };
        if parent != self.parent {
            differ("the parent", &parent, &self.parent);
        }
        let links: Vec<_> = span.links().iter().map(|(_, id)| name_of(id)).collect();
        if links != self.links {
            differ("the list of links", &links, &self.links);
        }
        if span.is_error() != self.fails {
            differ("its failure", &span.is_error(), &self.fails);
        }
        for (key, wanted) in &self.attributes {
            let found = span.attribute(key);
            let right = match wanted.as_str() {
                "*" => !found.is_empty(),
                _ => found == *wanted,
            };
            if !right {
                differ(key, &found, wanted);
            }
        }
        differences
    }
}

impl Counted {
    pub fn once(name: &'static str) -> Self {
        Self {
            name,
            labels: Vec::new(),
            by: 1.0,
        }
    }

    pub fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }

    fn growth(&self, before: &str, after: &str) -> f64 {
        self.sum(after) - self.sum(before)
    }

    fn sum(&self, scrape: &str) -> f64 {
        let wanted: Vec<_> = self
            .labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        scrape
            .lines()
            .filter(|line| {
                let rest = line.strip_prefix(self.name);
                rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
                    && wanted.iter().all(|label| line.contains(label.as_str()))
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}
