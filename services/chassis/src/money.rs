//! Amounts of money: an integer of minor units and a currency.

use crate::failure::Failure;

/// The currency when a caller names none.
pub const DEFAULT_CURRENCY: &str = "KRW";

/// The largest amount in a request, so that sums cannot overflow.
pub const MAX_MINOR: i64 = 1_000_000_000_000;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The amount in the currency's minor unit: 12 000 KRW is `12000`.
    pub minor: i64,
    /// The currency's ISO 4217 code, three capital letters.
    pub currency: String,
}

impl Money {
    /// `minor` units of [`DEFAULT_CURRENCY`].
    pub fn won(minor: i64) -> Self {
        Self {
            minor,
            currency: DEFAULT_CURRENCY.to_owned(),
        }
    }

    /// Validates an amount in a request: positive, within range, and with a well-formed currency.
    ///
    /// # Errors
    /// `money.missing`, `money.out_of_range` or `money.bad_currency`, at `field`.
    pub fn positive(
        field: &'static str,
        money: Option<api::common::Money>,
    ) -> Result<Self, Failure> {
        let money = money.ok_or_else(|| {
            Failure::invalid(
                "money.missing",
                field,
                "an amount with its currency is required",
            )
        })?;
        if !(1..=MAX_MINOR).contains(&money.amount_minor) {
            return Err(Failure::invalid(
                "money.out_of_range",
                field,
                format!(
                    "expected 1 to {MAX_MINOR} minor units, not {}",
                    money.amount_minor
                ),
            ));
        }
        if money.currency.len() != 3 || !money.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Failure::invalid(
                "money.bad_currency",
                field,
                "expected an ISO 4217 code such as KRW",
            ));
        }
        Ok(Self {
            minor: money.amount_minor,
            currency: money.currency,
        })
    }
}

impl From<Money> for api::common::Money {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: money.minor,
            currency: money.currency,
        }
    }
}

impl From<Money> for api::events::Amount {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: money.minor,
            currency: money.currency,
        }
    }
}

impl From<api::events::Amount> for Money {
    fn from(amount: api::events::Amount) -> Self {
        Self {
            minor: amount.amount_minor,
            currency: amount.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    fn wire(amount_minor: i64, currency: &str) -> api::common::Money {
        api::common::Money {
            amount_minor,
            currency: currency.to_owned(),
        }
    }

    #[test]
    fn zero_negative_and_huge_amounts_are_refused() {
        for amount in [0, -1, i64::MAX] {
            let failure =
                Money::positive("price", Some(wire(amount, "KRW"))).expect_err("out of range");
            assert_eq!(failure.code, "money.out_of_range");
        }
    }

    #[test]
    fn a_currency_is_three_capitals() {
        for currency in ["", "krw", "KRWX", "₩"] {
            let failure =
                Money::positive("price", Some(wire(1, currency))).expect_err("not ISO 4217");
            assert_eq!(failure.code, "money.bad_currency");
        }
    }
}
