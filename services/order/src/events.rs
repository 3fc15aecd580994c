//! What the auction service tells: an award becomes an order.

use api::events::{AuctionAwarded, Event as _};
use chassis::broker::{Handler, Received};
use chassis::{Failure, fault};
use futures::future::BoxFuture;

use crate::domain::Award;
use crate::settlement::Settlements;
use crate::store::Store;

/// The name under which the broker remembers what this service has confirmed.
pub const CONSUMER: &str = "order";

/// What this service listens to.
pub const SUBJECTS: &[&str] = &[AuctionAwarded::SUBJECT];

/// Makes orders of awards. The event is confirmed as soon as the order is stored: from then on its log carries it.
pub struct Awards {
    /// Where orders are kept.
    pub store: Store,
    /// Who settles them.
    pub settlements: Settlements,
}

impl Handler for Awards {
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
