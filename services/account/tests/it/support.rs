use account::api::AccountsApi;
use account::passwords::Passwords;
use account::{MIGRATIONS, bootstrap};
use api::account::accounts_server::Accounts as _;
use api::account::{Account, LogInRequest, Session, SignUpRequest};
use api::common::{Caller, Role};
use chassis::Failure;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::testing::TestDatabase;
use tonic::Request;

/// Little memory, so that hashing takes no time in the tests.
pub(crate) const MEMORY_KIB: u32 = 64;
pub(crate) const TOKEN_LIFETIME_MS: i64 = 60_000;
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The service on each engine, with its database. It uses the system clock, as the verification of tokens does.
pub(crate) async fn services() -> Vec<(AccountsApi, TestDatabase)> {
    let mut services = Vec::new();
    for database in chassis::testing::databases("account", &MIGRATIONS).await {
        services.push((service(&database).await, database));
    }
    services
}

pub(crate) async fn service(database: &Database) -> AccountsApi {
    AccountsApi::new(
        database.clone(),
        Clock::System,
        passwords(),
        bootstrap::signer(database, &Clock::System)
            .await
            .expect("a signer"),
        TOKEN_LIFETIME_MS,
    )
}

pub(crate) fn passwords() -> Passwords {
    Passwords::new(MEMORY_KIB).expect("parameters")
}

pub(crate) fn sign_up_request(email: &str, role: Role) -> SignUpRequest {
    SignUpRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: "김민지".to_owned(),
        role: role.into(),
    }
}

pub(crate) async fn sign_up(service: &AccountsApi, email: &str, role: Role) -> Account {
    service
        .sign_up(Request::new(sign_up_request(email, role)))
        .await
        .expect("signed up")
        .into_inner()
}

pub(crate) async fn log_in(
    service: &AccountsApi,
    email: &str,
    password: &str,
) -> Result<Session, Failure> {
    service
        .log_in(Request::new(LogInRequest {
            email: email.to_owned(),
            password: password.to_owned(),
        }))
        .await
        .map(tonic::Response::into_inner)
        .map_err(Failure::from)
}

#[expect(clippy::unnecessary_wraps, reason = "so messages have it")]
pub(crate) fn caller(account_id: &str, role: Role) -> Option<Caller> {
    Some(Caller {
        account_id: account_id.to_owned(),
        role: role.into(),
    })
}
