//! What the registries of the repository declare.

use std::collections::BTreeSet;
use std::path::Path;

use telemetry_codegen::{Metric, Registry, RegistryError, RequirementLevel, Span};

use super::{item, naming};

/// The folders of the registries, from the root of the repository.
const FOLDERS: [&str; 2] = ["telemetry/registry", "services/registry"];

/// Everything that is declared.
#[derive(Debug)]
pub struct Contract {
    pub(super) registries: Vec<Registry>,
}

// === impl Contract ===

impl Contract {
    /// Loads the registries of the repository at `root`.
    ///
    /// # Errors
    /// When one of them is not valid.
    pub fn load(root: &Path) -> Result<Self, RegistryError> {
        let registries = FOLDERS
            .iter()
            .map(|folder| Registry::load(&root.join(folder)))
            .collect::<Result<_, _>>()?;
        Ok(Self { registries })
    }

    /// Every metric, label, span and attribute that must be emitted. Attributes with the requirement level `opt_in` are
    /// not among them.
    pub fn declared(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for metric in self.metrics() {
            all.insert(item::metric(&metric.name));
            let labels = metric.labels.iter();
            all.extend(labels.map(|label| item::label(metric, label)));
        }
        for span in self.spans() {
            all.insert(item::span(span));
            let attributes = span
                .attributes
                .iter()
                .filter(|used| !matches!(used.requirement, RequirementLevel::OptIn));
            all.extend(attributes.map(|used| item::attribute(span, used.key())));
        }
        all
    }

    /// The declared attributes and labels that break a naming rule: those without a namespace, and those whose name is
    /// also the namespace of another.
    pub fn naming_problems(&self) -> Vec<String> {
        let names = self.attribute_names();
        naming::problems(&names, &names)
    }

    /// The names of all declared attributes and labels.
    pub(super) fn attribute_names(&self) -> BTreeSet<String> {
        let defined = self.registries.iter().flat_map(Registry::attributes);
        let labels = self.metrics().flat_map(|metric| &metric.labels);
        let attributes = self.spans().flat_map(|span| &span.attributes);
        let used = labels.chain(attributes).map(|used| &used.attribute);
        defined
            .chain(used)
            .map(|attribute| attribute.key.clone())
            .collect()
    }

    pub(super) fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.registries.iter().flat_map(Registry::metrics)
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.registries.iter().flat_map(Registry::spans)
    }
}
