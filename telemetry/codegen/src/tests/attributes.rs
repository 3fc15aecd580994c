//! The keys of attributes, the types of their values, and what names may be.

use super::*;

/// What the file of the keys has of a registry with these groups beside the attributes.
fn keys(groups: &str) -> String {
    let code = Code::default().without_prefix("kitchen.");
    let files = code.of(&loaded(groups).unwrap()).unwrap();
    files["attributes.rs"].clone()
}

fn defined(definitions: &str) -> String {
    format!(
        "\n  - id: registry.more\n    type: attribute_group\n    brief: More.\n    attributes:\n{definitions}"
    )
}

#[test]
fn a_key_has_the_type_of_its_values() {
    let more = defined(
        "
      - {id: dish.price, type: double, brief: A price.}
      - {id: dish.is_hot, type: boolean, brief: Whether it is.}
      - {id: dish.spices, type: 'string[]', brief: What is in it.}
      - {id: dish.weights, type: 'int[]', brief: What it weighs.}
      - {id: kitchen.stove, type: string, brief: Where it was made.}
",
    );
    let keys = keys(&more);
    for part in [
        "pub const DISH_SIZE: AttributeKey<DishSize> = AttributeKey::declared(\"dish.size\");",
        "pub const DISH_NAME: AttributeKey<str> =",
        "pub const DISH_TABLE: AttributeKey<i64> =",
        "pub const DISH_PRICE: AttributeKey<f64> =",
        "pub const DISH_IS_HOT: AttributeKey<bool> =",
        "pub const DISH_SPICES: AttributeKey<[String]> =",
        "pub const DISH_WEIGHTS: AttributeKey<[i64]> =",
        "pub const STOVE: AttributeKey<str> = AttributeKey::declared(\"kitchen.stove\");",
        "use super::values::DishSize;",
        "use telemetry::signals::AttributeKey;",
    ] {
        assert!(keys.contains(part), "{keys}\nlacks {part}");
    }
}

#[test]
fn what_all_labels_say_of_the_values_holds_for_the_key() {
    let label = |id: &str, notes: &str| {
        METRIC
            .replace("kitchen.dishes", id)
            .replace("ref: dish.size", "ref: dish.name")
            + &format!("        annotations: {{telemetry: {{{notes}}}}}\n")
    };
    let [soup, again, other, any] = [
        ("kitchen.soups", "values: [pho, ramen]"),
        ("kitchen.stews", "values: [pho, ramen]"),
        ("kitchen.roasts", "values: [duck]"),
        ("kitchen.bowls", "at_most: 9"),
    ]
    .map(|(id, notes)| label(id, notes));
    let closed = "pub const DISH_NAME: AttributeKey<DishName> =";
    assert!(keys(&format!("{soup}{again}")).contains(closed));
    for groups in [format!("{soup}{other}"), format!("{soup}{any}")] {
        let keys = keys(&groups);
        let open = "pub const DISH_NAME: AttributeKey<str> =";
        assert!(keys.contains(open), "{keys}");
    }
}

#[test]
fn members_of_an_open_set_are_a_type_beside_any_text_and_stand_on_the_page() {
    let groups = defined(
        "
      - ref: dish.name
        annotations:
          telemetry:
            members: [{id: leftover, value: left-over, brief: Nobody wanted it.}]
",
    );
    let registry = loaded(&groups).unwrap();
    let files = Code::default().of(&registry).unwrap();
    let key = "pub const DISH_NAME: AttributeKey<Open<KnownDishName>> =";
    assert!(files["attributes.rs"].contains(key));
    for part in [
        "pub enum KnownDishName {\n    /// Nobody wanted it.\n    Leftover,\n}",
        "Self::Leftover => \"left-over\"",
        "impl AttributeEnum for KnownDishName {",
    ] {
        assert!(files["values.rs"].contains(part), "lacks {part}");
    }
    let page = page("Signals", &[("The kitchen", &registry)]);
    let listed =
        "| `dish.name` |  | `left-over` (nobody wanted it), or another | How it is called. |";
    assert!(page.contains(listed), "{page}");
}

#[test]
fn members_are_said_once_and_only_of_an_open_set() {
    let members = |key: &str| {
        format!(
            "      - ref: {key}\n        annotations: {{telemetry: {{members: [{{id: a, value: a}}]}}}}\n"
        )
    };
    let twice = defined(&members("dish.name"))
        + "  - id: registry.again\n    type: attribute_group\n    brief: Again.\n    attributes:\n"
        + &members("dish.name");
    for (groups, said) in [
        (twice, "`members` said twice"),
        (defined(&members("dish.size")), "open set of values only"),
        (defined(&members("dish.table")), "open set of values only"),
    ] {
        assert_complaint(&groups, &["attribute dish.", said]);
    }
}

#[test]
fn a_name_has_a_namespace_and_is_none() {
    let attribute =
        |key: &str| defined(&format!("      - {{id: {key}, type: int, brief: One.}}\n"));
    let metric = |name: &str| {
        METRIC
            .replace("id: metric.kitchen.dishes", "id: metric.another")
            .replace(
                "metric_name: kitchen.dishes",
                &format!("metric_name: {name}"),
            )
    };
    for (groups, said) in [
        (
            attribute("dishes"),
            vec!["attribute dishes", "no namespace", "`kitchen.dishes`"],
        ),
        (
            attribute("dish.size.cm"),
            vec!["attribute dish.size", "namespace of `dish.size.cm`"],
        ),
        (
            attribute("dish"),
            vec!["attribute dish.size", "in the namespace `dish`"],
        ),
        (
            metric("dishes"),
            vec!["metric.another: metric_name", "no namespace"],
        ),
        (
            format!("{METRIC}{}", metric("kitchen.dishes.hot")),
            vec![
                "metric.kitchen.dishes: metric_name",
                "namespace of `kitchen.dishes.hot`",
            ],
        ),
        (
            format!("{}{METRIC}", metric("kitchen.dishes.hot")),
            vec![
                "metric.another: metric_name",
                "in the namespace `kitchen.dishes`",
            ],
        ),
    ] {
        assert_complaint(&groups, &said);
    }
    assert!(
        loaded(&attribute("dish.sizes")).is_ok(),
        "only whole parts of a name are a namespace"
    );
}

#[test]
fn a_name_is_no_namespace_of_another_registry_either() {
    let manifest = "schema_url: https://bar.example/1\ndependencies:\n  - {schema_url: 'https://kitchen.example/1', registry_path: ../kitchen}\n";
    let kitchen = format!("groups:{ATTRIBUTES}");
    let bar = format!(
        "groups:{}",
        defined("      - {id: dish.size.cm, type: int, brief: One.}\n")
    );
    let folder = folder(&[
        ("kitchen/manifest.yaml", MANIFEST),
        ("kitchen/kitchen.yaml", &kitchen),
        ("bar/manifest.yaml", manifest),
        ("bar/bar.yaml", &bar),
    ]);
    let told = Registry::load(&folder.path().join("bar"))
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("`dish.size.cm` is in the namespace `dish.size`"),
        "{told}"
    );
}
