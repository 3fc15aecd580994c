//! A parser of metrics in the text formats of `OpenMetrics` 1.0 and Prometheus.

use std::collections::BTreeMap;

/// A metric family.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Family {
    /// The type, such as `counter`, from the TYPE line.
    pub(crate) kind: String,
    /// The unit, such as `seconds`, from the UNIT line; empty without one.
    pub(crate) unit: String,
    pub(crate) samples: Vec<Sample>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// The name with its suffix.
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// The suffixes of sample names after the name of the family.
const SUFFIXES: [&str; 6] = ["_total", "_created", "_bucket", "_sum", "_count", "_info"];

/// The metric families of a text by their names, and the lines that cannot be parsed.
pub(crate) fn parse(text: &str) -> (BTreeMap<String, Family>, Vec<String>) {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# ") {
            let mut words = told.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (what, name, value) = (word(), word(), word());
            match what {
                "TYPE" => value.clone_into(&mut families.entry(name.to_owned()).or_default().kind),
                "UNIT" => value.clone_into(&mut families.entry(name.to_owned()).or_default().unit),
                _ => {}
            }
        } else if let Some(sample) = sample(line) {
            let plain = SUFFIXES
                .iter()
                .filter_map(|suffix| sample.name.strip_suffix(suffix))
                .find(|name| families.contains_key(*name));
            let family = plain.unwrap_or(&sample.name).to_owned();
            families.entry(family).or_default().samples.push(sample);
        } else if !line.is_empty() {
            unreadable.push(line.to_owned());
        }
    }
    (families, unreadable)
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().ok()?,
    })
}

/// Parses the labels up to the closing brace. Returns the rest of the line too.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.push((key.to_owned(), value));
        rest = &quoted[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_parsed_with_their_types_units_labels_and_values() {
        let (families, unreadable) = parse(concat!(
            "# HELP waits How long, in \"seconds\".\n",
            "# TYPE waits histogram\n",
            "# UNIT waits seconds\n",
            "waits_bucket{to=\"a\\\"}\\\\\\n\",le=\"1.0\"} 2 # {trace_id=\"ab\"} 0.5 1.7e9\n",
            "waits_count{to=\"a\\\"}\\\\\\n\"} 2\n",
            "# TYPE sent counter\n",
            "sent_total 3\n",
            "level -0.5\n",
            "what is this\n",
            "# EOF\n",
        ));
        let waits = &families["waits"];
        assert_eq!(
            (waits.kind.as_str(), waits.unit.as_str()),
            ("histogram", "seconds")
        );
        let labels = [("to", "a\"}\\\n"), ("le", "1.0")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(waits.samples[0].labels, labels);
        assert_eq!(waits.samples.len(), 2);
        assert!((families["sent"].samples[0].value - 3.0).abs() < 1e-9);
        assert!((families["level"].samples[0].value + 0.5).abs() < 1e-9);
        assert_eq!(unreadable, ["what is this"]);
    }
}
