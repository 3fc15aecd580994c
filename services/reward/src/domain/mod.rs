//! What coupon and points take off a price, and what may happen to a reservation.

mod coupon;

pub use coupon::{Coupon, CouponCode, coupon_unknown};

use ::api::reward as wire;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::{DEFAULT_CURRENCY, Money};

/// The most points that one request may carry, so that sums cannot overflow.
pub const MAX_POINTS: i64 = 1_000_000_000;
/// An account's points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wallet {
    /// The sum of its ledger.
    pub points: i64,
    /// The part of them that reservations hold.
    pub points_reserved: i64,
}

/// What a settlement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whose points.
    pub account_id: String,
    /// None when no coupon is to be used.
    pub coupon_code: Option<CouponCode>,
    /// None of them when zero.
    pub points: i64,
    /// What it is taken off.
    pub price: Money,
}

/// What a settlement gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discount {
    /// What the coupon takes off, in minor units.
    pub coupon_minor: i64,
    /// The points that are used; each takes one minor unit off.
    pub points: i64,
}

/// How far a reservation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Coupon and points are set aside.
    Reserved,
    /// They are used up.
    Committed,
    /// They were given back, or never taken.
    Released,
}

/// A reservation of something, or the mark of a release that came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The order's id.
    pub id: String,
    /// None on a mark.
    pub wish: Option<Wish>,
    /// Nothing, on a mark.
    pub discount: Discount,
    /// How far it has come.
    pub state: State,
}

/// What a step does to a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is to be taken.
    Take,
    /// It was taken before: the same answer, and nothing changes.
    Repeat,
}

// === impl Wallet ===

impl Wallet {
    /// The points that no reservation holds.
    pub fn available(self) -> i64 {
        self.points - self.points_reserved
    }
}

// === impl Wish ===

impl Wish {
    /// The wish in a request.
    ///
    /// # Errors
    /// `reward.bad_account`, `reward.bad_points`, `reward.coupon_unknown`, or what the price is refused with.
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

    /// What the wish gets: the coupon first, then points for what is left of the price. `coupon` is the one of the
    /// wish's code, when there is one.
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

/// An id of ours in a request.
///
/// # Errors
/// `code` at `field` when it is empty or longer than any of ours.
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

/// The refusal of a count of points that is not between `least` and [`MAX_POINTS`].
pub fn bad_points(field: &'static str, least: i64) -> Failure {
    Failure::invalid(
        "reward.bad_points",
        field,
        format!("expected {least} to {MAX_POINTS} points"),
    )
}

// === impl Discount ===

impl Discount {
    /// What is taken off the price in all, in minor units.
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

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Reserved, Self::Committed, Self::Released]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Whether reserving `wish` again under this id is a repetition.
    ///
    /// # Errors
    /// `reward.reservation_released`, or `reward.reservation_reused` when the wish is another.
    pub fn reserve_again(&self, wish: &Wish) -> Result<(), Failure> {
        if self.state == State::Released {
            Err(Failure::conflict(
                "reward.reservation_released",
                "this reservation was released; nothing can be reserved under its id any more",
            )
            .at("reservation_id"))
        } else if self.wish.as_ref() == Some(wish) {
            Ok(())
        } else {
            Err(Failure::conflict(
                "reward.reservation_reused",
                "this id has another reservation already",
            )
            .at("reservation_id"))
        }
    }

    /// Whether it is to be committed, or was.
    ///
    /// # Errors
    /// `reward.reservation_released`.
    pub fn commit(&self) -> Result<Step, Failure> {
        match self.state {
            State::Reserved => Ok(Step::Take),
            State::Committed => Ok(Step::Repeat),
            State::Released => Err(Failure::conflict(
                "reward.reservation_released",
                "this reservation was released; it cannot be committed",
            )
            .at("reservation_id")),
        }
    }

    /// Whether it is to be released, or was.
    ///
    /// # Errors
    /// `reward.reservation_committed`.
    pub fn release(&self) -> Result<Step, Failure> {
        match self.state {
            State::Reserved => Ok(Step::Take),
            State::Released => Ok(Step::Repeat),
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
        let discount = reservation.wish.map(|wish| {
            Money {
                minor: reservation.discount.total_minor(),
                currency: wish.price.currency,
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
