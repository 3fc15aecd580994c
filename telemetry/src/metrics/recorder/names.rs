//! Valid Prometheus names, whatever came through the facade.

use metrics::{Key, Label};
use metrics_exporter_prometheus::formatting::{sanitize_label_key, sanitize_metric_name};

use crate::metrics::signals::Kind;

/// The name under which a metric that nobody has declared is exposed.
pub(crate) fn metric(name: &str, kind: Kind) -> String {
    let mut name = sanitize_metric_name(name);
    if name.is_empty() {
        name.push('_');
    }
    if kind == Kind::Counter && !name.ends_with("_total") {
        name.push_str("_total");
    }
    name
}

/// The name of the family in `OpenMetrics`: its samples add a suffix to it.
pub(crate) fn family(name: &str, kind: Kind) -> &str {
    let suffix = match kind {
        Kind::Counter | Kind::ObservableCounter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => return name,
    };
    name.strip_suffix(suffix).unwrap_or(name)
}

/// The names that no other family may have: the family's own and those of its samples.
pub(crate) fn reserved(name: &str, kind: Kind) -> Vec<String> {
    let family = family(name, kind);
    let suffixes: &[&str] = match kind {
        Kind::Counter | Kind::ObservableCounter => &["", "_total", "_created"],
        Kind::Gauge => &[""],
        Kind::Info => &["", "_info"],
        Kind::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
    };
    suffixes
        .iter()
        .map(|suffix| format!("{family}{suffix}"))
        .collect()
}

/// The labels of a series. Those whose names become the same are joined, as the specification has it (Prometheus
/// compatibility, resource attributes); one whose name Prometheus keeps for itself is renamed.
pub(crate) fn labels(key: &Key) -> Vec<Label> {
    let mut exposed: Vec<(String, String)> = Vec::new();
    for label in key.labels() {
        let mut name = sanitize_label_key(label.key());
        if name.is_empty() || name == "le" || name.starts_with("__") {
            name.insert_str(0, "exported_");
        }
        match exposed.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.push(';');
                values.push_str(label.value());
            }
            None => exposed.push((name, label.value().to_owned())),
        }
    }
    exposed
        .into_iter()
        .map(|(name, value)| Label::new(name, value))
        .collect()
}

/// A series as the exporter must be given it, so that a label's value comes out as it was: it takes two backslashes
/// for one.
pub(crate) fn for_exporter(name: &str, key: &Key) -> Key {
    let labels: Vec<_> = labels(key)
        .into_iter()
        .map(|label| {
            if label.value().contains('\\') {
                let value = label.value().replace('\\', r"\\");
                Label::new(label.key().to_owned(), value)
            } else {
                label
            }
        })
        .collect();
    Key::from_parts(name.to_owned(), labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_prometheus_takes() {
        assert_eq!(metric("orders.open", Kind::Gauge), "orders_open");
        assert_eq!(metric("", Kind::Gauge), "_");
        assert_eq!(metric("1st", Kind::Counter), "_st_total");
        assert_eq!(metric("sent_total", Kind::Counter), "sent_total");
    }

    #[test]
    fn labels_of_the_same_name_are_joined_and_reserved_ones_renamed() {
        let labels = labels(&Key::from_parts(
            "m",
            &[("a.b", "1"), ("le", "2"), ("a_b", "3"), ("__name__", "4")],
        ));
        let labels: Vec<_> = labels.iter().map(|l| (l.key(), l.value())).collect();
        assert_eq!(
            labels,
            [
                ("a_b", "1;3"),
                ("exported_le", "2"),
                ("exported___name__", "4")
            ]
        );
    }
}
