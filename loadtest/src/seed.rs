//! A small city to run auctions in: restaurants in the districts of Seoul, and customers who are hungry there.
//!
//! Seeding is idempotent: who has an account logs in, and a restaurant is put as it should be.

pub mod city;
mod people;

use crate::client::{CallError, Gateway, MenuItem, Money, PutRestaurant, Role, Session, SignUp};
use city::{Cuisine, RESTAURANTS};
use futures::{StreamExt as _, TryStreamExt as _};
use people::CUSTOMERS;
use std::{future::Future, sync::Arc, time::Duration};

/// How many accounts are made or logged in at once: passwords cost the service a lot on purpose.
const AT_ONCE: usize = 4;

/// How often a request that was told to slow down is sent again, and after which pause.
const SLOWER: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// The status of an answer that says to slow down.
const TOO_MANY: u16 = 429;

/// What a sign-up is refused with when the account is there already.
const EMAIL_TAKEN: &str = "account.email_taken";

/// The credentials of the accounts that the account service makes at its start, and the password of the seed's own.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The admin's address and password, when one was configured.
    pub admin: Option<(String, String)>,
    /// The load generator's address and password. Its password is also that of every account of the seed.
    pub load: Option<(String, String)>,
}

/// Everybody who plays in an auction, logged in. The tokens stay in memory.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Who opens auctions.
    pub customers: Vec<Actor>,
    /// Who bids, in the order of [`RESTAURANTS`].
    pub restaurants: Vec<Actor>,
    /// The load generator's own account, whose token makes a trace context trusted.
    pub load: Option<Session>,
    /// The admin.
    pub admin: Option<Session>,
}

/// One of the cast. Clones are the same one.
pub type Actor = Arc<Session>;

/// Why the city could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The environment says no password.
    #[error(
        "BIDTRACE_LOAD_EMAIL and BIDTRACE_LOAD_PASSWORD are not set; the accounts of the seed have that password"
    )]
    NoPassword,
    /// An account could not be used.
    #[error("{email}: {source}")]
    Account {
        /// Whose account.
        email: String,
        /// What the gateway said.
        source: CallError,
    },
}

/// Makes the accounts and the restaurants that are missing, and logs everybody in.
///
/// # Errors
/// When the gateway refuses or does not answer.
pub async fn plant(gateway: &Gateway, credentials: &Credentials) -> Result<Cast, SeedError> {
    gather(gateway, credentials, true).await
}

/// Logs in everybody whom the seed has made.
///
/// # Errors
/// When somebody cannot log in: the city was not seeded, or with another password.
pub async fn assemble(gateway: &Gateway, credentials: &Credentials) -> Result<Cast, SeedError> {
    gather(gateway, credentials, false).await
}

async fn gather(
    gateway: &Gateway,
    credentials: &Credentials,
    make: bool,
) -> Result<Cast, SeedError> {
    let Some((load_email, password)) = &credentials.load else {
        return Err(SeedError::NoPassword);
    };
    let customers = CUSTOMERS.iter().enumerate().map(|(index, name)| SignUp {
        email: customer_email(index),
        password: password.clone(),
        name: (*name).to_owned(),
        role: Role::Customer,
    });
    let restaurants = RESTAURANTS
        .iter()
        .enumerate()
        .map(|(index, restaurant)| SignUp {
            email: restaurant_email(index),
            password: password.clone(),
            name: restaurant.name.to_owned(),
            role: Role::Restaurant,
        });
    let everybody: Vec<Actor> = futures::stream::iter(customers.chain(restaurants))
        .map(|account| async move {
            let email = account.email.clone();
            enter(gateway, account, make)
                .await
                .map(Arc::new)
                .map_err(|source| SeedError::Account { email, source })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let (customers, restaurants) = everybody.split_at(CUSTOMERS.len());
    if make {
        for (session, restaurant) in restaurants.iter().zip(RESTAURANTS) {
            session
                .put_restaurant(&restaurant.description())
                .await
                .map_err(|source| SeedError::Account {
                    email: session.account.email.clone(),
                    source,
                })?;
        }
    }
    let named = |email: &str, password: &str| {
        let (email, password) = (email.to_owned(), password.to_owned());
        async move {
            gateway
                .log_in(&email, &password)
                .await
                .map_err(|source| SeedError::Account { email, source })
        }
    };
    let load = Some(named(load_email, password).await?);
    let admin = match &credentials.admin {
        Some((email, password)) => Some(named(email, password).await?),
        None => None,
    };
    Ok(Cast {
        customers: customers.to_vec(),
        restaurants: restaurants.to_vec(),
        load,
        admin,
    })
}

async fn enter(gateway: &Gateway, account: SignUp, make: bool) -> Result<Session, CallError> {
    if make {
        match patiently(|| gateway.sign_up(&account)).await {
            Ok(_) => {}
            Err(error) if error.code() == EMAIL_TAKEN => {}
            Err(error) => return Err(error),
        }
    }
    patiently(|| gateway.log_in(&account.email, &account.password)).await
}

/// Asks again, some times, when the answer is to slow down: passwords are checked few at a time.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for _ in 0..SLOWER {
        match ask().await {
            Err(error) if error.problem().is_some_and(|it| it.status == TOO_MANY) => {
                tokio::time::sleep(PAUSE).await;
            }
            decided => return decided,
        }
    }
    ask().await
}

