//! From the files of a folder to what they declare: every reference is found, and what cannot hold is said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::conventions::Conventions;
use super::model::{Attribute, Use, Value, Values};
use super::source::{
    self, AttributeNotes, AttributeType, GroupKind, Groups, Manifest, Member, RequirementLevel,
};
use super::written::{TYPES, Written, line};
use super::{Registry, RegistryError};

const MANIFEST: &str = "manifest.yaml";

/// How many registries may depend on each other in a row: Weaver's limit.
const DEPTH: usize = 10;

/// What is said of an attribute whose meaning is not ours to say.
const BY_CONVENTION: &str = "As the semantic conventions define it.";

/// What a registry refers to and does not say itself.
pub(super) struct Needs {
    pub(super) attributes: BTreeSet<String>,
    pub(super) metrics: BTreeSet<String>,
}

/// All that can be referred to.
struct Known<'a> {
    own: BTreeMap<&'a str, (&'a Written, &'a source::Attribute)>,
    members: BTreeMap<&'a str, Vec<Value>>,
    groups: BTreeMap<&'a str, &'a Written>,
    dependencies: &'a [Registry],
    conventions: &'a Conventions,
}

/// Reads the registry of a folder with these conventions.
pub(super) fn load(
    folder: &Path,
    conventions: &Conventions,
    depth: usize,
) -> Result<Registry, RegistryError> {
    let (manifest, dependencies) = dependencies(folder, depth)?;
    let written = read(folder)?;
    let known = Known::of(&written, &dependencies, conventions)?;
    let mut registry = Registry {
        schema_url: manifest.schema_url,
        attributes: Vec::new(),
        metrics: Vec::new(),
        spans: Vec::new(),
        events: Vec::new(),
        conventions: conventions.clone(),
        dependencies: Vec::new(),
    };
    let mut attributes = BTreeMap::new();
    for written in &written {
        let uses = known.uses(written, 0)?;
        for used in &uses {
            let attribute = known.attribute(written, used.key())?;
            attributes.insert(used.key().to_owned(), attribute);
        }
        match written.group.kind {
            GroupKind::AttributeGroup => written.carries_nothing_else(&[])?,
            GroupKind::Metric => {
                let metric = written.metric(uses, conventions)?;
                if let Some(other) = registry
                    .metrics
                    .iter()
                    .find(|other| other.prometheus_name() == metric.prometheus_name())
                {
                    let problem = format!("is that of group {}; each has its own", other.id);
                    return Err(written.wrong("metric_name", problem));
                }
                registry.metrics.push(metric);
            }
            GroupKind::Span => registry.spans.push(written.span(uses)?),
            GroupKind::Event => registry.events.push(written.event(uses)?),
        }
    }
    for written in &written {
        for event in &written.group.events {
            if !registry.events.iter().any(|known| known.id == *event) {
                let problem = format!("`{event}` is no event of this registry");
                return Err(written.wrong("events", problem));
            }
        }
    }
    registry.attributes = attributes.into_values().collect();
    registry.dependencies = dependencies;
    check_namespaces(&written, &registry)?;
    Ok(registry)
}

/// Every name of this registry's own has a namespace, and none is the namespace of another (the conventions' rules for
/// names).
fn check_namespaces(written: &[Written], registry: &Registry) -> Result<(), RegistryError> {
    let (mut attributes, mut metrics) = (BTreeSet::new(), BTreeSet::new());
    registry.names(&mut attributes, &mut metrics);
    for group in written {
        for attribute in &group.attributes {
            if let Some(key) = &attribute.id {
                let field = format!("attribute {key}");
                check_namespace(key, &attributes).map_err(|problem| group.wrong(field, problem))?;
            }
        }
        if let Some(name) = &group.group.metric_name
            && !registry.conventions.metrics.contains_key(name)
        {
            check_namespace(name, &metrics)
                .map_err(|problem| group.wrong("metric_name", problem))?;
        }
    }
    Ok(())
}

