//! The contracts between the platform's services.
//!
//! gRPC is declared in `proto/` and compiled here; what travels over the broker is in [`events`]. No rule of
//! any service lives here.

pub mod events;

/// Full paths (`/package.Service/Method`) of all methods: a server tells by them which calls have a name.
pub const METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// Full paths (`/package.Service/Method`) of the methods that stream in either direction: they live as long as
/// an auction and are kept out of latency indicators.
pub const STREAMING_METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/streaming.rs"));

// The generated code refers to `super::super::common::v1`, so each package is nested the same way.
macro_rules! packages {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        #[allow(missing_docs, unreachable_pub, clippy::pedantic, clippy::all)]
        mod bidtrace {
            $(pub mod $name { pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/bidtrace.", stringify!($name), ".v1.rs"));
            } })*
        }
        $($(#[$doc])* pub use bidtrace::$name::v1 as $name;)*
    };
}

packages! {
    /// Types that several services speak: money, places, the caller.
    common,
    /// `bidtrace.account.v1`.
    account,
    /// `bidtrace.catalog.v1`.
    catalog,
    /// `bidtrace.auction.v1`.
    auction,
    /// `bidtrace.reward.v1`.
    reward,
    /// `bidtrace.order.v1`.
    order,
    /// `bidtrace.notification.v1`.
    notification,
}
