//! A typed client of the gateway's HTTP API.

mod wire;

pub use wire::*;

use std::time::Duration;

use bytes::Bytes;
use chassis::headers::{IDEMPOTENCY_KEY, TRACE_ID};
use chassis::problem::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sse;
use crate::transport::{HttpResponse, Transport, TransportError, text};

/// Maximum duration of an exchange: longer than the gateway's own time-out.
const TIME_OUT: Duration = Duration::from_secs(15);

/// The page size when notifications are listed.
const NOTIFICATIONS: u32 = 100;

/// A client of one gateway, without credentials. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Gateway {
    transport: Transport,
}

/// A client that is logged in to an account.
#[derive(Debug, Clone)]
pub struct Session {
    gateway: Gateway,
    /// The account.
    pub account: Account,
    /// The bearer token.
    pub token: String,
}

/// A request that is not sent yet.
#[derive(Debug, Clone)]
#[must_use = "it is not sent yet"]
pub struct Call {
    transport: Transport,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A successful response.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<T> {
    /// Its body.
    pub value: T,
    /// Its status.
    pub status: StatusCode,
    /// The id of the request's trace.
    pub trace_id: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The gateway refused it with a problem document.
    #[error("{} {}: {}", .problem.status, .problem.code, .problem.detail)]
    Refused {
        /// The document.
        problem: Box<Problem>,
        /// The id of the request's trace.
        trace_id: String,
        /// The headers of the response.
        headers: Box<HeaderMap>,
    },
    /// There was no response, or it cannot be read.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The event stream of one auction.
#[derive(Debug)]
pub struct Watch {
    events: sse::Events,
    /// The id of the stream's own trace.
    pub trace_id: String,
}

// === impl CallError ===

impl CallError {
    /// The stable code of the error.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { problem, .. } => &problem.code,
            Self::Transport(error) => error.code(),
        }
    }

    /// The problem document, if the gateway refused the call.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            Self::Transport(_) => None,
        }
    }

    /// Whether the request was refused because there were too many.
    pub fn is_rate_limited(&self) -> bool {
        let problem = self.problem();
        problem.is_some_and(|problem| problem.status == StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether the platform failed. A refusal by a rule is not a failure.
    pub fn is_failure(&self) -> bool {
        self.problem().is_none_or(|problem| problem.status >= 500)
    }
}

// === impl Gateway ===

impl Gateway {
    /// A client of the gateway at `url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When `url` is not an HTTP address.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Transport::new(url, TIME_OUT)?,
        })
    }

    /// A request without credentials.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call {
            transport: self.transport.clone(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Creates an account.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn sign_up(&self, account: &SignUp) -> Result<Reply<Account>, CallError> {
        self.call(Method::POST, "/v1/accounts").json(account).await
    }

    /// Logs in.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
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
    /// Adds a header. A value that is not valid in a header is left out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Adds an idempotency key.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends a JSON body and reads a JSON response.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn json<T: DeserializeOwned>(
        self,
        body: &impl Serialize,
    ) -> Result<Reply<T>, CallError> {
        let body =
            serde_json::to_vec(body).map_err(|error| TransportError::Broken(error.into()))?;
        self.body(body).send().await
    }

    /// Sends it and reads a JSON response.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn send<T: DeserializeOwned>(self) -> Result<Reply<T>, CallError> {
        let response = self.raw().await?;
        let trace_id = response.header(TRACE_ID).unwrap_or_default().to_owned();
        if !response.status.is_success() {
            return Err(CallError::Refused {
                problem: Box::new(response.json()?),
                trace_id,
                headers: Box::new(response.headers),
            });
        }
        Ok(Reply {
            value: response.json()?,
            status: response.status,
            trace_id,
        })
    }

    /// Sends it and returns the response, whatever its status.
    ///
    /// # Errors
    /// When the gateway does not respond.
    pub async fn raw(self) -> Result<HttpResponse, TransportError> {
        self.transport
            .send(self.method, &self.path, self.headers, self.body)
            .await
    }

    /// Sends it and returns the event stream of the response.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn watch(self) -> Result<Watch, CallError> {
        let call = self.header("accept", "text/event-stream");
        let response = call
            .transport
            .open(&call.path, call.headers.clone())
            .await?;
        let trace_id = text(response.headers(), TRACE_ID)
            .unwrap_or_default()
            .to_owned();
        if !response.status().is_success() {
            // The response is a stream; the request is sent again to read the problem document as a whole.
            let refused = call.send::<serde_json::Value>().await;
            return Err(refused.err().unwrap_or_else(|| {
                TransportError::Unreadable {
                    status: response.status(),
                    reason: "it is not an event stream".to_owned(),
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
    /// A request with the account's token.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        self.gateway.call(method, path).header(
            header::AUTHORIZATION.as_str(),
            &format!("Bearer {}", self.token),
        )
    }

    /// A request with the account's token and a new idempotency key.
    pub fn write(&self, method: Method, path: impl Into<String>) -> Call {
        self.call(method, path)
            .idempotency_key(&uuid::Uuid::now_v7().to_string())
    }

    /// Creates or replaces the account's restaurant.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
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
    /// When the gateway refuses it or does not respond.
    pub async fn open_auction(&self, request: &OpenAuction) -> Result<Reply<Auction>, CallError> {
        self.write(Method::POST, "/v1/auctions").json(request).await
    }

    /// The current state of an auction.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn auction(&self, auction_id: &str) -> Result<Reply<Auction>, CallError> {
        self.call(Method::GET, format!("/v1/auctions/{auction_id}"))
            .send()
            .await
    }

    /// Places a bid.
    ///
    /// # Errors
    /// When a rule rejects it, or the gateway does not respond.
    pub async fn place_bid(&self, auction_id: &str, price: Money) -> Result<Reply<Bid>, CallError> {
        self.write(Method::POST, format!("/v1/auctions/{auction_id}/bids"))
            .json(&PlaceBid { price })
            .await
    }

    /// Opens the event stream of an auction.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn watch(&self, auction_id: &str) -> Result<Watch, CallError> {
        self.call(Method::GET, format!("/v1/auctions/{auction_id}/events"))
            .watch()
            .await
    }

    /// The account's orders for one auction.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn orders(&self, auction_id: &str) -> Result<Vec<Order>, CallError> {
        let path = format!("/v1/orders?auction_id={auction_id}");
        let reply: Reply<Orders> = self.call(Method::GET, path).send().await?;
        Ok(reply.value.orders)
    }

    /// The account's newest notifications.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn notifications(&self) -> Result<Vec<Notification>, CallError> {
        let reply: Reply<Notifications> = self
            .call(
                Method::GET,
                format!("/v1/notifications?limit={NOTIFICATIONS}"),
            )
            .send()
            .await?;
        Ok(reply.value.notifications)
    }

    /// The account's balance of points.
    ///
    /// # Errors
    /// When the gateway refuses it or does not respond.
    pub async fn rewards(&self) -> Result<Reply<Balance>, CallError> {
        self.call(Method::GET, "/v1/rewards").send().await
    }
}

// === impl Watch ===

impl Watch {
    /// The next event; `None` at the end of the stream, when the auction has ended.
    ///
    /// # Errors
    /// When the connection fails, or an event cannot be read.
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
