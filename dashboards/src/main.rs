//! Writes the dashboards as JSON, or says whether the files are current.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The Grafana dashboards.
#[derive(Parser)]
#[command(name = "dashboards")]
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
            for path in dashboards::write(&arguments.root)? {
                println!("{path}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => {
            let stale = dashboards::stale(&arguments.root)?;
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
