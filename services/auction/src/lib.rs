//! Reverse auctions: open, bid, close, award.
//!
//! [`domain`] has the rules, [`store`] the tables; [`Auctioneer`] makes each change in one transaction, [`closing`] calls
//! it at the deadlines, and [`api`] serves gRPC. Times are those of this service's clock: a bid has the time of its
//! arrival here, and the closing runs after every bid that arrived before the deadline.
//!
//! The trace of an auction's opening continues at its deadline, also after a restart: the auction's row stores the trace
//! context, the award's span is a child of the opening, and it links to each bid that was considered.

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
pub mod locks;
mod metrics;
pub mod spans;
pub mod store;
pub mod wire;

/// The service's [fault points](chassis::fault).
pub const FAULT_POINTS: &[&str] = &[
    "auction.opened.committed",
    "auction.bid.committed",
    "auction.award.before_commit",
    "auction.award.committed",
    "auction.revoke.before_commit",
    "auction.revoke.committed",
];

/// Runs the service until shutdown.
///
/// # Errors
/// When the database cannot be opened, the broker's stream cannot be declared, or an address cannot be used.
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
