//! The naming rules.

use telemetry_codegen::Registry;

use super::{contract, span};
use crate::contract::{Contract, LiveCheck, naming};
use crate::traces::SpanKind;

const NAMED: &str = "
groups:
  - id: registry.kitchen
    type: attribute_group
    brief: Dishes.
    attributes:
      - {id: dish.name.short, type: string, brief: A short name., examples: [s], stability: stable}
      - {id: dish.named, type: boolean, brief: Whether it has a name., stability: stable}
  - id: metric.kitchen.dishes
    type: metric
    metric_name: kitchen.dishes
    brief: Dishes served.
    instrument: counter
    unit: '{dish}'
    stability: stable
  - id: span.kitchen.cook
    type: span
    span_kind: internal
    stability: stable
    brief: Cooking a dish.
    annotations: {telemetry: {span_name: kitchen.cook}}
    attributes:
      - ref: dish.named
        requirement_level: required
";

/// A contract whose names keep the naming rules: a registry with others is refused.
fn named() -> Contract {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "schema_url: https://kitchen.example/schemas/kitchen/0.1.0\n";
    std::fs::write(folder.path().join("manifest.yaml"), manifest).unwrap();
    std::fs::write(folder.path().join("kitchen.yaml"), NAMED).unwrap();
    let registry = Registry::load(folder.path()).unwrap();
    Contract {
        registries: vec![registry],
    }
}

#[test]
fn a_declared_name_without_a_namespace_or_that_is_one_is_named() {
    let names = ["table", "dish.name", "dish.name.short", "dish.named"];
    let names = names.map(ToOwned::to_owned).into();
    assert_eq!(
        naming::problems(&names, &names),
        [
            "dish.name is also the namespace of dish.name.short",
            "table has no namespace",
        ]
    );
}

#[test]
fn an_emitted_name_without_a_namespace_or_that_is_one_is_named() {
    let contract = named();
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
