//! The rules that the library returns.

use std::collections::BTreeSet;

use alerts::declared::DeclaredSeries;
use alerts::{RuleKind, rules};
use chassis::platform::Service;

#[test]
fn every_expression_uses_declared_metrics_and_labels_only_with_and_without_its_comparisons() {
    let declared = DeclaredSeries::all().unwrap();
    for rule in rules().unwrap() {
        for expr in [&rule.expr, &rule.without_comparison] {
            let problems = declared.problems(expr);
            assert!(problems.is_empty(), "{}: {problems:?}\n{expr}", rule.name);
        }
    }
}

#[test]
fn an_alert_has_a_comparison_and_a_recording_rule_has_none() {
    for rule in rules().unwrap() {
        match rule.kind {
            RuleKind::Alert => assert_ne!(rule.expr, rule.without_comparison, "{}", rule.name),
            RuleKind::Recording => assert_eq!(rule.expr, rule.without_comparison, "{}", rule.name),
        }
    }
}

#[test]
fn no_two_rules_have_the_same_name() {
    let mut names = BTreeSet::new();
    for rule in rules().unwrap() {
        assert!(names.insert(rule.name.clone()), "{} twice", rule.name);
    }
}

#[test]
fn every_service_and_backend_has_an_alert_for_its_absence() {
    let names: BTreeSet<_> = rules().unwrap().into_iter().map(|rule| rule.name).collect();
    for service in Service::ALL {
        let name = format!("ServiceDown{{service={}}}", service.name());
        assert!(names.contains(&name), "{name}");
    }
    for job in alerts::backends::JOBS {
        let name = format!("BackendDown{{service={job}}}");
        assert!(names.contains(&name), "{name}");
    }
}
