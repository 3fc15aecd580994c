//! The platform's constants: its services, their default addresses, and the environment variables that override them.

use std::net::{Ipv4Addr, SocketAddr};

/// The prefix of the platform's environment variables. Those of telemetry are the standard `OTEL_*`.
pub const VARIABLE_PREFIX: &str = "BIDTRACE_";

/// The URL of NATS when `BIDTRACE_NATS_URL` is not set.
pub const DEFAULT_NATS_URL: &str = "nats://127.0.0.1:4222";

/// The protocol of a service's main port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// gRPC over HTTP/2.
    Grpc,
}

/// A service of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// The public HTTP API.
    Gateway,
    /// Accounts and tokens.
    Account,
    /// Restaurants and their dishes.
    Catalog,
    /// Auctions and bids.
    Auction,
    /// Coupons and points.
    Reward,
    /// Orders and the settlement saga.
    Order,
    /// The simulated payment provider.
    Payment,
    /// Notifications and webhooks.
    Notification,
}

impl Service {
    /// Every service, in the order in which they start.
    pub const ALL: [Self; 8] = [
        Self::Payment,
        Self::Account,
        Self::Catalog,
        Self::Reward,
        Self::Auction,
        Self::Order,
        Self::Notification,
        Self::Gateway,
    ];

    /// The name of the binary, the `service.name` and the Prometheus job.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Account => "account",
            Self::Catalog => "catalog",
            Self::Auction => "auction",
            Self::Reward => "reward",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Notification => "notification",
        }
    }

    /// The main port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Gateway => 8080,
            Self::Account => 50051,
            Self::Catalog => 50052,
            Self::Auction => 50053,
            Self::Reward => 50054,
            Self::Order => 50055,
            Self::Payment => 50056,
            Self::Notification => 50057,
        }
    }

    /// The admin port: `/metrics`, `/livez` and `/readyz`.
    pub const fn admin_port(self) -> u16 {
        match self {
            Self::Gateway => 9180,
            Self::Account => 9181,
            Self::Catalog => 9182,
            Self::Auction => 9183,
            Self::Reward => 9184,
            Self::Order => 9185,
            Self::Payment => 9186,
            Self::Notification => 9187,
        }
    }

    /// The protocol of [`Service::port`].
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Gateway | Self::Payment => Protocol::Http,
            _ => Protocol::Grpc,
        }
    }

    /// The default address of the main port: loopback only.
    pub const fn default_listen(self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.port())
    }

    /// The default address of the admin port: loopback only.
    pub const fn default_admin_listen(self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.admin_port())
    }

    /// The variable with the URL at which other services reach it, such as `BIDTRACE_CATALOG_URL`.
    pub fn url_variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}_URL", self.name().to_uppercase())
    }

    /// The URL when [`Service::url_variable`] is not set.
    pub fn default_url(self) -> String {
        format!("http://{}", self.default_listen())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Service;

    #[test]
    fn no_two_services_share_a_port() {
        let ports: HashSet<u16> = Service::ALL
            .iter()
            .flat_map(|service| [service.port(), service.admin_port()])
            .collect();
        assert_eq!(ports.len(), 2 * Service::ALL.len());
    }
}
