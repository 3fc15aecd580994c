//! A group as it is written, and what it declares when it can hold.

use std::path::{Path, PathBuf};

use serde_yaml_ng::Value as Yaml;

use super::RegistryError;
use super::conventions::Conventions;
use super::model::{Event, Metric, Span, Use, Values};
use super::source::{self, Group, GroupNotes, Instrument, ShownAs};
use telemetry::signals::Kind;

/// What an attribute can be, beside an enumeration.
pub(super) const TYPES: [&str; 4] = ["string", "int", "double", "boolean"];

/// A group with its attributes, as written.
pub(super) struct Written {
    pub(super) file: PathBuf,
    pub(super) group: Group,
    pub(super) attributes: Vec<source::Attribute>,
}

// === impl Written ===

impl Written {
    pub(super) fn of(file: &Path, place: usize, group: Yaml) -> Result<Self, RegistryError> {
        let name = match group.get("id").and_then(Yaml::as_str) {
            Some(id) => id.to_owned(),
            None => format!("number {}", place + 1),
        };
        let wrong = |field: &str, problem: String| RegistryError::Invalid {
            file: file.to_owned(),
            group: name.clone(),
            field: field.to_owned(),
            problem,
        };
        let group: Group = serde_yaml_ng::from_value(group)
            .map_err(|error| wrong("its fields", error.to_string()))?;
        let attributes = group
            .attributes
            .iter()
            .enumerate()
            .map(|(place, attribute)| {
                let name = ["id", "ref"]
                    .iter()
                    .find_map(|field| attribute.get(*field)?.as_str())
                    .map_or_else(|| format!("number {}", place + 1), ToOwned::to_owned);
                serde_yaml_ng::from_value(attribute.clone())
                    .map_err(|error| wrong(&format!("attribute {name}"), error.to_string()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            file: file.to_owned(),
            group,
            attributes,
        })
    }

    pub(super) fn wrong(
        &self,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> RegistryError {
        RegistryError::Invalid {
            file: self.file.clone(),
            group: self.group.id.clone(),
            field: field.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn notes(&self) -> Result<GroupNotes, RegistryError> {
        source::notes(&self.group.annotations).map_err(|problem| self.wrong("annotations", problem))
    }

    /// The name of the file without its ending.
    pub(super) fn subject(&self) -> String {
        self.file
            .file_stem()
            .map(|stem| stem.to_string_lossy().replace('-', "_"))
            .unwrap_or_default()
    }

    /// Fields that belong to a group of another type are mistakes.
    pub(super) fn carries_nothing_else(&self, allowed: &[&str]) -> Result<(), RegistryError> {
        let group = &self.group;
        let notes = self.notes()?;
        for (field, is_there, belongs_to) in [
            ("metric_name", group.metric_name.is_some(), "a metric"),
            ("instrument", group.instrument.is_some(), "a metric"),
            ("unit", group.unit.is_some(), "a metric"),
            ("span_kind", group.span_kind.is_some(), "a span"),
            ("events", !group.events.is_empty(), "a span"),
            ("name", group.name.is_some(), "an event"),
            ("buckets", !notes.buckets.is_empty(), "a histogram"),
            ("shown_as", notes.shown_as.is_some(), "a metric"),
            ("span_name", notes.span_name.is_some(), "a span"),
            ("known_by", !notes.known_by.is_empty(), "a span"),
        ] {
            if is_there && !allowed.contains(&field) {
                return Err(self.wrong(field, format!("belongs to {belongs_to} only")));
            }
        }
        Ok(())
    }

    pub(super) fn given<T: Clone>(
        &self,
        field: &str,
        value: Option<&T>,
    ) -> Result<T, RegistryError> {
        value
            .cloned()
            .ok_or_else(|| self.wrong(field, "is missing and needed for a group of this type"))
    }

    pub(super) fn metric(
        &self,
        labels: Vec<Use>,
        conventions: &Conventions,
    ) -> Result<Metric, RegistryError> {
        self.carries_nothing_else(&["metric_name", "instrument", "unit", "buckets", "shown_as"])?;
        let group = &self.group;
        let notes = self.notes()?;
        let name = self.given("metric_name", group.metric_name.as_ref())?;
        let instrument = self.given("instrument", group.instrument.as_ref())?;
        let unit = self.given("unit", group.unit.as_ref())?;
        let kind = match (instrument, notes.shown_as) {
            (Instrument::Counter, None) => Kind::Counter,
            (Instrument::Counter, Some(ShownAs::Observed)) => Kind::ObservableCounter,
            (Instrument::Gauge | Instrument::UpDownCounter, None) => Kind::Gauge,
            (Instrument::Gauge, Some(ShownAs::Info)) => Kind::Info,
            (Instrument::Histogram, None) => Kind::Histogram,
            (_, Some(_)) => {
                let problem = "`observed` is a counter, `info` is a gauge";
                return Err(self.wrong("annotations.telemetry.shown_as", problem));
            }
        };
        if (kind == Kind::Histogram) == notes.buckets.is_empty() {
            let problem = "every histogram has upper bounds of its buckets, and nothing else has";
            return Err(self.wrong("annotations.telemetry.buckets", problem));
        }
        if !notes.buckets.is_sorted_by(|one, next| one < next) {
            return Err(self.wrong("annotations.telemetry.buckets", "must rise"));
        }
        let convention = conventions.metrics.get(&name);
        if let Some(convention) = convention
            && (convention.instrument, &convention.unit) != (instrument, &unit)
        {
            let problem = format!(
                "the conventions have {:?} in `{}`",
                convention.instrument, convention.unit
            );
            return Err(self.wrong("instrument and unit", problem));
        }
        for label in labels.iter().filter(|_| kind != Kind::Info) {
            let field = || format!("attribute {}", label.key());
            match &label.attribute.values {
                Values::Any(kind) if !TYPES.contains(&kind.as_str()) => {
                    return Err(self.wrong(field(), format!("`{kind}` cannot be a label")));
                }
                Values::Closed(_) => {}
                Values::Any(kind) if kind == "boolean" => {}
                Values::Any(_) | Values::Known(_) if label.at_most.is_some() => {}
                Values::Any(_) | Values::Known(_) => {
                    let problem = "a label needs a bound: the only `values` it has, or `at_most` how many \
                                   there are, below annotations.telemetry";
                    return Err(self.wrong(field(), problem));
                }
            }
        }
        Ok(Metric {
            id: group.id.clone(),
            name,
            kind,
            instrument,
            unit,
            brief: line(&group.brief),
            note: group.note.trim().to_owned(),
            buckets: notes.buckets,
            labels,
            is_convention: convention.is_some(),
            file: self.subject(),
        })
    }

    pub(super) fn span(&self, attributes: Vec<Use>) -> Result<Span, RegistryError> {
        self.carries_nothing_else(&["span_kind", "events", "span_name", "known_by"])?;
        let notes = self.notes()?;
        for key in &notes.known_by {
            if !attributes.iter().any(|used| used.key() == key) {
                let problem = format!("`{key}` is none of the span's attributes");
                return Err(self.wrong("annotations.telemetry.known_by", problem));
            }
        }
        let name = self.given("annotations.telemetry.span_name", notes.span_name.as_ref())?;
        Ok(Span {
            id: self.group.id.clone(),
            name,
            kind: self.given("span_kind", self.group.span_kind.as_ref())?,
            brief: line(&self.group.brief),
            note: self.group.note.trim().to_owned(),
            known_by: notes.known_by,
            attributes,
            events: self.group.events.clone(),
        })
    }

    pub(super) fn event(&self, attributes: Vec<Use>) -> Result<Event, RegistryError> {
        self.carries_nothing_else(&["name"])?;
        Ok(Event {
            id: self.group.id.clone(),
            name: self.given("name", self.group.name.as_ref())?,
            brief: line(&self.group.brief),
            attributes,
        })
    }
}

/// Several lines as one.
pub(super) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
