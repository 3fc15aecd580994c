//! The files that follow from the objectives, and whether those on disk are they.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::model::{self, Objective};
use crate::rules::{Alert, Recording, RuleFile};
use crate::{promtool, rules, runbook};

/// What every generated file says in its first line.
pub(crate) const GENERATED: &str = "Generated from alerts/slo.yaml and alerts/src by `cargo run --release -p alerts -- generate`; do not edit.";

/// The folders that hold nothing but generated files.
const FOLDERS: [&str; 3] = [
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
        #[serde(rename = "for", skip_serializing_if = "str::is_empty")]
        pending: &'a str,
        labels: BTreeMap<&'static str, String>,
        annotations: BTreeMap<&'static str, String>,
    },
}

/// Every generated file by its path from the root of the repository.
///
/// # Errors
/// When the objectives cannot be loaded, or a scenario names an alert that is not there.
pub fn files(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    content(&model::load(root)?)
}

fn content(objectives: &[Objective]) -> anyhow::Result<BTreeMap<String, String>> {
    let rule_files = rules::files(objectives);
    let mut files = runbook::pages(&rule_files);
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

/// Writes every file, and removes from the folders what is none of them. Returns what changed.
///
/// # Errors
/// When the files cannot be made or written.
pub fn write(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = files(root)?;
    let mut changed = Vec::new();
    for folder in FOLDERS {
        std::fs::create_dir_all(root.join(folder))
            .with_context(|| format!("cannot make {folder}"))?;
    }
    for (path, content) in &files {
        if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(content) {
            std::fs::write(root.join(path), content)
                .with_context(|| format!("cannot write {path}"))?;
            changed.push(path.clone());
        }
    }
    for path in strangers(root, &files)? {
        std::fs::remove_file(root.join(&path)).with_context(|| format!("cannot remove {path}"))?;
        changed.push(path);
    }
    Ok(changed)
}

/// The files that are missing, differ, or should not be there.
///
/// # Errors
/// When the files cannot be made or read.
pub fn stale(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = files(root)?;
    let mut stale = strangers(root, &files)?;
    for (path, content) in &files {
        if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(content) {
            stale.push(path.clone());
        }
    }
    stale.sort();
    Ok(stale)
}

fn strangers(root: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<Vec<String>> {
    let mut strangers = Vec::new();
    for folder in FOLDERS {
        let path: PathBuf = root.join(folder);
        if !path.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&path).with_context(|| format!("cannot read {folder}"))? {
            let entry = entry?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_file() && !files.contains_key(&name) {
                strangers.push(name);
            }
        }
    }
    Ok(strangers)
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
