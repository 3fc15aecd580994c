//! What must hold of the files of the repository.

mod configurations;
mod image;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use conformance::mutants;

use crate::finding::Finding;
use crate::generate;
use crate::workspace::{self, Workspace};

/// What `check` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to check; everything when nothing is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Prometheus's own checker.
    #[arg(long, env = "PROMTOOL", value_name = "PROGRAM")]
    promtool: Option<PathBuf>,
    /// Alertmanager's own checker.
    #[arg(long, env = "AMTOOL", value_name = "PROGRAM")]
    amtool: Option<PathBuf>,
    /// The configuration of Prometheus, with the targets and rules that it names beside it.
    #[arg(long, value_name = "FILE")]
    prometheus_config: Option<PathBuf>,
    /// The folder `model` of the semantic conventions: compares the registries with it.
    #[arg(long, env = signals::MODEL_VARIABLE, value_name = "FOLDER")]
    semconv_model: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The patches of the mutants apply, and name transports of the matrix.
    Mutants,
    /// The locks of the separate workspaces are current.
    Locks,
    /// Every member of the workspace is in the context from which the image is built.
    Image,
    /// Alertmanager takes its configuration.
    Alertmanager,
    /// Prometheus takes its configuration, and the alert rules pass their tests.
    Prometheus,
    /// Every generated file is current.
    Generated,
}

/// Checks what is named, printing what the programs of others say.
///
/// # Errors
/// When something cannot be checked.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<Vec<Finding>> {
    let named = |part: &Part| arguments.parts.is_empty() || arguments.parts.contains(part);
    let mut findings = Vec::new();
    for part in Part::value_variants().iter().filter(|part| named(part)) {
        findings.extend(match part {
            Part::Mutants => check_mutants(root)?,
            Part::Locks => check_locks(root)?,
            Part::Image => image::check(root, &Workspace::load(root)?.members())?,
            Part::Alertmanager => {
                let amtool = given(arguments.amtool.as_deref(), "--amtool")?;
                configurations::check_alertmanager(root, amtool)?
            }
            Part::Prometheus => {
                let promtool = given(arguments.promtool.as_deref(), "--promtool")?;
                let config = given(
                    arguments.prometheus_config.as_deref(),
                    "--prometheus-config",
                )?;
                configurations::check_prometheus(root, promtool, config)?
            }
            Part::Generated => check_generated(root, arguments.semconv_model.as_deref())?,
        });
    }
    if findings.is_empty() && named(&Part::Generated) {
        println!("everything that is generated is current");
    }
    Ok(findings)
}

fn given<'a>(path: Option<&'a Path>, option: &str) -> anyhow::Result<&'a Path> {
    path.with_context(|| format!("{option} is missing; `make check` gives it"))
}

fn check_mutants(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let problems = mutants::problems(root)?;
    Ok(problems
        .iter()
        .map(|problem| Finding::new(problem.place(), problem.wrong(), problem.remedy()))
        .collect())
}

fn check_locks(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in workspace::separate(root)? {
        if !workspace::is_locked(&root.join(&folder))? {
            findings.push(Finding::new(
                folder.join("Cargo.lock").display().to_string(),
                "it is not what the manifests ask for",
                "run `make generate` and commit the result",
            ));
        }
    }
    Ok(findings)
}

fn check_generated(root: &Path, model: Option<&Path>) -> anyhow::Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = generate::files(root)?
        .stale(root)?
        .iter()
        .map(|path| {
            Finding::new(
                path.display().to_string(),
                "it is not what the generator writes",
                "run `make generate`, read the difference and commit it",
            )
        })
        .collect();
    match model {
        Some(model) => {
            let differences = signals::differences(root, model)?;
            findings.extend(differences.into_iter().map(|difference| {
                Finding::new(
                    "the registries of signals",
                    difference,
                    "mend the registry, or run `make generate` with the same model",
                )
            }));
        }
        None => println!(
            "{} names no folder: the registries are not compared with the model of the semantic conventions",
            signals::MODEL_VARIABLE
        ),
    }
    Ok(findings)
}
