//! The objectives of `alerts/slo.yaml`.
//!
//! [`load`] reads and checks the file, so rules can be made from every [`Objective`]. An error names the objective, the
//! field, what is wrong with it and what would be right.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod file;
mod objective;

pub use objective::{Indicator, Objective};

use file::{File, InvalidField};

/// The path of the file, from the root of the repository.
pub const PATH: &str = "alerts/slo.yaml";

/// Why the objectives cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ObjectivesError {
    /// The file cannot be read.
    #[error(
        "cannot read {path}; run this at the top of the repository, or say where that is with --root"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It is not YAML, or has unknown or missing fields.
    #[error("{PATH}: {0}")]
    Malformed(#[from] serde_yaml_ng::Error),
    /// A field of an objective is not valid.
    #[error("{PATH}: objective {objective}: {field}: {problem}")]
    Invalid {
        /// The objective's name, or its number when it has none.
        objective: String,
        /// The field, with dots between its parts.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// Reads the objectives of the repository at `root`.
///
/// # Errors
/// When the file cannot be read or is not valid.
pub fn load(root: &Path) -> Result<Vec<Objective>, ObjectivesError> {
    let path = root.join(PATH);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| ObjectivesError::Unreadable { path, source })?;
    parse(&text)
}

/// The objectives that this crate was built with, for programs that run outside the repository.
///
/// # Errors
/// When they are not valid.
pub fn built_in() -> Result<Vec<Objective>, ObjectivesError> {
    parse(include_str!("../../slo.yaml"))
}

/// Reads the objectives from the text of a file.
///
/// # Errors
/// When it is not valid.
pub fn parse(text: &str) -> Result<Vec<Objective>, ObjectivesError> {
    let file: File = serde_yaml_ng::from_str(text)?;
    let mut names = BTreeSet::new();
    file.objectives
        .into_iter()
        .enumerate()
        .map(|(index, raw)| {
            let name = if raw.name.is_empty() {
                format!("number {}", index + 1)
            } else {
                raw.name.clone()
            };
            let objective = raw.check().map_err(|InvalidField { field, problem }| {
                ObjectivesError::Invalid {
                    objective: name.clone(),
                    field,
                    problem,
                }
            })?;
            if names.insert(name.clone()) {
                Ok(objective)
            } else {
                Err(ObjectivesError::Invalid {
                    objective: name,
                    field: "name",
                    problem: "is given twice; each objective needs its own".to_owned(),
                })
            }
        })
        .collect()
}
