//! Coupons.

use ::api::reward as wire;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::Money;

/// Settlements that may use one coupon.
const COUPON_USES: std::ops::RangeInclusive<u32> = 1..=1_000_000;
/// Characters of a coupon's code.
const CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;

/// A coupon's code in the one form in which codes are compared: trimmed, in capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponCode(String);

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// What the customer types.
    pub code: CouponCode,
    /// What it takes off.
    pub discount: Money,
    /// How many settlements may use it in all.
    pub uses: u32,
    /// How many still may.
    pub uses_left: u32,
    /// From when on it is void.
    pub expires_at_ms: Millis,
}

// === impl CouponCode ===

impl CouponCode {
    /// The code in `text`; none when no coupon can have it.
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
    /// The coupon in a request, with all its uses left.
    ///
    /// # Errors
    /// `reward.bad_coupon_code`, `reward.bad_uses`, `reward.bad_expiry`, or what the discount is refused with.
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

    /// What it takes off `price`: never more than the price.
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

/// The refusal of a code that no coupon has.
pub fn coupon_unknown() -> Failure {
    Failure::conflict("reward.coupon_unknown", "there is no coupon of this code").at("coupon_code")
}
