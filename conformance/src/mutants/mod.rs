//! The mutants: patches that break the code on purpose, each with the transports that must notice it.

mod patch;
mod runner;
mod tree;

pub use patch::{Mutant, Problem};
pub use runner::{Runner, Verdict};

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use regex::Regex;

/// The folder of the patches, from the top of the repository.
pub const FOLDER: &str = "conformance/mutants";

/// The mutants whose names match a shell pattern (`*`, `?`), in the order of their names. `root` is the top of the
/// repository.
///
/// # Errors
/// When none matches, or a patch cannot be read.
pub fn load(root: &Path, pattern: &str) -> anyhow::Result<Vec<Mutant>> {
    let wanted = shell_pattern(pattern)?;
    let mut mutants = Vec::new();
    for path in patches(root)? {
        let mutant = Mutant::read(&path)?;
        if wanted.is_match(&mutant.name) {
            mutants.push(mutant);
        }
    }
    if mutants.is_empty() {
        bail!("no patch of {FOLDER} has a name that matches `{pattern}`");
    }
    Ok(mutants)
}

/// What is wrong with the patches: those that do not apply, and those that do not say which transports must notice.
///
/// # Errors
/// When there is no patch, or one cannot be read, or git cannot be run.
pub fn problems(root: &Path) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for mutant in load(root, "*")? {
        problems.extend(mutant.problems(root)?);
    }
    Ok(problems)
}

fn patches(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = root.join(FOLDER);
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()?;
    let mut patches: Vec<PathBuf> = entries
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "patch"))
        .collect();
    patches.sort();
    Ok(patches)
}

fn shell_pattern(pattern: &str) -> anyhow::Result<Regex> {
    let inner = regex::escape(pattern)
        .replace(r"\*", ".*")
        .replace(r"\?", ".");
    Ok(Regex::new(&format!("^{inner}$"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_pattern_matches_whole_names() {
        let matches = |pattern: &str, name: &str| shell_pattern(pattern).unwrap().is_match(name);
        assert!(matches("*", "link-forgotten"));
        assert!(matches("grpc-*", "grpc-client-header-dropped"));
        assert!(matches("ended-?wice", "ended-twice"));
        assert!(!matches("ended", "ended-twice"));
        assert!(!matches("grpc.*", "grpc-client-header-dropped"));
    }
}
