//! A trace as it was read from the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a span stands for between its caller and its callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work within a process.
    Internal,
    /// A request that is served.
    Server,
    /// A request that is made.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is processed.
    Consumer,
}

/// A link from one span to another, usually of another trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The other trace.
    pub trace_id: String,
    /// The span in it.
    pub span_id: String,
}

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// The parent's id; nothing for a root.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// `service.name` of its resource.
    pub service: String,
    /// `service.instance.id` of its resource: one per process.
    pub instance: String,
    /// Unix nanoseconds.
    pub start_ns: u64,
    /// Unix nanoseconds.
    pub end_ns: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Its links.
    pub links: Vec<Link>,
}

/// The spans of one trace, each once, in the order of their start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    spans: Vec<Span>,
    by_id: HashMap<String, usize>,
}

// === impl Span ===

impl Span {
    /// An attribute's text; empty when it has none of that name.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// The service and the name, for people.
    pub fn label(&self) -> String {
        format!("{} \"{}\"", self.service, self.name)
    }
}

// === impl Trace ===

impl Trace {
    /// A trace of these spans. A span that was exported twice is there once.
    pub fn new(id: impl Into<String>, mut spans: Vec<Span>) -> Self {
        spans.sort_by(|a, b| (a.start_ns, &a.id).cmp(&(b.start_ns, &b.id)));
        let mut seen = BTreeSet::new();
        spans.retain(|span| seen.insert(span.id.clone()));
        let by_id = spans
            .iter()
            .enumerate()
            .map(|(index, span)| (span.id.clone(), index))
            .collect();
        Self {
            id: id.into(),
            spans,
            by_id,
        }
    }

    /// Every span, in the order of their start.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The span of this id.
    pub fn span(&self, id: &str) -> Option<&Span> {
        self.by_id.get(id).and_then(|index| self.spans.get(*index))
    }

    /// The parent, when it is there.
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        self.span(span.parent.as_deref()?)
    }

    /// The spans above `span`, nearest first. Ends also when parents go round in a circle.
    pub fn ancestors<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        std::iter::successors(self.parent(span), |span| self.parent(span)).take(self.spans.len())
    }

    /// The spans of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The services that took part.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans
            .iter()
            .map(|span| span.service.as_str())
            .collect()
    }

    /// The processes of `service` that took part, in the order in which they did.
    pub fn instances(&self, service: &str) -> Vec<&str> {
        let mut instances = Vec::new();
        for span in self.spans.iter().filter(|span| span.service == service) {
            if !instances.contains(&span.instance.as_str()) {
                instances.push(span.instance.as_str());
            }
        }
        instances
    }
}
