//! A typed client of the gateway's HTTP API.

mod wire;

pub use wire::*;

use crate::{
    sse,
    transport::{Answer, TRACE_ID_HEADER, Transport, TransportError, text},
};
use bytes::Bytes;
use chassis::problem::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// How long one exchange may take before it counts as failed: longer than the gateway's own limit.
const TIME_OUT: Duration = Duration::from_secs(15);

/// With the token of an account that may, this header has the gateway go on in the caller's trace.
pub const TRACE_AUTHORIZATION: &str = "trace-authorization";

/// The header that makes a write safe to send again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A client of one gateway. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Gateway {
    transport: Transport,
}

/// A client that is logged in.
#[derive(Debug, Clone)]
pub struct Session {
    gateway: Gateway,
    /// Whose session it is.
    pub account: Account,
    /// The bearer token.
    pub token: String,
}

/// A request that is being put together.
#[derive(Debug, Clone)]
#[must_use = "it is not sent yet"]
pub struct Call {
    transport: Transport,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<T> {
    /// What it says.
    pub value: T,
    /// Its status.
    pub status: StatusCode,
    /// The trace of the request.
    pub trace_id: String,
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The gateway refused, with a problem document.
    #[error("{} {}: {}", .problem.status, .problem.code, .problem.detail)]
    Refused {
        /// The document.
        problem: Box<Problem>,
        /// The trace of the request.
        trace_id: String,
        /// The answer's headers.
        headers: Box<HeaderMap>,
    },
    /// There was no answer, or none that can be read.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The live state of one auction, change by change.
#[derive(Debug)]
pub struct Watch {
    events: sse::Events,
    /// The trace of the watch request itself.
    pub trace_id: String,
}

// === impl CallError ===

impl CallError {
    /// The stable code, for counting and comparing.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { problem, .. } => &problem.code,
            Self::Transport(error) => error.code(),
        }
    }

    /// The problem document, when there is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            Self::Transport(_) => None,
        }
    }

    /// Whether the service failed, rather than rejected what a rule forbids.
    pub fn is_failure(&self) -> bool {
        self.problem().is_none_or(|problem| problem.status >= 500)
    }
}

// === impl Gateway ===

impl Gateway {
    /// A client of the gateway at `url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When `url` is no such address.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Transport::new(url, TIME_OUT)?,
        })
    }

    /// A request to the gateway, without credentials.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call {
            transport: self.transport.clone(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn sign_up(&self, account: &SignUp) -> Result<Reply<Account>, CallError> {
        self.call(Method::POST, "/v1/accounts").json(account).await
    }

    /// Logs in.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn log_in(&self, email: &str, password: &str) -> Result<Session, CallError> {
        let credentials = LogIn { email, password };
        let reply: Reply<LoggedIn> = self
            .call(Method::POST, "/v1/sessions")
            .json(&credentials)
            .await?;
        Ok(Session {
            gateway: self.clone(),
            account: reply.value.account,
            token: reply.value.token,
        })
    }
}

// === impl Call ===

impl Call {
    /// With one more header; what is no header is left out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// As a write that may be sent again.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// With the body as it is.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends a JSON body and reads a JSON answer.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn json<T: DeserializeOwned>(
        self,
        body: &impl Serialize,
    ) -> Result<Reply<T>, CallError> {
        let body =
            serde_json::to_vec(body).map_err(|error| TransportError::Broken(error.into()))?;
        self.body(body).send().await
    }

    /// Sends it and reads a JSON answer.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn send<T: DeserializeOwned>(self) -> Result<Reply<T>, CallError> {
        let answer = self.raw().await?;
        let trace_id = answer.header(TRACE_ID_HEADER).to_owned();
        if !answer.status.is_success() {
            return Err(CallError::Refused {
                problem: Box::new(answer.json()?),
                trace_id,
                headers: Box::new(answer.headers),
            });
        }
        Ok(Reply {
            value: answer.json()?,
            status: answer.status,
            trace_id,
        })
    }

    /// Sends it; every answer is good.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn raw(self) -> Result<Answer, TransportError> {
        self.transport
            .send(self.method, &self.path, self.headers, self.body)
            .await
    }

    /// Sends it and reads the events of the answer as they come.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn watch(self) -> Result<Watch, CallError> {
        let call = self.header("accept", "text/event-stream");
        let response = call
            .transport
            .open(&call.path, call.headers.clone())
            .await?;
        let trace_id = text(response.headers(), TRACE_ID_HEADER).to_owned();
        if !response.status().is_success() {
            // The refusal is a small document: asked for again, it is read whole.
            let refused = call.send::<serde_json::Value>().await;
            return Err(refused.err().unwrap_or_else(|| {
                TransportError::Unreadable {
                    status: response.status(),
                    reason: "no stream of events".to_owned(),
                }
                .into()
            }));
        }
        Ok(Watch {
            events: sse::Events::new(response.into_body()),
            trace_id,
        })
    }
}

