//! Writes the rules, their tests and the runbooks, or says whether they are current.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The rules, tests and runbooks that follow from alerts/slo.yaml.
#[derive(Parser)]
#[command(name = "alerts")]
struct Arguments {
    /// The top of the repository.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write every file that is not current.
    Generate,
    /// Fail, naming them, when files are not current.
    Check,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Generate => {
            for path in alerts::write(&arguments.root)? {
                println!("{path}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => {
            let stale = alerts::stale(&arguments.root)?;
            for path in &stale {
                eprintln!("{path} is not what the generator writes");
            }
            if stale.is_empty() {
                Ok(ExitCode::SUCCESS)
            } else {
                eprintln!("run `make generate` and commit the result");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
