//! Whether what runs emits what the registries declare: nothing else, and all of it.
//!
//! A [`Contract`] is the registries of the crate and of the platform. [`Emitted`] takes in what the services expose and
//! what Jaeger has, and says what of it nobody declares and what of the declared has not come.

use crate::traces::{Kind, Span};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use telemetry::signals;
use telemetry_codegen::{
    self as registry, Metric, Registry, RegistryError, RequirementLevel, SpanKind, Use,
};

use crate::exposition::{self, Family, Sample};

/// The folders of the registries, from the top of the repository.
const FOLDERS: [&str; 2] = ["telemetry/registry", "services/registry"];

/// The labels that a bucket has, and the series that stands for those without room.
const RESERVED: [&str; 2] = ["le", "otel_metric_overflow"];

/// What Jaeger adds to the attributes of a span when it answers, such as that a clock was behind.
const OF_JAEGER: &str = "@jaeger@";

/// What is declared.
#[derive(Debug)]
pub struct Contract {
    registries: Vec<Registry>,
}

/// What was emitted so far.
#[derive(Debug)]
pub struct Emitted<'a> {
    contract: &'a Contract,
    wrong: BTreeSet<String>,
    seen: BTreeSet<String>,
    // The values of each open label of a metric in one service.
    values: BTreeMap<(String, String, String), BTreeSet<String>>,
}

// === impl Contract ===

impl Contract {
    /// The registries of the repository at `root`.
    ///
    /// # Errors
    /// When one of them cannot hold.
    pub fn load(root: &Path) -> Result<Self, RegistryError> {
        let registries = FOLDERS
            .iter()
            .map(|folder| Registry::load(&root.join(folder)))
            .collect::<Result<_, _>>()?;
        Ok(Self { registries })
    }

    /// Every metric, label, span and attribute that there is to emit. What must be asked for is not among them.
    pub fn declared(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for metric in self.metrics() {
            all.insert(of_metric(&metric.name));
            let labels = metric.labels.iter().map(|label| of_label(metric, label));
            all.extend(labels);
        }
        for span in self.spans() {
            all.insert(of_span(span));
            let given = span
                .attributes
                .iter()
                .filter(|used| !matches!(used.requirement, RequirementLevel::OptIn));
            all.extend(given.map(|used| of_attribute(span, used.key())));
        }
        all
    }

    fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.registries.iter().flat_map(Registry::metrics)
    }

    fn spans(&self) -> impl Iterator<Item = &registry::Span> {
        self.registries.iter().flat_map(Registry::spans)
    }
}

// === impl Emitted ===

impl<'a> Emitted<'a> {
    /// Nothing so far.
    pub fn new(contract: &'a Contract) -> Self {
        Self {
            contract,
            wrong: BTreeSet::new(),
            seen: BTreeSet::new(),
            values: BTreeMap::new(),
        }
    }

    /// Takes in what a service exposes, as `OpenMetrics`.
    pub fn scrape(&mut self, service: &str, text: &str) {
        let (families, unreadable) = exposition::read(text);
        for line in unreadable {
            self.wrong(format!("{service}: a line is no sample: {line}"));
        }
        let by_family: BTreeMap<String, &Metric> = self
            .contract
            .metrics()
            .map(|metric| (family_name(metric), metric))
            .collect();
        for (name, family) in families {
            match by_family.get(&name) {
                Some(metric) => self.family(service, metric, &family),
                None => self.wrong(format!("{service}: nobody declares the metric {name}")),
            }
        }
    }

