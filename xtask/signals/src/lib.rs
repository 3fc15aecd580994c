//! What follows from the registries of signals: the Rust of the crate, of the platform and of the example, and
//! `docs/signals.md`.
//!
//! A crate of its own, apart from `xtask`: that one imports services, dashboards and alerts, which may already use a name
//! that is only made here.

use std::path::Path;

use telemetry_codegen::{Code, Files, Registry, RegistryError, page};

/// The variable that names the folder `model` of the semantic conventions.
pub const MODEL_VARIABLE: &str = "SEMCONV_MODEL";

/// The folders of the registries, from the top of the repository.
const TELEMETRY: &str = "telemetry/registry";
const PLATFORM: &str = "services/registry";
const KITCHEN: &str = "telemetry/examples/kitchen/registry";

/// Every file that follows from the registries of the repository at `root`.
///
/// # Errors
/// When a registry cannot be read or anything in it cannot hold.
pub fn generated(root: &Path) -> Result<Files, RegistryError> {
    let telemetry = Registry::load(&root.join(TELEMETRY))?;
    let platform = Registry::load(&root.join(PLATFORM))?;
    let code = Code::default().command("make generate");
    let mut files = Files::default();
    let own = code.clone().runtime("crate::signals");
    files.folder(
        "telemetry/src/metrics/signals/generated",
        own.of(&telemetry)?,
    );
    let services = code.clone().without_prefix("bidtrace.");
    files.folder("services/registry/src/generated", services.of(&platform)?);
    let kitchen = Registry::load(&root.join(KITCHEN))?;
    let example = code.without_prefix("kitchen.");
    files.folder("telemetry/examples/kitchen/signals", example.of(&kitchen)?);
    let chapters = [
        ("The telemetry crate", &telemetry),
        ("The platform", &platform),
    ];
    files.file("docs/signals.md", page("Signals", &chapters));
    Ok(files)
}

/// Writes every registry's `conventions.json` anew from the model of the semantic conventions in the folder `model`.
///
/// # Errors
/// When the model cannot be read, or lacks something that a registry refers to.
pub fn refresh_conventions(root: &Path, model: &Path) -> Result<(), RegistryError> {
    for folder in [TELEMETRY, PLATFORM, KITCHEN] {
        Registry::refresh(&root.join(folder), model)?;
    }
    Ok(())
}

/// What in the registries is not as the model of the semantic conventions in the folder `model` says.
///
/// # Errors
/// When the model cannot be read, or lacks something that a registry refers to.
pub fn differences(root: &Path, model: &Path) -> Result<Vec<String>, RegistryError> {
    let mut differences = Vec::new();
    for folder in [TELEMETRY, PLATFORM, KITCHEN] {
        differences.extend(Registry::differences(&root.join(folder), model)?);
    }
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_registries_is_current() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let stale = generated(root).unwrap().stale(root).unwrap();
        assert!(stale.is_empty(), "run `make generate`: {stale:?}");
    }
}
