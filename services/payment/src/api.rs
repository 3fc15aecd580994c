//! The provider's HTTP API.

use std::time::Duration;

use api::events::Amount;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chassis::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_TITLE};
use chassis::problem::Problem;
use chassis::{Failure, Kind, fault};
use http::{HeaderMap, StatusCode};
use registry::{PaymentAuthorisations, PaymentAuthorisationsOutcome as Outcome};
use serde::Serialize;
use telemetry::http::ServerLayer;
use tokio_util::sync::CancellationToken;

use crate::domain::{Charge, MAX_TEXT, Request};
use crate::store::{Authorisation, Status, Store, Tried};

/// The maximum size of a request body, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// The state of the handlers.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The provider's database.
    pub store: Store,
    /// The delay of a stalled authorisation's answer.
    pub stall: Duration,
    /// Ends the delays of stalled authorisations.
    pub shutdown: CancellationToken,
}

/// The amount of a key that was voided before it was used.
const NO_AMOUNT: Amount = Amount {
    amount_minor: 0,
    currency: String::new(),
};

/// The body of a response.
#[derive(Serialize)]
struct Body {
    id: String,
    status: &'static str,
    reference: String,
    amount: Amount,
}

/// The routes, with telemetry.
pub fn router(provider: Provider) -> Router {
    Router::new()
        .route("/v1/authorisations", post(authorise))
        .route("/v1/authorisations/{id}", get(look_up))
        .route("/v1/authorisations/{id}/void", post(void))
        .route("/v1/authorisations/by-key/{key}/void", post(void_key))
        .fallback(async || Failure::not_found("http.unknown_route", "there is no such route"))
        .method_not_allowed_fallback(async || {
            refused(
                StatusCode::METHOD_NOT_ALLOWED,
                &Failure::new(
                    Kind::Invalid,
                    "http.method_not_allowed",
                    "this route has another method",
                ),
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(ServerLayer::new())
        .with_state(provider)
}

async fn authorise(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let key = key(&headers)?;
    let charge = charge(body)?;
    match provider.store.authorise(key, &charge).await? {
        Tried::Decided(authorisation) => Ok(answer(authorisation)),
        Tried::Failed => {
            count(Outcome::Failed);
            Err(Failure::new(
                Kind::Unavailable,
                "payment.unavailable",
                "the provider cannot answer just now; try again",
            ))
        }
        Tried::Stalled => {
            count(Outcome::Stalled);
            tokio::select! {
                () = tokio::time::sleep(provider.stall) => {}
                () = provider.shutdown.cancelled() => {
                    return Err(Failure::new(
                        Kind::Unavailable,
                        "payment.unavailable",
                        "the provider is stopping; try again",
                    ));
                }
            }
            match provider.store.authorise(key, &charge).await? {
                Tried::Decided(authorisation) => Ok(answer(authorisation)),
                Tried::Stalled | Tried::Failed => {
                    Err(Failure::internal("only a first attempt stalls or fails"))
                }
            }
        }
    }
}

async fn look_up(
    State(provider): State<Provider>,
    Path(id): Path<String>,
) -> Result<Json<Body>, Failure> {
    Ok(Json(provider.store.get(&id).await?.into()))
}

async fn void(
    State(provider): State<Provider>,
    Path(id): Path<String>,
) -> Result<Json<Body>, Failure> {
    Ok(Json(provider.store.void(&id).await?.into()))
}

async fn void_key(
    State(provider): State<Provider>,
    Path(key): Path<String>,
) -> Result<Json<Body>, Failure> {
    check_key(&key)?;
    Ok(Json(provider.store.void_key(&key).await?.into()))
}

/// The response to a decided authorisation, which is the same at every attempt.
fn answer(authorisation: Authorisation) -> Response {
    match authorisation.status {
        Status::Authorised => {
            count(Outcome::Authorised);
            fault::point("payment.authorised.before_answer");
            (StatusCode::CREATED, Json(Body::from(authorisation))).into_response()
        }
        Status::Voided => refused(
            StatusCode::PAYMENT_REQUIRED,
            &Failure::conflict("payment.voided", "this payment was voided"),
        ),
        Status::Declined | Status::Pending => {
            count(Outcome::Declined);
            refused(
                StatusCode::PAYMENT_REQUIRED,
                &Failure::conflict("payment.declined", "the payment method was declined"),
            )
        }
    }
}

/// A problem document with a status that no [`Kind`] has.
fn refused(status: StatusCode, failure: &Failure) -> Response {
    Problem::from(failure).with_status(status).into_response()
}

fn key(headers: &HeaderMap) -> Result<&str, Failure> {
    let key = headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    check_key(key)?;
    Ok(key)
}

fn check_key(key: &str) -> Result<(), Failure> {
    let printable = key.bytes().all(|byte| byte.is_ascii_graphic());
    if printable && (1..=MAX_TEXT).contains(&key.len()) {
        return Ok(());
    }
    Err(Failure::invalid(
        "idempotency.bad_key",
        IDEMPOTENCY_KEY_TITLE,
        format!("expected 1 to {MAX_TEXT} printable ASCII characters"),
    ))
}

fn charge(body: Result<Bytes, BytesRejection>) -> Result<Charge, Failure> {
    let body = body.map_err(|rejection| {
        Failure::invalid(
            "request.unreadable",
            "body",
            format!(
                "expected at most {MAX_BODY} bytes: {}",
                rejection.body_text()
            ),
        )
    })?;
    serde_json::from_slice::<Request>(&body)
        .map_err(|error| Failure::invalid("request.malformed", "body", error.to_string()))?
        .check()
}

fn count(outcome: Outcome) {
    PaymentAuthorisations { outcome }.add(1);
}

// === impl Body ===

impl From<Authorisation> for Body {
    fn from(authorisation: Authorisation) -> Self {
        let (reference, amount) = match authorisation.charge {
            Some(charge) => (charge.reference, charge.amount.into()),
            None => (String::new(), NO_AMOUNT),
        };
        Self {
            id: authorisation.id,
            status: authorisation.status.name(),
            reference,
            amount,
        }
    }
}
