//! The payment methods of the simulated payment provider.

/// Every payment is authorised.
pub const AUTHORISED: &str = "tok_ok";
/// Every payment is declined.
pub const DECLINED: &str = "tok_declined";
/// The first payment of an auction is declined.
pub const DECLINED_ONCE: &str = "tok_declined_once";
/// The first response comes after the caller's time-out.
pub const STALLS: &str = "tok_stall";
/// The first request fails.
pub const FAILS_ONCE: &str = "tok_flaky";
