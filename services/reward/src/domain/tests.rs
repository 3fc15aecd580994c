use ::api::reward as wire;
use chassis::money::Money;
use proptest::prelude::*;

use super::{Coupon, CouponCode, Discount, Effect, Reservation, ReservationRequest, State, Wallet};

const NOW: i64 = 1_000_000;

fn coupon(discount: i64) -> Coupon {
    Coupon {
        code: CouponCode::parse("WELCOME-1").expect("well formed"),
        discount: Money::won(discount),
        uses: 10,
        uses_left: 1,
        expires_at_ms: NOW + 1,
    }
}

fn requested(price: i64, coupon: bool, points: i64) -> ReservationRequest {
    ReservationRequest {
        account_id: "a1".to_owned(),
        coupon_code: coupon.then(|| CouponCode::parse("welcome-1").expect("well formed")),
        points,
        price: Money::won(price),
    }
}

fn wallet(points: i64) -> Wallet {
    Wallet {
        points,
        points_reserved: 0,
    }
}

fn refusal(requested: &ReservationRequest, coupon: Option<&Coupon>, wallet: Wallet) -> String {
    let failure = requested
        .discount(coupon, wallet, NOW)
        .expect_err("refused");
    failure.code.into_owned()
}

#[test]
fn the_coupon_comes_first_and_points_pay_only_what_is_left() {
    let discount = requested(18_000, true, 20_000)
        .discount(Some(&coupon(3_000)), wallet(50_000), NOW)
        .expect("granted");
    assert_eq!(
        discount,
        Discount {
            coupon_minor: 3_000,
            points: 15_000
        }
    );
}

#[test]
fn each_reason_to_refuse_has_its_code() {
    let asked = requested(18_000, true, 0);
    assert_eq!(refusal(&asked, None, wallet(0)), "reward.coupon_unknown");
    let expired = Coupon {
        expires_at_ms: NOW,
        ..coupon(3_000)
    };
    assert_eq!(
        refusal(&asked, Some(&expired), wallet(0)),
        "reward.coupon_expired"
    );
    let used_up = Coupon {
        uses_left: 0,
        ..coupon(3_000)
    };
    assert_eq!(
        refusal(&asked, Some(&used_up), wallet(0)),
        "reward.coupon_used_up"
    );
    let foreign = Coupon {
        discount: Money {
            minor: 3,
            currency: "EUR".to_owned(),
        },
        ..coupon(3_000)
    };
    assert_eq!(
        refusal(&asked, Some(&foreign), wallet(0)),
        "reward.coupon_currency"
    );
    assert_eq!(
        refusal(&requested(18_000, false, 11), None, wallet(10)),
        "reward.points_insufficient"
    );
    let in_euros = ReservationRequest {
        price: Money {
            minor: 18,
            currency: "EUR".to_owned(),
        },
        ..requested(18, false, 5)
    };
    assert_eq!(
        refusal(&in_euros, None, wallet(10)),
        "reward.points_currency"
    );
}

#[test]
fn points_that_a_reservation_holds_are_not_there_for_another() {
    let held = Wallet {
        points: 100,
        points_reserved: 60,
    };
    let granted = requested(1_000, false, 40).discount(None, held, NOW);
    assert_eq!(granted.expect("available").points, 40);
    assert_eq!(
        refusal(&requested(1_000, false, 41), None, held),
        "reward.points_insufficient"
    );
}

#[test]
fn a_reservation_goes_one_way() {
    let reservation = |state| Reservation {
        id: "r1".to_owned(),
        requested: Some(requested(1_000, false, 10)),
        discount: Discount::default(),
        state,
    };
    let reserved = reservation(State::Reserved);
    assert_eq!(reserved.commit().expect("allowed"), Effect::Applied);
    assert_eq!(reserved.release().expect("allowed"), Effect::Applied);
    let committed = reservation(State::Committed);
    assert_eq!(committed.commit().expect("allowed"), Effect::Repeated);
    assert_eq!(
        committed.release().expect_err("final").code,
        "reward.reservation_committed"
    );
    let released = reservation(State::Released);
    assert_eq!(released.release().expect("allowed"), Effect::Repeated);
    assert_eq!(
        released.commit().expect_err("final").code,
        "reward.reservation_released"
    );
    let again = requested(1_000, false, 10);
    assert_eq!(
        released.reserve_again(&again).expect_err("final").code,
        "reward.reservation_released"
    );
    assert!(committed.reserve_again(&again).is_ok());
    assert_eq!(
        reserved
            .reserve_again(&requested(1_000, false, 11))
            .expect_err("another requested")
            .code,
        "reward.reservation_reused"
    );
}

#[test]
fn a_coupon_needs_a_code_uses_and_a_future() {
    let request = |change: fn(&mut wire::IssueCouponRequest)| {
        let mut request = wire::IssueCouponRequest {
            caller: None,
            code: " welcome-2026 ".to_owned(),
            discount: Some(Money::won(1_000).into()),
            uses: 5,
            expires_at_ms: NOW + 1,
        };
        change(&mut request);
        Coupon::parse(&request, NOW)
    };
    assert_eq!(
        request(|_| {}).expect("valid").code.as_str(),
        "WELCOME-2026"
    );
    let code = |result: Result<Coupon, chassis::Failure>| result.expect_err("refused").code;
    for bad in ["", "AB", "A B C", "쿠폰쿠폰", &"A".repeat(33)] {
        assert!(CouponCode::parse(bad).is_none(), "{bad:?}");
    }
    assert_eq!(code(request(|r| r.code.clear())), "reward.bad_coupon_code");
    assert_eq!(code(request(|r| r.uses = 0)), "reward.bad_uses");
    assert_eq!(
        code(request(|r| r.expires_at_ms = NOW)),
        "reward.bad_expiry"
    );
    assert_eq!(code(request(|r| r.discount = None)), "money.missing");
}

proptest! {
    #[test]
    fn a_discount_is_never_more_than_the_price_the_coupon_or_the_points(
        price in 1..100_000_i64,
        off in 1..200_000_i64,
        with_coupon: bool,
        points in 0..200_000_i64,
        balance in 0..200_000_i64,
        held in 0..200_000_i64,
    ) {
        let coupon = coupon(off);
        let wallet = Wallet { points: balance.max(held), points_reserved: held };
        let requested = requested(price, with_coupon, points);
        match requested.discount(with_coupon.then_some(&coupon), wallet, NOW) {
            Ok(discount) => {
                prop_assert!(points <= wallet.available());
                prop_assert!((0..=price).contains(&discount.total_minor()));
                prop_assert!((0..=points).contains(&discount.points));
                let most = if with_coupon { off } else { 0 };
                prop_assert!((0..=most).contains(&discount.coupon_minor));
                // Points are left out only when the discount has reached the price.
                prop_assert!(discount.points == points || discount.total_minor() == price);
            }
            Err(failure) => {
                prop_assert_eq!(failure.code, "reward.points_insufficient");
                prop_assert!(points > wallet.available());
            }
        }
    }
}
