//! The services that take part in a settlement: reward and auction over gRPC, the payment provider over HTTP.
//!
//! Each call is idempotent by the order's or the award's id, so a call without an answer can be repeated.

use std::time::Duration;

use api::auction::RevokeAwardRequest;
use api::auction::auctions_client::AuctionsClient;
use api::events::Amount;
use api::reward::rewards_client::RewardsClient;
use api::reward::{CommitRequest, ReleaseRequest, Reservation, ReserveRequest};
use chassis::Failure;
use chassis::config::url_of;
use chassis::failure::chain;
use chassis::grpc::{Channel, channel};
use chassis::headers::IDEMPOTENCY_KEY;
use chassis::http_client::{Answer, HttpClient, HttpError};
use chassis::platform::Service;
use chassis::problem::Problem;
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;

use crate::domain::Order;
use crate::saga::Attempt;

/// The time-out of a request to the payment provider.
pub const PAYMENT_TIME_OUT: Duration = Duration::from_secs(2);

/// The clients that a settlement uses.
#[derive(Clone)]
pub struct Partners {
    rewards: RewardsClient<Channel>,
    auctions: AuctionsClient<Channel>,
    payment: PaymentProvider,
}

/// A client of the payment provider.
#[derive(Clone)]
pub struct PaymentProvider {
    client: HttpClient,
    base: String,
}

/// The body of a request to authorise a payment.
#[derive(Serialize)]
struct Authorisation<'a> {
    reference: &'a str,
    group: &'a str,
    amount: Amount,
    payment_method: &'a str,
}

/// The result of reserving a coupon and points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// They are reserved.
    Discount {
        /// The discount on the price, in its currency.
        minor: i64,
    },
    /// They are not, or it is not known.
    No(Attempt),
}

// === impl Partners ===

impl Partners {
    /// Clients for the URLs in the environment.
    ///
    /// # Errors
    /// When a URL is malformed.
    pub fn from_env() -> anyhow::Result<Self> {
        Ok(Self::new(
            channel(Service::Reward)?,
            channel(Service::Auction)?,
            PaymentProvider::new(&url_of(Service::Payment), PAYMENT_TIME_OUT)?,
        ))
    }

    /// Clients with these channels.
    pub fn new(reward: Channel, auction: Channel, payment: PaymentProvider) -> Self {
        Self {
            rewards: RewardsClient::new(reward),
            auctions: AuctionsClient::new(auction),
            payment,
        }
    }

    /// Reserves the coupon and the points of the order.
    pub async fn reserve(&self, order: &Order) -> Reserved {
        let request = ReserveRequest {
            reservation_id: order.id.clone(),
            account_id: order.award.customer_account_id.clone(),
            coupon_code: order.award.coupon_code.clone().unwrap_or_default(),
            points: order.award.points_to_use,
            price: Some(order.award.price.clone().into()),
        };
        match self.rewards.clone().reserve(request).await {
            Ok(response) => {
                let Reservation { discount, .. } = response.into_inner();
                if !order.is_valid_discount(discount.as_ref()) {
                    tracing::error!("the reward service returned an invalid discount");
                    return Reserved::No(Attempt::Refused("reward.bad_discount".to_owned()));
                }
                Reserved::Discount {
                    minor: discount.map_or(0, |discount| discount.amount_minor),
                }
            }
            Err(status) => Reserved::No(unanswered_or_refused(status.into())),
        }
    }

    /// Commits the reservation and credits the points earned.
    pub async fn commit(&self, order: &Order) -> Attempt {
        let request = CommitRequest {
            reservation_id: order.id.clone(),
            points_earned: order.points_earned(),
        };
        answered(self.rewards.clone().commit(request).await)
    }

    /// Releases the reservation.
    pub async fn release(&self, order: &Order) -> Attempt {
        let request = ReleaseRequest {
            reservation_id: order.id.clone(),
        };
        answered(self.rewards.clone().release(request).await)
    }

    /// Revokes the award, so that the next-lowest bid is awarded.
    pub async fn revoke(&self, order: &Order) -> Attempt {
        let request = RevokeAwardRequest {
            auction_id: order.award.auction_id.clone(),
            award_id: order.award.id.clone(),
            reason: order.log.failure_code().unwrap_or_default().to_owned(),
        };
        answered(self.auctions.clone().revoke_award(request).await)
    }

    /// Authorises the payment.
    pub async fn authorise(&self, order: &Order) -> Attempt {
        self.payment.authorise(order).await
    }

    /// Voids the payment, also when its authorisation has not arrived yet.
    pub async fn void(&self, order: &Order) -> Attempt {
        self.payment.void(order).await
    }
}

fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Attempt {
    match answer {
        Ok(_) => Attempt::Done,
        Err(status) => unanswered_or_refused(status.into()),
    }
}

fn unanswered_or_refused(failure: Failure) -> Attempt {
    if failure.kind.is_decision() {
        return Attempt::Refused(failure.code.into_owned());
    }
    tracing::warn!(error = %chain(&failure), "a settlement step got no answer; retrying");
    Attempt::Unanswered(failure.code.into_owned())
}

// === impl PaymentProvider ===

impl PaymentProvider {
    /// A client for the provider at the URL `base`, with the time-out `time_out` for each request.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub fn new(base: &str, time_out: Duration) -> Result<Self, InvalidUri> {
        let base = base.trim_end_matches('/').to_owned();
        let _: Uri = base.parse()?;
        Ok(Self {
            client: HttpClient::new(time_out),
            base,
        })
    }

    async fn authorise(&self, order: &Order) -> Attempt {
        if order.paid().minor == 0 {
            return Attempt::Done;
        }
        let body = Authorisation {
            reference: &order.id,
            group: &order.award.auction_id,
            amount: order.paid().into(),
            payment_method: &order.award.payment_method,
        };
        match serde_json::to_vec(&body) {
            Ok(body) => self.post("/v1/authorisations", Some(&order.id), body).await,
            Err(error) => unanswered_or_refused(Failure::internal(error)),
        }
    }

    async fn void(&self, order: &Order) -> Attempt {
        let path = format!("/v1/authorisations/by-key/{}/void", order.id);
        self.post(&path, None, Vec::new()).await
    }

    async fn post(&self, path: &str, key: Option<&str>, body: Vec<u8>) -> Attempt {
        let uri: Uri = match format!("{}{path}", self.base).parse() {
            Ok(uri) => uri,
            Err(error) => return unanswered_or_refused(Failure::internal(error)),
        };
        let mut headers = HeaderMap::new();
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        match self.client.send(Method::POST, uri, headers, body).await {
            Ok(answer) => attempt(&answer),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the payment provider did not answer; retrying");
                Attempt::Unanswered(
                    match error {
                        HttpError::TimedOut(_) => "payment.timed_out",
                        HttpError::Failed(_) => "payment.unreachable",
                    }
                    .to_owned(),
                )
            }
        }
    }
}

/// The result of an attempt that got this answer.
fn attempt(answer: &Answer) -> Attempt {
    if answer.status.is_success() {
        return Attempt::Done;
    }
    let code = serde_json::from_slice::<Problem>(&answer.body).map_or_else(
        |_| format!("payment.http_{}", answer.status.as_u16()),
        |problem| problem.code,
    );
    let transient = answer.status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&answer.status);
    if transient {
        tracing::warn!(status = answer.status.as_u16(), %code, "the payment provider failed; retrying");
        Attempt::Unanswered(code)
    } else {
        Attempt::Refused(code)
    }
}
