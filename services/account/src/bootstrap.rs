//! Start-up: creates the signing key, and creates or updates the accounts that the environment configures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chassis::Failure;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::token::Signer;
use uuid::Uuid;

use crate::domain::{Account, State};
use crate::passwords::Passwords;
use crate::settings::ConfiguredAccount;
use crate::store::{self, Credentials, StoredKey};

/// A signer with the newest key in the database. Creates a key when there is none. Two instances that start at the same
/// time may create one each; tokens of both are valid.
///
/// # Errors
/// When the database fails.
pub async fn signer(database: &Database, clock: &Clock) -> Result<Signer, Failure> {
    if store::signing_keys(database).await?.is_empty() {
        let key = StoredKey {
            id: Uuid::now_v7().to_string(),
            secret: BASE64.encode(rand::random::<[u8; 32]>()),
        };
        let mut write = database.write().await?;
        store::insert_signing_key(&mut write, &key, clock.now()).await?;
        write.commit().await?;
        tracing::info!(key_id = key.id, "created a signing key");
    }
    let newest = store::signing_keys(database)
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| Failure::internal("there is no signing key"))?;
    signer_of(newest)
}

/// A signer with this key.
///
/// # Errors
/// When the stored key is malformed.
pub(crate) fn signer_of(key: StoredKey) -> Result<Signer, Failure> {
    // The decoder's error is dropped: it quotes bytes of the secret.
    let secret: [u8; 32] = BASE64
        .decode(&key.secret)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Failure::internal("a stored signing key is not 32 bytes of base64"))?;
    Signer::new(key.id, &secret)
}

/// Creates the account, or updates the password, role and `trace_trusted` of the existing account with its e-mail.
///
/// # Errors
/// When the database fails.
pub async fn ensure(
    database: &Database,
    clock: &Clock,
    passwords: &Passwords,
    wanted: &ConfiguredAccount,
) -> Result<(), Failure> {
    if let Some(existing) = store::credentials(database, &wanted.email).await? {
        let right = passwords
            .verify(wanted.password.clone(), Some(existing.password_hash))
            .await?;
        if right
            && existing.account.role == wanted.role
            && existing.account.state == State::Open
            && existing.trace_trusted == wanted.trace_trusted
        {
            return Ok(());
        }
    }
    let credentials = Credentials {
        account: Account {
            id: Uuid::now_v7().to_string(),
            email: wanted.email.as_str().to_owned(),
            name: wanted.name.to_owned(),
            role: wanted.role,
            state: State::Open,
            created_at_ms: clock.now(),
        },
        password_hash: passwords.hash(wanted.password.clone()).await?,
        trace_trusted: wanted.trace_trusted,
    };
    let mut write = database.write().await?;
    let created = store::insert(&mut write, &credentials).await?;
    if !created {
        store::replace(&mut write, &credentials).await?;
    }
    write.commit().await?;
    let role = chassis::caller::name(wanted.role);
    let message = if created {
        "created an account that the environment configures"
    } else {
        "updated an account that the environment configures"
    };
    tracing::info!(role, "{message}");
    Ok(())
}