// === impl Session ===

impl Session {
    /// A request as this account.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        self.gateway.call(method, path).header(
            header::AUTHORIZATION.as_str(),
            &format!("Bearer {}", self.token),
        )
    }

    /// A write as this account, with an idempotency key of its own.
    pub fn write(&self, method: Method, path: impl Into<String>) -> Call {
        self.call(method, path)
            .idempotency_key(&uuid::Uuid::now_v7().to_string())
    }

    /// Makes or replaces the account's restaurant.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn put_restaurant(
        &self,
        restaurant: &PutRestaurant,
    ) -> Result<Reply<Restaurant>, CallError> {
        self.write(Method::PUT, "/v1/restaurant")
            .json(restaurant)
            .await
    }

    /// Opens an auction.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn open_auction(&self, request: &OpenAuction) -> Result<Reply<Auction>, CallError> {
        self.write(Method::POST, "/v1/auctions").json(request).await
    }

    /// An auction as it is now.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn auction(&self, auction_id: &str) -> Result<Reply<Auction>, CallError> {
        self.call(Method::GET, format!("/v1/auctions/{auction_id}"))
            .send()
            .await
    }

    /// Places a bid.
    ///
    /// # Errors
    /// When the rules reject it, or the gateway does not answer.
    pub async fn place_bid(&self, auction_id: &str, price: Money) -> Result<Reply<Bid>, CallError> {
        self.write(Method::POST, format!("/v1/auctions/{auction_id}/bids"))
            .json(&PlaceBid { price })
            .await
    }

    /// Follows an auction.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn watch(&self, auction_id: &str) -> Result<Watch, CallError> {
        self.call(Method::GET, format!("/v1/auctions/{auction_id}/events"))
            .watch()
            .await
    }

    /// The account's orders of one auction.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn orders(&self, auction_id: &str) -> Result<Vec<Order>, CallError> {
        let path = format!("/v1/orders?auction_id={auction_id}");
        let reply: Reply<Orders> = self.call(Method::GET, path).send().await?;
        Ok(reply.value.orders)
    }

    /// The account's newest notifications.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn notifications(&self) -> Result<Vec<Notification>, CallError> {
        let reply: Reply<Notifications> = self
            .call(Method::GET, "/v1/notifications?limit=100")
            .send()
            .await?;
        Ok(reply.value.notifications)
    }

    /// The account's points.
    ///
    /// # Errors
    /// When the gateway refuses or does not answer.
    pub async fn rewards(&self) -> Result<Reply<Balance>, CallError> {
        self.call(Method::GET, "/v1/rewards").send().await
    }
}

// === impl Watch ===

impl Watch {
    /// The next change; nothing when the auction has ended and so has the stream.
    ///
    /// # Errors
    /// When the stream breaks, or an event is none of an auction.
    pub async fn next(&mut self) -> Result<Option<AuctionEvent>, CallError> {
        while let Some(event) = self
            .events
            .next()
            .await
            .map_err(|error| TransportError::Broken(error.into()))?
        {
            if event.name == "auction" {
                let event = serde_json::from_str(&event.data).map_err(|error| {
                    TransportError::Unreadable {
                        status: StatusCode::OK,
                        reason: format!("an event: {error}"),
                    }
                })?;
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}
