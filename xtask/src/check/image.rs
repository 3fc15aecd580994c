//! The context from which the image is built: `.dockerignore` leaves out everything that it does not name.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::finding::Finding;

const FILE: &str = ".dockerignore";

/// Every member of the workspace must be in the context: cargo refuses to build without one.
pub(super) fn check(root: &Path, members: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let text =
        std::fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    Ok(left_out(&text, members)
        .map(|member| {
            let member = member.display();
            Finding::new(
                FILE,
                format!(
                    "it leaves out {member}, a member of the workspace, so the image does not build"
                ),
                format!("add a line `!{member}`, or one for a folder above it"),
            )
        })
        .collect())
}

/// The members that no line allows: `!PATH` allows a path and everything below it.
fn left_out<'a>(text: &str, members: &'a [PathBuf]) -> impl Iterator<Item = &'a PathBuf> {
    let allowed: Vec<PathBuf> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix('!'))
        .map(|path| PathBuf::from(path.trim_matches('/')))
        .collect();
    members
        .iter()
        .filter(move |member| !allowed.iter().any(|path| member.starts_with(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_no_line_allows_is_left_out() {
        let text = "# allowed\n*\n!Cargo.toml\n!telemetry\n!services/\n**/target\n";
        let members = ["telemetry/codegen", "services/order", "tele", "xtask"].map(PathBuf::from);
        let left_out: Vec<_> = left_out(text, &members).collect();
        assert_eq!(left_out, [Path::new("tele"), Path::new("xtask")]);
    }

    #[test]
    fn a_member_that_is_left_out_is_a_finding_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(FILE), "*\n!telemetry\n").unwrap();
        let members = [PathBuf::from("telemetry"), PathBuf::from("xtask")];
        let findings = check(root.path(), &members).unwrap();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, FILE);
        assert!(findings[0].wrong.contains("xtask"), "{findings:?}");
    }
}
