//! Runs the conformance matrix against the mutants.

use std::path::{Path, PathBuf};

use conformance::mutants::{self, Mutant, Runner, Verdict};

use crate::finding::Finding;
use crate::workspace::Workspace;

/// What `mutants` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only those whose names match, such as 'grpc-*'.
    #[arg(long, default_value = "*", value_name = "PATTERN")]
    only: String,
    /// Where the broken tree and the output of the runs go, from the top of the repository.
    #[arg(long, default_value = ".stack/mutants")]
    folder: PathBuf,
}

/// Breaks the code in every way that is asked for. A finding is a mutant that is not caught as its patch says.
///
/// # Errors
/// When the matrix does not hold without a mutant, or cannot be run.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<Vec<Finding>> {
    let mutants = mutants::load(root, &arguments.only)?;
    let target = Workspace::load(root)?.target().to_owned();
    let folder = root.join(&arguments.folder);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let runner = Runner::start(root, &folder, &target).await?;
        let mut findings = Vec::new();
        for mutant in &mutants {
            let verdict = runner.judge(mutant).await?;
            println!("{}: {verdict}", mutant.name);
            if !verdict.is_caught() {
                findings.push(finding(mutant, &verdict, &runner));
            }
        }
        if findings.is_empty() {
            println!("all {} mutants were caught", mutants.len());
        }
        Ok(findings)
    })
}

fn finding(mutant: &Mutant, verdict: &Verdict, runner: &Runner) -> Finding {
    let log = runner.log(&mutant.name);
    Finding::new(
        format!("{}/{}.patch", mutants::FOLDER, mutant.name),
        verdict.to_string(),
        format!(
            "read {}; mend the matrix so that it notices, or the patch",
            log.display()
        ),
    )
}
