//! Request bodies: JSON with limits on size and time. An error names the field or the line.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use chassis::{Failure, Kind};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error_response::ErrorResponse;
use crate::gateway::{Gateway, MAX_BODY};

/// The time-out for reading a body.
const TIME_OUT: Duration = Duration::from_secs(5);

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Gateway> for Body<T> {
    type Rejection = ErrorResponse;

    async fn from_request(request: Request, gateway: &Gateway) -> Result<Self, ErrorResponse> {
        if !is_json(request.headers()) {
            return Err(ErrorResponse::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "request.unsupported_media_type",
                "expected `Content-Type: application/json`",
            ));
        }
        let body = Bytes::from_request(request, gateway);
        let body = match tokio::time::timeout(TIME_OUT, body).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(ErrorResponse::with_status(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "request.too_large",
                    format!("a body has at most {MAX_BODY} bytes"),
                ));
            }
            Ok(Err(_)) => {
                return Err(ErrorResponse::with_status(
                    StatusCode::BAD_REQUEST,
                    "request.broken_body",
                    "the body ended before it was complete",
                ));
            }
            Err(_) => {
                return Err(ErrorResponse::with_status(
                    StatusCode::REQUEST_TIMEOUT,
                    "request.body_too_slow",
                    "the body took too long to come",
                ));
            }
        };
        parse(&body).map(Self).map_err(ErrorResponse::from)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase())
        .is_some_and(|essence| {
            essence == "application/json"
                || (essence.starts_with("application/") && essence.ends_with("+json"))
        })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.classify() != serde_json::error::Category::Data {
            return not_json(&error);
        }
        let message = error.to_string();
        let field = field_at_fault(&path, &message);
        Failure::new(Kind::Invalid, "request.bad_field", message).at(field)
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(parsed)
}

fn not_json(error: &serde_json::Error) -> Failure {
    let message = format!("the body is no JSON: {error}");
    Failure::new(Kind::Invalid, "request.bad_json", message)
}

/// The path of the invalid field. For a missing or unknown field, `path` is the path of its parent, and `message` has the
/// field's name.
fn field_at_fault(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split_once('`'))
        .map(|(name, _)| name);
    match (path, named) {
        ("." | "", Some(name)) => name.to_owned(),
        (path, Some(name)) if path == name || path.ends_with(&format!(".{name}")) => {
            path.to_owned()
        }
        (path, Some(name)) => format!("{path}.{name}"),
        ("." | "", None) => "body".to_owned(),
        (path, None) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;
    use crate::json::auction::OpenAuction;

    fn fault_of(body: &str) -> (String, Option<String>) {
        let failure = parse::<OpenAuction>(body.as_bytes()).expect_err("wrong");
        (
            failure.code.into_owned(),
            failure.field.map(std::borrow::Cow::into_owned),
        )
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        let body =
            r#"{"dishes":[{"dish":"김치찌개","quantity":1},{"dish":"비빔밥","quantity":"two"}]}"#;
        assert_eq!(
            fault_of(body),
            (
                "request.bad_field".to_owned(),
                Some("dishes[1].quantity".to_owned())
            )
        );
    }

    #[test]
    fn a_missing_and_an_unknown_field_are_named() {
        assert_eq!(fault_of("{}").1.as_deref(), Some("dishes"));
        assert_eq!(
            fault_of(r#"{"dishes":[{"dish":"비빔밥"}]}"#).1.as_deref(),
            Some("dishes[0].quantity")
        );
        assert_eq!(
            fault_of(r#"{"cuopon_code":"X"}"#).1.as_deref(),
            Some("cuopon_code")
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        let failure = parse::<OpenAuction>(b"{\n  \"dishes\": ,\n}").expect_err("no JSON");
        assert_eq!(failure.code, "request.bad_json");
        assert!(failure.message.contains("line 2"), "{}", failure.message);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,8}".prop_map(Into::into),
        ];
        let name = prop_oneof![Just("dishes".to_owned()), Just("dish".to_owned()), ".{0,8}"];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(name.clone(), inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_taken_or_refused_with_the_field_at_fault(value in json()) {
            if let Err(failure) = parse::<OpenAuction>(value.to_string().as_bytes()) {
                prop_assert_eq!(failure.code, "request.bad_field");
                prop_assert!(failure.field.is_some());
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Err(failure) = parse::<OpenAuction>(&bytes) {
                prop_assert!(failure.code.starts_with("request.bad_"));
            }
        }
    }
}
