//! The reference page: what registries declare, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Registry;
use super::model::{Attribute, Event, Metric, Span, Use, Values};
use super::source::RequirementLevel;

/// A page of this title with a chapter for each registry, and one for all of their attributes.
pub fn page(title: &str, chapters: &[(&str, &Registry)]) -> String {
    let mut page = format!(
        "<!-- Generated from the registries by `telemetry-codegen`; do not edit. -->\n\n# {title}\n"
    );
    let mut attributes = BTreeMap::new();
    for (chapter, registry) in chapters {
        let _ = write!(
            page,
            "\n## {chapter}\n\nSchema `{}`.\n",
            registry.schema_url()
        );
        if !registry.metrics().is_empty() {
            let _ = write!(page, "\n### Metrics of {}\n", lower(chapter));
            registry
                .metrics()
                .iter()
                .for_each(|metric| describe_metric(&mut page, metric));
        }
        if !registry.spans().is_empty() {
            let _ = write!(page, "\n### Spans and events of {}\n", lower(chapter));
            let spans = registry.spans().iter();
            spans.for_each(|span| describe_span(&mut page, span, registry.events()));
        }
        let of_spans: Vec<_> = registry
            .spans()
            .iter()
            .flat_map(|span| &span.events)
            .collect();
        for event in registry.events() {
            if !of_spans.contains(&&event.id) {
                let Event { name, brief, .. } = event;
                let _ = write!(page, "\n#### EVENT `{name}`\n\n{brief}\n");
            }
        }
        let known = registry.attributes().iter();
        attributes.extend(known.map(|attribute| (attribute.key.as_str(), attribute)));
    }
    page.push_str(
        "\n## Attributes\n\nThose of the semantic conventions 1.42 are marked with a C; their meaning is defined there.\n\n\
         | attribute | | type | what it says |\n|---|---|---|---|\n",
    );
    for attribute in attributes.into_values() {
        describe_attribute(&mut page, attribute);
    }
    page
}

fn describe_metric(page: &mut String, metric: &Metric) {
    let Metric {
        name,
        brief,
        note,
        unit,
        ..
    } = metric;
    let origin = if metric.is_convention {
        "of the conventions"
    } else {
        "our own"
    };
    let instrument = format!("{:?}", metric.instrument).to_lowercase();
    let _ = write!(
        page,
        "\n#### `{name}`\n\n{brief}\n\n{instrument} in `{unit}`, {origin}; `{}` in Prometheus.\n",
        metric.prometheus_name()
    );
    if !note.is_empty() {
        let _ = write!(page, "\n{note}\n");
    }
    if !metric.buckets.is_empty() {
        let bounds: Vec<_> = metric.buckets.iter().map(ToString::to_string).collect();
        let _ = write!(page, "\nBuckets up to: {}.\n", bounds.join(", "));
    }
    if metric.labels.is_empty() {
        return;
    }
    page.push_str("\n| label | values | there |\n|---|---|---|\n");
    for label in &metric.labels {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            label.key(),
            values(label),
            when(label)
        );
    }
}

fn describe_span(page: &mut String, span: &Span, events: &[Event]) {
    let kind = format!("{:?}", span.kind).to_uppercase();
    let Span {
        name, brief, note, ..
    } = span;
    let _ = write!(page, "\n#### {kind} `{name}`\n\n{brief}\n");
    if !note.is_empty() {
        let _ = write!(page, "\n{note}\n");
    }
    for event in events
        .iter()
        .filter(|event| span.events.contains(&event.id))
    {
        let _ = write!(page, "\nIts event `{}`: {}\n", event.name, event.brief);
    }
    if span.attributes.is_empty() {
        return;
    }
    page.push_str("\n| attribute | there | |\n|---|---|---|\n");
    for used in &span.attributes {
        let brief = cell(&used.attribute.brief);
        let _ = writeln!(page, "| `{}` | {} | {brief} |", used.key(), when(used));
    }
}

fn describe_attribute(page: &mut String, attribute: &Attribute) {
    let kind = match &attribute.values {
        Values::Any(kind) => kind.clone(),
        Values::Known(_) if attribute.members.is_empty() => {
            "one of the conventions', or another".to_owned()
        }
        Values::Known(_) => {
            let known = attribute.members.iter();
            let known: Vec<_> = known
                .map(|member| format!("`{}` ({})", member.text, in_a_sentence(&member.brief)))
                .collect();
            known.join(", ") + ", or another"
        }
        Values::Closed(values) => {
            let texts: Vec<_> = values
                .iter()
                .map(|value| format!("`{}`", value.text))
                .collect();
            texts.join(", ")
        }
    };
    let origin = if attribute.is_convention { "C" } else { "" };
    let key = &attribute.key;
    let _ = writeln!(
        page,
        "| `{key}` | {origin} | {kind} | {} |",
        cell(&attribute.brief)
    );
}

fn values(label: &Use) -> String {
    match (&label.attribute.values, label.at_most) {
        (Values::Closed(values), _) => {
            let texts: Vec<_> = values
                .iter()
                .map(|value| format!("`{}`", value.text))
                .collect();
            texts.join(", ")
        }
        (_, Some(bound)) => format!("at most {bound}"),
        (_, None) => "as the facts are".to_owned(),
    }
}

fn when(used: &Use) -> String {
    match &used.requirement {
        RequirementLevel::Required => "always".to_owned(),
        RequirementLevel::Recommended(None) => "when known".to_owned(),
        RequirementLevel::OptIn => "when asked for".to_owned(),
        RequirementLevel::ConditionallyRequired(condition)
        | RequirementLevel::Recommended(Some(condition)) => cell(condition),
    }
}

/// A sentence as part of another.
fn in_a_sentence(sentence: &str) -> String {
    lower(sentence.trim_end_matches('.'))
}

/// As the middle of a sentence has it.
fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// As a cell of a table has it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
