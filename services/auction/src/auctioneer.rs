//! Runs the auctions: each change of an auction is one transaction, made under the auction's [lock](crate::locks) and
//! published to its watchers after the commit.

use std::future::Future;
use std::sync::Arc;

use api::events::{AuctionEnded, AuctionOpened};
use chassis::clock::{Clock, Millis};
use chassis::database::{Database, Write};
use chassis::idempotency::{Claim, Execution};
use chassis::money::Money;
use chassis::{Failure, fault, outbox};
use registry::AuctionBidsOutcome;
use telemetry::context::SavedContext;
use tokio::sync::Notify;
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

use crate::domain::bidding::Rejection;
use crate::domain::opening::Opening;
use crate::domain::{Auction, Bid, EligibleRestaurant, Snapshot, State};
use crate::live::LiveAuctions;
use crate::locks::AuctionLocks;
use crate::{metrics, store, wire};

/// The auctions of one database.
#[derive(Debug)]
pub struct Auctioneer {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) locks: AuctionLocks,
    pub(crate) live: Arc<LiveAuctions>,
    /// Notified of each new auction, whose deadline may be the earliest one.
    pub(crate) opened: Notify,
}

/// A bid before it is accepted.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The auction.
    pub auction_id: String,
    /// The account of the restaurant that bids.
    pub account_id: String,
    /// The price.
    pub price: Money,
}

impl Auctioneer {
    /// An auctioneer for the auctions of `database`, including those that were open before a restart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(database: Database, clock: Clock) -> Result<Arc<Self>, Failure> {
        metrics::start(store::auctions::count_open(&database).await?);
        Ok(Arc::new(Self {
            database,
            clock,
            locks: AuctionLocks::default(),
            live: Arc::default(),
            opened: Notify::new(),
        }))
    }

    /// The live changes of the auctions.
    pub fn live(&self) -> &Arc<LiveAuctions> {
        &self.live
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Opens an auction for the restaurants that the catalog found. When the catalog found none or failed, opening fails,
    /// unless the claim has a stored answer.
    ///
    /// # Errors
    /// `auction.no_eligible_restaurants`, the catalog's failure, or when the database fails.
    pub async fn open(
        self: &Arc<Self>,
        customer_account_id: String,
        opening: Opening,
        eligible: Result<Vec<EligibleRestaurant>, Failure>,
        claim: Claim,
    ) -> Result<api::auction::Auction, Failure> {
        let span =
            tracing::info_span!(target: "auction", "auction.open", auction.id = field::Empty);
        let auctioneer = self.clone();
        run_to_completion(
            async move {
                let clock = auctioneer.clock.clone();
                let execution = claim
                    .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                        Box::pin(async move {
                            let snapshot = open_auction(
                                write,
                                &clock,
                                customer_account_id,
                                opening,
                                eligible?,
                            )
                            .await?;
                            Ok((wire::auction(&snapshot, &wire::Viewer::Full), ()))
                        })
                    })
                    .await?;
                if let Execution::Ran { .. } = execution {
                    fault::point("auction.opened.committed");
                    metrics::opened();
                    auctioneer.opened.notify_one();
                }
                Ok(execution.into_response())
            }
            .instrument(span),
        )
        .await
    }

    /// Places a bid.
    ///
    /// # Errors
    /// A [`Rejection`], `auction.unknown_auction`, or when the database fails.
    pub async fn bid(
        self: &Arc<Self>,
        offer: Offer,
        claim: Claim,
    ) -> Result<api::auction::Bid, Failure> {
        let span = tracing::info_span!(
            target: "auction",
            "auction.bid",
            auction.id = %offer.auction_id,
            bid.price = offer.price.minor,
            bid.outcome = field::Empty,
        );
        let auctioneer = self.clone();
        async move {
            let lock = auctioneer
                .locks
                .acquire(&offer.auction_id, &auctioneer.clock)
                .await;
            run_to_completion(async move {
                let arrived_at = lock.arrived_at;
                let execution = claim
                    .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                        Box::pin(async move {
                            let (snapshot, bid) = place_bid(write, offer, arrived_at).await?;
                            Ok((wire::bid(&bid, &snapshot.auction), Arc::new(snapshot)))
                        })
                    })
                    .await?;
                // The award's span will link to this trace. A replayed bid keeps its trace too, since the trace of the
                // first request may not have been exported.
                telemetry::context::keep();
                if let Execution::Ran { effect, .. } = &execution {
                    fault::point("auction.bid.committed");
                    metrics::bid(AuctionBidsOutcome::Accepted);
                    auctioneer.live.publish(effect.clone());
                }
                drop(lock);
                Ok(execution.into_response())
            })
            .await
        }
        .instrument(span)
        .await
    }

    /// Ends an open auction without an award.
    ///
    /// # Errors
    /// `auction.not_open`, `auction.unknown_auction`, or when the database fails.
    pub async fn close(
        self: &Arc<Self>,
        auction_id: String,
        claim: Claim,
    ) -> Result<api::auction::Auction, Failure> {
        let auctioneer = self.clone();
        let lock = auctioneer
            .locks
            .acquire(&auction_id, &auctioneer.clock)
            .await;
        run_to_completion(async move {
            let clock = auctioneer.clock.clone();
            let execution = claim
                .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                    Box::pin(async move {
                        let snapshot = close_auction(write, &clock, &auction_id).await?;
                        let response = wire::auction(&snapshot, &wire::Viewer::Full);
                        Ok((response, Arc::new(snapshot)))
                    })
                })
                .await?;
            if let Execution::Ran { effect, .. } = &execution {
                metrics::ended(effect, auctioneer.clock.now());
                auctioneer.live.publish(effect.clone());
            }
            drop(lock);
            Ok(execution.into_response())
        })
        .await
    }
}

