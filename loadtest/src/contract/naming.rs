//! The naming rules of the semantic conventions ("Naming: general considerations") for attributes and labels.

use std::collections::BTreeSet;

/// Which of the names break a rule: those without a namespace, and those that are also the namespace of one of `all`.
pub(super) fn problems(names: &BTreeSet<String>, all: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for name in names {
        if !name.contains('.') {
            problems.push(format!("{name} has no namespace"));
        }
        let namespace = format!("{name}.");
        let member = all.range(namespace.clone()..).next();
        if let Some(member) = member.filter(|member| member.starts_with(&namespace)) {
            problems.push(format!("{name} is also the namespace of {member}"));
        }
    }
    problems
}
