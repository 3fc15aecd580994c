//! Writes what follows from the registries of signals, at the top of the repository: the first step of `make generate`.

use std::path::Path;
use std::process::ExitCode;

use signals::MODEL_VARIABLE;
use telemetry_codegen::RegistryError;

fn main() -> ExitCode {
    match write(Path::new(".")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(root: &Path) -> Result<(), RegistryError> {
    if let Some(model) = std::env::var_os(MODEL_VARIABLE) {
        signals::refresh_conventions(root, Path::new(&model))?;
    }
    for path in signals::generated(root)?.write(root)? {
        println!("{}", path.display());
    }
    Ok(())
}