fn customer_email(index: usize) -> String {
    format!("customer-{:02}@seed.bidtrace.example", index + 1)
}

fn restaurant_email(index: usize) -> String {
    format!("restaurant-{:02}@seed.bidtrace.example", index + 1)
}

// === impl Credentials ===

impl Credentials {
    /// The variables of the admin's account.
    pub const ADMIN: (&'static str, &'static str) =
        ("BIDTRACE_ADMIN_EMAIL", "BIDTRACE_ADMIN_PASSWORD");
    /// The variables of the load generator's account.
    pub const LOAD: (&'static str, &'static str) =
        ("BIDTRACE_LOAD_EMAIL", "BIDTRACE_LOAD_PASSWORD");

    /// What the environment says.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// What `lookup` says of these variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let pair = |(email, password): (&str, &str)| {
            let value = |name| lookup(name).filter(|value| !value.is_empty());
            Some((value(email)?, value(password)?))
        };
        Self {
            admin: pair(Self::ADMIN),
            load: pair(Self::LOAD),
        }
    }
}

// === impl Restaurant ===

impl city::Restaurant {
    /// What it tells the catalog.
    pub fn description(&self) -> PutRestaurant {
        PutRestaurant {
            name: self.name.to_owned(),
            place: self.place(),
            delivery_radius_m: self.radius_m,
            menu: self
                .cuisine
                .dishes()
                .iter()
                .map(|(dish, price)| MenuItem {
                    dish: (*dish).to_owned(),
                    list_price: Money::won(price * i64::from(self.price_percent) / 100 / 100 * 100),
                })
                .collect(),
        }
    }
}

/// The restaurants, by their index in [`RESTAURANTS`], that can serve this cuisine at this customer's place, with room to
/// spare in the distance.
pub fn who_can_serve(cuisine: Cuisine, latitude: f64, longitude: f64) -> Vec<usize> {
    const ROOM: f64 = 0.95;
    RESTAURANTS
        .iter()
        .enumerate()
        .filter(|(_, restaurant)| {
            restaurant.cuisine == cuisine
                && city::distance_m(
                    (restaurant.latitude, restaurant.longitude),
                    (latitude, longitude),
                ) <= f64::from(restaurant.radius_m) * ROOM
        })
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{city::*, people::CUSTOMERS, who_can_serve};
    use std::collections::HashSet;

    #[test]
    fn every_restaurant_has_a_name_of_its_own_and_lies_in_seoul() {
        let names: HashSet<&str> = RESTAURANTS.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), RESTAURANTS.len());
        assert_eq!(RESTAURANTS.len(), 40);
        for restaurant in RESTAURANTS {
            assert!(
                (37.42..37.71).contains(&restaurant.latitude),
                "{}",
                restaurant.name
            );
            assert!(
                (126.76..127.19).contains(&restaurant.longitude),
                "{}",
                restaurant.name
            );
            let menu = restaurant.description().menu;
            assert!(menu.iter().all(|item| item.list_price.amount_minor >= 1000
                && item.list_price.amount_minor % 100 == 0));
        }
    }

    #[test]
    fn everywhere_at_least_five_restaurants_can_serve_every_cuisine() {
        for corner in CORNERS {
            for cuisine in Cuisine::ALL {
                let serving = who_can_serve(cuisine, corner.latitude, corner.longitude);
                assert!(
                    serving.len() >= 5,
                    "{} {cuisine:?}: {serving:?}",
                    corner.address
                );
            }
        }
    }

    #[test]
    fn there_are_customers() {
        let names: HashSet<&str> = CUSTOMERS.iter().copied().collect();
        assert_eq!(names.len(), CUSTOMERS.len());
        assert!(names.len() >= 10);
    }

    #[test]
    fn a_known_distance_is_right() {
        // Seoul City Hall to Gangnam Station.
        let metres = distance_m((37.5663, 126.9779), (37.4979, 127.0276));
        assert!((8_700.0..8_850.0).contains(&metres), "{metres}");
    }
}
