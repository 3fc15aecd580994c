//! Generated files: written, or held against those on disk. For every generator of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Files by their paths from the root of the repository, in folders that hold nothing else.
#[derive(Debug)]
pub struct Generated {
    /// The folders.
    pub folders: &'static [&'static str],
    /// The content of each file.
    pub files: BTreeMap<String, String>,
}

/// Writes generated files, or says whether they are current.
#[derive(Parser)]
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

/// The command line of a generator: `generate` or `check` what `make` makes of the repository at a root.
///
/// # Errors
/// When the files cannot be made, read or written. Stale files are an exit status, not an error.
pub fn command_line(
    make: impl FnOnce(&Path) -> anyhow::Result<Generated>,
) -> anyhow::Result<ExitCode> {
    let Arguments { root, command } = Arguments::parse();
    let generated = make(&root)?;
    match command {
        Command::Generate => {
            for path in generated.write(&root)? {
                println!("{path}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => {
            let stale = generated.stale(&root)?;
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

// === impl Generated ===

impl Generated {
    /// Writes every file that is not current, and removes from the folders what is none of them. Returns what changed.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn write(&self, root: &Path) -> anyhow::Result<Vec<String>> {
        for folder in self.folders {
            std::fs::create_dir_all(root.join(folder))
                .with_context(|| format!("cannot make {folder}"))?;
        }
        let stale = self.stale(root)?;
        for path in &stale {
            match self.files.get(path) {
                Some(content) => std::fs::write(root.join(path), content)
                    .with_context(|| format!("cannot write {path}"))?,
                None => std::fs::remove_file(root.join(path))
                    .with_context(|| format!("cannot remove {path}"))?,
            }
        }
        Ok(stale)
    }

    /// The files that are missing, differ, or should not be there.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn stale(&self, root: &Path) -> anyhow::Result<Vec<String>> {
        let mut stale = self.strangers(root)?;
        for (path, content) in &self.files {
            if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(content) {
                stale.push(path.clone());
            }
        }
        stale.sort();
        Ok(stale)
    }

    fn strangers(&self, root: &Path) -> anyhow::Result<Vec<String>> {
        let mut strangers = Vec::new();
        for folder in self.folders {
            let path = root.join(folder);
            if !path.is_dir() {
                continue;
            }
            for entry in
                std::fs::read_dir(&path).with_context(|| format!("cannot read {folder}"))?
            {
                let entry = entry?;
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_file() && !self.files.contains_key(&name) {
                    strangers.push(name);
                }
            }
        }
        Ok(strangers)
    }
}
