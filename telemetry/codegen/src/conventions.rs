//! The conventions that a registry refers to: what of them it needs, in a small file beside it, so that nothing needs
//! the whole model, and whether that file still says what the model says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_yaml_ng::Value as Yaml;

use super::RegistryError;
use super::source::Instrument;

/// The file, in the folder of the registry. Weaver reads no JSON.
pub(super) const FILE: &str = "conventions.json";

/// What a registry needs of the conventions that it depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conventions {
    pub(super) generated: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) metrics: BTreeMap<String, Metric>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metric {
    pub(super) instrument: Instrument,
    pub(super) unit: String,
}

/// All of the conventions' model.
pub(super) struct Model {
    conventions: Conventions,
}

// === impl Conventions ===

impl Conventions {
    /// Those beside a registry; none when there is no such file.
    pub(super) fn beside(registry: &Path) -> Result<Self, RegistryError> {
        let path = registry.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| RegistryError::Malformed {
                file: path,
                problem: format!("{error}; generate it from the conventions' model"),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(RegistryError::Unreadable { path, source }),
        }
    }

    /// As the file has it.
    pub(super) fn text(&self) -> Result<String, RegistryError> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| RegistryError::Malformed {
                file: PathBuf::from(FILE),
                problem: error.to_string(),
            })?;
        text.push('\n');
        Ok(text)
    }
}

// === impl Model ===

impl Model {
    /// Reads every file of the model's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, RegistryError> {
        let mut conventions = Conventions::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let unreadable = |source| RegistryError::Unreadable {
                path: folder.clone(),
                source,
            };
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "yaml") {
                    conventions.take(&path)?;
                }
            }
        }
        if conventions.attributes.is_empty() {
            return Err(RegistryError::Malformed {
                file: folder.to_owned(),
                problem: "has no attributes; name the folder `model` of the conventions".to_owned(),
            });
        }
        Ok(Self { conventions })
    }

    /// What of it has one of these names.
    pub(super) fn excerpt(
        &self,
        attributes: &BTreeSet<String>,
        metrics: &BTreeSet<String>,
    ) -> Conventions {
        let Conventions {
            attributes: known,
            metrics: measured,
            ..
        } = &self.conventions;
        Conventions {
            generated:
                "From the model of the semantic conventions, by `telemetry-codegen`; do not edit."
                    .to_owned(),
            attributes: known
                .iter()
                .filter(|(key, _)| attributes.contains(*key))
                .map(|(key, attribute)| (key.clone(), attribute.clone()))
                .collect(),
            metrics: measured
                .iter()
                .filter(|(name, _)| metrics.contains(*name))
                .map(|(name, metric)| (name.clone(), metric.clone()))
                .collect(),
        }
    }
}

impl Conventions {
    /// Takes in what a file of the model has of attributes and metrics. Its other parts may be of any shape.
    fn take(&mut self, path: &Path) -> Result<(), RegistryError> {
        let text = std::fs::read_to_string(path).map_err(|source| RegistryError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let file: Yaml =
            serde_yaml_ng::from_str(&text).map_err(|error| RegistryError::Malformed {
                file: path.to_owned(),
                problem: error.to_string(),
            })?;
        let groups = file.get("groups").and_then(Yaml::as_sequence);
        for group in groups.into_iter().flatten() {
            let attributes = group.get("attributes").and_then(Yaml::as_sequence);
            for attribute in attributes.into_iter().flatten() {
                if let Some(key) = text_of(attribute, "id") {
                    self.attributes.insert(key, Attribute::of(attribute));
                }
            }
            let deprecated = group.get("deprecated").is_some();
            if let Some(name) = text_of(group, "metric_name").filter(|_| !deprecated)
                && let Some(instrument) = group.get("instrument")
                && let Ok(instrument) = serde_yaml_ng::from_value(instrument.clone())
            {
                let unit = text_of(group, "unit").unwrap_or_default();
                self.metrics.insert(name, Metric { instrument, unit });
            }
        }
        Ok(())
    }
}

// === impl Attribute ===

impl Attribute {
    fn of(attribute: &Yaml) -> Self {
        let kind = attribute.get("type");
        let members = kind
            .and_then(|kind| kind.get("members"))
            .and_then(Yaml::as_sequence);
        Self {
            kind: match kind.and_then(Yaml::as_str) {
                Some(simple) => simple.to_owned(),
                None => "enum".to_owned(),
            },
            members: members
                .into_iter()
                .flatten()
                .filter(|member| member.get("deprecated").is_none())
                .map(|member| Member {
                    id: text_of(member, "id").unwrap_or_default(),
                    value: text_of(member, "value").unwrap_or_default(),
                })
                .collect(),
        }
    }
}

/// A text or a number, in one line.
fn text_of(yaml: &Yaml, field: &str) -> Option<String> {
    let value = yaml.get(field)?;
    let text = match value {
        Yaml::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Yaml::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text)
}