/// Runs `work` to completion even when the caller stops waiting, so that a committed change is also published and counted.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    telemetry::context::spawn(work)
        .await
        .map_err(Failure::internal)?
}

async fn open_auction(
    write: &mut Write,
    clock: &Clock,
    customer_account_id: String,
    opening: Opening,
    eligible: Vec<EligibleRestaurant>,
) -> Result<Snapshot, Failure> {
    if eligible.is_empty() {
        return Err(Failure::conflict(
            "auction.no_eligible_restaurants",
            "no restaurant near this place has all of these dishes",
        ));
    }
    let now = clock.now();
    let context = SavedContext::current();
    let auction = Auction {
        id: Uuid::now_v7().to_string(),
        customer_account_id,
        terms: opening.terms,
        opened_at_ms: now,
        deadline_ms: now + opening.duration_ms,
        eligible_count: i64::try_from(eligible.len()).map_err(Failure::internal)?,
        state: State::Open,
        sequence: 1,
        bid_count: 0,
        lowest_minor: None,
        lowest_bid_id: None,
        cause: context.clone(),
        context,
    };
    Span::current().record("auction.id", auction.id.as_str());
    store::auctions::insert(write, &auction, &eligible).await?;
    let event = AuctionOpened {
        auction_id: auction.id.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        eligible_account_ids: eligible.into_iter().map(|it| it.account_id).collect(),
        deadline_ms: auction.deadline_ms,
    };
    outbox::append(write, clock, &event).await?;
    Ok(Snapshot {
        auction,
        lowest: None,
        award: None,
    })
}

async fn place_bid(
    write: &mut Write,
    offer: Offer,
    arrived_at: Millis,
) -> Result<(Snapshot, Bid), Failure> {
    let mut auction = store::auctions::lock_known(write, &offer.auction_id).await?;
    let bidder = store::auctions::eligible(write, &auction.id, &offer.account_id).await?;
    let bidder = match admit(&auction, bidder, &offer.price, arrived_at) {
        Ok(bidder) => bidder,
        Err(rejection) => {
            Span::current().record("bid.outcome", rejection.code());
            metrics::bid(rejection.into());
            return Err(rejection.into());
        }
    };
    Span::current().record("bid.outcome", AuctionBidsOutcome::Accepted.as_str());
    let bid = Bid {
        id: Uuid::now_v7().to_string(),
        auction_id: offer.auction_id,
        bidder,
        price_minor: offer.price.minor,
        placed_at_ms: arrived_at,
        context: SavedContext::current(),
    };
    store::bids::insert(write, &bid).await?;
    auction.accept(&bid);
    auction.changed();
    store::auctions::save(write, &auction).await?;
    let snapshot = Snapshot {
        auction,
        lowest: Some(bid.clone()),
        award: None,
    };
    Ok((snapshot, bid))
}

fn admit(
    auction: &Auction,
    bidder: Option<EligibleRestaurant>,
    price: &Money,
    arrived_at: Millis,
) -> Result<EligibleRestaurant, Rejection> {
    let bidder = bidder.ok_or(Rejection::NotEligible)?;
    if price.currency != auction.terms.currency {
        return Err(Rejection::WrongCurrency);
    }
    auction.bid_rules().admit(price.minor, arrived_at)?;
    Ok(bidder)
}

async fn close_auction(
    write: &mut Write,
    clock: &Clock,
    auction_id: &str,
) -> Result<Snapshot, Failure> {
    let mut auction = store::auctions::lock_known(write, auction_id).await?;
    if !auction.takes_bids_at(clock.now()) {
        return Err(Rejection::NotOpen(auction.state).into());
    }
    auction.state = State::Closed;
    auction.changed();
    store::auctions::save(write, &auction).await?;
    outbox::append(write, clock, &ended(&auction)).await?;
    store::snapshots::within(write, auction_id).await
}

/// The event that reports that `auction` ended without a standing award.
pub(crate) fn ended(auction: &Auction) -> AuctionEnded {
    AuctionEnded {
        auction_id: auction.id.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        outcome: auction.state.name().to_owned(),
    }
}
