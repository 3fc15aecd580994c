//! The keys of attributes, each with the type of its values.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Code;
use super::names::screaming;
use super::values::Sets;
use crate::Registry;
use crate::model::{Attribute, Values};

/// The type of an attribute's values in Rust.
struct Type<'a> {
    /// The generated type in it.
    set: Option<&'a str>,
    /// As it stands in the type of the key.
    text: String,
}

pub(super) fn keys(code: &Code, registry: &Registry, sets: &Sets<'_>) -> String {
    let mut imports = BTreeSet::new();
    let mut values = BTreeSet::new();
    let mut keys = String::new();
    for attribute in registry.attributes() {
        let Attribute { key, brief, .. } = attribute;
        let name = screaming(code.short(key));
        let of = type_of(attribute, sets);
        let kind = if is_template(attribute) {
            "AttributeTemplate"
        } else {
            "AttributeKey"
        };
        imports.insert(kind);
        if of.text.starts_with("Open<") {
            imports.insert("Open");
        }
        values.extend(of.set);
        let _ = write!(
            keys,
            "/// {brief}\npub const {name}: {kind}<{}> = {kind}::declared({key:?});\n\n",
            of.text
        );
    }
    let mut all = String::new();
    if !values.is_empty() {
        let values: Vec<_> = values.into_iter().collect();
        let _ = writeln!(all, "use super::values::{{{}}};", values.join(", "));
    }
    if !imports.is_empty() {
        let imports: Vec<_> = imports.into_iter().collect();
        let _ = write!(all, "use {}::{{{}}};\n\n", code.runtime, imports.join(", "));
    }
    all + &keys
}

fn type_of<'a>(attribute: &Attribute, sets: &'a Sets<'_>) -> Type<'a> {
    if let Some(set) = sets.known(attribute) {
        return Type {
            set: Some(set),
            text: format!("Open<{set}>"),
        };
    }
    if let Some(set) = sets.only(attribute) {
        return Type {
            set: Some(set),
            text: set.to_owned(),
        };
    }
    let text = match &attribute.values {
        Values::Any(kind) => plain(kind),
        Values::Known(_) | Values::Closed(_) => "str".to_owned(),
    };
    Type { set: None, text }
}

/// The type in Rust of what the format calls so.
fn plain(kind: &str) -> String {
    if let Some(inner) = inner_of_template(kind) {
        return plain(inner);
    }
    match (kind.strip_suffix("[]"), kind) {
        (Some("string"), _) => "[String]".to_owned(),
        (Some(element), _) => format!("[{}]", plain(element)),
        (None, "int") => "i64".to_owned(),
        (None, "double") => "f64".to_owned(),
        (None, "boolean") => "bool".to_owned(),
        (None, _) => "str".to_owned(),
    }
}

fn is_template(attribute: &Attribute) -> bool {
    matches!(&attribute.values, Values::Any(kind) if inner_of_template(kind).is_some())
}

/// `template[string[]]` is `string[]` for each name that is put behind the key.
fn inner_of_template(kind: &str) -> Option<&str> {
    kind.strip_prefix("template[")?.strip_suffix(']')
}
