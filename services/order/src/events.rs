//! The consumer of the auction service's events: creates an order for each award.

use api::events::{AuctionAwarded, Event as _};
use chassis::broker::{Handler, Received};
use chassis::{Failure, fault};
use futures::future::BoxFuture;

use crate::domain::Award;
use crate::settlement::Settlements;
use crate::store::Store;

/// The name of this service's durable consumer.
pub const CONSUMER: &str = "order";

/// The subjects that this service consumes.
pub const SUBJECTS: &[&str] = &[AuctionAwarded::SUBJECT];

/// Creates an order for each award and starts its settlement. The event is acknowledged when the order is stored: from
/// then on the settlement is resumed from the order's log.
pub struct AwardHandler {
    /// The orders.
    pub store: Store,
    /// The settlements.
    pub settlements: Settlements,
}

impl Handler for AwardHandler {
    fn handle<'a>(&'a self, event: &'a Received) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let Some(event) = event.event::<AuctionAwarded>()? else {
                return Ok(());
            };
            let order_id = self.store.create(&Award::try_from(event)?).await?;
            fault::point("order.created");
            self.settlements.start(order_id);
            Ok(())
        })
    }
}
