//! The seed data: restaurants in the districts of Seoul and customers there, and their accounts.
//!
//! Seeding is idempotent: an account that exists is only logged in to, and a restaurant is replaced by itself.

pub mod city;
mod people;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};

use crate::client::{CallError, Gateway, MenuItem, Money, PutRestaurant, Role, Session, SignUp};
use city::{Cuisine, RESTAURANTS};
use people::CUSTOMERS;

/// How many accounts are created or logged in to at the same time. Hashing a password is expensive on purpose.
const CONCURRENCY: usize = 4;

/// Maximum number of retries of a rate-limited request.
const RETRIES: u32 = 20;
/// The pause before each retry.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The code with which a sign-up is refused when the account exists.
const EMAIL_TAKEN: &str = "account.email_taken";

/// The credentials of the accounts that the account service creates at its start.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The admin's e-mail address and password, if configured.
    pub admin: Option<(String, String)>,
    /// The load generator's e-mail address and password, if configured. Every account of the seed has the same password.
    pub load: Option<(String, String)>,
}

/// The accounts that take part in auctions, logged in.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// The customers, who open auctions.
    pub customers: Vec<Arc<Session>>,
    /// The restaurants, which bid, in the order of [`RESTAURANTS`].
    pub restaurants: Vec<Arc<Session>>,
    /// The load generator's account. With its token a request may set its trace context.
    pub load: Session,
    /// The admin.
    pub admin: Option<Session>,
}

/// Why the accounts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No password is configured.
    #[error(
        "BIDTRACE_LOAD_EMAIL and BIDTRACE_LOAD_PASSWORD are not set; the accounts of the seed use that password"
    )]
    NoPassword,
    /// A request for an account failed.
    #[error("{email}: {source}")]
    Account {
        /// The account's e-mail address.
        email: String,
        /// Why it failed.
        source: CallError,
    },
}

/// Creates the accounts and restaurants that are missing, and logs in to every account.
///
/// # Errors
/// When the gateway refuses a request or does not respond.
pub async fn create(gateway: &Gateway, credentials: &Credentials) -> Result<Accounts, SeedError> {
    accounts(gateway, credentials, Missing::Create).await
}

/// Logs in to every account of the seed.
///
/// # Errors
/// When a login fails: the seed was not created, or with another password.
pub async fn log_in(gateway: &Gateway, credentials: &Credentials) -> Result<Accounts, SeedError> {
    accounts(gateway, credentials, Missing::Fail).await
}

/// What to do about accounts and restaurants that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Fail,
}

async fn accounts(
    gateway: &Gateway,
    credentials: &Credentials,
    missing: Missing,
) -> Result<Accounts, SeedError> {
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
    let sessions: Vec<Arc<Session>> = futures::stream::iter(customers.chain(restaurants))
        .map(|account| async move {
            let email = account.email.clone();
            enter(gateway, account, missing)
                .await
                .map(Arc::new)
                .map_err(|source| SeedError::Account { email, source })
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let (customers, restaurants) = sessions.split_at(CUSTOMERS.len());
    if missing == Missing::Create {
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
    let log_in = |email: &str, password: &str| {
        let (email, password) = (email.to_owned(), password.to_owned());
        async move {
            gateway
                .log_in(&email, &password)
                .await
                .map_err(|source| SeedError::Account { email, source })
        }
    };
    let load = log_in(load_email, password).await?;
    let admin = match &credentials.admin {
        Some((email, password)) => Some(log_in(email, password).await?),
        None => None,
    };
    Ok(Accounts {
        customers: customers.to_vec(),
        restaurants: restaurants.to_vec(),
        load,
        admin,
    })
}

async fn enter(gateway: &Gateway, account: SignUp, missing: Missing) -> Result<Session, CallError> {
    if missing == Missing::Create {
        match retry_rate_limited(|| gateway.sign_up(&account)).await {
            Ok(_) => {}
            Err(error) if error.code() == EMAIL_TAKEN => {}
            Err(error) => return Err(error),
        }
    }
    retry_rate_limited(|| gateway.log_in(&account.email, &account.password)).await
}

/// Sends a request, and again while it is rate-limited: the account service checks few passwords at a time.
async fn retry_rate_limited<T, F>(send: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for _ in 0..RETRIES {
        match send().await {
            Err(error) if error.is_rate_limited() => tokio::time::sleep(RETRY_PAUSE).await,
            result => return result,
        }
    }
    send().await
}

fn customer_email(index: usize) -> String {
    format!("customer-{:02}@seed.bidtrace.example", index + 1)
}

fn restaurant_email(index: usize) -> String {
    format!("restaurant-{:02}@seed.bidtrace.example", index + 1)
}

// === impl Credentials ===

impl Credentials {
    /// The variables with the admin's e-mail address and password.
    pub const ADMIN: (&'static str, &'static str) =
        ("BIDTRACE_ADMIN_EMAIL", "BIDTRACE_ADMIN_PASSWORD");
    /// The variables with the load generator's e-mail address and password.
    pub const LOAD: (&'static str, &'static str) =
        ("BIDTRACE_LOAD_EMAIL", "BIDTRACE_LOAD_PASSWORD");

    /// From the environment.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// From the values that `lookup` returns for the variables.
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
    /// The request that creates it.
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

/// The restaurants, by their index in [`RESTAURANTS`], that serve this cuisine and deliver to this position, with a margin
/// in the distance.
pub fn restaurants_serving(cuisine: Cuisine, latitude: f64, longitude: f64) -> Vec<usize> {
    const MARGIN: f64 = 0.95;
    RESTAURANTS
        .iter()
        .enumerate()
        .filter(|(_, restaurant)| {
            restaurant.cuisine == cuisine
                && city::distance_m(
                    (restaurant.latitude, restaurant.longitude),
                    (latitude, longitude),
                ) <= f64::from(restaurant.radius_m) * MARGIN
        })
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::city::*;
    use super::people::CUSTOMERS;
    use super::restaurants_serving;

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
    fn at_least_five_restaurants_serve_every_cuisine_at_every_delivery_address() {
        for address in DELIVERY_ADDRESSES {
            for cuisine in Cuisine::ALL {
                let serving = restaurants_serving(cuisine, address.latitude, address.longitude);
                assert!(
                    serving.len() >= 5,
                    "{} {cuisine:?}: {serving:?}",
                    address.address
                );
            }
        }
    }

    #[test]
    fn there_are_at_least_ten_customers_with_different_names() {
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
