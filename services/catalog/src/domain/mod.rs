//! Restaurants, and the validation of their fields.

pub mod geo;
pub mod menu;

use ::api::{catalog as wire, common};
use chassis::Failure;
use geo::Position;
use menu::MenuItem;

/// The delivery radius of a restaurant, in metres.
pub const DELIVERY_RADIUS_M: std::ops::RangeInclusive<u32> = 100..=30_000;
/// The maximum length of a restaurant's name, in characters.
const MAX_NAME: usize = 100;
/// The maximum length of an address, in characters.
const MAX_ADDRESS: usize = 200;

/// A position and its address.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The position.
    pub position: Position,
    /// The address, for people.
    pub address: String,
}

/// The part of a restaurant that its owner sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// The place of its kitchen.
    pub place: Place,
    /// The delivery radius, in metres.
    pub delivery_radius_m: u32,
    /// The menu: at least one dish, no two with the same name.
    pub menu: Vec<MenuItem>,
}

/// A restaurant.
#[derive(Debug, Clone, PartialEq)]
pub struct Restaurant {
    /// A version 7 UUID.
    pub id: String,
    /// The account of its owner. An account has one restaurant at most.
    pub owner_account_id: String,
    /// Its profile.
    pub profile: Profile,
}

/// A restaurant that delivers to a place and has the dishes of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct EligibleRestaurant {
    /// The restaurant.
    pub restaurant_id: String,
    /// The account of its owner.
    pub owner_account_id: String,
    /// Its name, for people.
    pub name: String,
    /// Its distance from the place, in metres.
    pub distance_m: f64,
}

// === impl Place ===

impl Place {
    /// Validates the place in a request.
    ///
    /// # Errors
    /// `catalog.missing_place`, `catalog.bad_place` or `catalog.bad_address`.
    pub fn parse(place: Option<common::Place>) -> Result<Self, Failure> {
        let place = place.ok_or_else(|| {
            Failure::invalid(
                "catalog.missing_place",
                "place",
                "a place with latitude and longitude is required",
            )
        })?;
        let position = Position::parse(place.latitude, place.longitude)?;
        let address = place.address.trim();
        if address.chars().count() > MAX_ADDRESS {
            return Err(Failure::invalid(
                "catalog.bad_address",
                "place.address",
                format!("expected at most {MAX_ADDRESS} characters"),
            ));
        }
        Ok(Self {
            position,
            address: address.to_owned(),
        })
    }
}

// === impl Profile ===

impl Profile {
    /// Validates the profile in a request.
    ///
    /// # Errors
    /// The first invalid field: `catalog.bad_name`, `catalog.bad_radius`, or a failure of [`Place::parse`] or
    /// [`menu::parse`].
    pub fn parse(request: wire::PutRestaurantRequest) -> Result<Self, Failure> {
        let name = request.name.trim();
        if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(Failure::invalid(
                "catalog.bad_name",
                "name",
                format!("expected 1 to {MAX_NAME} characters, none of them a control character"),
            ));
        }
        if !DELIVERY_RADIUS_M.contains(&request.delivery_radius_m) {
            return Err(Failure::invalid(
                "catalog.bad_radius",
                "delivery_radius_m",
                format!(
                    "expected {} to {} metres, not {}",
                    DELIVERY_RADIUS_M.start(),
                    DELIVERY_RADIUS_M.end(),
                    request.delivery_radius_m
                ),
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            place: Place::parse(request.place)?,
            delivery_radius_m: request.delivery_radius_m,
            menu: menu::parse(request.menu)?,
        })
    }
}

// === impl Restaurant ===

impl From<Restaurant> for wire::Restaurant {
    fn from(restaurant: Restaurant) -> Self {
        let profile = restaurant.profile;
        Self {
            id: restaurant.id,
            owner_account_id: restaurant.owner_account_id,
            name: profile.name,
            place: Some(common::Place {
                latitude: profile.place.position.latitude(),
                longitude: profile.place.position.longitude(),
                address: profile.place.address,
            }),
            delivery_radius_m: profile.delivery_radius_m,
            menu: profile.menu.into_iter().map(Into::into).collect(),
        }
    }
}

// === impl EligibleRestaurant ===

impl From<EligibleRestaurant> for wire::EligibleRestaurant {
    fn from(restaurant: EligibleRestaurant) -> Self {
        // At most the largest delivery radius, so it fits; `as` would saturate.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let distance_m = restaurant.distance_m.round() as u32;
        Self {
            restaurant_id: restaurant.restaurant_id,
            owner_account_id: restaurant.owner_account_id,
            name: restaurant.name,
            distance_m,
        }
    }
}

#[cfg(test)]
mod tests {
    use ::api::{catalog as wire, common};

    use super::Profile;

    fn request() -> wire::PutRestaurantRequest {
        wire::PutRestaurantRequest {
            caller: None,
            name: " 한강치킨 ".to_owned(),
            place: Some(common::Place {
                latitude: 37.5283,
                longitude: 126.9326,
                address: "여의도".to_owned(),
            }),
            delivery_radius_m: 3_000,
            menu: vec![wire::MenuItem {
                dish: "후라이드치킨".to_owned(),
                list_price: Some(common::Money {
                    amount_minor: 19_000,
                    currency: "KRW".to_owned(),
                }),
            }],
        }
    }

    fn refusal(change: impl FnOnce(&mut wire::PutRestaurantRequest)) -> (String, Option<String>) {
        let mut changed = request();
        change(&mut changed);
        let failure = Profile::parse(changed).expect_err("refused");
        (
            failure.code.into_owned(),
            failure.field.map(std::borrow::Cow::into_owned),
        )
    }

    #[test]
    fn a_profile_is_taken_with_its_name_trimmed() {
        let profile = Profile::parse(request()).expect("valid");
        assert_eq!(profile.name, "한강치킨");
        assert_eq!(profile.menu.len(), 1);
    }

    #[test]
    fn each_bad_field_is_named() {
        let at = |field: &str| Some(field.to_owned());
        assert_eq!(
            refusal(|r| r.name = "  ".to_owned()),
            ("catalog.bad_name".to_owned(), at("name"))
        );
        assert_eq!(
            refusal(|r| r.place = None),
            ("catalog.missing_place".to_owned(), at("place"))
        );
        assert_eq!(
            refusal(|r| r.place.as_mut().expect("there").address = "가".repeat(201)),
            ("catalog.bad_address".to_owned(), at("place.address"))
        );
        for radius in [0, 99, 30_001, u32::MAX] {
            assert_eq!(
                refusal(|r| r.delivery_radius_m = radius),
                ("catalog.bad_radius".to_owned(), at("delivery_radius_m"))
            );
        }
    }
}
