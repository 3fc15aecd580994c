//! The platform's fixed facts: its services, where each listens by default, and the variables that say otherwise.

use std::net::{Ipv4Addr, SocketAddr};

/// The prefix of every variable that is the platform's own (telemetry's are the standard `OTEL_*`).
pub const VARIABLE_PREFIX: &str = "BIDTRACE_";

/// Where NATS listens unless `BIDTRACE_NATS_URL` says otherwise.
pub const DEFAULT_NATS_URL: &str = "nats://127.0.0.1:4222";

/// What a service speaks on its main port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// gRPC over HTTP/2.
    Grpc,
}

/// The eight services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// The edge.
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
    /// The payment provider, simulated.
    Payment,
    /// The inbox and webhooks.
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

    /// The name: of the binary, of `service.name`, of the Prometheus job.
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

    /// The port that serves callers.
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

    /// The port with `/metrics`, `/livez` and `/readyz`.
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

    /// What it speaks on [`Service::port`].
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Gateway | Self::Payment => Protocol::Http,
            _ => Protocol::Grpc,
        }
    }

    /// Where it listens when no variable says otherwise: loopback, never beyond.
    pub const fn default_listen(self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.port())
    }

    /// Where its admin port listens when no variable says otherwise.
    pub const fn default_admin_listen(self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.admin_port())
    }

    /// The variable that tells the others where it is, such as `BIDTRACE_CATALOG_URL`.
    pub fn url_variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}_URL", self.name().to_uppercase())
    }

    /// Where the others find it when [`Service::url_variable`] is not set.
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
