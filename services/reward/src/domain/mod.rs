//! The discount of a coupon and points, and the state changes of a reservation.

mod coupon;

pub use coupon::{Coupon, CouponCode, coupon_unknown};

use ::api::reward as wire;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::{DEFAULT_CURRENCY, Money};

/// The largest number of points in a request, so that sums cannot overflow.
pub const MAX_POINTS: i64 = 1_000_000_000;

/// The points of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wallet {
    /// The sum of its ledger.
    pub points: i64,
    /// The points that are reserved. They are included in `points`.
    pub points_reserved: i64,
}

/// What a settlement requests to reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationRequest {
    /// The customer's account.
    pub account_id: String,
    /// The coupon to use, if any.
    pub coupon_code: Option<CouponCode>,
    /// The points to use.
    pub points: i64,
    /// The price before the discount.
    pub price: Money,
}

/// The discount of a reservation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discount {
    /// The discount of the coupon, in minor units.
    pub coupon_minor: i64,
    /// The points that are used. Each is worth one minor unit.
    pub points: i64,
}

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The coupon and the points are reserved.
    Reserved,
    /// They are used.
    Committed,
    /// They are available again, or were never reserved.
    Released,
}

/// A reservation, or the tombstone of a release that arrived before its reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id, which is the order's id.
    pub id: String,
    /// The request. A tombstone has none.
    pub requested: Option<ReservationRequest>,
    /// The discount. It is zero on a tombstone.
    pub discount: Discount,
    /// The state.
    pub state: State,
}

/// The effect of a settlement step on a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The step changes the reservation.
    Applied,
    /// The step was applied before; nothing changes.
    Repeated,
}

// === impl Wallet ===

impl Wallet {
    /// The points that are not reserved.
    pub fn available(self) -> i64 {
        self.points - self.points_reserved
    }
}

// === impl ReservationRequest ===

impl ReservationRequest {
    /// Validates a gRPC request.
    ///
    /// # Errors
    /// `reward.bad_account`, `reward.bad_points`, `reward.coupon_unknown`, or a failure of [`Money::positive`].
    pub fn parse(request: &wire::ReserveRequest) -> Result<Self, Failure> {
        let coupon_code = match request.coupon_code.trim() {
            "" => None,
            text => Some(CouponCode::parse(text).ok_or_else(coupon_unknown)?),
        };
        if !(0..=MAX_POINTS).contains(&request.points) {
            return Err(bad_points("points", 0));
        }
        Ok(Self {
            account_id: id("reward.bad_account", "account_id", &request.account_id)?,
            coupon_code,
            points: request.points,
            price: Money::positive("price", request.price.clone())?,
        })
    }

    /// The discount: of the coupon first, then of points for the rest of the price. `coupon` is the coupon with the
    /// requested code.
    ///
    /// # Errors
    /// `reward.coupon_unknown`, `reward.coupon_expired`, `reward.coupon_used_up`, `reward.coupon_currency`,
    /// `reward.points_currency` or `reward.points_insufficient`.
    pub fn discount(
        &self,
        coupon: Option<&Coupon>,
        wallet: Wallet,
        now: Millis,
    ) -> Result<Discount, Failure> {
        let coupon_minor = match (&self.coupon_code, coupon) {
            (None, _) => 0,
            (Some(_), None) => return Err(coupon_unknown()),
            (Some(_), Some(coupon)) => coupon.discount_on(&self.price, now)?,
        };
        if self.points > 0 && self.price.currency != DEFAULT_CURRENCY {
            return Err(Failure::conflict(
                "reward.points_currency",
                format!("points are worth {DEFAULT_CURRENCY}; the price is in another currency"),
            )
            .at("points"));
        }
        if self.points > wallet.available() {
            return Err(Failure::conflict(
                "reward.points_insufficient",
                format!(
                    "{} points are wanted and {} are there",
                    self.points,
                    wallet.available()
                ),
            )
            .at("points"));
        }
        Ok(Discount {
            coupon_minor,
            points: self.points.min(self.price.minor - coupon_minor),
        })
    }
}

/// Validates an id in a request.
///
/// # Errors
/// `code` at `field` when it is empty or too long.
pub fn id(code: &'static str, field: &'static str, text: &str) -> Result<String, Failure> {
    const MAX_ID: usize = 64;
    if (1..=MAX_ID).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(Failure::invalid(
            code,
            field,
            format!("expected an id of 1 to {MAX_ID} characters"),
        ))
    }
}

/// The failure for a number of points that is not between `least` and [`MAX_POINTS`].
pub fn bad_points(field: &'static str, least: i64) -> Failure {
    Failure::invalid(
        "reward.bad_points",
        field,
        format!("expected {least} to {MAX_POINTS} points"),
    )
}

// === impl Discount ===

impl Discount {
    /// The total discount, in minor units.
    pub fn total_minor(self) -> i64 {
        self.coupon_minor + self.points
    }
}

// === impl State ===

impl State {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Reserved, Self::Committed, Self::Released]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Checks that reserving `requested` under the id of this reservation is a repetition.
    ///
    /// # Errors
    /// `reward.reservation_released`, or `reward.reservation_reused` when the request differs.
    pub fn reserve_again(&self, requested: &ReservationRequest) -> Result<(), Failure> {
        if self.state == State::Released {
            Err(Failure::conflict(
                "reward.reservation_released",
                "this reservation was released; nothing can be reserved under its id any more",
            )
            .at("reservation_id"))
        } else if self.requested.as_ref() == Some(requested) {
            Ok(())
        } else {
            Err(Failure::conflict(
                "reward.reservation_reused",
                "this id has another reservation already",
            )
            .at("reservation_id"))
        }
    }

    /// The effect of committing it.
    ///
    /// # Errors
    /// `reward.reservation_released`.
    pub fn commit(&self) -> Result<Effect, Failure> {
        match self.state {
            State::Reserved => Ok(Effect::Applied),
            State::Committed => Ok(Effect::Repeated),
            State::Released => Err(Failure::conflict(
                "reward.reservation_released",
                "this reservation was released; it cannot be committed",
            )
            .at("reservation_id")),
        }
    }

    /// The effect of releasing it.
    ///
    /// # Errors
    /// `reward.reservation_committed`.
    pub fn release(&self) -> Result<Effect, Failure> {
        match self.state {
            State::Reserved => Ok(Effect::Applied),
            State::Released => Ok(Effect::Repeated),
            State::Committed => Err(Failure::conflict(
                "reward.reservation_committed",
                "this reservation was committed; it cannot be released",
            )
            .at("reservation_id")),
        }
    }
}

impl From<Reservation> for wire::Reservation {
    fn from(reservation: Reservation) -> Self {
        let state = match reservation.state {
            State::Reserved => wire::ReservationState::Reserved,
            State::Committed => wire::ReservationState::Committed,
            State::Released => wire::ReservationState::Released,
        };
        let discount = reservation.requested.map(|requested| {
            Money {
                minor: reservation.discount.total_minor(),
                currency: requested.price.currency,
            }
            .into()
        });
        Self {
            id: reservation.id,
            state: state.into(),
            discount,
            points_reserved: reservation.discount.points,
        }
    }
}

#[cfg(test)]
mod tests;
