//! Reverse auctions: open, bid, close, award.
//!
//! The [`domain`] has the rules, the [`store`] the tables, the [`auctioneer`](auctioneer::Auctioneer) makes each change
//! in one transaction, [`closing`] does so at the deadlines, and [`api`] speaks gRPC. Time is this service's own clock:
//! a bid has the time of its arrival here, and the closing comes after every bid that arrived before the deadline.
//!
//! The trace of an auction's opening goes on at its deadline, also after a restart: the auction's row keeps the context,
//! the award is its child, and the award links to each bid that was weighed.

use anyhow::Context as _;
use chassis::platform::Service;
use tonic::service::Routes;

use crate::api::AuctionsApi;
use crate::auctioneer::Auctioneer;

pub mod api;
pub mod auctioneer;
pub mod awarding;
pub mod closing;
pub mod domain;
pub mod live;
mod measures;
pub mod spans;
pub mod store;
pub mod turns;
pub mod wire;

/// Where a test may have the process die (see [`chassis::fault`]).
pub const FAULT_POINTS: &[&str] = &[
    "auction.opened.committed",
    "auction.bid.committed",
    "auction.award.before_commit",
    "auction.award.committed",
    "auction.revoke.before_commit",
    "auction.revoke.committed",
];

/// Runs the service until its shutdown.
///
/// # Errors
/// When it cannot start: the database, the broker, an address.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let database = context.database(&store::MIGRATIONS).await?;
    let auctioneer = Auctioneer::start(database.clone(), context.clock.clone()).await?;
    let broker = context.broker().await?;
    context.relay_outbox(&database, &broker);
    context.background(closing::run(auctioneer.clone(), context.shutdown.clone()));
    let catalog = chassis::grpc::channel(Service::Catalog).context("the catalog's address")?;
    let api = AuctionsApi::new(
        auctioneer,
        ::api::catalog::catalog_client::CatalogClient::new(catalog),
        context.shutdown.clone(),
    );
    let server = ::api::auction::auctions_server::AuctionsServer::new(api);
    context.serve_grpc(Routes::new(server)).await
}
