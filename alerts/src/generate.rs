//! The files that follow from the objectives.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use telemetry_codegen::Files;

use crate::objectives::{self, Objective};
use crate::rule_file::{Alert, Recording, RuleFile};
use crate::{promtool, rules, runbook};

/// The first line of every generated file.
const GENERATED: &str =
    "Generated from alerts/slo.yaml and alerts/src by `make generate`; do not edit.";

/// The folder of the rules.
const RULES: &str = "alerts/generated";
/// The folder of their promtool tests.
const TESTS: &str = "alerts/generated/tests";
/// The folder of the runbook pages.
const RUNBOOKS: &str = "alerts/runbooks";

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
pub fn generated(root: &Path) -> anyhow::Result<Files> {
    content(&objectives::load(root)?)
}

fn content(objectives: &[Objective]) -> anyhow::Result<Files> {
    let rule_files = rules::files(objectives);
    let mut rules = BTreeMap::new();
    let mut tests = BTreeMap::new();
    for file in &rule_files {
        let name = format!("{}.yml", file.name);
        let rule_file = format!("# {GENERATED}\n{}", rule_file(file)?);
        rules.insert(name.clone(), rule_file);
        let test_file = promtool::test_file(file, &rule_files)?;
        tests.insert(name, format!("# {GENERATED}\n{test_file}"));
    }
    let mut files = Files::default();
    files.folder(RULES, rules);
    files.folder(TESTS, tests);
    files.folder(RUNBOOKS, BTreeMap::new());
    for (path, page) in runbook::pages(&rule_files, GENERATED) {
        files.file(path, page);
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
