//! The naming rules.

use telemetry_codegen::Registry;

use super::{contract, span};
use crate::contract::{Contract, LiveCheck};
use crate::traces::SpanKind;

const MISNAMED: &str = "
groups:
  - id: registry.kitchen
    type: attribute_group
    brief: Dishes.
    attributes:
      - {id: table, type: int, brief: The table., examples: [7], stability: stable, annotations: {telemetry: {at_most: 40}}}
      - {id: dish.name, type: string, brief: The name., examples: [stew], stability: stable, annotations: {telemetry: {at_most: 40}}}
      - {id: dish.name.short, type: string, brief: A short name., examples: [s], stability: stable}
      - {id: dish.named, type: boolean, brief: Whether it has a name., stability: stable}
  - id: metric.kitchen.dishes
    type: metric
    metric_name: kitchen.dishes
    brief: Dishes served.
    instrument: counter
    unit: '{dish}'
    stability: stable
    attributes:
      - ref: table
        requirement_level: required
  - id: span.kitchen.cook
    type: span
    span_kind: internal
    stability: stable
    brief: Cooking a dish.
    annotations: {telemetry: {span_name: kitchen.cook}}
    attributes:
      - ref: dish.name
        requirement_level: required
";

/// A contract whose names break the naming rules, with a metric and a span that use them.
fn misnamed() -> Contract {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "schema_url: https://kitchen.example/schemas/kitchen/0.1.0\n";
    std::fs::write(folder.path().join("manifest.yaml"), manifest).unwrap();
    std::fs::write(folder.path().join("kitchen.yaml"), MISNAMED).unwrap();
    let registry = Registry::load(folder.path()).unwrap();
    Contract {
        registries: vec![registry],
    }
}

#[test]
fn a_declared_name_without_a_namespace_or_that_is_one_is_named() {
    assert_eq!(
        misnamed().naming_problems(),
        [
            "dish.name is also the namespace of dish.name.short",
            "table has no namespace",
        ]
    );
}

#[test]
fn an_emitted_name_without_a_namespace_or_that_is_one_is_named() {
    let contract = misnamed();
    let mut check = LiveCheck::new(&contract);
    assert_eq!(check.naming_problems(), Vec::<String>::new());
    check.span(&span(
        SpanKind::Internal,
        "kitchen.cook",
        &[("dish.name", "stew"), ("cook", "Kim"), ("cook.id", "7")],
    ));
    check.metrics(
        "kitchen",
        "# TYPE kitchen_dishes counter\nkitchen_dishes_total{table=\"7\"} 1\n",
    );
    assert_eq!(
        check.naming_problems(),
        [
            "cook has no namespace",
            "cook is also the namespace of cook.id",
            "dish.name is also the namespace of dish.name.short",
            "table has no namespace",
        ]
    );
}

#[test]
fn every_declared_name_of_the_repository_has_a_namespace_and_is_none() {
    assert_eq!(contract().naming_problems(), Vec::<String>::new());
}
