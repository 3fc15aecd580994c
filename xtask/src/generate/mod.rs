//! The generated files, all of them: written, or compared with those that are committed.

mod configuration;
mod services;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use telemetry_codegen::Files;

use crate::workspace;

/// What `generate` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder `model` of the semantic conventions: writes the registries' conventions.json anew from it.
    #[arg(long, env = signals::MODEL_VARIABLE, value_name = "FOLDER")]
    semconv_model: Option<PathBuf>,
}

/// Writes every generated file that is not current, naming it, and the locks of the separate workspaces.
///
/// # Errors
/// When a source cannot be read, or a file cannot be written.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(model) = &arguments.semconv_model {
        signals::refresh_conventions(root, model)?;
    }
    for path in files(root)?.write(root)? {
        println!("{}", path.display());
    }
    for folder in workspace::separate(root)? {
        workspace::lock(&root.join(folder))?;
    }
    Ok(())
}

/// Every generated file of the repository at `root`, as its sources there and the code of this program say.
///
/// # Errors
/// When a source cannot be read or anything in it cannot hold.
pub(crate) fn files(root: &Path) -> anyhow::Result<Files> {
    let mut files = signals::generated(root).context("the registries of signals")?;
    files.extend(alerts::generated(root).context("the alert rules")?);
    files.extend(dashboards::generated().context("the dashboards")?);
    let document = gateway::openapi_json().context("the OpenAPI document")?;
    files.file("services/gateway/openapi.json", document);
    files.file(configuration::PAGE, configuration::page(root)?);
    files.extend(services::generated());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generated_file_of_the_repository_is_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let stale = files(&root).unwrap().stale(&root).unwrap();
        assert_eq!(stale, Vec::<PathBuf>::new(), "run `make generate`");
    }
}