    /// Takes in a span.
    pub fn span(&mut self, span: &Span) {
        let kind = match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        };
        let has = |key: &str| span.attributes.contains_key(key);
        let name = span.label();
        // One whose name is fixed is that one, and not any whose name varies.
        let declared = self
            .contract
            .spans()
            .filter(|declared| declared.is(kind, &span.name, has))
            .min_by_key(|declared| declared.name.contains('{'));
        let Some(declared) = declared else {
            self.wrong(format!("nobody declares the {kind:?} span {name}"));
            return;
        };
        self.seen.insert(of_span(declared));
        let emitted = span.attributes.iter();
        for (key, value) in emitted.filter(|(key, _)| !key.starts_with(OF_JAEGER)) {
            match declared.attributes.iter().find(|used| names(used, key)) {
                Some(used) => {
                    self.seen.insert(of_attribute(declared, used.key()));
                    if !used.allows(value) {
                        self.wrong(format!("{name}: {key} may not be {value:?}"));
                    }
                }
                None => self.wrong(format!("{name}: nobody declares the attribute {key}")),
            }
        }
        for used in declared.attributes.iter().filter(|used| used.is_required()) {
            if !has(used.key()) {
                self.wrong(format!("{name}: lacks {}, which is required", used.key()));
            }
        }
    }

    /// What was emitted and not as it is declared.
    pub fn undeclared(&self) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        for ((service, metric, label), values) in &self.values {
            let declared = self.contract.metrics().find(|known| known.name == *metric);
            let bound = declared
                .and_then(|metric| metric.labels.iter().find(|known| known.key() == *label))
                .and_then(|label| label.at_most)
                .and_then(|bound| usize::try_from(bound).ok());
            if bound.is_some_and(|bound| values.len() > bound) {
                let count = values.len();
                wrong.insert(format!(
                    "{service}: {label} of {metric} has {count} values, more than are declared"
                ));
            }
        }
        wrong.into_iter().collect()
    }

    /// What is declared and was not emitted, but for what is `excused` with a reason. Who is excused with a part of it:
    /// a metric with its labels, a span with its attributes. An excuse for what nobody declares is in the list too.
    pub fn missing(&self, excused: &[(&str, &str)]) -> Vec<String> {
        let declared = self.contract.declared();
        let is_part = |whole: &str, part: &str| {
            part.strip_prefix(whole)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        };
        let mut missing: Vec<String> = declared
            .iter()
            .filter(|item| !self.seen.contains(*item))
            .filter(|item| !excused.iter().any(|(excuse, _)| is_part(excuse, item)))
            .cloned()
            .collect();
        let idle = excused
            .iter()
            .filter(|(excuse, _)| !declared.contains(*excuse))
            .map(|(excuse, _)| format!("an excuse for what nobody declares: {excuse}"));
        missing.extend(idle);
        missing
    }

    fn family(&mut self, service: &str, metric: &Metric, family: &Family) {
        let name = &metric.name;
        let kind = match metric.kind {
            signals::Kind::Counter | signals::Kind::ObservableCounter => "counter",
            signals::Kind::Gauge => "gauge",
            signals::Kind::Histogram => "histogram",
            signals::Kind::Info => "info",
        };
        if family.kind != kind {
            self.wrong(format!("{service}: {name} is exposed as {}", family.kind));
        }
        if family.unit != unit(metric) {
            self.wrong(format!("{service}: {name} is exposed in {:?}", family.unit));
        }
        for sample in &family.samples {
            self.sample(service, metric, sample);
        }
        if metric.kind == signals::Kind::Histogram {
            let bounds: BTreeSet<u64> = family
                .samples
                .iter()
                .flat_map(|sample| &sample.labels)
                .filter(|(key, _)| key == "le")
                .filter_map(|(_, bound)| bound.parse().ok())
                .map(f64::to_bits)
                .collect();
            let declared = metric.buckets.iter().copied().chain([f64::INFINITY]);
            if !bounds.is_empty() && bounds != declared.map(f64::to_bits).collect() {
                self.wrong(format!("{service}: {name} has other buckets"));
            }
        }
    }

    fn sample(&mut self, service: &str, metric: &Metric, sample: &Sample) {
        // What starts at zero has not been emitted yet; a gauge has, whatever it says.
        let counts = matches!(metric.kind, signals::Kind::Gauge | signals::Kind::Info);
        let emitted = counts || (sample.value > 0.0 && !sample.name.ends_with("_created"));
        if emitted {
            self.seen.insert(of_metric(&metric.name));
        }
        for (key, value) in &sample.labels {
            if RESERVED.contains(&key.as_str()) {
                if key == "otel_metric_overflow" {
                    let name = &metric.name;
                    self.wrong(format!("{service}: {name} has more series than it may"));
                }
                continue;
            }
            let label = metric
                .labels
                .iter()
                .find(|used| in_prometheus(used.key()) == *key);
            let Some(label) = label else {
                // The resource may have anything.
                if metric.kind != signals::Kind::Info {
                    let name = &metric.name;
                    self.wrong(format!(
                        "{service}: nobody declares the label {key} of {name}"
                    ));
                }
                continue;
            };
            if !label.allows(value) && metric.kind != signals::Kind::Info {
                let (name, key) = (&metric.name, label.key());
                self.wrong(format!("{service}: {key} of {name} may not be {value:?}"));
            }
            if emitted && !value.is_empty() {
                self.seen.insert(of_label(metric, label));
            }
            if label.at_most.is_some() && !value.is_empty() {
                let of = (
                    service.to_owned(),
                    metric.name.clone(),
                    label.key().to_owned(),
                );
                self.values.entry(of).or_default().insert(value.clone());
            }
        }
    }

    fn wrong(&mut self, what: String) {
        self.wrong.insert(what);
    }
}

fn of_metric(name: &str) -> String {
    format!("metric {name}")
}

fn of_label(metric: &Metric, label: &Use) -> String {
    format!("metric {}: {}", metric.name, label.key())
}

fn of_span(span: &registry::Span) -> String {
    span.id.replacen("span.", "span ", 1)
}

fn of_attribute(span: &registry::Span, key: &str) -> String {
    format!("{}: {key}", of_span(span))
}

/// Whether it is this attribute, or the template that this one is of.
fn names(used: &Use, key: &str) -> bool {
    let is_template = matches!(&used.attribute.values, registry::Values::Any(kind) if kind.starts_with("template"));
    used.key() == key
        || (is_template
            && key
                .strip_prefix(used.key())
                .is_some_and(|rest| rest.starts_with('.')))
}

/// The name of the family in `OpenMetrics`, whose samples add a suffix to it.
fn family_name(metric: &Metric) -> String {
    let name = metric.prometheus_name();
    let suffix = match metric.kind {
        signals::Kind::Counter | signals::Kind::ObservableCounter => "_total",
        signals::Kind::Info => "_info",
        signals::Kind::Gauge | signals::Kind::Histogram => "",
    };
    name.strip_suffix(suffix)
        .map_or(name.clone(), str::to_owned)
}

fn in_prometheus(key: &str) -> String {
    key.replace(['.', '-'], "_")
}

/// The unit as the UNIT line has it.
fn unit(metric: &Metric) -> &str {
    match metric.unit.as_str() {
        "s" => "seconds",
        "By" => "bytes",
        "ms" => "milliseconds",
        "m" => "meters",
        "1" | "" => "",
        annotation if annotation.starts_with('{') => "",
        other => other,
    }
}

#[cfg(test)]
mod tests;
