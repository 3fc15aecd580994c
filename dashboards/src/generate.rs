//! The dashboards as files, and whether those on disk are they.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::grafana;

/// What every generated file says in its first line.
const GENERATED: &str = "Generated from dashboards/src by `cargo run --release -p dashboards -- generate`; do not edit.";

/// The folder that holds nothing but generated files, and that Grafana reads.
const FOLDER: &str = "dashboards/json";

/// Every dashboard by its path from the root of the repository.
///
/// # Errors
/// When a dashboard cannot be written as JSON.
pub fn files() -> anyhow::Result<BTreeMap<String, String>> {
    crate::dashboards()
        .iter()
        .map(|dashboard| {
            let name = dashboard.uid.trim_start_matches("bidtrace-");
            let mut json = grafana::json(dashboard, GENERATED);
            json.sort_all_objects();
            let text = serde_json::to_string_pretty(&json)?;
            // The origin, which sorts first, belongs in the first line.
            let text = text.replacen("{\n  \"__generated\"", "{ \"__generated\"", 1);
            Ok((format!("{FOLDER}/{name}.json"), format!("{text}\n")))
        })
        .collect()
}

/// Writes every file, and removes what is none of them. Returns what changed.
///
/// # Errors
/// When the files cannot be made or written.
pub fn write(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = files()?;
    std::fs::create_dir_all(root.join(FOLDER)).with_context(|| format!("cannot make {FOLDER}"))?;
    let mut changed = Vec::new();
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
    let files = files()?;
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
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut strangers = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {FOLDER}"))? {
        let name = format!("{FOLDER}/{}", entry?.file_name().to_string_lossy());
        if !files.contains_key(&name) {
            strangers.push(name);
        }
    }
    Ok(strangers)
}
