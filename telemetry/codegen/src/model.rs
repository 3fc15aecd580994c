//! What a registry declares, with all that it refers to.

use super::source::{Instrument, RequirementLevel, SpanKind};
use telemetry::signals::Kind;

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The id of its group.
    pub id: String,
    /// `http.server.request.duration`.
    pub name: String,
    /// What it is, as Prometheus tells it.
    pub kind: Kind,
    /// What it is, as OpenTelemetry tells it.
    pub instrument: Instrument,
    /// In UCUM.
    pub unit: String,
    /// One sentence.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// The upper bounds of a histogram's buckets.
    pub buckets: Vec<f64>,
    /// Its labels, in their order.
    pub labels: Vec<Use>,
    /// Whether the conventions have it.
    pub is_convention: bool,
    pub(super) file: String,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// `http.request.method`.
    pub key: String,
    /// What its values are.
    pub values: Values,
    /// One sentence.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// Whether the conventions have it.
    pub is_convention: bool,
    /// The values that the registry's own code gives to it, when its set of values is open.
    pub members: Vec<Value>,
}

/// An attribute where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The attribute, with what its use says otherwise.
    pub attribute: Attribute,
    /// Whether it is always there.
    pub requirement: RequirementLevel,
    /// How many values it has at most in one process, when that is stated.
    pub at_most: Option<u32>,
    // The group that says so, for the name of its values.
    pub(super) said_by: String,
}

/// The values of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// These texts and no others.
    Closed(Vec<Value>),
    /// These texts or others: an enumeration of the conventions, which are open, or an attribute with
    /// [members](Attribute::members).
    Known(Vec<Value>),
    /// `string`, `int`, `double`, `boolean`, an array of one of them, or a template.
    Any(String),
}

/// One value of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As it is recorded.
    pub text: String,
    /// What it means.
    pub brief: String,
    pub(super) id: String,
}

/// A span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The id of its group.
    pub id: String,
    /// How it is called; braces hold what varies.
    pub name: String,
    /// Which side it shows.
    pub kind: SpanKind,
    /// One sentence.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// The attributes by which it is told from others of its kind.
    pub known_by: Vec<String>,
    /// What it carries.
    pub attributes: Vec<Use>,
    /// The ids of the events that it may have.
    pub events: Vec<String>,
}

/// An event of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id of its group.
    pub id: String,
    /// How it is called.
    pub name: String,
    /// One sentence.
    pub brief: String,
    /// What it carries.
    pub attributes: Vec<Use>,
}

// === impl Metric ===

impl Metric {
    /// The name under which Prometheus knows it.
    pub fn prometheus_name(&self) -> String {
        telemetry::signals::prometheus_name(&self.name, &self.unit, self.kind)
    }
}

// === impl Use ===

impl Use {
    /// `http.request.method`.
    pub fn key(&self) -> &str {
        &self.attribute.key
    }

    /// Whether it is always there.
    pub fn is_required(&self) -> bool {
        self.requirement == RequirementLevel::Required
    }

    /// Whether a value is one that it may have.
    pub fn allows(&self, value: &str) -> bool {
        match &self.attribute.values {
            Values::Closed(values) => {
                values.iter().any(|allowed| allowed.text == value)
                    || (value.is_empty() && !self.is_required())
            }
            Values::Known(_) => true,
            Values::Any(kind) => match kind.as_str() {
                "int" => value.parse::<i64>().is_ok() || (value.is_empty() && !self.is_required()),
                "double" => value.parse::<f64>().is_ok(),
                "boolean" => value.parse::<bool>().is_ok(),
                _ => true,
            },
        }
    }
}

// === impl Span ===

impl Span {
    /// Whether a span of this kind and name, with attributes of these keys, is such a one.
    pub fn is(&self, kind: SpanKind, name: &str, has: impl Fn(&str) -> bool) -> bool {
        self.kind == kind && self.is_called(name, &has) && self.known_by.iter().all(|key| has(key))
    }

    /// Whether the name is this one, whatever stands for what varies. An attribute that is not there is missing from the
    /// name as well, with the blank before it.
    fn is_called(&self, name: &str, has: &impl Fn(&str) -> bool) -> bool {
        let mut called = self.name.clone();
        for used in self.attributes.iter().filter(|used| !has(used.key())) {
            called = called.replace(&format!(" {{{}}}", used.key()), "");
        }
        let mut rest = name;
        let mut pieces = called.split('{');
        let Some(after) = rest.strip_prefix(pieces.next().unwrap_or_default()) else {
            return false;
        };
        rest = after;
        let mut varies = false;
        for piece in pieces {
            let fixed = piece.split_once('}').map_or("", |(_, fixed)| fixed);
            varies = fixed.is_empty();
            match rest.find(fixed) {
                Some(at) => rest = &rest[at + fixed.len()..],
                None => return false,
            }
        }
        varies || rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Span {
        Span {
            id: "span.test".to_owned(),
            name: name.to_owned(),
            kind: SpanKind::Internal,
            brief: String::new(),
            note: String::new(),
            known_by: vec!["order.id".to_owned()],
            attributes: Vec::new(),
            events: Vec::new(),
        }
    }

    #[test]
    fn a_span_is_known_by_its_kind_its_name_and_its_attributes() {
        let is = |name: &str, given: &str| named(name).is(SpanKind::Internal, given, |_| true);
        assert!(is("auction.award", "auction.award"));
        assert!(!is("auction.award", "auction.awards"));
        assert!(is("{method} {route}", "GET /dishes"));
        assert!(is("event {name}", "event /dishes/{id}"));
        assert!(!is("event {name}", "events"));
        assert!(is("{name}.links", "auction.award.links"));
        assert!(!is("{name}.links", "auction.award.linked"));
        assert!(
            !is("{method} {route}", "GET"),
            "the route is none of its attributes"
        );
        let award = named("auction.award");
        assert!(!award.is(SpanKind::Client, "auction.award", |_| true));
        assert!(!award.is(SpanKind::Internal, "auction.award", |_| false));
    }
}
