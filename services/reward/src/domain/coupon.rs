//! Coupons.

use ::api::reward as wire;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::Money;

/// The number of uses of a coupon.
const COUPON_USES: std::ops::RangeInclusive<u32> = 1..=1_000_000;
/// The length of a coupon's code, in characters.
const CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;

/// A normalised coupon code: trimmed and in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponCode(String);

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its code.
    pub code: CouponCode,
    /// The discount.
    pub discount: Money,
    /// The number of settlements that may use it.
    pub uses: u32,
    /// The number of uses that are left.
    pub uses_left: u32,
    /// The time from which it cannot be used.
    pub expires_at_ms: Millis,
}

// === impl CouponCode ===

impl CouponCode {
    /// Validates and normalises a code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.trim().to_ascii_uppercase();
        let well_formed = CODE_LENGTH.contains(&code.len())
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        well_formed.then_some(Self(code))
    }

    /// The normalised code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_stored(code: String) -> Self {
        Self(code)
    }
}

// === impl Coupon ===

impl Coupon {
    /// Validates the coupon in a request. All its uses are left.
    ///
    /// # Errors
    /// `reward.bad_coupon_code`, `reward.bad_uses`, `reward.bad_expiry`, or a failure of [`Money::positive`].
    pub fn parse(request: &wire::IssueCouponRequest, now: Millis) -> Result<Self, Failure> {
        let code = CouponCode::parse(&request.code).ok_or_else(|| {
            Failure::invalid(
                "reward.bad_coupon_code",
                "code",
                format!(
                    "expected {} to {} letters, digits or hyphens",
                    CODE_LENGTH.start(),
                    CODE_LENGTH.end()
                ),
            )
        })?;
        if !COUPON_USES.contains(&request.uses) {
            return Err(Failure::invalid(
                "reward.bad_uses",
                "uses",
                format!(
                    "expected {} to {}, not {}",
                    COUPON_USES.start(),
                    COUPON_USES.end(),
                    request.uses
                ),
            ));
        }
        if request.expires_at_ms <= now {
            return Err(Failure::invalid(
                "reward.bad_expiry",
                "expires_at_ms",
                format!("expected a time in the future, after {now}"),
            ));
        }
        Ok(Self {
            code,
            discount: Money::positive("discount", request.discount.clone())?,
            uses: request.uses,
            uses_left: request.uses,
            expires_at_ms: request.expires_at_ms,
        })
    }

    /// The discount on `price`, at most the price itself.
    pub(super) fn discount_on(&self, price: &Money, now: Millis) -> Result<i64, Failure> {
        let refuse = |code: &'static str, message: &'static str| {
            Err(Failure::conflict(code, message).at("coupon_code"))
        };
        if self.expires_at_ms <= now {
            refuse("reward.coupon_expired", "the coupon has expired")
        } else if self.uses_left == 0 {
            refuse(
                "reward.coupon_used_up",
                "the coupon was used as often as it may be",
            )
        } else if self.discount.currency != price.currency {
            refuse(
                "reward.coupon_currency",
                "the coupon is in another currency than the price",
            )
        } else {
            Ok(self.discount.minor.min(price.minor))
        }
    }
}

impl From<Coupon> for wire::Coupon {
    fn from(coupon: Coupon) -> Self {
        Self {
            code: coupon.code.0,
            discount: Some(coupon.discount.into()),
            uses: coupon.uses,
            uses_left: coupon.uses_left,
            expires_at_ms: coupon.expires_at_ms,
        }
    }
}

/// The failure for a code that no coupon has.
pub fn coupon_unknown() -> Failure {
    Failure::conflict("reward.coupon_unknown", "there is no coupon of this code").at("coupon_code")
}
