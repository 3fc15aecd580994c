//! The declared types of attributes, and whether a value as Jaeger returns it has them.

use telemetry_codegen::{Use, Values};

use crate::traces::{AttributeValue, ValueType};

/// The declared type of an attribute's values: `string`, `int`, `string[]` and so on. Of a template it is the type of the
/// attributes that it stands for; the values of an enumeration are strings.
pub(super) fn declared(used: &Use) -> &str {
    match &used.attribute.values {
        Values::Closed(_) | Values::Known(_) => "string",
        Values::Any(declared) => declared
            .strip_prefix("template[")
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(declared),
    }
}

/// Whether a value has the declared type.
pub(super) fn matches(declared: &str, value: &AttributeValue) -> bool {
    if declared == "any" {
        return true;
    }
    let Some(element) = declared.strip_suffix("[]") else {
        return value.kind.to_string() == declared;
    };
    match &value.kind {
        ValueType::Array(types) => types.iter().all(|kind| kind.to_string() == element),
        // Some of Jaeger's storages have no arrays, and return one as JSON text.
        ValueType::String => serde_json::from_str::<Vec<serde_json::Value>>(&value.text).is_ok(),
        _ => false,
    }
}
