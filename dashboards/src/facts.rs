//! What each service does, as far as its dashboard must know.

use chassis::platform::Service;

/// Which rows a service's dashboard has.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Five independent facts.
pub(crate) struct Facts {
    /// For the reader.
    pub(crate) purpose: &'static str,
    pub(crate) asks_grpc: bool,
    pub(crate) asks_http: bool,
    pub(crate) database: bool,
    pub(crate) publishes: bool,
    pub(crate) consumes: bool,
}

const NOTHING: Facts = Facts {
    purpose: "",
    asks_grpc: false,
    asks_http: false,
    database: false,
    publishes: false,
    consumes: false,
};

const STORED: Facts = Facts {
    database: true,
    ..NOTHING
};

// === impl Facts ===

impl Facts {
    pub(crate) fn of(service: Service) -> Self {
        match service {
            Service::Gateway => Self {
                purpose: "The edge: authentication, routing, rate limits, live bids.",
                asks_grpc: true,
                ..NOTHING
            },
            Service::Account => Self {
                purpose: "Accounts, logins and signed tokens.",
                ..STORED
            },
            Service::Catalog => Self {
                purpose: "Restaurants, dishes, and who can serve a request near here.",
                ..STORED
            },
            Service::Auction => Self {
                purpose: "Auctions and bids: open, bid, award at the deadline.",
                asks_grpc: true,
                publishes: true,
                ..STORED
            },
            Service::Reward => Self {
                purpose: "Coupons and points: reserve, commit, release.",
                ..STORED
            },
            Service::Order => Self {
                purpose: "Orders: settle an award, compensate on failure.",
                asks_grpc: true,
                asks_http: true,
                publishes: true,
                consumes: true,
                ..STORED
            },
            Service::Payment => Self {
                purpose: "The payment provider, simulated.",
                ..STORED
            },
            Service::Notification => Self {
                purpose: "Inboxes and webhooks: tell customers and restaurants.",
                asks_http: true,
                consumes: true,
                ..STORED
            },
        }
    }
}
