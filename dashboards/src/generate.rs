//! The dashboards as files.

use alerts::generated::Generated;

use crate::grafana;

/// What every generated file says in its first line.
const GENERATED: &str = "Generated from dashboards/src by `cargo run --release -p dashboards -- generate`; do not edit.";

/// The folder that holds nothing but generated files, and that Grafana reads.
const FOLDER: &str = "dashboards/json";

/// Every dashboard as a file.
///
/// # Errors
/// When a dashboard cannot be written as JSON.
pub fn generated() -> anyhow::Result<Generated> {
    let files = crate::dashboards()
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
        .collect::<anyhow::Result<_>>()?;
    Ok(Generated {
        folders: &[FOLDER],
        files,
    })
}
