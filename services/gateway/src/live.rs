//! Live bids: the events of the auction service's stream as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::api::auction::{AuctionEvent, WatchAuctionRequest};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use chassis::{Failure, Kind};
use futures::{Stream, StreamExt as _};
use telemetry::context::{SavedContext, caused_by};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error_response::ErrorResponse;
use crate::extract::{Id, Reader};
use crate::gateway::Gateway;
use crate::json::auction::{Auction, LiveEvent};

/// The name of an event.
const EVENT: &str = "auction";
/// The name of the last event of a stream that fails.
const PROBLEM: &str = "problem";
/// How often a comment is sent on an idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The maximum number of concurrent clients.
const MAX_CLIENTS: usize = 10_000;

/// The limit and the metric of clients with a live stream.
#[derive(Clone)]
pub(crate) struct LiveClients(Arc<Semaphore>);

/// One client. It is counted until this is dropped.
struct LiveClient {
    _permit: OwnedSemaphorePermit,
}

/// Follow an auction live
///
/// Server-sent events, each named `auction`: the auction as it stands comes first, then every change until the auction
/// has ended, with which the stream ends too. The event's id is the change's number, its data the auction and the
/// `traceparent` of what caused the change. `Last-Event-ID` is not needed: a new stream starts from what stands. When
/// a stream breaks off, its last event is named `problem` and carries a problem document.
#[utoipa::path(
    get, path = "/v1/auctions/{id}/events", tag = "auctions",
    params(("id" = String, Path, description = "The auction")),
    responses((status = 200, description = "The events", body = LiveEvent, content_type = "text/event-stream")),
    security(("bearer" = [])),
)]
pub(crate) async fn watch_auction(
    State(gateway): State<Gateway>,
    Reader(caller): Reader,
    Id(auction_id): Id,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ErrorResponse> {
    let client = gateway.live_clients.add()?;
    let request = WatchAuctionRequest {
        caller: Some(caller),
        auction_id,
    };
    let mut auctions = gateway.upstreams.auctions.clone();
    let changes = auctions.watch_auction(request).await?.into_inner();
    let events = changes
        .take_until(gateway.shutdown.clone().cancelled_owned())
        .map(move |change| {
            // Moved into the stream, so that the client is counted until the stream is dropped.
            let _ = &client;
            let event = change
                .map_err(ErrorResponse::from)
                .and_then(|change| {
                    caused_by(&SavedContext::from_traceparent(&change.traceparent));
                    event(change).map_err(ErrorResponse::from)
                })
                .unwrap_or_else(|error| problem(&error));
            Ok(event)
        });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn event(change: AuctionEvent) -> Result<Event, Failure> {
    let AuctionEvent {
        sequence,
        auction,
        traceparent,
    } = change;
    let data = LiveEvent {
        auction: Auction::try_from(crate::json::required(auction, "event.auction")?)?,
        traceparent: Some(traceparent).filter(|text| !text.is_empty()),
    };
    Event::default()
        .event(EVENT)
        .id(sequence.to_string())
        .json_data(data)
        .map_err(Failure::internal)
}

fn problem(error: &ErrorResponse) -> Event {
    Event::default()
        .event(PROBLEM)
        .json_data(error.problem())
        .unwrap_or_else(|_| Event::default().event(PROBLEM))
}

// === impl LiveClients ===

impl LiveClients {
    pub(crate) fn new() -> Self {
        registry::GatewayLiveClients.set(0.0);
        Self(Arc::new(Semaphore::new(MAX_CLIENTS)))
    }

    /// Counts one more client.
    ///
    /// # Errors
    /// `live.too_many_clients`.
    fn add(&self) -> Result<LiveClient, Failure> {
        let permit = self.0.clone().try_acquire_owned().map_err(|_| {
            Failure::new(
                Kind::Exhausted,
                "live.too_many_clients",
                "too many clients follow live bids just now; try again later",
            )
        })?;
        registry::GatewayLiveClients.gauge().increment(1.0);
        Ok(LiveClient { _permit: permit })
    }
}

// === impl LiveClient ===

impl Drop for LiveClient {
    fn drop(&mut self) {
        registry::GatewayLiveClients.gauge().decrement(1.0);
    }
}
