//! Validation of a request to open an auction.

use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::{MAX_MINOR, Money};

use super::{Dish, Place, Terms};

/// The maximum number of different dishes in one auction.
pub const MAX_DISHES: usize = 20;
/// The maximum quantity of one dish.
pub const MAX_QUANTITY: u32 = 99;
/// The maximum length of a dish's name, in characters.
pub const MAX_DISH_NAME: usize = 100;
/// The maximum length of an address, in characters.
pub const MAX_ADDRESS: usize = 200;
/// The maximum length of a coupon code and of a payment token, in characters.
pub const MAX_TOKEN: usize = 64;
/// The minimum step when the request has none, in minor units.
pub const DEFAULT_STEP_MINOR: i64 = 100;
/// The shortest auction.
pub const MIN_DURATION_MS: u32 = 500;
/// The longest auction.
pub const MAX_DURATION_MS: u32 = 3_600_000;

/// A valid request.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The terms of the auction.
    pub terms: Terms,
    /// The time from the opening to the deadline.
    pub duration_ms: Millis,
}

/// A request before validation, except for its amounts, which are well-formed.
#[derive(Debug, Clone)]
pub struct Request {
    /// The dishes.
    pub dishes: Vec<Dish>,
    /// The place of delivery.
    pub place: Option<Place>,
    /// The ceiling price.
    pub ceiling: Money,
    /// The minimum step.
    pub step: Option<Money>,
    /// The time from the opening to the deadline.
    pub duration_ms: u32,
    /// The coupon's code, or an empty string, as in the gRPC message.
    pub coupon_code: String,
    /// The points to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

impl Request {
    /// Validates the request.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn check(self) -> Result<Opening, Failure> {
        let step_minor = self.step_minor()?;
        let terms = Terms {
            dishes: checked_dishes(self.dishes)?,
            place: checked_place(self.place)?,
            currency: self.ceiling.currency,
            ceiling_minor: self.ceiling.minor,
            step_minor,
            coupon_code: Some(token(
                "coupon_code",
                "auction.bad_coupon_code",
                self.coupon_code,
            )?)
            .filter(|code| !code.is_empty()),
            points_to_use: self.points_to_use,
            payment_method: token(
                "payment_method",
                "auction.bad_payment_method",
                self.payment_method,
            )?,
        };
        if terms.payment_method.is_empty() {
            return Err(Failure::invalid(
                "auction.no_payment_method",
                "payment_method",
                "a payment method is required",
            ));
        }
        if !(0..=MAX_MINOR).contains(&terms.points_to_use) {
            return Err(Failure::invalid(
                "auction.bad_points",
                "points_to_use",
                format!("expected 0 to {MAX_MINOR} points"),
            ));
        }
        if !(MIN_DURATION_MS..=MAX_DURATION_MS).contains(&self.duration_ms) {
            return Err(Failure::invalid(
                "auction.bad_duration",
                "duration_ms",
                format!("expected {MIN_DURATION_MS} to {MAX_DURATION_MS} milliseconds"),
            ));
        }
        Ok(Opening {
            terms,
            duration_ms: Millis::from(self.duration_ms),
        })
    }

    fn step_minor(&self) -> Result<i64, Failure> {
        let Some(step) = &self.step else {
            return if DEFAULT_STEP_MINOR < self.ceiling.minor {
                Ok(DEFAULT_STEP_MINOR)
            } else {
                Err(Failure::invalid(
                    "auction.ceiling_too_low",
                    "ceiling_price",
                    format!(
                        "expected more than the minimum step, which is {DEFAULT_STEP_MINOR} unless minimum_step says otherwise"
                    ),
                ))
            };
        };
        if step.currency != self.ceiling.currency {
            return Err(Failure::invalid(
                "auction.wrong_currency",
                "minimum_step.currency",
                format!("expected {}, as the ceiling price", self.ceiling.currency),
            ));
        }
        if step.minor >= self.ceiling.minor {
            return Err(Failure::invalid(
                "auction.step_too_large",
                "minimum_step",
                "expected less than the ceiling price",
            ));
        }
        Ok(step.minor)
    }
}

fn checked_dishes(dishes: Vec<Dish>) -> Result<Vec<Dish>, Failure> {
    if dishes.is_empty() || dishes.len() > MAX_DISHES {
        return Err(Failure::invalid(
            "auction.bad_dishes",
            "dishes",
            format!("expected 1 to {MAX_DISHES} dishes"),
        ));
    }
    dishes
        .into_iter()
        .map(|Dish { dish, quantity }| {
            let name = dish.trim();
            if name.is_empty() || name.chars().count() > MAX_DISH_NAME {
                return Err(Failure::invalid(
                    "auction.bad_dish_name",
                    "dishes.dish",
                    format!("expected 1 to {MAX_DISH_NAME} characters"),
                ));
            }
            if !(1..=MAX_QUANTITY).contains(&quantity) {
                return Err(Failure::invalid(
                    "auction.bad_quantity",
                    "dishes.quantity",
                    format!("expected 1 to {MAX_QUANTITY}"),
                ));
            }
            Ok(Dish {
                dish: name.to_owned(),
                quantity,
            })
        })
        .collect()
}

