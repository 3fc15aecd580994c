//! The handlers. Each converts a request, calls one service, and converts its response.

mod accounts;
mod admin;
mod auctions;
mod notifications;
mod orders;
mod restaurants;
mod rewards;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;
use crate::{live, openapi};

/// Every route of the API with its part of the OpenAPI document.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(accounts::sign_up))
        .routes(routes!(accounts::log_in))
        .routes(routes!(accounts::me))
        .routes(routes!(
            restaurants::put_restaurant,
            restaurants::own_restaurant
        ))
        .routes(routes!(restaurants::get_restaurant))
        .routes(routes!(auctions::open_auction, auctions::list_auctions))
        .routes(routes!(auctions::get_auction))
        .routes(routes!(auctions::place_bid))
        .routes(routes!(live::watch_auction))
        .routes(routes!(orders::list_orders))
        .routes(routes!(orders::get_order))
        .routes(routes!(notifications::list_notifications))
        .routes(routes!(notifications::put_webhook))
        .routes(routes!(rewards::get_rewards))
        .routes(routes!(admin::list_accounts))
        .routes(routes!(admin::close_account))
        .routes(routes!(admin::close_auction))
        .routes(routes!(admin::issue_coupon))
        .routes(routes!(admin::grant_points))
}
