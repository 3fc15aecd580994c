//! The registry of signals: what a service emits, declared once in the YAML of OpenTelemetry Weaver's registry format
//! (v1 `groups`), and the Rust and the reference page that follow from it.
//!
//! A folder holds `manifest.yaml` and further YAML files of groups: attributes, metrics, spans, events. What the
//! semantic conventions define is referred to (`ref:`), not repeated; what of them is needed stands in
//! `conventions.json` beside them, so that no build needs their model. What the format has no field for stands below
//! `annotations: telemetry:`: a histogram's `buckets`, a label's only `values` or `at_most` how many it has,
//! `shown_as: observed` for a counter that is read elsewhere, `shown_as: info` for facts, a span's `span_name`, and
//! the attributes by which it is `known_by`. `docs/registry.md` shows each.
//!
//! [`Registry::load`] reads and checks such a folder, [`Code`] makes the Rust, [`page`] the reference, and
//! [`Files`] writes them or says which are stale: in a program, or in a test.
//!
//! ```no_run
//! use std::path::Path;
//! use telemetry_codegen::{Code, Files, Registry, page};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kitchen = Registry::load(Path::new("registry"))?;
//! let mut files = Files::default();
//! files.folder("src/generated", Code::default().without_prefix("kitchen.").of(&kitchen)?);
//! files.file("docs/signals.md", page("Signals", &[("The kitchen", &kitchen)]));
//! files.write(Path::new("."))?; // or, in a test: assert!(files.stale(Path::new("."))?.is_empty())
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod conventions;
mod files;
mod model;
mod page;
mod resolve;
mod rust;
mod source;
#[cfg(test)]
mod tests;
mod written;

pub use files::Files;
pub use model::{Attribute, Event, Metric, Span, Use, Value, Values};
pub use page::page;
pub use rust::Code;
pub use source::{Instrument, RequirementLevel, SpanKind};

use conventions::{Conventions, Model};

/// What a registry declares, whole: every reference is found.
#[derive(Debug, Clone)]
pub struct Registry {
    schema_url: String,
    attributes: Vec<Attribute>,
    metrics: Vec<Metric>,
    spans: Vec<Span>,
    events: Vec<Event>,
    conventions: Conventions,
    dependencies: Vec<Registry>,
}

/// Why a registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Something cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// It.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not of the right shape.
    #[error("{file}: {problem}", file = file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A group cannot hold.
    #[error("{file}: group {group}: {field}: {problem}", file = file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The group's id, or its place when it has none.
        group: String,
        /// Where in it.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The program that formats the code cannot be run, or does not take it.
    #[error("rustfmt: {0}; `rustup component add rustfmt` installs it")]
    Rustfmt(String),
}

// === impl Registry ===

impl Registry {
    /// Reads the registry of a folder, and those that it depends on.
    ///
    /// # Errors
    /// When a file cannot be read, has a field that is not known, or anything in it cannot hold.
    pub fn load(folder: &Path) -> Result<Self, RegistryError> {
        resolve::load(folder, &Conventions::beside(folder)?, 0)
    }

    /// The registry of a folder with its `conventions.json` made anew from the conventions' model, whose folder is
    /// `model`; that file is written when it differs.
    ///
    /// # Errors
    /// As [`load`](Self::load), and when the model has not what is referred to.
    pub fn refresh(folder: &Path, model: &Path) -> Result<Self, RegistryError> {
        let excerpt = Self::excerpt(folder, model)?;
        if Conventions::beside(folder).ok().as_ref() != Some(&excerpt) {
            let path = folder.join(conventions::FILE);
            std::fs::write(&path, excerpt.text()?)
                .map_err(|source| RegistryError::Unreadable { path, source })?;
        }
        Self::load(folder)
    }

    /// What in the registry of a folder is not as the conventions' model says, whose folder is `model`: an excerpt that is
    /// stale, or an attribute of its own that the conventions define.
    ///
    /// # Errors
    /// As [`load`](Self::load), and when the model has not what is referred to.
    pub fn differences(folder: &Path, model: &Path) -> Result<Vec<String>, RegistryError> {
        let registry = Self::load(folder)?;
        let mut differences = Vec::new();
        if Self::excerpt(folder, model)? != registry.conventions {
            let file = folder.join(conventions::FILE);
            differences.push(format!(
                "{} is not what the model says: generate it anew",
                file.display()
            ));
        }
        let own: BTreeSet<String> = registry
            .attributes
            .iter()
            .filter(|attribute| !attribute.is_convention)
            .map(|attribute| attribute.key.clone())
            .collect();
        let repeated = Model::read(model)?.excerpt(&own, &BTreeSet::new());
        differences.extend(repeated.attributes.keys().map(|key| {
            format!("attribute {key} is defined by the conventions: refer to it with `ref: {key}`")
        }));
        Ok(differences)
    }

    fn excerpt(folder: &Path, model: &Path) -> Result<Conventions, RegistryError> {
        let needs = resolve::needs(folder)?;
        Ok(Model::read(model)?.excerpt(&needs.attributes, &needs.metrics))
    }

    /// What identifies it and its version.
    pub fn schema_url(&self) -> &str {
        &self.schema_url
    }

    /// The attributes that it defines or refers to, by key.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Its metrics, in the order of the files.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Its spans, in the order of the files.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Its events, in the order of the files.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}
