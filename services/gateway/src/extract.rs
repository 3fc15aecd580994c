//! The extractors of the handlers. They reject a request with a problem document.

use ::api::common::{Caller, Role};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use chassis::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_TITLE};
use chassis::idempotency::MAX_KEY_LENGTH;
use chassis::page::PageSize;
use chassis::{Failure, caller};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::metadata::{Ascii, MetadataValue};
use utoipa::IntoParams;

use crate::error_response::ErrorResponse;
use crate::gateway::Gateway;
use crate::guard::Identity;

const MAX_ID_LENGTH: usize = 64;

/// The authenticated caller of a read.
pub(crate) struct Reader(pub(crate) Caller);

/// The authenticated caller of a write, whose account is open.
pub(crate) struct Writer {
    /// The caller.
    pub(crate) caller: Caller,
    key: IdempotencyKey,
}

/// The request's `Idempotency-Key`, if it has one.
pub(crate) struct IdempotencyKey(Option<MetadataValue<Ascii>>);

/// The id in the path.
pub(crate) struct Id(pub(crate) String);

/// The query parameters.
pub(crate) struct Params<T>(pub(crate) T);

/// Which part of a list is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// How many at most: 1 to 100, 50 when not given.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub(crate) limit: Option<u32>,
    /// The `next_after` of the page before; without it the list starts from its beginning.
    #[param(nullable = false)]
    pub(crate) after: Option<String>,
}

/// The header that makes a write repeatable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it exists for the OpenAPI document")]
pub(crate) struct IdempotencyHeader {
    /// The same key gives the same answer for 24 hours; with another body it is refused (422).
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        nullable = false
    )]
    key: Option<String>,
}

// === impl Reader ===

impl Reader {
    /// The caller, when it has one of `roles`.
    pub(crate) fn with_role(self, roles: &[Role]) -> Result<Caller, Failure> {
        caller::require_role(Some(self.0), roles)
    }
}

impl FromRequestParts<Gateway> for Reader {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ErrorResponse> {
        authenticated(parts).map(Self).map_err(ErrorResponse::from)
    }
}

fn authenticated(parts: &Parts) -> Result<Caller, Failure> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Known(claims)) => Ok(claims.caller()),
        Some(Identity::Refused {
            kind,
            code,
            message,
        }) => Err(Failure::new(*kind, code.clone(), message.clone())),
        Some(Identity::Anonymous) | None => caller::require(None),
    }
}

// === impl Writer ===

impl Writer {
    /// Checks that the caller has one of `roles`.
    pub(crate) fn with_role(self, roles: &[Role]) -> Result<Self, Failure> {
        caller::require_role(Some(self.caller.clone()), roles)?;
        Ok(self)
    }

    /// A request with `message` and the idempotency key.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        self.key.request(message)
    }
}

impl FromRequestParts<Gateway> for Writer {
    type Rejection = ErrorResponse;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Gateway,
    ) -> Result<Self, ErrorResponse> {
        let caller = authenticated(parts)?;
        let key = IdempotencyKey::read(&parts.headers)?;
        gateway.account_states.check_open(&caller).await?;
        Ok(Self { caller, key })
    }
}

// === impl IdempotencyKey ===

impl IdempotencyKey {
    /// A request with `message` and the idempotency key.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(key) = &self.0 {
            request.metadata_mut().insert(IDEMPOTENCY_KEY, key.clone());
        }
        request
    }

    fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let bad = || {
            Failure::invalid(
                "idempotency.bad_key",
                IDEMPOTENCY_KEY_TITLE,
                format!("expected one key of 1 to {MAX_KEY_LENGTH} printable ASCII characters"),
            )
        };
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let key = value.to_str().map_err(|_| bad())?;
        let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if values.next().is_some()
            || key.trim().is_empty()
            || key.len() > MAX_KEY_LENGTH
            || !printable
        {
            return Err(bad());
        }
        key.parse().map(|key| Self(Some(key))).map_err(|_| bad())
    }
}

impl FromRequestParts<Gateway> for IdempotencyKey {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ErrorResponse> {
        Self::read(&parts.headers).map_err(ErrorResponse::from)
    }
}

// === impl Id ===

impl FromRequestParts<Gateway> for Id {
    type Rejection = ErrorResponse;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Gateway,
    ) -> Result<Self, ErrorResponse> {
        Path::<String>::from_request_parts(parts, gateway)
            .await
            .map_or_else(|_| Err(bad_id("id")), |Path(id)| Self::parse("id", id))
            .map_err(ErrorResponse::from)
    }
}

impl Id {
    /// Validates the id in `field`: letters, digits, `-` and `_`.
    pub(crate) fn parse(field: &'static str, id: String) -> Result<Self, Failure> {
        let well_formed = (1..=MAX_ID_LENGTH).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if well_formed {
            Ok(Self(id))
        } else {
            Err(bad_id(field))
        }
    }
}

fn bad_id(field: &'static str) -> Failure {
    Failure::invalid(
        "request.bad_id",
        field,
        format!("expected 1 to {MAX_ID_LENGTH} letters, digits, `-` or `_`"),
    )
}

// === impl Params ===

impl<T: DeserializeOwned> FromRequestParts<Gateway> for Params<T> {
    type Rejection = ErrorResponse;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Gateway,
    ) -> Result<Self, ErrorResponse> {
        match Query::<T>::from_request_parts(parts, gateway).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(ErrorResponse::with_status(
                StatusCode::BAD_REQUEST,
                "request.bad_query",
                rejection.body_text(),
            )),
        }
    }
}

// === impl Page ===

impl Page {
    /// Validates the page, and returns its limit and its `after`, which is empty for the first page.
    pub(crate) fn bounds(self) -> Result<(u32, String), Failure> {
        let limit = PageSize::HTTP.checked("page.bad_limit", self.limit)?;
        let after = self.after.unwrap_or_default();
        if after.len() > MAX_ID_LENGTH {
            return Err(Failure::invalid(
                "page.bad_after",
                "after",
                "expected the `next_after` of the page before",
            ));
        }
        Ok((limit, after))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{IDEMPOTENCY_KEY, Id, IdempotencyKey};

    #[test]
    fn an_idempotency_key_is_one_line_of_printable_ascii() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value).expect("a header value");
                headers.append(IDEMPOTENCY_KEY, value);
            }
            IdempotencyKey::read(&headers)
        };
        assert!(read(&[]).is_ok_and(|key| key.0.is_none()));
        assert!(read(&[b"order-7"]).is_ok_and(|key| key.0.is_some()));
        let too_long = [b'x'; 256];
        let refused: [&[&[u8]]; 5] = [
            &[b""],
            &[b"  "],
            &["한".as_bytes()],
            &[too_long.as_slice()],
            &[b"a", b"b"],
        ];
        for values in refused {
            let code = read(values).err().map(|failure| failure.code);
            assert_eq!(code.as_deref(), Some("idempotency.bad_key"), "{values:?}");
        }
    }

    #[test]
    fn an_id_cannot_carry_anything_but_an_id() {
        assert!(Id::parse("id", "0199c0de-7000-7000-8000-000000000000".to_owned()).is_ok());
        for id in ["", "a b", "../x", "a\n", &"x".repeat(65)] {
            assert!(Id::parse("id", id.to_owned()).is_err(), "{id:?}");
        }
    }
}
