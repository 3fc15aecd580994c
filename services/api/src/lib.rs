//! The contracts between the platform's services.
//!
//! The gRPC contracts are compiled from `proto/`; the events on the broker are in [`events`]. No rule of a service is
//! here.

pub mod events;

/// The full paths (`/package.Service/Method`) of all methods, which a server declares to its telemetry.
pub const METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The full paths (`/package.Service/Method`) of the streaming methods. Such a call lasts as long as an auction, so it is
/// not counted by the latency indicators.
pub const STREAMING_METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/streaming.rs"));

// The generated code uses `super::super::common::v1`, so each package is nested in the same way.
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
    /// Types that several contracts share: money, places, the caller.
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
