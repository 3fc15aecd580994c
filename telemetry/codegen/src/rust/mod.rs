//! The Rust that follows from a registry: a constant and a type for each metric, a type for each closed set of values,
//! a constant for each attribute.
//!
//! The type of a metric is one series of it: its fields are the labels, so that a label that is not declared, one that
//! is forgotten, or a value that is not one of a closed set does not compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::model::{Metric, Use};
use super::{Registry, RegistryError};
use telemetry::signals::Kind;

mod attributes;
mod names;
mod values;

use attributes::keys;
use names::{camel, field, number, screaming};
use values::{Sets, is_boolean, is_integer, set_of_values};

const GENERATED: &str = "Generated from the registry by `telemetry-codegen`; do not edit.";

/// How the code is made.
#[derive(Debug, Clone)]
pub struct Code {
    runtime: String,
    prefix: String,
    command: String,
}

// === impl Code ===

impl Default for Code {
    fn default() -> Self {
        Self {
            runtime: "telemetry::signals".to_owned(),
            prefix: String::new(),
            command: String::new(),
        }
    }
}

impl Code {
    /// Leaves this out where the name of a metric or an attribute begins with it: `kitchen.`.
    #[must_use]
    pub fn without_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Where the code finds [`signals`](telemetry::signals): `telemetry::signals`, unless that crate goes by another name.
    #[must_use]
    pub fn runtime(mut self, path: &str) -> Self {
        path.clone_into(&mut self.runtime);
        self
    }

    /// What the first line of each file says to type.
    #[must_use]
    pub fn command(mut self, command: &str) -> Self {
        self.command = format!(" `{command}` writes it anew.");
        self
    }

    /// The files of a module, formatted: `mod.rs`, one for each file of the registry that declares metrics,
    /// `attributes.rs`, and `values.rs`. The module re-exports all but the attributes.
    ///
    /// # Errors
    /// When `rustfmt` cannot be run.
    pub fn of(&self, registry: &Registry) -> Result<BTreeMap<String, String>, RegistryError> {
        let sets = Sets::of(self, registry);
        let mut modules: BTreeMap<&str, Vec<&Metric>> = BTreeMap::new();
        for metric in registry.metrics() {
            modules.entry(&metric.file).or_default().push(metric);
        }
        let mut files = BTreeMap::new();
        let mut add = |name: &str, about: &str, code: &str| {
            let head = format!("//! {about}\n//!\n//! {GENERATED}{}\n\n", self.command);
            let formatted = formatted(&format!("{head}{code}"))?;
            files.insert(format!("{name}.rs"), formatted);
            Ok(())
        };
        for (module, metrics) in &modules {
            let code = metrics
                .iter()
                .fold(self.imports(metrics, &sets), |code, metric| {
                    code + &self.metric(metric, &sets)
                });
            let about = format!("The metrics of `{module}.yaml`, and the series that each has.");
            add(module, &about, &code)?;
        }
        let keys = keys(self, registry, &sets);
        let about = "The keys of attributes, each with the type of its values.";
        add("attributes", about, &keys)?;
        let has_values = !sets.by_name.is_empty();
        if has_values {
            let import = format!("use {}::AttributeEnum;\n\n", self.runtime);
            let values = sets
                .by_name
                .iter()
                .fold(import, |code, (name, set)| code + &set_of_values(name, set));
            let about = "The sets of values that labels and attributes have.";
            add("values", about, &values)?;
        }
        let mut names: BTreeSet<&str> = modules.keys().copied().collect();
        if has_values {
            names.insert("values");
        }
        let all = registry
            .metrics()
            .iter()
            .fold(String::new(), |all, metric| {
                all + &format!("&{},", self.constant(metric))
            });
        let mut code = names
            .iter()
            .fold("pub mod attributes;\n".to_owned(), |code, name| {
                code + &format!("mod {name};\n")
            });
        let _ = write!(code, "\nuse {}::Metric;\n\n", self.runtime);
        for name in &names {
            let _ = writeln!(code, "pub use {name}::*;");
        }
        let _ = write!(
            code,
            "\n/// Every metric.\npub const ALL: &[&Metric] = &[{all}];\n"
        );
        add("mod", "What the registry declares.", &code)?;
        Ok(files)
    }

