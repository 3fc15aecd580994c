//! The dashboards as files.

use telemetry_codegen::Files;

use crate::grafana;

/// What every generated file says in its first line.
const GENERATED: &str = "Generated from dashboards/src by `make generate`; do not edit.";

/// The folder that holds nothing but generated files, and that Grafana reads.
const FOLDER: &str = "dashboards/json";

/// Every dashboard as a file.
///
/// # Errors
/// When a dashboard cannot be written as JSON.
pub fn generated() -> anyhow::Result<Files> {
    let content = crate::dashboards()
        .iter()
        .map(|dashboard| {
            let name = dashboard.uid.trim_start_matches("bidtrace-");
            let mut json = grafana::json(dashboard, GENERATED);
            json.sort_all_objects();
            let text = serde_json::to_string_pretty(&json)?;
            // The origin, which sorts first, belongs in the first line.
            let text = text.replacen("{\n  \"__generated\"", "{ \"__generated\"", 1);
            Ok((format!("{name}.json"), format!("{text}\n")))
        })
        .collect::<anyhow::Result<_>>()?;
    let mut files = Files::default();
    files.folder(FOLDER, content);
    Ok(files)
}
