//! The check of what the services emit.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::signals;
use telemetry_codegen::{self as codegen, Metric, Use, Values};

use super::declarations::Contract;
use super::{item, naming, types};
use crate::exposition::{self, Family, Sample};
use crate::traces::{AttributeValue, Span, SpanKind};

/// The label of the series that collects what exceeds a metric's maximum of series.
const OVERFLOW_LABEL: &str = "otel_metric_overflow";

/// The labels that no metric declares.
const RESERVED_LABELS: [&str; 2] = ["le", OVERFLOW_LABEL];

/// The prefix of the attributes that Jaeger adds to a span, such as warnings about clock skew.
const JAEGER_PREFIX: &str = "@jaeger@";

/// The check of emitted metrics and spans against a contract.
#[derive(Debug)]
pub struct LiveCheck<'a> {
    contract: &'a Contract,
    violations: BTreeSet<String>,
    /// The declared items that were emitted.
    seen: BTreeSet<String>,
    /// The names of the emitted attributes and labels.
    names: BTreeSet<String>,
    /// The values of each label with a declared maximum, by service, metric and label.
    values: BTreeMap<(String, String, String), BTreeSet<String>>,
}

// === impl LiveCheck ===

impl<'a> LiveCheck<'a> {
    /// A check that has not seen anything yet.
    pub fn new(contract: &'a Contract) -> Self {
        Self {
            contract,
            violations: BTreeSet::new(),
            seen: BTreeSet::new(),
            names: BTreeSet::new(),
            values: BTreeMap::new(),
        }
    }

    /// Checks the metrics of a service, in `OpenMetrics` text.
    pub fn metrics(&mut self, service: &str, text: &str) {
        let (families, unreadable) = exposition::parse(text);
        for line in unreadable {
            self.violation(format!("{service}: a line cannot be parsed: {line}"));
        }
        let by_family: BTreeMap<String, &Metric> = self
            .contract
            .metrics()
            .map(|metric| (family_name(metric), metric))
            .collect();
        for (name, family) in families {
            match by_family.get(&name) {
                Some(metric) => self.family(service, metric, &family),
                None => self.violation(format!("{service}: the metric {name} is not declared")),
            }
        }
    }

    /// Checks a span.
    pub fn span(&mut self, span: &Span) {
        let kind = match span.kind {
            SpanKind::Internal => codegen::SpanKind::Internal,
            SpanKind::Server => codegen::SpanKind::Server,
            SpanKind::Client => codegen::SpanKind::Client,
            SpanKind::Producer => codegen::SpanKind::Producer,
            SpanKind::Consumer => codegen::SpanKind::Consumer,
        };
        let has = |key: &str| span.attributes.contains_key(key);
        let name = span.label();
        // A declaration with a fixed name takes precedence over one whose name has variable parts.
        let declared = self
            .contract
            .spans()
            .filter(|declared| declared.is(kind, &span.name, has))
            .min_by_key(|declared| declared.name.contains('{'));
        let Some(declared) = declared else {
            self.violation(format!("the {kind:?} span {name} is not declared"));
            return;
        };
        self.seen.insert(item::span(declared));
        let emitted = span.attributes.iter();
        for (key, value) in emitted.filter(|(key, _)| !key.starts_with(JAEGER_PREFIX)) {
            let Some(used) = declared.attributes.iter().find(|used| names(used, key)) else {
                self.names.insert(key.clone());
                self.violation(format!("{name}: the attribute {key} is not declared"));
                continue;
            };
            self.seen.insert(item::attribute(declared, used.key()));
            self.names.insert(used.key().to_owned());
            let (kind, AttributeValue { kind: sent, text }) = (types::declared(used), value);
            if !types::matches(kind, value) {
                self.violation(format!(
                    "{name}: {key} is declared as {kind} and was sent as {sent}"
                ));
            } else if !used.allows(text) {
                self.violation(format!("{name}: {key} may not be {text:?}"));
            }
        }
        for used in declared.attributes.iter().filter(|used| used.is_required()) {
            if !has(used.key()) {
                self.violation(format!(
                    "{name}: the required attribute {} is missing",
                    used.key()
                ));
            }
        }
    }

