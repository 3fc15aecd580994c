//! Accounts: sign-up, login, signed tokens, and the three roles.
//!
//! - Passwords are stored as Argon2id hashes. Hashing is slow on purpose, so the number of hashes computed at the same
//!   time is [limited](passwords), and logins cannot take all of the CPU.
//! - A login with an unknown e-mail and one with a wrong password get the same response and take the same time.
//! - Tokens are [signed](chassis::token) with an Ed25519 key that is created at the first start and stored in the
//!   database. [`GetVerifyingKeys`](::api::account::accounts_server::Accounts::get_verifying_keys) returns the public key.
//! - The accounts of the admin and of the load generator are configured by [`settings`]; nobody can sign up as an admin.

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

/// The migrations of the service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault): before the commit of a sign-up, and between the commit and the response.
pub const FAULT_POINTS: &[&str] = &[api::SIGN_UP_BEFORE_COMMIT, api::SIGN_UP_COMMITTED];

/// Runs the service until shutdown.
///
/// # Errors
/// When a setting is invalid, the database cannot be opened, or the address cannot be listened on.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let database = context.database(&MIGRATIONS).await?;
    let passwords =
        Passwords::new(settings.argon2_memory_kib).context("cannot prepare Argon2id")?;
    let signer = bootstrap::signer(&database, &context.clock)
        .await
        .context("cannot load or create the signing key")?;
    for account in &settings.accounts {
        bootstrap::ensure(&database, &context.clock, &passwords, account)
            .await
            .context("cannot create or update the accounts that the environment configures")?;
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