fn check_namespace(name: &str, all: &BTreeSet<&str>) -> Result<(), String> {
    if !name.contains('.') {
        return Err(format!(
            "`{name}` has no namespace; put one before it: `kitchen.{name}`"
        ));
    }
    let inner = format!("{name}.");
    if let Some(other) = all.iter().find(|other| other.starts_with(&inner)) {
        return Err(format!(
            "`{name}` is also the namespace of `{other}`; rename one of them"
        ));
    }
    let outer = all.iter().find(|other| {
        name.strip_prefix(**other)
            .is_some_and(|rest| rest.starts_with('.'))
    });
    match outer {
        Some(other) => Err(format!(
            "`{name}` is in the namespace `{other}`, which is a name as well; rename one of them"
        )),
        None => Ok(()),
    }
}

/// What the registry of a folder refers to that only the conventions can say.
pub(super) fn needs(folder: &Path) -> Result<Needs, RegistryError> {
    let (_, dependencies) = dependencies(folder, 0)?;
    let written = read(folder)?;
    let own: BTreeSet<_> = written
        .iter()
        .flat_map(|written| &written.attributes)
        .filter_map(|attribute| attribute.id.clone())
        .collect();
    let referred: BTreeSet<_> = written
        .iter()
        .flat_map(|written| &written.attributes)
        .filter_map(|attribute| attribute.reference.clone())
        .filter(|key| !own.contains(key))
        .filter(|key| !dependencies.iter().any(|other| other.find(key).is_some()))
        .collect();
    Ok(Needs {
        attributes: referred,
        metrics: written
            .iter()
            .filter_map(|written| written.group.metric_name.clone())
            .collect(),
    })
}

fn dependencies(folder: &Path, depth: usize) -> Result<(Manifest, Vec<Registry>), RegistryError> {
    let file = folder.join(MANIFEST);
    let manifest: Manifest = parse(&file)?;
    let mut registries = Vec::new();
    for dependency in &manifest.dependencies {
        let path = &dependency.registry_path;
        if path.contains("://") {
            continue;
        }
        let near = folder.join(path);
        if depth >= DEPTH || !near.join(MANIFEST).is_file() {
            return Err(RegistryError::Malformed {
                file,
                problem: format!(
                    "dependencies: registry_path: `{path}` is no folder of a registry, seen from here, or is \
                     one of more than {DEPTH} in a row; an archive or a repository is given by its URL"
                ),
            });
        }
        registries.push(load(&near, &Conventions::beside(&near)?, depth + 1)?);
    }
    Ok((manifest, registries))
}

/// The groups of every other file, by the names of the files.
fn read(folder: &Path) -> Result<Vec<Written>, RegistryError> {
    let unreadable = |source| RegistryError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
        if is_yaml && path.file_name().is_some_and(|name| name != MANIFEST) {
            files.push(path);
        }
    }
    files.sort();
    let mut all: Vec<Written> = Vec::new();
    for file in files {
        let groups: Groups = parse(&file)?;
        for (place, group) in groups.groups.into_iter().enumerate() {
            let written = Written::of(&file, place, group)?;
            if all.iter().any(|other| other.group.id == written.group.id) {
                return Err(written.wrong("id", "is given twice; each group has its own"));
            }
            all.push(written);
        }
    }
    Ok(all)
}

fn parse<T: DeserializeOwned>(file: &Path) -> Result<T, RegistryError> {
    let text = std::fs::read_to_string(file).map_err(|source| RegistryError::Unreadable {
        path: file.to_owned(),
        source,
    })?;
    serde_yaml_ng::from_str(&text).map_err(|error| RegistryError::Malformed {
        file: file.to_owned(),
        problem: error.to_string(),
    })
}

// === impl Known ===

impl<'a> Known<'a> {
    fn of(
        written: &'a [Written],
        dependencies: &'a [Registry],
        conventions: &'a Conventions,
    ) -> Result<Self, RegistryError> {
        let mut own = BTreeMap::new();
        let mut members = BTreeMap::new();
        for group in written {
            for attribute in &group.attributes {
                if let Some((key, values)) = members_of(group, attribute)?
                    && members.insert(key, values).is_some()
                {
                    let problem = "has its `members` said twice; say all of them in one place";
                    return Err(group.wrong(format!("attribute {key}"), problem));
                }
                let Some(key) = attribute.id.as_deref() else {
                    continue;
                };
                if own.insert(key, (group, attribute)).is_some() {
                    let problem = "is defined twice; define it once and refer to it with `ref:`";
                    return Err(group.wrong(format!("attribute {key}"), problem));
                }
            }
        }
        Ok(Self {
            own,
            members,
            groups: written
                .iter()
                .map(|written| (written.group.id.as_str(), written))
                .collect(),
            dependencies,
            conventions,
        })
    }

