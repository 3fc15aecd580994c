//! A working tree beside the repository, in which mutants are built and run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// A git worktree; it is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    path: PathBuf,
}

// === impl Tree ===

impl Tree {
    /// Makes a tree at `path` with the repository's files as they are, committed or not, but without those that git does
    /// not track.
    pub(super) fn create(root: &Path, path: &Path) -> anyhow::Result<Self> {
        let tree = Self {
            root: root.to_owned(),
            path: path.to_owned(),
        };
        // A run that was killed may have left one.
        tree.remove();
        if path.exists() {
            std::fs::remove_dir_all(path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
        // Prints nothing when everything is committed.
        let uncommitted = git(root, |git| git.args(["stash", "create"]))?;
        let commit = match uncommitted.trim() {
            "" => "HEAD",
            commit => commit,
        };
        git(root, |git| {
            git.args(["worktree", "add", "--quiet", "--detach"])
                .arg(path)
                .arg(commit)
        })?;
        Ok(tree)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Undoes the patch before and applies this one.
    pub(super) fn apply(&self, patch: &Path) -> anyhow::Result<()> {
        git(&self.path, |git| {
            git.args(["checkout", "--quiet", "--", "."])
        })?;
        git(&self.path, |git| git.arg("apply").arg(patch))?;
        Ok(())
    }

    fn remove(&self) {
        // Fails when there is none.
        let _ = git(&self.root, |git| {
            git.args(["worktree", "remove", "--force"]).arg(&self.path)
        });
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.remove();
    }
}

fn git(
    folder: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    let output = arguments(&mut command).output().context("cannot run git")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
