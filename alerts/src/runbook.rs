//! The runbook pages, as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::rule_file::{Alert, RuleFile};

/// The pages by their paths from the root of the repository. `origin` is their first line: what generated them, and how.
pub(crate) fn pages(files: &[RuleFile], origin: &str) -> BTreeMap<String, String> {
    let mut rules: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in files.iter().flat_map(RuleFile::alerts) {
        rules.entry(&alert.name).or_default().push(alert);
    }
    rules
        .values()
        .map(|alerts| (alerts[0].runbook_path(), page(alerts, origin)))
        .collect()
}

/// The page of the alerts that share a name.
fn page(alerts: &[&Alert], origin: &str) -> String {
    let first = alerts[0];
    let mut text = format!("<!-- {origin} -->\n# {}\n\n", first.name);
    section(&mut text, "What it means", &first.runbook.meaning);
    list(&mut text, "Look here", &first.runbook.look, true);
    list(&mut text, "Do this", &first.runbook.act, false);
    text.push_str("\n## When it fires\n");
    for alert in alerts {
        let labels: Vec<_> = alert
            .all_labels()
            .iter()
            .map(|(label, value)| format!("`{label}={value}`"))
            .collect();
        let pending = alert
            .pending
            .map(|pending| format!(", for {pending}"))
            .unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{}{pending}:\n\n```promql\n{}\n```\n",
            labels.join(" "),
            alert.expr()
        );
    }
    text
}

fn section(text: &mut String, title: &str, body: &str) {
    let _ = write!(text, "## {title}\n\n{body}\n");
}

fn list(text: &mut String, title: &str, lines: &[String], numbered: bool) {
    let _ = write!(text, "\n## {title}\n\n");
    for (place, line) in lines.iter().enumerate() {
        let _ = if numbered {
            writeln!(text, "{}. {line}", place + 1)
        } else {
            writeln!(text, "- {line}")
        };
    }
}
