//! The parts of PromQL that the rules and the dashboards are built from.

use std::fmt;

use regex::Regex;

/// Label matchers, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matchers(Vec<Matcher>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Matcher {
    label: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Matching,
}

/// A vector selector: the series of one name that the matchers select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: String,
    matchers: Matchers,
}

// === impl Matchers ===

impl Matchers {
    /// Adds `label="value"`.
    pub fn equal(&mut self, label: &str, value: &str) {
        self.push(label, Operator::Equal, value);
    }

    /// Adds `label!="value"`.
    pub fn unequal(&mut self, label: &str, value: &str) {
        self.push(label, Operator::Unequal, value);
    }

    /// Adds `label=~"pattern"`, which Prometheus anchors at both ends.
    pub fn matching(&mut self, label: &str, pattern: &str) {
        self.push(label, Operator::Matching, pattern);
    }

    /// Adds the matchers of `others` to these.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The label names in the order in which they were added, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for matcher in &self.0 {
            if !names.contains(&matcher.label.as_str()) {
                names.push(matcher.label.as_str());
            }
        }
        names
    }

    /// Whether they select a series whose `label` has this value; a missing label has the empty value.
    pub fn matches(&self, label: &str, value: &str) -> bool {
        self.0
            .iter()
            .filter(|matcher| matcher.label == label)
            .all(|matcher| matcher.matches(value))
    }

    /// The value of the equality matcher of `label`.
    pub fn value(&self, label: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|matcher| matcher.label == label && matcher.operator == Operator::Equal)
            .map(|matcher| matcher.value.as_str())
    }

    fn push(&mut self, label: &str, operator: Operator, value: &str) {
        self.0.push(Matcher {
            label: label.to_owned(),
            operator,
            value: value.to_owned(),
        });
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let matchers: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{{{}}}", matchers.join(","))
    }
}

// === impl Matcher ===

impl Matcher {
    fn matches(&self, value: &str) -> bool {
        match self.operator {
            Operator::Equal => value == self.value,
            Operator::Unequal => value != self.value,
            Operator::Matching => anchored(&self.value).is_ok_and(|regex| regex.is_match(value)),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Equal => "=",
            Operator::Unequal => "!=",
            Operator::Matching => "=~",
        };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "{}{operator}\"{value}\"", self.label)
    }
}

/// The regular expression, anchored at both ends as Prometheus applies it.
///
/// # Errors
/// When it is not a regular expression.
pub fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

// === impl Selector ===

impl Selector {
    /// The series of this name that the matchers select.
    pub fn new(name: impl Into<String>, matchers: Matchers) -> Self {
        Self {
            name: name.into(),
            matchers,
        }
    }

    /// All series of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new(name, Matchers::default())
    }

    /// The same, with the additional matcher `label="value"`.
    #[must_use]
    pub fn with(mut self, label: &str, value: &str) -> Self {
        self.matchers.equal(label, value);
        self
    }

    /// The name of the series.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its matchers.
    pub fn matchers(&self) -> &Matchers {
        &self.matchers
    }

    /// `rate` over a window such as `5m`.
    pub fn rate(&self, window: &str) -> String {
        format!("rate({self}[{window}])")
    }

    /// `increase` over a window such as `5m`.
    pub fn increase(&self, window: &str) -> String {
        format!("increase({self}[{window}])")
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.matchers)
    }
}

/// A bucket bound as Prometheus 3 writes the label `le`: `1.0`, not `1`.
pub fn canonical_float(bound: f64) -> String {
    format!("{bound:?}")
}

/// A number in an expression, rounded to nine decimals.
pub fn number(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_escapes_quotes_and_backslashes_in_label_values() {
        let selector = Selector::named("up").with("job", "a\"b\\c");
        assert_eq!(selector.to_string(), r#"up{job="a\"b\\c"}"#);
    }

    #[test]
    fn a_pattern_is_matched_against_the_whole_value() {
        let mut matchers = Matchers::default();
        matchers.matching("error_type", "|cancelled");
        assert!(matchers.matches("error_type", ""));
        assert!(matchers.matches("error_type", "cancelled"));
        assert!(!matchers.matches("error_type", "not cancelled"));
    }

    #[test]
    fn bounds_and_numbers_are_written_as_prometheus_writes_them() {
        assert_eq!(canonical_float(1.0), "1.0");
        assert_eq!(canonical_float(0.025), "0.025");
        assert_eq!(number(14.4 * 0.001), "0.0144");
        assert_eq!(number(5.0), "5");
    }
}
