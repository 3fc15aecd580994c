//! How much one caller may ask for: a token bucket per account, or per address for callers without a token.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use chassis::config::SettingsError;
use chassis::platform::VARIABLE_PREFIX;
use chassis::{Failure, Kind};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::refusal::Refusal;

/// The last part of the variable that sets the rate: `BIDTRACE_RATE_LIMIT_PER_S`.
const VARIABLE: &str = "RATE_LIMIT_PER_S";
const DEFAULT_PER_S: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// A full bucket holds this many seconds' worth of requests.
const BURST_S: u32 = 2;

/// How many requests one caller may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// In the long run, per second.
    pub per_second: NonZeroU32,
    /// At once, by a caller that has been quiet.
    pub burst: NonZeroU32,
}

/// Whose bucket a request is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Payer {
    /// An authenticated account, wherever it calls from.
    Account(String),
    /// A caller that is known by its address only.
    Address(IpAddr),
}

/// The buckets. One that is full again is forgotten by [`Limiter::forget_idle`], so memory is bounded by the callers
/// of the last seconds.
pub(crate) struct Limiter {
    buckets: DefaultKeyedRateLimiter<Payer>,
}

// === impl RateLimit ===

impl RateLimit {
    /// `BIDTRACE_RATE_LIMIT_PER_S` and twice that as burst; 50 and 100 without it.
    ///
    /// # Errors
    /// When the value is no positive number.
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

    /// `rate` requests per second, and a burst of two seconds' worth.
    pub fn per_second(rate: NonZeroU32) -> Self {
        Self {
            per_second: rate,
            burst: rate.saturating_mul(NonZeroU32::new(BURST_S).unwrap_or(NonZeroU32::MIN)),
        }
    }
}

// === impl Payer ===

impl Payer {
    /// An IPv6 host commonly has a whole /64 to itself, so that counts as one address.
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

    /// Takes one request from the payer's bucket.
    ///
    /// # Errors
    /// `rate_limited`, with the seconds after which trying again helps.
    pub(crate) fn admit(&self, payer: &Payer) -> Result<(), Refusal> {
        self.buckets.check_key(payer).map_err(|until| {
            registry::GatewayRateLimited.add(1);
            let wait = until.wait_time_from(self.buckets.clock().now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Refusal::from(Failure::new(
                Kind::Exhausted,
                "rate_limited",
                "too many requests; slow down",
            ))
            .retry_after(seconds.max(1))
        })
    }

    pub(crate) fn forget_idle(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;

    use super::{Limiter, Payer, RateLimit};

    fn one_at_a_time() -> Limiter {
        Limiter::new(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::MIN,
        })
    }

    fn from(address: &str) -> Payer {
        Payer::address(address.parse::<IpAddr>().expect("an address"))
    }

    #[test]
    fn each_payer_has_a_bucket_of_its_own() {
        let limiter = one_at_a_time();
        let (first, second) = (Payer::Account("a".into()), Payer::Account("b".into()));
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
    fn a_full_bucket_is_forgotten() {
        let limiter = Limiter::new(RateLimit {
            per_second: NonZeroU32::MAX,
            burst: NonZeroU32::MAX,
        });
        limiter.admit(&from("192.0.2.1")).expect("admitted");
        assert_eq!(limiter.buckets.len(), 1);
        limiter.forget_idle();
        assert_eq!(limiter.buckets.len(), 0);
    }
}
