//! The three steps that a settlement takes here, each within one transaction and each repeatable.
//!
//! Locks are always taken in the order reservation, wallet, coupon.

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::Write;

use crate::domain::{Discount, Reservation, State, Step, Wallet, Wish};
use crate::store::{self, EntryKind, NewEntry};

/// What a settlement asks of its reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// [`reserve`].
    Reserve(Wish),
    /// [`commit`].
    Commit {
        /// Points to credit.
        earned: i64,
    },
    /// [`release`].
    Release,
}

/// A step's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The reservation after the step.
    pub reservation: Reservation,
    /// Whether this call made the difference, and not an earlier one.
    pub step: Step,
}

/// Does `action` on the reservation of this id.
///
/// # Errors
/// Those of the action.
pub async fn run(
    write: &mut Write,
    id: String,
    action: Action,
    now: Millis,
) -> Result<Outcome, Failure> {
    match action {
        Action::Reserve(wish) => reserve(write, id, wish, now).await,
        Action::Commit { earned } => commit(write, &id, earned, now).await,
        Action::Release => release(write, &id, now).await,
    }
}

/// Sets aside what `wish` asks for.
///
/// # Errors
/// What the [wish](Wish::discount) or an [earlier reservation](Reservation::reserve_again) of this id is refused with.
pub async fn reserve(
    write: &mut Write,
    id: String,
    wish: Wish,
    now: Millis,
) -> Result<Outcome, Failure> {
    let mut reservation = Reservation {
        id,
        wish: Some(wish.clone()),
        discount: Discount::default(),
        state: State::Reserved,
    };
    // The row first, so that a twin waits here; what it gets is written below.
    if !store::insert_reservation(write, &reservation, now).await? {
        let earlier = existing(write, &reservation.id).await?;
        earlier.reserve_again(&wish)?;
        return Ok(Outcome {
            reservation: earlier,
            step: Step::Repeat,
        });
    }
    let wallet = if wish.points > 0 {
        store::lock_wallet(write, &wish.account_id).await?
    } else {
        Wallet::default()
    };
    let coupon = match &wish.coupon_code {
        Some(code) => store::lock_coupon(write, code).await?,
        None => None,
    };
    let discount = wish.discount(coupon.as_ref(), wallet, now)?;
    if discount.points > 0 {
        store::change_wallet(write, &wish.account_id, 0, discount.points).await?;
    }
    if let Some(code) = &wish.coupon_code {
        store::change_coupon(write, code, -1).await?;
    }
    reservation.discount = discount;
    store::update_reservation(write, &reservation, now).await?;
    Ok(Outcome {
        reservation,
        step: Step::Take,
    })
}

/// Uses up what was reserved, and credits `earned` points. A repeated commit credits nothing, whatever it says.
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
    let step = reservation.commit()?;
    if step == Step::Take {
        // A mark without a wish is released, and was refused above.
        let account_id = reservation
            .wish
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
    Ok(Outcome { reservation, step })
}

/// Gives back what was reserved. When nothing was, that is kept in mind, so that a reserve that comes late is refused.
///
/// # Errors
/// `reward.reservation_committed`.
pub async fn release(write: &mut Write, id: &str, now: Millis) -> Result<Outcome, Failure> {
    let mark = Reservation {
        id: id.to_owned(),
        wish: None,
        discount: Discount::default(),
        state: State::Released,
    };
    if store::insert_reservation(write, &mark, now).await? {
        return Ok(Outcome {
            reservation: mark,
            step: Step::Take,
        });
    }
    let mut reservation = existing(write, id).await?;
    let step = reservation.release()?;
    if step == Step::Take {
        if let Some(wish) = &reservation.wish {
            let held = reservation.discount.points;
            if held > 0 {
                store::change_wallet(write, &wish.account_id, 0, -held).await?;
            }
            if let Some(code) = &wish.coupon_code {
                store::change_coupon(write, code, 1).await?;
            }
        }
        reservation.state = State::Released;
        store::update_reservation(write, &reservation, now).await?;
    }
    Ok(Outcome { reservation, step })
}

async fn existing(write: &mut Write, id: &str) -> Result<Reservation, Failure> {
    store::lock_reservation(write, id)
        .await?
        .ok_or_else(|| Failure::internal("a reservation that is in the way is not there"))
}
