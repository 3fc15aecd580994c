//! Who runs the auctions: each change of an auction is one transaction, made in the auction's [turn](crate::turns),
//! and told to whoever watches once it is committed.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use api::events::{AuctionEnded, AuctionOpened};
use chassis::clock::{Clock, Millis};
use chassis::database::{Database, Write};
use chassis::idempotency::Claim;
use chassis::money::Money;
use chassis::{Failure, fault, outbox};
use registry::AuctionBidsOutcome;
use telemetry::context::SavedContext;
use tokio::sync::Notify;
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

use crate::domain::bidding::Rejection;
use crate::domain::opening::Opening;
use crate::domain::{Auction, Bid, Eligible, Snapshot, State};
use crate::live::Live;
use crate::turns::Turns;
use crate::{measures, store, wire};

/// The auctions of one database.
#[derive(Debug)]
pub struct Auctioneer {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) turns: Turns,
    pub(crate) live: Arc<Live>,
    /// Told of each new auction, since its deadline may be the earliest.
    pub(crate) opened: Notify,
}

/// A bid as it was offered.
#[derive(Debug, Clone)]
pub struct Offer {
    /// In which auction.
    pub auction_id: String,
    /// Who bids.
    pub account_id: String,
    /// What for.
    pub price: Money,
}

impl Auctioneer {
    /// Takes up the auctions of `database`, those that were open before a restart too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(database: Database, clock: Clock) -> Result<Arc<Self>, Failure> {
        measures::start(store::auctions::count_open(&database).await?);
        Ok(Arc::new(Self {
            database,
            clock,
            turns: Turns::default(),
            live: Arc::default(),
            opened: Notify::new(),
        }))
    }

    /// Where to watch the changes.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Where the time is taken from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Opens an auction for the restaurants that the catalog found. When it found none, or failed, that is the answer
    /// unless the claim was answered before.
    ///
    /// # Errors
    /// `auction.no_eligible_restaurants`, what the catalog failed with, or when the database fails.
    pub async fn open(
        self: &Arc<Self>,
        customer_account_id: String,
        opening: Opening,
        eligible: Result<Vec<Eligible>, Failure>,
        claim: Claim,
    ) -> Result<api::auction::Auction, Failure> {
        let span =
            tracing::info_span!(target: "auction", "auction.open", auction.id = field::Empty);
        let auctioneer = self.clone();
        to_the_end(
            async move {
                let (clock, made) = (auctioneer.clock.clone(), Arc::new(OnceLock::new()));
                let write_made = made.clone();
                let answer = claim
                    .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                        Box::pin(async move {
                            let snapshot =
                                open(write, &clock, customer_account_id, opening, eligible?)
                                    .await?;
                            let answer = wire::auction(&snapshot, &wire::Viewer::Full);
                            let _ = write_made.set(());
                            Ok(answer)
                        })
                    })
                    .await?;
                if made.get().is_some() {
                    fault::point("auction.opened.committed");
                    measures::opened();
                    auctioneer.opened.notify_one();
                }
                Ok(answer)
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
            let turn = auctioneer
                .turns
                .take(&offer.auction_id, &auctioneer.clock)
                .await;
            to_the_end(async move {
                let accepted = Arc::new(OnceLock::new());
                let write_accepted = accepted.clone();
                let arrived_at = turn.arrived_at;
                let answer = claim
                    .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                        Box::pin(async move {
                            let (snapshot, bid) = place(write, offer, arrived_at).await?;
                            let answer = wire::bid(&bid, &snapshot.auction);
                            let _ = write_accepted.set(Arc::new(snapshot));
                            Ok(answer)
                        })
                    })
                    .await?;
                // The award will link to it. So it is when the answer is given again: the first trace may be lost.
                telemetry::context::keep();
                if let Some(snapshot) = accepted.get() {
                    fault::point("auction.bid.committed");
                    measures::bid(AuctionBidsOutcome::Accepted);
                    auctioneer.live.publish(snapshot.clone());
                }
                drop(turn);
                Ok(answer)
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
        let turn = auctioneer.turns.take(&auction_id, &auctioneer.clock).await;
        to_the_end(async move {
            let (clock, closed) = (auctioneer.clock.clone(), Arc::new(OnceLock::new()));
            let write_closed = closed.clone();
            let answer = claim
                .execute(&auctioneer.database, &auctioneer.clock, move |write| {
                    Box::pin(async move {
                        let snapshot = close(write, &clock, &auction_id).await?;
                        let answer = wire::auction(&snapshot, &wire::Viewer::Full);
                        let _ = write_closed.set(Arc::new(snapshot));
                        Ok(answer)
                    })
                })
                .await?;
            if let Some(snapshot) = closed.get() {
                measures::ended(snapshot, auctioneer.clock.now());
                auctioneer.live.publish(snapshot.clone());
            }
            drop(turn);
            Ok(answer)
        })
        .await
    }
}

/// Runs `work` to its end even when the caller leaves: a change that is committed must also be told and counted.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    telemetry::context::spawn(work)
        .await
        .map_err(Failure::internal)?
}

async fn open(
    write: &mut Write,
    clock: &Clock,
    customer_account_id: String,
    opening: Opening,
    eligible: Vec<Eligible>,
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

async fn place(
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
            measures::bid(rejection.into());
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
    bidder: Option<Eligible>,
    price: &Money,
    arrived_at: Millis,
) -> Result<Eligible, Rejection> {
    let bidder = bidder.ok_or(Rejection::NotEligible)?;
    if price.currency != auction.terms.currency {
        return Err(Rejection::WrongCurrency);
    }
    auction.standing().admit(price.minor, arrived_at)?;
    Ok(bidder)
}

async fn close(write: &mut Write, clock: &Clock, auction_id: &str) -> Result<Snapshot, Failure> {
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

/// The event that `auction` ended as its state says, without an award that stands.
pub(crate) fn ended(auction: &Auction) -> AuctionEnded {
    AuctionEnded {
        auction_id: auction.id.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        outcome: auction.state.name().to_owned(),
    }
}
