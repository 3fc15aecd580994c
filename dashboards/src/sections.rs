//! Which sections the dashboard of each service has.

use chassis::platform::Service;

/// The purpose of a service, and the sections that its dashboard has besides those of every service.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Five independent sections.
pub(crate) struct Sections {
    /// The description of the dashboard.
    pub(crate) purpose: &'static str,
    pub(crate) grpc_client: bool,
    pub(crate) http_client: bool,
    pub(crate) database: bool,
    pub(crate) producer: bool,
    pub(crate) consumer: bool,
}

const NONE: Sections = Sections {
    purpose: "",
    grpc_client: false,
    http_client: false,
    database: false,
    producer: false,
    consumer: false,
};

const WITH_DATABASE: Sections = Sections {
    database: true,
    ..NONE
};

// === impl Sections ===

impl Sections {
    pub(crate) fn of(service: Service) -> Self {
        match service {
            Service::Gateway => Self {
                purpose: "The edge: authentication, routing, rate limits, live bids.",
                grpc_client: true,
                ..NONE
            },
            Service::Account => Self {
                purpose: "Accounts, logins and signed tokens.",
                ..WITH_DATABASE
            },
            Service::Catalog => Self {
                purpose: "Restaurants, dishes, and who can serve a request near here.",
                ..WITH_DATABASE
            },
            Service::Auction => Self {
                purpose: "Auctions and bids: open, bid, award at the deadline.",
                grpc_client: true,
                producer: true,
                ..WITH_DATABASE
            },
            Service::Reward => Self {
                purpose: "Coupons and points: reserve, commit, release.",
                ..WITH_DATABASE
            },
            Service::Order => Self {
                purpose: "Orders: settle an award, compensate on failure.",
                grpc_client: true,
                http_client: true,
                producer: true,
                consumer: true,
                ..WITH_DATABASE
            },
            Service::Payment => Self {
                purpose: "The payment provider, simulated.",
                ..WITH_DATABASE
            },
            Service::Notification => Self {
                purpose: "Inboxes and webhooks: tell customers and restaurants.",
                http_client: true,
                consumer: true,
                ..WITH_DATABASE
            },
        }
    }
}
