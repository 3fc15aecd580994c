//! The closed sets of values that labels have, each a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Code;
use super::names::{camel, variant};
use crate::Registry;
use crate::model::{Use, Value, Values};
use telemetry::signals::Kind;

/// The closed sets of values that labels have, by the names of their types.
pub(super) struct Sets<'a> {
    pub(super) by_name: BTreeMap<String, (&'a Use, &'a [Value])>,
    // The names, by the key and the values.
    names: BTreeMap<(String, Vec<String>), String>,
}

// === impl Sets ===

impl<'a> Sets<'a> {
    pub(super) fn of(code: &Code, registry: &'a Registry) -> Self {
        let labels = || {
            let recorded = registry
                .metrics()
                .iter()
                .filter(|metric| metric.kind != Kind::Info);
            recorded.flat_map(|metric| &metric.labels)
        };
        let mut sayings: BTreeMap<&str, BTreeSet<Vec<String>>> = BTreeMap::new();
        for label in labels() {
            if let Some(texts) = texts(label) {
                sayings.entry(label.key()).or_default().insert(texts);
            }
        }
        let mut sets = Self {
            by_name: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        for label in labels() {
            let (Values::Closed(values), Some(texts)) = (&label.attribute.values, texts(label))
            else {
                continue;
            };
            let is_one = sayings.get(label.key()).is_some_and(|all| all.len() == 1);
            let name = if is_one || label.said_by.is_empty() {
                camel(label.key())
            } else {
                let said_by = label.said_by.strip_prefix("metric.");
                let said_by = code.short(said_by.unwrap_or(&label.said_by));
                camel(said_by) + &camel(label.key())
            };
            // The first that says it names it.
            let place = sets.names.entry((label.key().to_owned(), texts));
            let name = place.or_insert(name).clone();
            sets.by_name.entry(name).or_insert((label, values));
        }
        sets
    }

    /// The type of a label with a closed set of values.
    pub(super) fn name(&self, label: &Use) -> Option<&str> {
        let key = (label.key().to_owned(), texts(label)?);
        self.names.get(&key).map(String::as_str)
    }

    pub(super) fn type_of(&self, label: &Use) -> String {
        let plain = match self.name(label) {
            Some(name) => name,
            None if is_integer(label) => "i64",
            None if is_boolean(label) => "bool",
            None => "&'a str",
        };
        if label.is_required() {
            plain.to_owned()
        } else {
            format!("Option<{plain}>")
        }
    }
}

/// The only values of a label, when they are closed.
fn texts(label: &Use) -> Option<Vec<String>> {
    match &label.attribute.values {
        Values::Closed(values) => Some(values.iter().map(|value| value.text.clone()).collect()),
        Values::Known(_) | Values::Any(_) => None,
    }
}

pub(super) fn set_of_values(name: &str, label: &Use, values: &[Value]) -> String {
    let mut code = format!(
        "/// The values of `{}`: {}\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub enum {name} {{\n",
        label.key(),
        label.attribute.brief,
    );
    for value in values {
        let brief = if value.brief.is_empty() {
            format!("`{}`.", value.text)
        } else {
            value.brief.clone()
        };
        let _ = write!(code, "/// {brief}\n{},\n", variant(&value.id));
    }
    let of = |make: &dyn Fn(&str, &str) -> String| {
        values.iter().fold(String::new(), |all, value| {
            all + &make(&variant(&value.id), &value.text)
        })
    };
    let _ = write!(
        code,
        "}}\n\nimpl {name} {{\n/// All of them.\npub const ALL: [Self; {}] = [{}];\n\n/// As it is recorded.\npub const fn \
         as_str(self) -> &'static str {{ match self {{ {} }} }}\n\n/// The one that is recorded as this.\npub fn \
         from_text(text: &str) -> Option<Self> {{ Self::ALL.into_iter().find(|value| value.as_str() == text) }}\n}}\n\n",
        values.len(),
        of(&|id, _| format!("Self::{id},")),
        of(&|id, text| format!("Self::{id} => {text:?},")),
    );
    code
}

pub(super) fn is_integer(label: &Use) -> bool {
    matches!(&label.attribute.values, Values::Any(kind) if kind == "int")
}

pub(super) fn is_boolean(label: &Use) -> bool {
    matches!(&label.attribute.values, Values::Any(kind) if kind == "boolean")
}
