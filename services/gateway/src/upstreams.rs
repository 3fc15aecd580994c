//! The services behind the gateway.

use ::api::account::accounts_client::AccountsClient;
use ::api::auction::auctions_client::AuctionsClient;
use ::api::catalog::catalog_client::CatalogClient;
use ::api::notification::notifications_client::NotificationsClient;
use ::api::order::orders_client::OrdersClient;
use ::api::reward::rewards_client::RewardsClient;
use chassis::config::SettingsError;
use chassis::grpc::{Channel, channel_to};
use chassis::platform::Service;

/// A client for each service. Clones share the connections, which are opened when they are first used.
#[derive(Clone)]
pub struct Upstreams {
    pub(crate) accounts: AccountsClient<Channel>,
    pub(crate) catalog: CatalogClient<Channel>,
    pub(crate) auctions: AuctionsClient<Channel>,
    pub(crate) rewards: RewardsClient<Channel>,
    pub(crate) orders: OrdersClient<Channel>,
    pub(crate) notifications: NotificationsClient<Channel>,
}

impl Upstreams {
    /// Clients for the URLs that `url_of` returns.
    ///
    /// # Errors
    /// When a URL is malformed.
    pub fn connect(url_of: impl Fn(Service) -> String) -> Result<Self, SettingsError> {
        let channel = |service: Service| {
            let url = url_of(service);
            channel_to(url.clone()).map_err(|_| SettingsError {
                variable: service.url_variable(),
                value: url,
                expected: format!("expected a URL such as {}", service.default_url()),
            })
        };
        Ok(Self {
            accounts: AccountsClient::new(channel(Service::Account)?),
            catalog: CatalogClient::new(channel(Service::Catalog)?),
            auctions: AuctionsClient::new(channel(Service::Auction)?),
            rewards: RewardsClient::new(channel(Service::Reward)?),
            orders: OrdersClient::new(channel(Service::Order)?),
            notifications: NotificationsClient::new(channel(Service::Notification)?),
        })
    }
}
