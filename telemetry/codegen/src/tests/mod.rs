//! What a registry may say, what is made of it, and what is said of one that cannot hold.

use std::path::Path;

use super::*;

mod attributes;

const MANIFEST: &str = "schema_url: https://kitchen.example/schemas/kitchen/0.1.0\n";

/// A group of attributes that the others refer to.
const ATTRIBUTES: &str = "
  - id: registry.kitchen
    type: attribute_group
    brief: Dishes.
    attributes:
      - id: dish.size
        type: {members: [{id: small, value: small, stability: stable}, {id: xl, value: XL, stability: stable}]}
        brief: How large it is.
        stability: stable
      - id: dish.name
        type: string
        brief: How it is called.
        examples: [bibimbap]
        stability: stable
      - id: dish.table
        type: int
        brief: Where it goes.
        examples: [7]
        stability: stable
        annotations: {telemetry: {at_most: 40}}
";

const METRIC: &str = "
  - id: metric.kitchen.dishes
    type: metric
    metric_name: kitchen.dishes
    brief: Dishes served.
    instrument: counter
    unit: '{dish}'
    stability: stable
    attributes:
      - ref: dish.size
        requirement_level: required
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn loaded(groups: &str) -> Result<Registry, RegistryError> {
    let text = format!("groups:{ATTRIBUTES}{groups}");
    let folder = folder(&[("manifest.yaml", MANIFEST), ("kitchen.yaml", &text)]);
    Registry::load(folder.path())
}

/// Groups that cannot hold are refused, and this is said of them.
fn assert_complaint(groups: &str, said: &[&str]) {
    let told = loaded(groups).expect_err("it must be refused").to_string();
    for part in said {
        assert!(told.contains(part), "{told}\nlacks {part}, for\n{groups}");
    }
}

#[test]
fn a_mistake_is_named_with_its_file_its_group_its_field_and_what_would_be_right() {
    let counter = |more: &str| METRIC.replace("    stability: stable\n    attributes", more);
    for (groups, said) in [
        (
            METRIC.replace("unit:", "units:"),
            vec!["kitchen.yaml", "metric.kitchen.dishes", "`units`", "`unit`"],
        ),
        (
            METRIC.replace("    unit: '{dish}'\n", ""),
            vec!["metric.kitchen.dishes: unit", "missing"],
        ),
        (
            METRIC.replace("counter", "meter"),
            vec!["metric.kitchen.dishes", "`meter`", "histogram"],
        ),
        (
            METRIC.replace("counter", "histogram"),
            vec!["annotations.telemetry.buckets", "every histogram"],
        ),
        (
            counter(
                "    annotations: {telemetry: {buckets: [1.0]}}\n    stability: stable\n    attributes",
            ),
            vec!["annotations.telemetry.buckets", "nothing else"],
        ),
        (
            METRIC.replace("counter", "histogram").replace(
                "    stability: stable\n",
                "    annotations: {telemetry: {buckets: [2.0, 1.0]}}\n",
            ),
            vec!["annotations.telemetry.buckets", "must rise"],
        ),
        (
            counter(
                "    annotations: {telemetry: {bucket: [1.0]}}\n    stability: stable\n    attributes",
            ),
            vec!["annotations.telemetry", "`bucket`", "`buckets`"],
        ),
        (
            counter(
                "    annotations: {telemetry: {shown_as: info}}\n    stability: stable\n    attributes",
            ),
            vec!["annotations.telemetry.shown_as", "`info` is a gauge"],
        ),
        (
            counter("    span_kind: client\n    attributes"),
            vec!["span_kind", "belongs to a span"],
        ),
        (
            format!("{METRIC}{METRIC}"),
            vec!["metric.kitchen.dishes", "given twice"],
        ),
        (
            format!("{METRIC}{}", METRIC.replace("id: metric.", "id: other.")),
            vec!["metric_name", "group metric.kitchen.dishes"],
        ),
        (
            METRIC.replace(
                "    type: metric\n",
                "    type: metric\n    extends: nothing\n",
            ),
            vec!["extends", "`nothing`", "no group"],
        ),
    ] {
        assert_complaint(&groups, &said);
    }
}

