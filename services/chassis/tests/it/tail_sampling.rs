//! Jaeger's tail sampler against what the services count on.

use crate::containers::read;
use serde_yaml_ng::Value;
use std::{collections::BTreeSet, time::Duration};
use telemetry::sampling::{DECISION_WAIT, KEEP};

const CONFIGURATION: &str = "deploy/jaeger/config.yaml";

fn configuration() -> Value {
    serde_yaml_ng::from_str(&read(CONFIGURATION)).expect("it is YAML")
}

fn sampler() -> Value {
    configuration()["processors"]["tail_sampling"].clone()
}

fn policy(name: &str) -> Value {
    let sampler = sampler();
    let policies = sampler["policies"].as_sequence().expect("policies");
    let found = policies.iter().find(|policy| policy["name"] == name);
    found.unwrap_or_else(|| panic!("a policy {name}")).clone()
}

/// The default of `${env:NAME:-default}`.
fn default(value: &Value) -> &str {
    let text = value.as_str().expect("text");
    let (_, rest) = text.split_once(":-").expect("a default");
    rest.strip_suffix('}').expect("nothing behind it")
}

/// The variables that set the sampler.
fn variables() -> BTreeSet<String> {
    read(CONFIGURATION)
        .split("${env:")
        .skip(1)
        .filter_map(|rest| rest.split([':', '}']).next())
        .filter(|name| name.starts_with("JAEGER_TAIL_SAMPLING_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn it_waits_no_less_than_exemplars_count_on() {
    let sampler = sampler();
    let wait = default(&sampler["decision_wait"]);
    let seconds = wait.strip_suffix('s').expect("seconds").parse();
    let wait = Duration::from_secs(seconds.expect("a number"));
    assert!(
        wait >= DECISION_WAIT,
        "{wait:?} is less than {DECISION_WAIT:?}"
    );
}

#[test]
fn it_keeps_by_the_attributes_that_the_services_set() {
    assert_eq!(policy("marked")["boolean_attribute"]["key"], KEEP);
    let slow = policy("slow")["ottl_condition"]["span"][0].clone();
    assert!(
        slow.as_str()
            .is_some_and(|slow| slow.contains("attributes[\"telemetry.streaming\"] != true")),
        "{slow:?}"
    );
}

#[test]
fn it_thins_what_is_left() {
    let share = policy("share")["probabilistic"]["sampling_percentage"].clone();
    let share: f64 = default(&share).parse().expect("a percentage");
    assert!(share > 0.0 && share < 100.0, "{share}");
}

#[test]
fn spans_are_refused_and_measured_before_they_are_thinned() {
    let pipelines = configuration()["service"]["pipelines"].clone();
    let received = &pipelines["traces/received"];
    let only = |value: &Value| -> Vec<String> {
        serde_yaml_ng::from_value(value.clone()).expect("a list")
    };
    assert_eq!(only(&received["processors"]), ["memory_limiter"]);
    assert!(only(&received["exporters"]).contains(&"spanmetrics".to_owned()));
    assert_eq!(
        only(&pipelines["traces/stored"]["processors"]),
        ["tail_sampling", "batch"]
    );
}

#[test]
fn each_of_its_variables_is_explained_and_reaches_the_container() {
    let variables = variables();
    assert!(variables.len() > 3, "{variables:?}");
    let (page, compose) = (read("docs/sampling.md"), read("docker-compose.yml"));
    for variable in variables {
        assert!(
            page.contains(&format!("`{variable}`")),
            "{variable} has no line"
        );
        assert!(
            compose.contains(&format!("      {variable}:\n")),
            "{variable}"
        );
    }
}
