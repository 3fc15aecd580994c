//! The committed OpenAPI document equals the one that is generated from the handlers.

use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

fn document() -> String {
    gateway::openapi_json().expect("a document")
}

#[test]
fn the_committed_document_is_what_the_handlers_say() {
    let document = document();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &document).expect("written");
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == document,
        "services/gateway/openapi.json is stale: run `UPDATE_GOLDEN=1 cargo test --release -p gateway` and read the \
         difference"
    );
}

#[test]
fn every_operation_is_described_secured_and_says_how_it_fails() {
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let public = ["sign_up", "log_in"];
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().expect("an id");
            operations += 1;
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            assert_eq!(
                operation["security"].is_array(),
                !public.contains(&name),
                "{method} {path}"
            );
            for class in ["4XX", "5XX"] {
                let reference = &operation["responses"][class]["$ref"];
                assert_eq!(
                    reference, "#/components/responses/Problem",
                    "{method} {path}"
                );
            }
            let has_key = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["name"] == "Idempotency-Key"));
            assert_eq!(
                has_key,
                method != "get" && name != "log_in",
                "{method} {path}"
            );
        }
    }
    assert_eq!(operations, 21);
}

#[test]
fn every_reference_leads_somewhere() {
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let target = reference.strip_prefix('#').expect("a local reference");
                    assert!(
                        document.pointer(target).is_some(),
                        "{reference} leads nowhere"
                    );
                }
                open.extend(object.values());
            }
            Value::Array(array) => open.extend(array),
            _ => {}
        }
    }
}

#[test]
fn the_operation_that_is_always_kept_is_one_of_the_api() {
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let (method, path) = gateway::OPEN_AUCTION.split_once(' ').expect("METHOD PATH");
    let operation = &document["paths"][path][method.to_lowercase()];
    assert_eq!(operation["operationId"], "open_auction");
}
