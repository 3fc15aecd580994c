//! The settlement steps of this service: reserve, commit and release. Each is one transaction and can be repeated.
//!
//! Locks are taken in the order reservation, wallet, coupon.

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::Write;

use crate::domain::{Discount, Effect, Reservation, ReservationRequest, State, Wallet};
use crate::store::{self, EntryKind, NewEntry};

/// A settlement step and its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// [`reserve`].
    Reserve(ReservationRequest),
    /// [`commit`].
    Commit {
        /// The points to credit.
        earned: i64,
    },
    /// [`release`].
    Release,
}

/// The outcome of a settlement step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The reservation after the step.
    pub reservation: Reservation,
    /// Whether this call applied the step, or an earlier one did.
    pub effect: Effect,
}

/// Applies `action` to the reservation with this id.
///
/// # Errors
/// The errors of [`reserve`], [`commit`] or [`release`].
pub async fn run(
    write: &mut Write,
    id: String,
    action: Action,
    now: Millis,
) -> Result<Outcome, Failure> {
    match action {
        Action::Reserve(requested) => reserve(write, id, requested, now).await,
        Action::Commit { earned } => commit(write, &id, earned, now).await,
        Action::Release => release(write, &id, now).await,
    }
}

/// Reserves the requested coupon and points.
///
/// # Errors
/// A failure of [`ReservationRequest::discount`], or of [`Reservation::reserve_again`] when the id has a reservation.
pub async fn reserve(
    write: &mut Write,
    id: String,
    requested: ReservationRequest,
    now: Millis,
) -> Result<Outcome, Failure> {
    let mut reservation = Reservation {
        id,
        requested: Some(requested.clone()),
        discount: Discount::default(),
        state: State::Reserved,
    };
    // Inserted first, so that a concurrent call with the same id waits here. The discount is stored below.
    if !store::insert_reservation(write, &reservation, now).await? {
        let earlier = existing(write, &reservation.id).await?;
        earlier.reserve_again(&requested)?;
        return Ok(Outcome {
            reservation: earlier,
            effect: Effect::Repeated,
        });
    }
    let wallet = if requested.points > 0 {
        store::lock_wallet(write, &requested.account_id).await?
    } else {
        Wallet::default()
    };
    let coupon = match &requested.coupon_code {
        Some(code) => store::lock_coupon(write, code).await?,
        None => None,
    };
    let discount = requested.discount(coupon.as_ref(), wallet, now)?;
    if discount.points > 0 {
        store::change_wallet(write, &requested.account_id, 0, discount.points).await?;
    }
    if let Some(code) = &requested.coupon_code {
        store::change_coupon(write, code, -1).await?;
    }
    reservation.discount = discount;
    store::update_reservation(write, &reservation, now).await?;
    Ok(Outcome {
        reservation,
        effect: Effect::Applied,
    })
}

/// Uses the reserved coupon and points, and credits `earned` points. A repeated commit credits nothing.
///
/// # Errors
/// `reward.unknown_reservation`, or `reward.reservation_released`.
pub async fn commit(
    write: &mut Write,
    id: &str,
    earned: i64,
    now: Millis,
) -> Result<Outcome, Failure> {
    let unknown = || {
        Failure::not_found(
            "reward.unknown_reservation",
            "nothing was reserved under this id",
        )
        .at("reservation_id")
    };
    let mut reservation = store::lock_reservation(write, id)
        .await?
        .ok_or_else(unknown)?;
    let effect = reservation.commit()?;
    if effect == Effect::Applied {
        // Only a tombstone has no request. It is released, and `commit` above has rejected it.
        let account_id = reservation
            .requested
            .as_ref()
            .ok_or_else(unknown)?
            .account_id
            .clone();
        let used = reservation.discount.points;
        if used > 0 || earned > 0 {
            store::change_wallet(write, &account_id, earned - used, -used).await?;
        }
        for (kind, points, reason) in [
            (EntryKind::Used, -used, "used for an order"),
            (EntryKind::Earned, earned, "earned with an order"),
        ] {
            if points != 0 {
                let entry = NewEntry {
                    account_id: &account_id,
                    kind,
                    points,
                    reason,
                    reservation_id: Some(id),
                };
                store::append(write, entry, now).await?;
            }
        }
        reservation.state = State::Committed;
        store::update_reservation(write, &reservation, now).await?;
    }
    Ok(Outcome {
        reservation,
        effect,
    })
}

/// Releases the reserved coupon and points. When there is no reservation, a tombstone is stored, so that a reserve that
/// arrives later is rejected.
///
/// # Errors
/// `reward.reservation_committed`.
pub async fn release(write: &mut Write, id: &str, now: Millis) -> Result<Outcome, Failure> {
    let tombstone = Reservation {
        id: id.to_owned(),
        requested: None,
        discount: Discount::default(),
        state: State::Released,
    };
    if store::insert_reservation(write, &tombstone, now).await? {
        return Ok(Outcome {
            reservation: tombstone,
            effect: Effect::Applied,
        });
    }
    let mut reservation = existing(write, id).await?;
    let effect = reservation.release()?;
    if effect == Effect::Applied {
        if let Some(requested) = &reservation.requested {
            let held = reservation.discount.points;
            if held > 0 {
                store::change_wallet(write, &requested.account_id, 0, -held).await?;
            }
            if let Some(code) = &requested.coupon_code {
                store::change_coupon(write, code, 1).await?;
            }
        }
        reservation.state = State::Released;
        store::update_reservation(write, &reservation, now).await?;
    }
    Ok(Outcome {
        reservation,
        effect,
    })
}

async fn existing(write: &mut Write, id: &str) -> Result<Reservation, Failure> {
    store::lock_reservation(write, id)
        .await?
        .ok_or_else(|| Failure::internal("a reservation that could not be inserted does not exist"))
}
