//! The configurations of others' programs, by the checkers that come with them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::finding::Finding;

const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";
const PROMETHEUS: &str = "deploy/prometheus/prometheus.yml";
const RULES: &str = "alerts/generated";
const TESTS: &str = "alerts/generated/tests";

pub(super) fn check_alertmanager(root: &Path, amtool: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut command = Command::new(amtool);
    command.arg("check-config").arg(root.join(ALERTMANAGER));
    finding(command, ALERTMANAGER)
}

/// `config` is the configuration as it is staged, with its targets and rules beside it.
pub(super) fn check_prometheus(
    root: &Path,
    promtool: &Path,
    config: &Path,
) -> anyhow::Result<Vec<Finding>> {
    let mut command = Command::new(promtool);
    command.args(["check", "config"]).arg(config);
    let mut findings = finding(command, PROMETHEUS)?;
    let tests = tests(root)?;
    ensure!(!tests.is_empty(), "{TESTS} has no test of the alert rules");
    let mut command = Command::new(promtool);
    command.args(["test", "rules"]).args(tests);
    findings.extend(finding(command, RULES)?);
    Ok(findings)
}

fn tests(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = root.join(TESTS);
    let mut tests = Vec::new();
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        tests.push(entry?.path());
    }
    tests.sort();
    Ok(tests)
}

/// Runs a checker, whose output goes to that of this program.
fn finding(mut command: Command, place: &str) -> anyhow::Result<Vec<Finding>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    if status.success() {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(
        place,
        format!("{program} does not accept it ({status})"),
        "see what it printed above",
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_checker_does_not_accept_is_a_finding_at_its_file() {
        let root = tempfile::tempdir().unwrap();
        let accepted = check_alertmanager(root.path(), Path::new("true")).unwrap();
        assert_eq!(accepted, []);
        let refused = check_alertmanager(root.path(), Path::new("false")).unwrap();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].place, ALERTMANAGER);
    }

    #[test]
    fn a_checker_that_is_not_there_is_an_error_that_names_it() {
        let error = check_alertmanager(Path::new("."), Path::new("/absent/amtool")).unwrap_err();
        assert!(format!("{error:#}").contains("/absent/amtool"), "{error:#}");
    }
}
