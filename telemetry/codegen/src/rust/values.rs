//! The sets of values that labels and attributes have, each a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Code;
use super::names::{camel, variant};
use crate::Registry;
use crate::model::{Attribute, Use, Value, Values};
use telemetry::signals::Kind;

/// The sets of values that labels and attributes have, by the names of their types.
pub(super) struct Sets<'a> {
    code: &'a Code,
    pub(super) by_name: BTreeMap<String, Set<'a>>,
    // The names, by the key and the values.
    names: BTreeMap<(String, Vec<String>), String>,
    // What the labels of a key have: one closed set, or several, or any value as well.
    of_labels: BTreeMap<&'a str, BTreeSet<Option<Vec<String>>>>,
}

/// A set of values.
#[derive(Clone, Copy)]
pub(super) struct Set<'a> {
    attribute: &'a Attribute,
    values: &'a [Value],
    /// The group that says that there are no others, when it is not the attribute's definition.
    said_by: &'a str,
}

// === impl Sets ===

impl<'a> Sets<'a> {
    pub(super) fn of(code: &'a Code, registry: &'a Registry) -> Self {
        let labels = || {
            let recorded = registry
                .metrics()
                .iter()
                .filter(|metric| metric.kind != Kind::Info);
            recorded.flat_map(|metric| &metric.labels)
        };
        let mut sets = Self {
            code,
            by_name: BTreeMap::new(),
            names: BTreeMap::new(),
            of_labels: BTreeMap::new(),
        };
        for label in labels() {
            let of_label = sets.of_labels.entry(label.key()).or_default();
            of_label.insert(texts(&label.attribute));
        }
        let of_labels = labels().map(|label| (&label.attribute, label.said_by.as_str()));
        let defined = registry.attributes().iter();
        let closed: Vec<Set<'a>> = of_labels
            .chain(defined.map(|attribute| (attribute, "")))
            .filter_map(|(attribute, said_by)| match &attribute.values {
                Values::Closed(values) => Some(Set {
                    attribute,
                    values,
                    said_by,
                }),
                Values::Known(_) | Values::Any(_) => None,
            })
            .collect();
        for set in &closed {
            let key = &set.attribute.key;
            let others = closed.iter().filter(|other| other.attribute.key == *key);
            let is_one = others.map(Set::texts).all(|other| other == set.texts());
            let name = if is_one || set.said_by.is_empty() {
                camel(code.short(key))
            } else {
                let said_by = set.said_by.strip_prefix("metric.").unwrap_or(set.said_by);
                camel(code.short(said_by)) + &camel(without_shared(key, said_by))
            };
            // The first that says it names it.
            let place = sets.names.entry((key.clone(), set.texts()));
            let name = place.or_insert(name).clone();
            sets.by_name.entry(name).or_insert(*set);
        }
        for attribute in registry.attributes() {
            if !attribute.members.is_empty() {
                let set = Set {
                    attribute,
                    values: &attribute.members,
                    said_by: "",
                };
                sets.by_name.insert(sets.name_of_known(attribute), set);
            }
        }
        sets
    }

    /// The type of the only values that an attribute has: where it is defined so, or all labels say so.
    pub(super) fn only(&self, attribute: &Attribute) -> Option<&str> {
        let texts = texts(attribute).or_else(|| {
            let mut all = self.of_labels.get(attribute.key.as_str())?.iter();
            let one = all.next()?.clone();
            one.filter(|_| all.next().is_none())
        })?;
        let name = self.names.get(&(attribute.key.clone(), texts));
        name.map(String::as_str)
    }

    /// The type of the values that are known of an attribute with others.
    pub(super) fn known(&self, attribute: &Attribute) -> Option<&str> {
        let known = self.by_name.get_key_value(&self.name_of_known(attribute));
        known.map(|(name, _)| name.as_str())
    }

    fn name_of_known(&self, attribute: &Attribute) -> String {
        format!("Known{}", camel(self.code.short(&attribute.key)))
    }

    /// The type of a label with a closed set of values.
    pub(super) fn name(&self, label: &Use) -> Option<&str> {
        let key = (label.key().to_owned(), texts(&label.attribute)?);
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

// === impl Set ===

impl Set<'_> {
    fn texts(&self) -> Vec<String> {
        self.values.iter().map(|value| value.text.clone()).collect()
    }
}

/// The only values of an attribute, when they are closed.
fn texts(attribute: &Attribute) -> Option<Vec<String>> {
    match &attribute.values {
        Values::Closed(values) => Some(values.iter().map(|value| value.text.clone()).collect()),
        Values::Known(_) | Values::Any(_) => None,
    }
}

/// A key without the namespaces that another name begins with as well.
fn without_shared<'a>(key: &'a str, other: &str) -> &'a str {
    let mut rest = key;
    for namespace in other.split('.') {
        match rest
            .strip_prefix(namespace)
            .and_then(|rest| rest.strip_prefix('.'))
        {
            Some(further) => rest = further,
            None => break,
        }
    }
    rest
}

pub(super) fn set_of_values(name: &str, set: &Set<'_>) -> String {
    let Set {
        attribute, values, ..
    } = set;
    let which = if attribute.members.is_empty() {
        "The values"
    } else {
        "Values"
    };
    let mut code = format!(
        "/// {which} of `{}`: {}\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub enum {name} {{\n",
        attribute.key, attribute.brief,
    );
    for value in *values {
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
         as_str(self) -> &'static str {{ match self {{ {} }} }}\n\n/// The variant that is recorded as this text.\npub fn \
         from_text(text: &str) -> Option<Self> {{ Self::ALL.into_iter().find(|value| value.as_str() == text) }}\n}}\n\n\
         impl AttributeEnum for {name} {{\nfn as_str(self) -> &'static str {{ Self::as_str(self) }}\n}}\n\n",
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
