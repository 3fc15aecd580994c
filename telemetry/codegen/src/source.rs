//! The files of a registry as they are written: Weaver's v1 syntax, as far as this crate knows what to do with it.
//!
//! What is not known is refused, since a field that is misspelt would else be left out silently.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml_ng::Value;

/// `manifest.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) schema_url: String,
    #[serde(default, rename = "description")]
    pub(super) _description: String,
    #[serde(default, rename = "stability")]
    pub(super) _stability: Stability,
    #[serde(default)]
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    #[serde(rename = "schema_url")]
    pub(super) _schema_url: String,
    pub(super) registry_path: String,
}

/// Any other file of the folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Groups {
    pub(super) groups: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: GroupKind,
    pub(super) brief: String,
    #[serde(default)]
    pub(super) note: String,
    #[serde(default)]
    pub(super) extends: Option<String>,
    #[serde(default, rename = "stability")]
    pub(super) _stability: Stability,
    #[serde(default, rename = "display_name")]
    pub(super) _display_name: String,
    #[serde(default)]
    pub(super) attributes: Vec<Value>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, Value>,
    pub(super) metric_name: Option<String>,
    pub(super) instrument: Option<Instrument>,
    pub(super) unit: Option<String>,
    pub(super) span_kind: Option<SpanKind>,
    #[serde(default)]
    pub(super) events: Vec<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GroupKind {
    AttributeGroup,
    Metric,
    Span,
    Event,
}

/// What a metric is made with; the names are those of the synchronous instruments, as the format wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Instrument {
    /// Only ever goes up.
    Counter,
    /// A value that is set.
    Gauge,
    /// Goes up and down.
    UpDownCounter,
    /// A distribution.
    Histogram,
}

/// Which side of what a span shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Asks another.
    Client,
    /// Is asked.
    Server,
    /// Makes a message.
    Producer,
    /// Works on a message.
    Consumer,
    /// Neither.
    Internal,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stability {
    Stable,
    ReleaseCandidate,
    Beta,
    Alpha,
    #[default]
    Development,
}

/// An attribute where it is defined, or where one that is defined elsewhere is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    pub(super) id: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<AttributeType>,
    pub(super) brief: Option<String>,
    #[serde(default)]
    pub(super) note: String,
    #[serde(default, rename = "examples")]
    pub(super) _examples: Value,
    #[serde(default, rename = "stability")]
    pub(super) _stability: Stability,
    #[serde(default, rename = "sampling_relevant")]
    pub(super) _sampling_relevant: bool,
    pub(super) requirement_level: Option<RequirementLevel>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum AttributeType {
    Simple(String),
    Enum(Members),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Members {
    pub(super) members: Vec<Member>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) value: String,
    #[serde(default)]
    pub(super) brief: String,
    #[serde(default, rename = "stability")]
    pub(super) _stability: Stability,
}

/// Whether an attribute is always there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum RequirementLevel {
    /// Always.
    Required,
    /// When this holds.
    ConditionallyRequired(String),
    /// When it is known, or when this holds.
    Recommended(Option<String>),
    /// When it was asked for.
    OptIn,
}

/// What this crate adds to a metric or a span, below `annotations: telemetry:`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupNotes {
    /// The upper bounds of a histogram's buckets.
    #[serde(default)]
    pub(super) buckets: Vec<f64>,
    /// For counters and gauges that are more than that.
    pub(super) shown_as: Option<ShownAs>,
    /// How a span is called; braces hold what varies.
    pub(super) span_name: Option<String>,
    /// The attributes by which a span that is named by what varies is told from others of its kind.
    #[serde(default)]
    pub(super) known_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ShownAs {
    /// A counter that is read elsewhere and shown as it is, with fractions.
    Observed,
    /// Facts as labels.
    Info,
}

/// What this crate adds to an attribute, below `annotations: telemetry:`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributeNotes {
    /// The only values that a label has.
    #[serde(default)]
    pub(super) values: Vec<String>,
    /// Values that this registry's code gives to an attribute whose set of values is open.
    #[serde(default)]
    pub(super) members: Vec<Member>,
    /// How many values a label without such a list has at most in one process.
    pub(super) at_most: Option<u32>,
}

/// Where what this crate adds is found.
const OURS: &str = "telemetry";

/// Reads what this crate adds to a group or an attribute.
pub(super) fn notes<N: DeserializeOwned + Default>(
    annotations: &BTreeMap<String, Value>,
) -> Result<N, String> {
    match annotations.get(OURS) {
        None => Ok(N::default()),
        Some(notes) => serde_yaml_ng::from_value(notes.clone())
            .map_err(|error| format!("annotations.{OURS}: {error}")),
    }
}

// === impl RequirementLevel ===

impl TryFrom<Value> for RequirementLevel {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let (level, condition) = match &value {
            Value::String(level) => (Some(level.as_str()), None),
            Value::Mapping(only) if only.len() == 1 => {
                let (level, condition) = only.iter().next().unzip();
                let condition = condition.and_then(Value::as_str).map(ToOwned::to_owned);
                (level.and_then(Value::as_str), condition)
            }
            _ => (None, None),
        };
        match (level, condition) {
            (Some("required"), None) => Ok(Self::Required),
            (Some("conditionally_required"), Some(condition)) => {
                Ok(Self::ConditionallyRequired(condition))
            }
            (Some("recommended"), condition) => Ok(Self::Recommended(condition)),
            (Some("opt_in"), None) => Ok(Self::OptIn),
            _ => Err(
                "requirement_level: is none of `required`, `conditionally_required: CONDITION`, `recommended`, \
                 `opt_in`"
                    .to_owned(),
            ),
        }
    }
}