    /// The attributes of a group: those of the group that it extends, and then its own.
    fn uses(&self, written: &Written, depth: usize) -> Result<Vec<Use>, RegistryError> {
        let mut uses = match &written.group.extends {
            None => Vec::new(),
            Some(extended) => {
                let Some(base) = self.groups.get(extended.as_str()) else {
                    let problem = format!(
                        "`{extended}` is no group of this registry; attributes of others are named one by one, with \
                         `ref:`"
                    );
                    return Err(written.wrong("extends", problem));
                };
                if depth >= DEPTH {
                    return Err(written.wrong("extends", "goes round in a circle"));
                }
                self.uses(base, depth + 1)?
            }
        };
        for attribute in &written.attributes {
            let one = self.used(written, attribute)?;
            match uses.iter_mut().find(|known| known.key() == one.key()) {
                Some(known) => *known = one,
                None => uses.push(one),
            }
        }
        Ok(uses)
    }

    fn used(&self, written: &Written, used: &source::Attribute) -> Result<Use, RegistryError> {
        let ((Some(key), None) | (None, Some(key))) = (&used.id, &used.reference) else {
            let problem = "needs either `id`, where it is defined, or `ref`";
            return Err(written.wrong("attributes", problem));
        };
        let field = format!("attribute {key}");
        if used.reference.is_some() && used.kind.is_some() {
            let problem = "has a `type` beside `ref`; the type is said where it is defined";
            return Err(written.wrong(field, problem));
        }
        let notes: AttributeNotes =
            source::notes(&used.annotations).map_err(|problem| written.wrong(&*field, problem))?;
        let mut attribute = self.attribute(written, key)?;
        if let Some(brief) = used.brief.as_ref().filter(|_| used.reference.is_some()) {
            attribute.brief = line(brief);
        }
        let mut said_by = String::new();
        if !notes.values.is_empty() {
            attribute.values = narrowed(&attribute.values, &notes.values)
                .map_err(|problem| written.wrong(&*field, problem))?;
            said_by.clone_from(&written.group.id);
        }
        let defined = match self.own.get(key.as_str()) {
            Some((group, defined)) => source::notes::<AttributeNotes>(&defined.annotations)
                .map_err(|problem| group.wrong(&*field, problem))?,
            None => AttributeNotes::default(),
        };
        Ok(Use {
            attribute,
            requirement: used
                .requirement_level
                .clone()
                .unwrap_or(RequirementLevel::Recommended(None)),
            at_most: notes.at_most.or(defined.at_most),
            said_by,
        })
    }

    /// An attribute, wherever it is defined, with the members that this registry adds.
    fn attribute(&self, written: &Written, key: &str) -> Result<Attribute, RegistryError> {
        let mut attribute = self.defined(written, key)?;
        attribute.members = self.members.get(key).cloned().unwrap_or_default();
        if attribute.members.is_empty() {
            return Ok(attribute);
        }
        let mut known = match attribute.values {
            Values::Known(known) => known,
            Values::Any(kind) if kind == "string" => Vec::new(),
            Values::Any(_) | Values::Closed(_) => {
                let problem = "`members` are added to texts or to an open set of values only";
                return Err(written.wrong(format!("attribute {key}"), problem));
            }
        };
        known.extend(attribute.members.iter().cloned());
        attribute.values = Values::Known(known);
        Ok(attribute)
    }

    fn defined(&self, written: &Written, key: &str) -> Result<Attribute, RegistryError> {
        if let Some((group, defined)) = self.own.get(key) {
            return own(group, key, defined);
        }
        if let Some(attribute) = self.dependencies.iter().find_map(|other| other.find(key)) {
            return Ok(attribute.clone());
        }
        let Some(convention) = self.conventions.attributes.get(key) else {
            let problem = "nobody defines it: neither this registry, nor one that it depends on, nor \
                           conventions.json, which is generated from the conventions' model";
            return Err(written.wrong(format!("attribute {key}"), problem));
        };
        let known = convention.members.iter().map(|member| Value {
            text: member.value.clone(),
            brief: String::new(),
            id: member.id.clone(),
        });
        Ok(Attribute {
            key: key.to_owned(),
            values: match convention.kind.as_str() {
                "enum" => Values::Known(known.collect()),
                simple => Values::Any(simple.to_owned()),
            },
            brief: BY_CONVENTION.to_owned(),
            note: String::new(),
            is_convention: true,
            members: Vec::new(),
        })
    }
}

