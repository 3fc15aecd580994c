//! Points and coupons.

use ::api::common::Caller;
use ::api::reward;
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Money, required};

/// An account's points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// What it has, reserved ones included.
    points: i64,
    /// What is set aside for settlements under way.
    points_reserved: i64,
    /// The latest entries of the ledger.
    recent: Vec<LedgerEntry>,
}

/// An entry of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    /// Its id.
    id: String,
    /// Credited, or debited when negative.
    points: i64,
    /// Why.
    reason: String,
    /// Unix milliseconds.
    at_ms: i64,
}

/// A new coupon.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "WELCOME", "discount": {"amount_minor": 3000, "currency": "KRW"}, "uses": 100,
    "expires_at_ms": 1_800_000_000_000_i64
}))]
pub(crate) struct IssueCoupon {
    /// What customers type.
    code: String,
    /// What it takes off a price.
    discount: Money,
    /// How many settlements may use it in all.
    #[schema(minimum = 1)]
    uses: u32,
    /// From when on it does not hold, Unix milliseconds.
    expires_at_ms: i64,
}

/// A coupon.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Coupon {
    /// What customers type.
    code: String,
    /// What it takes off a price.
    discount: Money,
    /// How many settlements may use it in all.
    uses: u32,
    /// How many still may.
    uses_left: u32,
    /// From when on it does not hold, Unix milliseconds.
    expires_at_ms: i64,
}

/// Points for an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account_id": "0199c0de-7000-7000-8000-000000000000", "points": 500, "reason": "goodwill"}))]
pub(crate) struct GrantPoints {
    /// Whose.
    account_id: String,
    /// How many.
    points: i64,
    /// Why; it is shown in the ledger.
    reason: String,
}

impl IssueCoupon {
    pub(crate) fn of(self, caller: Caller) -> reward::IssueCouponRequest {
        reward::IssueCouponRequest {
            caller: Some(caller),
            code: self.code,
            discount: Some(self.discount.into()),
            uses: self.uses,
            expires_at_ms: self.expires_at_ms,
        }
    }
}

impl GrantPoints {
    pub(crate) fn of(self, caller: Caller) -> reward::GrantPointsRequest {
        reward::GrantPointsRequest {
            caller: Some(caller),
            account_id: self.account_id,
            points: self.points,
            reason: self.reason,
        }
    }
}

impl From<reward::Balance> for Balance {
    fn from(balance: reward::Balance) -> Self {
        Self {
            points: balance.points,
            points_reserved: balance.points_reserved,
            recent: balance.recent.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<reward::LedgerEntry> for LedgerEntry {
    fn from(entry: reward::LedgerEntry) -> Self {
        Self {
            id: entry.id,
            points: entry.points,
            reason: entry.reason,
            at_ms: entry.at_ms,
        }
    }
}

impl TryFrom<reward::Coupon> for Coupon {
    type Error = Failure;

    fn try_from(coupon: reward::Coupon) -> Result<Self, Failure> {
        Ok(Self {
            code: coupon.code,
            discount: required(coupon.discount, "coupon.discount")?.into(),
            uses: coupon.uses,
            uses_left: coupon.uses_left,
            expires_at_ms: coupon.expires_at_ms,
        })
    }
}