fn checked_place(place: Option<Place>) -> Result<Place, Failure> {
    let place = place.ok_or_else(|| {
        Failure::invalid(
            "auction.no_place",
            "place",
            "a place to deliver to is required",
        )
    })?;
    if !(-90.0..=90.0).contains(&place.latitude) {
        return Err(Failure::invalid(
            "auction.bad_latitude",
            "place.latitude",
            "expected -90 to 90 degrees",
        ));
    }
    if !(-180.0..=180.0).contains(&place.longitude) {
        return Err(Failure::invalid(
            "auction.bad_longitude",
            "place.longitude",
            "expected -180 to 180 degrees",
        ));
    }
    if place.address.chars().count() > MAX_ADDRESS {
        return Err(Failure::invalid(
            "auction.bad_address",
            "place.address",
            format!("expected at most {MAX_ADDRESS} characters"),
        ));
    }
    Ok(place)
}

fn token(field: &'static str, code: &'static str, value: String) -> Result<String, Failure> {
    if value.chars().count() > MAX_TOKEN || value.chars().any(char::is_control) {
        return Err(Failure::invalid(
            code,
            field,
            format!("expected at most {MAX_TOKEN} printable characters"),
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use chassis::money::Money;

    use super::{Dish, Place, Request};

    fn request() -> Request {
        Request {
            dishes: vec![Dish {
                dish: " 김치찌개 ".to_owned(),
                quantity: 2,
            }],
            place: Some(Place {
                latitude: 37.5663,
                longitude: 126.9779,
                address: "서울 중구".to_owned(),
            }),
            ceiling: Money::won(20_000),
            step: None,
            duration_ms: 500,
            coupon_code: String::new(),
            points_to_use: 0,
            payment_method: "tok_ok".to_owned(),
        }
    }

    #[test]
    fn an_ordinary_request_is_taken_with_the_default_step() {
        let opening = request().check().expect("valid");
        assert_eq!(opening.terms.step_minor, super::DEFAULT_STEP_MINOR);
        assert_eq!(opening.terms.dishes[0].dish, "김치찌개");
    }

    #[test]
    fn every_limit_is_kept_and_named() {
        type Spoil = fn(&mut Request);
        let cases: [(&str, &str, Spoil); 14] = [
            ("auction.bad_dishes", "dishes", |r| r.dishes.clear()),
            ("auction.bad_dishes", "dishes", |r| {
                r.dishes = vec![r.dishes[0].clone(); 21];
            }),
            ("auction.bad_dish_name", "dishes.dish", |r| {
                r.dishes[0].dish = "  ".to_owned();
            }),
            ("auction.bad_quantity", "dishes.quantity", |r| {
                r.dishes[0].quantity = 100;
            }),
            ("auction.no_place", "place", |r| r.place = None),
            ("auction.bad_latitude", "place.latitude", |r| {
                r.place.as_mut().expect("a place").latitude = f64::NAN;
            }),
            ("auction.bad_longitude", "place.longitude", |r| {
                r.place.as_mut().expect("a place").longitude = 180.5;
            }),
            ("auction.ceiling_too_low", "ceiling_price", |r| {
                r.ceiling = Money::won(100);
            }),
            ("auction.step_too_large", "minimum_step", |r| {
                r.step = Some(Money::won(20_000));
            }),
            ("auction.wrong_currency", "minimum_step.currency", |r| {
                r.step = Some(Money {
                    minor: 1,
                    currency: "USD".to_owned(),
                });
            }),
            ("auction.bad_duration", "duration_ms", |r| {
                r.duration_ms = 499;
            }),
            ("auction.bad_points", "points_to_use", |r| {
                r.points_to_use = -1;
            }),
            ("auction.no_payment_method", "payment_method", |r| {
                r.payment_method.clear();
            }),
            ("auction.bad_coupon_code", "coupon_code", |r| {
                r.coupon_code = "x".repeat(65);
            }),
        ];
        for (code, field, spoil) in cases {
            let mut request = request();
            spoil(&mut request);
            let failure = request.check().expect_err(code);
            assert_eq!(failure.code, code);
            assert_eq!(failure.field.as_deref(), Some(field));
        }
    }
}
