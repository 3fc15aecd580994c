//! Writes what follows from the registries of the crate and of the platform, or says whether it is current.

use std::path::Path;
use std::process::ExitCode;

use telemetry_codegen::{Code, Files, Registry, RegistryError, page};

/// The folders of the registries.
const TELEMETRY: &str = "telemetry/registry";
const PLATFORM: &str = "services/registry";
const KITCHEN: &str = "telemetry/examples/kitchen/registry";

/// The variable that names the folder `model` of the semantic conventions.
const MODEL: &str = "SEMCONV_MODEL";

const USAGE: &str = "usage: registry generate|check, at the top of the repository";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let root = Path::new(".");
    let done = match command.as_str() {
        "generate" => generate(root),
        "check" => check(root),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn generate(root: &Path) -> Result<ExitCode, RegistryError> {
    if let Some(model) = std::env::var_os(MODEL) {
        for folder in [TELEMETRY, PLATFORM, KITCHEN] {
            Registry::refresh(&root.join(folder), Path::new(&model))?;
        }
    }
    for path in files(root)?.write(root)? {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(root: &Path) -> Result<ExitCode, RegistryError> {
    let mut complaints: Vec<String> = files(root)?
        .stale(root)?
        .iter()
        .map(|path| format!("{} is not what the generator writes", path.display()))
        .collect();
    match std::env::var_os(MODEL) {
        Some(model) => {
            for folder in [TELEMETRY, PLATFORM, KITCHEN] {
                complaints.extend(Registry::differences(
                    &root.join(folder),
                    Path::new(&model),
                )?);
            }
        }
        None => eprintln!(
            "{MODEL} names no folder: that conventions.json says what the model says is not checked"
        ),
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("run `make generate` and commit the result");
    Ok(ExitCode::FAILURE)
}

/// Every file that follows from the registries.
fn files(root: &Path) -> Result<Files, RegistryError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_registries_is_current() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let stale = files(root).unwrap().stale(root).unwrap();
        assert!(stale.is_empty(), "run `make generate`: {stale:?}");
    }
}