    /// What was emitted and is not as it is declared.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = self.violations.clone();
        for ((service, metric, label), values) in &self.values {
            let declared = self.contract.metrics().find(|known| known.name == *metric);
            let bound = declared
                .and_then(|metric| metric.labels.iter().find(|known| known.key() == *label))
                .and_then(|label| label.at_most)
                .and_then(|bound| usize::try_from(bound).ok());
            if bound.is_some_and(|bound| values.len() > bound) {
                let count = values.len();
                violations.insert(format!(
                    "{service}: {label} of {metric} has {count} values, more than are declared"
                ));
            }
        }
        violations.into_iter().collect()
    }

    /// The emitted attributes and labels that break a naming rule: those without a namespace, and those whose name is
    /// also the namespace of another, emitted or declared.
    pub fn naming_problems(&self) -> Vec<String> {
        let all = &self.contract.attribute_names() | &self.names;
        naming::problems(&self.names, &all)
    }

    /// What is declared and was not emitted, except for the `exceptions`, each an item and a reason. An exception for a
    /// metric also covers its labels, and one for a span its attributes. An exception for an item that is not declared is
    /// in the list too.
    pub fn missing(&self, exceptions: &[(&str, &str)]) -> Vec<String> {
        let declared = self.contract.declared();
        let is_part = |whole: &str, part: &str| {
            part.strip_prefix(whole)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        };
        let mut missing: Vec<String> = declared
            .iter()
            .filter(|item| !self.seen.contains(*item))
            .filter(|item| !exceptions.iter().any(|(whole, _)| is_part(whole, item)))
            .cloned()
            .collect();
        let unused = exceptions
            .iter()
            .filter(|(item, _)| !declared.contains(*item))
            .map(|(item, _)| format!("an exception for what is not declared: {item}"));
        missing.extend(unused);
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
            self.violation(format!("{service}: {name} is exposed as {}", family.kind));
        }
        if family.unit != unit(metric) {
            self.violation(format!("{service}: {name} is exposed in {:?}", family.unit));
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
                self.violation(format!("{service}: {name} has other buckets than declared"));
            }
        }
    }

    fn sample(&mut self, service: &str, metric: &Metric, sample: &Sample) {
        // A counter is initialised with zero, so it has been emitted only once it is larger; a gauge always has.
        let is_value = matches!(metric.kind, signals::Kind::Gauge | signals::Kind::Info);
        let emitted = is_value || (sample.value > 0.0 && !sample.name.ends_with("_created"));
        if emitted {
            self.seen.insert(item::metric(&metric.name));
        }
        for (key, value) in &sample.labels {
            if RESERVED_LABELS.contains(&key.as_str()) {
                if key == OVERFLOW_LABEL {
                    let name = &metric.name;
                    self.violation(format!(
                        "{service}: {name} has more series than its maximum"
                    ));
                }
                continue;
            }
            let label = metric
                .labels
                .iter()
                .find(|used| label_name(used.key()) == *key);
            let Some(label) = label else {
                // A resource may have attributes that are not declared.
                if metric.kind != signals::Kind::Info {
                    // The dots of an undeclared name are not known; without an underscore there were none.
                    if !key.contains('_') {
                        self.names.insert(key.clone());
                    }
                    let name = &metric.name;
                    self.violation(format!(
                        "{service}: the label {key} of {name} is not declared"
                    ));
                }
                continue;
            };
            if !label.allows(value) && metric.kind != signals::Kind::Info {
                let (name, key) = (&metric.name, label.key());
                self.violation(format!("{service}: {key} of {name} may not be {value:?}"));
            }
            if !value.is_empty() {
                self.names.insert(label.key().to_owned());
                if emitted {
                    self.seen.insert(item::label(metric, label));
                }
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

    fn violation(&mut self, violation: String) {
        self.violations.insert(violation);
    }
}

/// Whether a key is that of the attribute, or of one that the attribute is a template for.
fn names(used: &Use, key: &str) -> bool {
    let is_template =
        matches!(&used.attribute.values, Values::Any(kind) if kind.starts_with("template"));
    used.key() == key
        || (is_template
            && key
                .strip_prefix(used.key())
                .is_some_and(|rest| rest.starts_with('.')))
}

/// The name of the metric family in `OpenMetrics`, to which samples add a suffix.
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

/// The name of the label in Prometheus for a declared key, which is known only at run time.
fn label_name(key: &str) -> String {
    key.replace(['.', '-'], "_")
}

/// The unit in the UNIT line; empty without one.
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