#[test]
fn a_mistake_about_an_attribute_is_named_with_its_key() {
    let label = |label: &str| {
        METRIC.replace(
            "      - ref: dish.size\n        requirement_level: required\n",
            label,
        )
    };
    for (groups, said) in [
        (
            label("      - ref: dish.sise\n"),
            vec![
                "attribute dish.sise",
                "nobody defines it",
                "conventions.json",
            ],
        ),
        (
            label("      - ref: dish.name\n"),
            vec!["attribute dish.name", "needs a bound", "`at_most`"],
        ),
        (
            label("      - ref: dish.size\n        requirement_level: always\n"),
            vec!["attribute dish.size", "requirement_level", "`required`"],
        ),
        (
            label("      - ref: dish.size\n        type: string\n"),
            vec!["attribute dish.size", "`type` beside `ref`"],
        ),
        (
            label("      - ref: dish.size\n        annotations: {telemetry: {values: [huge]}}\n"),
            vec!["attribute dish.size", "`huge`", "none of its members"],
        ),
        (
            label("      - id: dish.size\n        type: string\n        brief: Again.\n"),
            vec!["attribute dish.size", "defined twice"],
        ),
        (
            label("      - id: dish.heat\n        type: text\n        brief: How hot.\n"),
            vec!["attribute dish.heat", "`text`", "string, int"],
        ),
    ] {
        assert_complaint(&groups, &said);
    }
}

#[test]
fn a_manifest_is_needed_and_its_folders_must_be_there() {
    let none = folder(&[("kitchen.yaml", "groups: []\n")]);
    let told = Registry::load(none.path()).unwrap_err().to_string();
    assert!(told.contains("manifest.yaml"), "{told}");
    let manifest = format!(
        "{MANIFEST}dependencies: [{{schema_url: 'https://a.example/1', registry_path: ../nowhere}}]\n"
    );
    let astray = folder(&[("manifest.yaml", &manifest)]);
    let told = Registry::load(astray.path()).unwrap_err().to_string();
    assert!(told.contains("`../nowhere` is no folder"), "{told}");
}

#[test]
fn what_another_registry_defines_is_referred_to() {
    let manifest = "schema_url: https://a.example/1\ndependencies:\n  - {schema_url: 'https://kitchen.example/1', registry_path: ../kitchen}\n";
    let kitchen = format!(
        "groups:{ATTRIBUTES}\n  - id: used\n    type: attribute_group\n    brief: Used.\n    attributes: [{{ref: dish.table}}]\n"
    );
    let bar = format!("groups:{}", METRIC.replace("kitchen", "bar"));
    let folder = folder(&[
        ("kitchen/manifest.yaml", MANIFEST),
        ("kitchen/kitchen.yaml", &kitchen),
        ("bar/manifest.yaml", manifest),
        ("bar/bar.yaml", &bar),
    ]);
    let bar = Registry::load(&folder.path().join("bar")).unwrap();
    let label = &bar.metrics()[0].labels[0];
    assert!(label.allows("XL") && !label.allows("L") && !label.allows(""));
}

#[test]
fn a_closed_set_becomes_a_type_and_an_open_label_a_text_or_a_number() {
    let groups = METRIC.to_owned()
        + "      - ref: dish.name
        annotations: {telemetry: {at_most: 90}}
      - ref: dish.table
        requirement_level: required
";
    let registry = loaded(&groups).unwrap();
    let code = Code::default()
        .without_prefix("kitchen.")
        .of(&registry)
        .unwrap();
    let metrics = &code["kitchen.rs"];
    for part in [
        "pub const DISHES: Metric",
        "pub struct Dishes<'a> {",
        "pub dish_size: DishSize,",
        "pub dish_name: Option<&'a str>,",
        "pub dish_table: i64,",
        "pub fn add(self, count: u64)",
        "labels.known(Some((self.dish_size as u64, self.dish_size.as_str())))",
        "labels.text(self.dish_name.unwrap_or_default())",
        "labels.number(Some(self.dish_table))",
    ] {
        assert!(metrics.contains(part), "{metrics}\nlacks {part}");
    }
    assert!(!metrics.contains("pub fn zero()"), "its series have no end");
    assert!(code["values.rs"].contains("Self::Xl => \"XL\""));
    let key = "pub const DISH_NAME: AttributeKey<str> = AttributeKey::declared(\"dish.name\");";
    assert!(code["attributes.rs"].contains(key));
    assert!(code["mod.rs"].contains("pub const ALL: &[&Metric] = &[&DISHES];"));
}

#[test]
fn of_closed_labels_only_every_series_can_start_at_zero() {
    let code = Code::default().of(&loaded(METRIC).unwrap()).unwrap();
    let metrics = &code["kitchen.rs"];
    assert!(
        metrics.contains("for dish_size in DishSize::ALL"),
        "{metrics}"
    );
}

