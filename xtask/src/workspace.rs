//! What cargo knows: the members of this workspace, where it builds, and the workspaces beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The members of the workspace, and where it builds.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    target_directory: PathBuf,
    #[serde(rename = "workspace_root")]
    root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    manifest_path: PathBuf,
}

/// The folders of the workspaces of their own below `root`, from there: those with a `Cargo.lock`, without the top itself.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn separate(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let path = root.join(&folder);
        let entries =
            std::fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                // What is built, and what belongs to git, to editors and to the running stack.
                if !text.starts_with('.') && !text.starts_with("target") {
                    open.push(folder.join(name));
                }
            } else if text == "Cargo.lock" && folder != Path::new("") {
                found.push(folder.clone());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the lock of the workspace in `folder` is what its manifest asks for.
///
/// # Errors
/// When cargo cannot be run.
pub(crate) fn is_locked(folder: &Path) -> anyhow::Result<bool> {
    let output = metadata(folder).arg("--locked").output();
    Ok(output.context("cannot run cargo")?.status.success())
}

/// Writes the lock of the workspace in `folder` anew when its manifest asks for something else.
///
/// # Errors
/// When cargo cannot be run or cannot find what is asked for.
pub(crate) fn lock(folder: &Path) -> anyhow::Result<()> {
    let output = metadata(folder).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!(
            "{}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn metadata(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["metadata", "--quiet", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"));
    command
}

// === impl Workspace ===

impl Workspace {
    /// That of the repository at `root`.
    ///
    /// # Errors
    /// When cargo cannot be run or does not take the manifests.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let output = metadata(root)
            .args(["--no-deps", "--offline"])
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("the answer of cargo metadata")
    }

    /// The folders of the members, from the top of the repository.
    pub(crate) fn members(&self) -> Vec<PathBuf> {
        self.packages
            .iter()
            .filter_map(|package| {
                let folder = package.manifest_path.parent()?;
                Some(folder.strip_prefix(&self.root).ok()?.to_owned())
            })
            .collect()
    }

    /// Where cargo builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target_directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_lock_of_its_own_is_a_workspace_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        for folder in [
            "telemetry/fuzz",
            "telemetry/src",
            "target/package/x",
            ".git",
        ] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in [
            "Cargo.lock",
            "telemetry/fuzz/Cargo.lock",
            "target/package/x/Cargo.lock",
        ] {
            std::fs::write(root.path().join(file), "").unwrap();
        }
        assert_eq!(
            separate(root.path()).unwrap(),
            [Path::new("telemetry/fuzz")]
        );
    }

    #[test]
    fn the_members_of_this_workspace_are_named_by_their_folders() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()
            .unwrap();
        let members = Workspace::load(&root).unwrap().members();
        for member in ["telemetry", "xtask", "services/gateway"] {
            assert!(members.contains(&PathBuf::from(member)), "{members:?}");
        }
    }
}
