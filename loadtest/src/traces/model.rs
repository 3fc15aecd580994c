//! A trace as Jaeger returns it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// The span kind of OpenTelemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// An operation within a process.
    Internal,
    /// A request that the service handles.
    Server,
    /// A request that the service makes.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is processed.
    Consumer,
}

/// A link to another span, usually of another trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The other trace.
    pub trace_id: String,
    /// The span in that trace.
    pub span_id: String,
}

/// A span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// The parent's id; `None` for a root.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
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
    /// Its attributes by their keys.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// Its links.
    pub links: Vec<Link>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValue {
    /// The type with which it was sent.
    pub kind: ValueType,
    /// The value as text. An array is written as JSON.
    pub text: String,
}

/// The type of an attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueType {
    /// Text.
    String,
    /// A whole number of 64 bits.
    Int,
    /// A floating-point number.
    Double,
    /// True or false.
    Boolean,
    /// An array; the types of its elements, each once.
    Array(Vec<ValueType>),
    /// Anything else: bytes, a map, or no value.
    Other,
}

/// The spans of one trace, each once, in the order of their start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    spans: Vec<Span>,
    by_id: HashMap<String, usize>,
}

// === impl AttributeValue ===

impl AttributeValue {
    /// A text.
    pub fn string(text: impl Into<String>) -> Self {
        Self {
            kind: ValueType::String,
            text: text.into(),
        }
    }
}

// === impl ValueType ===

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::Boolean => f.write_str("boolean"),
            Self::Array(elements) => match elements.as_slice() {
                [element] => write!(f, "{element}[]"),
                [] => f.write_str("an empty array"),
                _ => f.write_str("an array of several types"),
            },
            Self::Other => f.write_str("another type"),
        }
    }
}

// === impl Span ===

impl Span {
    /// The value of an attribute as text, when the span has it.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(|value| value.text.as_str())
    }

    /// The service and the name, for messages.
    pub fn label(&self) -> String {
        format!("{} \"{}\"", self.service, self.name)
    }
}

// === impl Trace ===

impl Trace {
    /// A trace of these spans. A span that was exported twice is kept once.
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

    /// The span with this id.
    pub fn span(&self, id: &str) -> Option<&Span> {
        self.by_id.get(id).and_then(|index| self.spans.get(*index))
    }

    /// The parent of `span`, when it is there.
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        self.span(span.parent.as_deref()?)
    }

    /// The ancestors of `span`, nearest first. Ends even if the parents form a cycle.
    pub fn ancestors<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        std::iter::successors(self.parent(span), |span| self.parent(span)).take(self.spans.len())
    }

    /// The spans with this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The services that have spans in it.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans
            .iter()
            .map(|span| span.service.as_str())
            .collect()
    }

    /// The processes of `service` that have spans in it, in the order of their first spans.
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
