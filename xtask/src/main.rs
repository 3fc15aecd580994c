//! The development tools of this repository: what generates files, checks them, and runs the mutants. Each command has a
//! target of `make`, which also builds this program and provides the programs that it needs.

mod check;
mod finding;
mod generate;
mod mutants;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};

use finding::Finding;

/// Generates files, checks them, and runs the mutants.
#[derive(Parser)]
#[command(name = "xtask")]
struct Arguments {
    /// The top of the repository.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write every generated file that is not current, and the locks of the separate workspaces (make generate).
    Generate(generate::Arguments),
    /// Check the generated files, the configurations, the alert rules, the locks and the mutants (make check).
    Check(check::Arguments),
    /// Break the code on purpose, and see the conformance matrix notice it (make mutants).
    Mutants(mutants::Arguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            eprint!("{}", finding::report(&findings));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { root, command }: Arguments) -> anyhow::Result<Vec<Finding>> {
    let root = top(&root)?;
    match command {
        Command::Generate(arguments) => generate::run(&root, &arguments).map(|()| Vec::new()),
        Command::Check(arguments) => check::run(&root, &arguments),
        Command::Mutants(arguments) => mutants::run(&root, &arguments),
    }
}

/// The top of the repository as an absolute path.
fn top(root: &Path) -> anyhow::Result<PathBuf> {
    let root = root
        .canonicalize()
        .with_context(|| format!("{}", root.display()))?;
    ensure!(
        root.join("Cargo.toml").is_file(),
        "{} has no Cargo.toml: run this at the top of the repository, or name the top with --root",
        root.display()
    );
    Ok(root)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