#[test]
fn one_label_with_several_sets_of_values_has_a_type_for_each() {
    let only = |name: &str, values: &str| {
        METRIC.replace("dishes", name).replace(
            "      - ref: dish.size\n        requirement_level: required\n",
            &format!("      - ref: dish.name\n        requirement_level: required\n        annotations: {{telemetry: {{values: [{values}]}}}}\n"),
        )
    };
    let groups = only("hot", "soup, stew") + &only("cold", "salad") + &only("warm", "soup, stew");
    let code = Code::default()
        .without_prefix("kitchen.")
        .of(&loaded(&groups).unwrap())
        .unwrap();
    let values = &code["values.rs"];
    assert!(values.contains("pub enum HotDishName") && values.contains("pub enum ColdDishName"));
    assert!(
        !values.contains("WarmDishName"),
        "the same values have one type"
    );
}

#[test]
fn the_page_says_what_there_is() {
    let page = page("Signals", &[("The kitchen", &loaded(METRIC).unwrap())]);
    for part in [
        "# Signals",
        "## The kitchen",
        "#### `kitchen.dishes`",
        "counter in `{dish}`, our own; `kitchen_dishes_total` in Prometheus.",
        "| `dish.size` | `small`, `XL` | always |",
        "| `dish.name` |  | string | How it is called. |",
    ] {
        assert!(page.contains(part), "{page}\nlacks {part}");
    }
}

/// A model such as the conventions', of one file.
const MODEL: &str = "
groups:
  - id: registry.http
    type: attribute_group
    brief: HTTP.
    attributes:
      - {id: http.route, type: string, brief: The route., stability: stable}
      - {id: http.other, type: string, brief: Another., stability: stable}
  - id: metric.http.requests
    type: metric
    metric_name: http.requests
    brief: Requests.
    instrument: counter
    unit: '{request}'
    stability: stable
";

fn with_conventions() -> tempfile::TempDir {
    let metric = METRIC
        .replace("kitchen.dishes", "http.requests")
        .replace("{dish}", "{request}")
        .replace(
            "      - ref: dish.size\n        requirement_level: required\n",
            "      - ref: http.route\n        annotations: {telemetry: {at_most: 9}}\n",
        );
    folder(&[
        ("model/http/registry.yaml", MODEL),
        ("own/manifest.yaml", MANIFEST),
        ("own/kitchen.yaml", &format!("groups:{ATTRIBUTES}{metric}")),
    ])
}

#[test]
fn what_is_needed_of_the_conventions_is_kept_beside_the_registry_and_checked() {
    let folder = with_conventions();
    let (own, model) = (folder.path().join("own"), folder.path().join("model"));
    let told = Registry::load(&own).unwrap_err().to_string();
    assert!(
        told.contains("attribute http.route: nobody defines it"),
        "{told}"
    );

    let registry = Registry::refresh(&own, &model).unwrap();
    assert!(registry.metrics()[0].is_convention);
    assert!(registry.metrics()[0].labels[0].attribute.is_convention);
    let excerpt = std::fs::read_to_string(own.join("conventions.json")).unwrap();
    assert!(
        !excerpt.contains("http.other"),
        "what nobody needs is left out"
    );
    assert!(Registry::differences(&own, &model).unwrap().is_empty());

    let changed = MODEL.replace(
        "type: string, brief: The route.",
        "type: int, brief: The route.",
    );
    std::fs::write(model.join("http/registry.yaml"), changed).unwrap();
    let differences = Registry::differences(&own, &model).unwrap();
    assert!(
        differences[0].contains("is not what the model says"),
        "{differences:?}"
    );
}

#[test]
fn a_metric_of_the_conventions_has_their_instrument_and_unit() {
    let folder = with_conventions();
    let (own, model) = (folder.path().join("own"), folder.path().join("model"));
    Registry::refresh(&own, &model).unwrap();
    let path = own.join("kitchen.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("'{request}'", "'1'")).unwrap();
    let told = Registry::load(&own).unwrap_err().to_string();
    assert!(
        told.contains("instrument and unit: the conventions have"),
        "{told}"
    );
}

#[test]
fn an_attribute_of_the_conventions_is_referred_to_and_not_repeated() {
    let folder = with_conventions();
    let (own, model) = (folder.path().join("own"), folder.path().join("model"));
    let path = own.join("kitchen.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("dish.name", "http.other")).unwrap();
    Registry::refresh(&own, &model).unwrap();
    let differences = Registry::differences(&own, &model).unwrap();
    assert!(
        differences[0].contains("`ref: http.other`"),
        "{differences:?}"
    );
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kitchen = Registry::load(&root.join("../examples/kitchen/registry")).unwrap();
    assert_eq!(kitchen.spans()[0].name, "kitchen.prepare");
}
