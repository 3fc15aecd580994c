//! The rate limit: a token bucket per account, or per address for callers without a valid token.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use chassis::config::SettingsError;
use chassis::platform::VARIABLE_PREFIX;
use chassis::{Failure, Kind};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error_response::ErrorResponse;

/// The variable with the rate, without its prefix: `BIDTRACE_RATE_LIMIT_PER_S`.
const VARIABLE: &str = "RATE_LIMIT_PER_S";
const DEFAULT_PER_S: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// The burst, in seconds of the rate.
const BURST_S: u32 = 2;

/// The rate and burst of requests that are allowed per caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The sustained rate, in requests per second.
    pub per_second: NonZeroU32,
    /// The number of requests that an idle caller can send at once.
    pub burst: NonZeroU32,
}

/// The key of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum LimitKey {
    /// An authenticated account, from any address.
    Account(String),
    /// The address of a caller that is not authenticated.
    Address(IpAddr),
}

/// The buckets. [`Limiter::drop_idle`] drops full ones, so the memory is bounded by the callers of the last seconds.
pub(crate) struct Limiter {
    buckets: DefaultKeyedRateLimiter<LimitKey>,
}

// === impl RateLimit ===

impl RateLimit {
    /// The limit in `BIDTRACE_RATE_LIMIT_PER_S`, or 50 requests per second.
    ///
    /// # Errors
    /// When the value is not a positive number.
    pub fn from_env() -> Result<Self, SettingsError> {
        let variable = format!("{VARIABLE_PREFIX}{VARIABLE}");
        match std::env::var(&variable).ok().filter(|v| !v.is_empty()) {
            None => Ok(Self::per_second(DEFAULT_PER_S)),
            Some(value) => match value.parse() {
                Ok(per_second) => Ok(Self::per_second(per_second)),
                Err(_) => Err(SettingsError {
                    variable,
                    value,
                    expected: format!("expected requests per second, such as {DEFAULT_PER_S}"),
                }),
            },
        }
    }

    /// `rate` requests per second, and a burst of two seconds of this rate.
    pub fn per_second(rate: NonZeroU32) -> Self {
        Self {
            per_second: rate,
            burst: rate.saturating_mul(NonZeroU32::new(BURST_S).unwrap_or(NonZeroU32::MIN)),
        }
    }
}

// === impl LimitKey ===

impl LimitKey {
    /// The key for an address. A host commonly has a whole /64 of IPv6 addresses, so these have one key.
    pub(crate) fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

// === impl Limiter ===

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        registry::GatewayRateLimited::zero();
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self {
            buckets: RateLimiter::keyed(quota),
        }
    }

    /// Takes one request from the bucket of `key`.
    ///
    /// # Errors
    /// `rate_limited`, with a `Retry-After`.
    pub(crate) fn admit(&self, key: &LimitKey) -> Result<(), ErrorResponse> {
        self.buckets.check_key(key).map_err(|until| {
            registry::GatewayRateLimited.add(1);
            let wait = until.wait_time_from(self.buckets.clock().now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            ErrorResponse::from(Failure::new(
                Kind::Exhausted,
                "rate_limited",
                "too many requests; slow down",
            ))
            .retry_after(seconds.max(1))
        })
    }

    /// Drops the full buckets.
    pub(crate) fn drop_idle(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;

    use super::{LimitKey, Limiter, RateLimit};

    fn one_at_a_time() -> Limiter {
        Limiter::new(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::MIN,
        })
    }

    fn from(address: &str) -> LimitKey {
        LimitKey::address(address.parse::<IpAddr>().expect("an address"))
    }

    #[test]
    fn each_account_has_a_bucket_of_its_own() {
        let limiter = one_at_a_time();
        let (first, second) = (LimitKey::Account("a".into()), LimitKey::Account("b".into()));
        assert!(limiter.admit(&first).is_ok());
        assert!(limiter.admit(&first).is_err());
        assert!(limiter.admit(&second).is_ok());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_share_a_bucket() {
        assert_eq!(from("2001:db8:1:2::1"), from("2001:db8:1:2:ffff::9"));
        assert_ne!(from("2001:db8:1:2::1"), from("2001:db8:1:3::1"));
        assert_eq!(from("::ffff:192.0.2.1"), from("192.0.2.1"));
    }

    #[test]
    fn a_full_bucket_is_dropped() {
        let limiter = Limiter::new(RateLimit {
            per_second: NonZeroU32::MAX,
            burst: NonZeroU32::MAX,
        });
        limiter.admit(&from("192.0.2.1")).expect("admitted");
        assert_eq!(limiter.buckets.len(), 1);
        limiter.drop_idle();
        assert_eq!(limiter.buckets.len(), 0);
    }
}
