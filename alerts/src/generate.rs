//! The files that follow from the objectives.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::generated::Generated;
use crate::objectives::{self, Objective};
use crate::rule_file::{Alert, Recording, RuleFile};
use crate::{promtool, rules, runbook};

/// What every generated file says in its first line.
const GENERATED: &str = "Generated from alerts/slo.yaml and alerts/src by `cargo run --release -p alerts -- generate`; do not edit.";

/// The folders that hold nothing but generated files.
const FOLDERS: &[&str] = &[
    "alerts/generated",
    "alerts/generated/tests",
    "alerts/runbooks",
];

#[derive(Serialize)]
struct Groups<'a> {
    groups: Vec<GroupContent<'a>>,
}

#[derive(Serialize)]
struct GroupContent<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<&'a str>,
    rules: Vec<RuleContent<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RuleContent<'a> {
    Recording {
        record: &'a str,
        expr: &'a str,
        labels: &'a BTreeMap<&'static str, String>,
    },
    Alert {
        alert: &'a str,
        expr: String,
        #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
        pending: Option<&'a str>,
        labels: BTreeMap<&'static str, String>,
        annotations: BTreeMap<&'static str, String>,
    },
}

/// Every file that follows from the objectives of the repository at `root`.
///
/// # Errors
/// When the objectives cannot be loaded, or a scenario names an alert that is not there.
pub fn generated(root: &Path) -> anyhow::Result<Generated> {
    Ok(Generated {
        folders: FOLDERS,
        files: content(&objectives::load(root)?)?,
    })
}

fn content(objectives: &[Objective]) -> anyhow::Result<BTreeMap<String, String>> {
    let rule_files = rules::files(objectives);
    let mut files = runbook::pages(&rule_files, GENERATED);
    for file in &rule_files {
        files.insert(
            format!("alerts/generated/{}.yml", file.name),
            format!("# {GENERATED}\n{}", rule_file(file)?),
        );
        files.insert(
            format!("alerts/generated/tests/{}.yml", file.name),
            format!("# {GENERATED}\n{}", promtool::test_file(file, &rule_files)?),
        );
    }
    Ok(files)
}

fn rule_file(file: &RuleFile) -> anyhow::Result<String> {
    let groups = Groups {
        groups: file
            .groups
            .iter()
            .map(|group| GroupContent {
                name: &group.name,
                interval: group.interval,
                rules: group
                    .recordings
                    .iter()
                    .map(RuleContent::from)
                    .chain(group.alerts.iter().map(RuleContent::from))
                    .collect(),
            })
            .collect(),
    };
    Ok(serde_yaml_ng::to_string(&groups)?)
}

// === impl RuleContent ===

impl<'a> From<&'a Recording> for RuleContent<'a> {
    fn from(recording: &'a Recording) -> Self {
        Self::Recording {
            record: &recording.record,
            expr: &recording.expr,
            labels: &recording.labels,
        }
    }
}

impl<'a> From<&'a Alert> for RuleContent<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self::Alert {
            alert: &alert.name,
            expr: alert.expr(),
            pending: alert.pending,
            labels: alert.all_labels(),
            annotations: alert.annotations(),
        }
    }
}