    fn constant(&self, metric: &Metric) -> String {
        screaming(self.short(&metric.name))
    }

    fn type_name(&self, metric: &Metric) -> String {
        camel(self.short(&metric.name))
    }

    fn field(&self, key: &str) -> String {
        field(self.short(key))
    }

    fn short<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.prefix).unwrap_or(name)
    }

    fn imports(&self, metrics: &[&Metric], sets: &Sets<'_>) -> String {
        let mut runtime = BTreeSet::from(["Kind", "Metric"]);
        let mut values = BTreeSet::new();
        for metric in metrics {
            runtime.extend(match metric.kind {
                Kind::Counter => Some("Counter"),
                Kind::Gauge => Some("Gauge"),
                Kind::Histogram => Some("Histogram"),
                Kind::ObservableCounter | Kind::Info => None,
            });
            if metric.kind == Kind::Info {
                continue;
            }
            runtime.extend(["LabelWriter", "Series"]);
            for label in &metric.labels {
                values.extend(sets.name(label));
            }
        }
        let mut code = String::new();
        if !values.is_empty() {
            let values: Vec<_> = values.into_iter().collect();
            let _ = writeln!(code, "use super::values::{{{}}};", values.join(", "));
        }
        let runtime: Vec<_> = runtime.into_iter().collect();
        let _ = write!(
            code,
            "use {}::{{{}}};\n\n",
            self.runtime,
            runtime.join(", ")
        );
        code
    }

    fn metric(&self, metric: &Metric, sets: &Sets<'_>) -> String {
        let constant = self.constant(metric);
        let buckets = metric
            .buckets
            .iter()
            .fold(String::new(), |all, bound| all + &number(*bound) + ",");
        let labels = metric.labels.iter().fold(String::new(), |all, label| {
            all + &format!("{:?},", label.key())
        });
        let mut code = format!(
            "/// {brief}\npub const {constant}: Metric = Metric {{ name: {name:?}, kind: Kind::{kind:?}, unit: {unit:?}, \
             help: {brief:?}, buckets: &[{buckets}], labels: &[{labels}] }};\n\n",
            brief = metric.brief,
            name = metric.name,
            kind = metric.kind,
            unit = metric.unit,
        );
        if metric.kind != Kind::Info {
            self.series(&mut code, metric, &constant, sets);
        }
        code
    }

    fn series(&self, code: &mut String, metric: &Metric, constant: &str, sets: &Sets<'_>) {
        let name = self.type_name(metric);
        let borrows = metric
            .labels
            .iter()
            .any(|label| sets.name(label).is_none() && !is_integer(label) && !is_boolean(label));
        let (parameter, any) = if borrows { ("<'a>", "<'_>") } else { ("", "") };
        let _ = write!(
            code,
            "/// One series of [`{constant}`].\n#[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub struct {name}{parameter}"
        );
        if metric.labels.is_empty() {
            code.push_str(";\n\n");
        } else {
            code.push_str(" {\n");
            for label in &metric.labels {
                let brief = &label.attribute.brief;
                let key = label.key();
                let _ = write!(
                    code,
                    "/// `{key}`: {brief}\npub {}: {},\n",
                    self.field(key),
                    sets.type_of(label)
                );
            }
            code.push_str("}\n\n");
        }
        let (method, one, what) = match metric.kind {
            Kind::Counter => ("counter", "add", "count: u64"),
            Kind::Gauge => ("gauge", "set", "value: f64"),
            Kind::Histogram => ("histogram", "record", "value: f64"),
            Kind::ObservableCounter | Kind::Info => ("", "observe", "total: f64"),
        };
        let _ = writeln!(code, "impl {name}{any} {{");
        let argument = what.split(':').next().unwrap_or_default();
        let does = match metric.kind {
            Kind::Counter => "Counts this many more.",
            Kind::Gauge => "Sets it to this.",
            Kind::Histogram => "Records a measurement.",
            Kind::ObservableCounter | Kind::Info => "Exposes a total that is counted elsewhere.",
        };
        if method.is_empty() {
            let _ = write!(
                code,
                "/// {does}\npub fn {one}(self, {what}) {{ Series::observe(&self, {argument}); }}\n"
            );
        } else {
            let type_name = camel(method);
            let _ = write!(
                code,
                "/// The {method} of this series, to be kept where it is used often.\npub fn {method}(self) -> {type_name} \
                 {{ Series::{method}(&self) }}\n\n/// {does}\npub fn {one}(self, {what}) {{ Series::{one}(&self, {argument}); }}\n"
            );
        }
        if matches!(metric.kind, Kind::Counter | Kind::Histogram) {
            self.zero(code, metric, sets);
        }
        let written = metric.labels.iter().fold(String::new(), |all, label| {
            all + &self.write_label(label, sets)
        });
        let labels = if written.is_empty() { "_" } else { "labels" };
        let _ = write!(
            code,
            "}}\n\nimpl Series for {name}{any} {{\nconst METRIC: &'static Metric = &{constant};\n\n#[inline]\nfn write_labels(&self, {labels}: \
             &mut impl LabelWriter) {{ {written} }}\n}}\n\n"
        );
    }

    /// Makes `zero()`, where all of the labels have closed sets of values.
    fn zero(&self, code: &mut String, metric: &Metric, sets: &Sets<'_>) {
        let Some(types) = metric
            .labels
            .iter()
            .map(|label| sets.name(label).filter(|_| label.is_required()))
            .collect::<Option<Vec<_>>>()
        else {
            return;
        };
        code.push_str("\n/// Registers each of its series before anything is measured, so that a rate misses no first event.\npub fn zero() {\n");
        let fields: Vec<_> = metric
            .labels
            .iter()
            .map(|label| self.field(label.key()))
            .collect();
        for (field, name) in fields.iter().zip(&types) {
            let _ = writeln!(code, "for {field} in {name}::ALL {{");
        }
        let one = if fields.is_empty() {
            "Self".to_owned()
        } else {
            format!("Self {{ {} }}", fields.join(", "))
        };
        let touch = match metric.kind {
            Kind::Counter => format!("{one}.add(0);"),
            _ => format!("drop({one}.histogram());"),
        };
        code.push_str(&touch);
        code.push_str(&"}".repeat(fields.len()));
        code.push_str("}\n");
    }

    /// Writes the value of a label.
    fn write_label(&self, label: &Use, sets: &Sets<'_>) -> String {
        let field = format!("self.{}", self.field(label.key()));
        let either = |kind: &str, of: &dyn Fn(&str) -> String| {
            if label.is_required() {
                format!("labels.{kind}(Some({}));", of(&field))
            } else {
                format!("labels.{kind}({field}.map(|value| {}));", of("value"))
            }
        };
        if sets.name(label).is_some() {
            either("known", &|value| {
                format!("({value} as u64, {value}.as_str())")
            })
        } else if is_boolean(label) {
            either("known", &|value| {
                format!("(u64::from({value}), if {value} {{ \"true\" }} else {{ \"false\" }})")
            })
        } else if is_integer(label) && label.is_required() {
            format!("labels.number(Some({field}));")
        } else if is_integer(label) {
            format!("labels.number({field});")
        } else if label.is_required() {
            format!("labels.text({field});")
        } else {
            format!("labels.text({field}.unwrap_or_default());")
        }
    }
}

fn formatted(code: &str) -> Result<String, RegistryError> {
    let failed = |error: std::io::Error| RegistryError::Rustfmt(error.to_string());
    let mut process = Command::new("rustfmt")
        .args(["--edition", "2024", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(code.as_bytes()).map_err(failed)?;
    }
    let output = process.wait_with_output().map_err(failed)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(RegistryError::Rustfmt(complaint))
    }
}