// === impl Registry ===

impl Registry {
    /// The names of all attributes and metrics that it declares or refers to, and those of what it depends on.
    fn names<'a>(&'a self, attributes: &mut BTreeSet<&'a str>, metrics: &mut BTreeSet<&'a str>) {
        attributes.extend(
            self.attributes
                .iter()
                .map(|attribute| attribute.key.as_str()),
        );
        metrics.extend(self.metrics.iter().map(|metric| metric.name.as_str()));
        for other in &self.dependencies {
            other.names(attributes, metrics);
        }
    }

    /// An attribute that it defines or refers to.
    fn find(&self, key: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .or_else(|| self.dependencies.iter().find_map(|other| other.find(key)))
    }
}

/// The only values that an attribute has here, with what is known of them.
fn narrowed(values: &Values, only: &[String]) -> Result<Values, String> {
    let named = |text: &String| Value {
        text: text.clone(),
        brief: String::new(),
        id: text.clone(),
    };
    match values {
        Values::Any(kind) if kind == "string" => {
            Ok(Values::Closed(only.iter().map(named).collect()))
        }
        Values::Any(kind) => Err(format!("`values` are texts, and the type is {kind}")),
        Values::Known(known) => Ok(Values::Closed(
            only.iter()
                .map(|text| {
                    let known = known.iter().find(|known| known.text == *text);
                    known.cloned().unwrap_or_else(|| named(text))
                })
                .collect(),
        )),
        Values::Closed(known) => only
            .iter()
            .map(|text| {
                let known = known.iter().find(|known| known.text == *text);
                known
                    .cloned()
                    .ok_or_else(|| format!("`{text}` is none of its members"))
            })
            .collect::<Result<_, _>>()
            .map(Values::Closed),
    }
}

fn own(
    group: &Written,
    key: &str,
    defined: &source::Attribute,
) -> Result<Attribute, RegistryError> {
    let field = format!("attribute {key}");
    let Some(brief) = &defined.brief else {
        return Err(group.wrong(field, "has no `brief`"));
    };
    let values = match &defined.kind {
        None => return Err(group.wrong(field, "has no `type`")),
        Some(AttributeType::Simple(kind)) => {
            let plain = kind.strip_suffix("[]").unwrap_or(kind);
            if !TYPES.contains(&plain) {
                let problem = format!(
                    "type: `{kind}` is none of {}, an array of one of them (`string[]`), or `members:`",
                    TYPES.join(", ")
                );
                return Err(group.wrong(field, problem));
            }
            Values::Any(kind.clone())
        }
        Some(AttributeType::Enum(kind)) => Values::Closed(values_of(&kind.members)),
    };
    Ok(Attribute {
        key: key.to_owned(),
        values,
        brief: line(brief),
        note: defined.note.trim().to_owned(),
        is_convention: false,
        members: Vec::new(),
    })
}

/// The values that an attribute is given where it is written here, with its key.
fn members_of<'a>(
    group: &Written,
    attribute: &'a source::Attribute,
) -> Result<Option<(&'a str, Vec<Value>)>, RegistryError> {
    let Some(key) = attribute.id.as_deref().or(attribute.reference.as_deref()) else {
        return Ok(None);
    };
    let notes: AttributeNotes = source::notes(&attribute.annotations)
        .map_err(|problem| group.wrong(format!("attribute {key}"), problem))?;
    Ok((!notes.members.is_empty()).then(|| (key, values_of(&notes.members))))
}

fn values_of(members: &[Member]) -> Vec<Value> {
    members
        .iter()
        .map(|member| Value {
            text: member.value.clone(),
            brief: line(&member.brief),
            id: member.id.clone(),
        })
        .collect()
}
