//! Accounts: sign-up, login, signed tokens, and the three roles.
//!
//! - Passwords are kept as Argon2id hashes. Hashing is slow on purpose, so only a few run [at once](passwords) and
//!   the others wait their turn: logins cannot eat the machine.
//! - A login with an unknown e-mail and one with a wrong password get the same answer at the same cost.
//! - Tokens are [signed](chassis::token) with an Ed25519 key that is made at the first start and kept in the database;
//!   [`GetVerifyingKeys`](api::account::accounts_server::Accounts::get_verifying_keys) hands out its public half.
//! - The admin and the load generator have accounts by [`settings`]; nobody can sign up as an admin.

pub mod api;
pub mod bootstrap;
pub mod domain;
pub mod passwords;
pub mod settings;
pub mod store;

use ::api::account::accounts_server::AccountsServer;
use anyhow::Context as _;
use chassis::Context;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::api::AccountsApi;
use crate::passwords::Passwords;
use crate::settings::Settings;

/// The service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the service: before the commit of a sign-up, and between it and its answer.
pub const FAULT_POINTS: &[&str] = &[api::SIGN_UP_BEFORE_COMMIT, api::SIGN_UP_COMMITTED];

/// Serves accounts until shutdown.
///
/// # Errors
/// When a setting cannot be used, the database cannot be opened, or the address is taken.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let database = context.database(&MIGRATIONS).await?;
    let passwords =
        Passwords::new(settings.argon2_memory_kib).context("cannot prepare Argon2id")?;
    let signer = bootstrap::signer(&database, &context.clock)
        .await
        .context("cannot have a signing key")?;
    for account in &settings.accounts {
        bootstrap::ensure(&database, &context.clock, &passwords, account)
            .await
            .context("cannot make the accounts that the environment names")?;
    }
    let api = AccountsApi::new(
        database,
        context.clock.clone(),
        passwords,
        signer,
        settings.token_lifetime_ms,
    );
    api::declare_series();
    context
        .serve_grpc(Routes::new(AccountsServer::new(api)))
        .await
}
