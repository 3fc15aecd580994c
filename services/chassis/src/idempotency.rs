//! Idempotency keys, kept by the service that owns the write, in the transaction of the write.
//!
//! The same key from the same account for the same method gives the same answer for 24 hours, whether that was a
//! response or a refusal; accidents (time-outs, defects) are not kept, so that they can be tried again. The same key
//! with another body is refused with `idempotency.key_reused`, 422 over HTTP. See the IETF draft
//! `draft-ietf-httpapi-idempotency-key-header`.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row as _;

use crate::clock::{Clock, Millis};
use crate::database::{Database, Write};
use crate::failure::{Failure, Kind};

/// The gRPC metadata key that carries it; over HTTP the header is `Idempotency-Key`.
pub const METADATA_KEY: &str = "idempotency-key";

/// For how long an answer is kept.
pub const RETENTION_MS: Millis = 24 * 60 * 60 * 1000;

/// The longest key that is taken.
pub const MAX_KEY_LENGTH: usize = 255;

/// A write that may have been made before.
#[derive(Debug, Clone)]
pub struct Claim {
    account_id: String,
    method: &'static str,
    key: Option<String>,
    request_hash: String,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Response(Vec<u8>),
    Refusal {
        kind: Kind,
        code: String,
        message: String,
        field: Option<String>,
    },
}

impl Claim {
    /// The claim of `request`, by the account, the method and the key in its metadata (a request without a key is
    /// always made).
    ///
    /// # Errors
    /// `idempotency.bad_key` when the key is empty, too long or not printable ASCII.
    pub fn new<T: prost::Message>(
        account_id: &str,
        method: &'static str,
        request: &tonic::Request<T>,
    ) -> Result<Self, Failure> {
        let key = match request.metadata().get(METADATA_KEY) {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .filter(|key| !key.is_empty() && key.len() <= MAX_KEY_LENGTH)
                    .ok_or_else(|| {
                        Failure::invalid(
                            "idempotency.bad_key",
                            "Idempotency-Key",
                            format!("expected 1 to {MAX_KEY_LENGTH} printable ASCII characters"),
                        )
                    })?
                    .to_owned(),
            ),
        };
        Ok(Self {
            account_id: account_id.to_owned(),
            method,
            key,
            request_hash: format!("{:x}", Sha256::digest(request.get_ref().encode_to_vec())),
        })
    }

    /// Makes the write once: `write` runs in a transaction in which its answer is kept too; when the claim was
    /// answered before, that answer is given and nothing runs.
    ///
    /// # Errors
    /// What `write` refuses, now or at the first time, and `idempotency.key_reused`.
    pub async fn execute<R, F>(
        self,
        database: &Database,
        clock: &Clock,
        write: F,
    ) -> Result<R, Failure>
    where
        R: prost::Message + Default,
        F: for<'t> FnOnce(&'t mut Write) -> BoxFuture<'t, Result<R, Failure>>,
    {
        let mut transaction = database.write().await?;
        if let Some(answer) = self.earlier(&mut transaction, clock.now()).await? {
            return answer;
        }
        match write(&mut transaction).await {
            Ok(response) => {
                let answer = Answer::Response(response.encode_to_vec());
                self.keep(&mut transaction, &answer, clock.now()).await?;
                transaction.commit().await?;
                Ok(response)
            }
            Err(failure) => {
                drop(transaction);
                if self.key.is_some() && failure.kind.is_decision() {
                    let mut transaction = database.write().await?;
                    let answer = Answer::Refusal {
                        kind: failure.kind,
                        code: failure.code.to_string(),
                        message: failure.message.to_string(),
                        field: failure.field.as_deref().map(str::to_owned),
                    };
                    self.keep(&mut transaction, &answer, clock.now()).await?;
                    transaction.commit().await?;
                }
                Err(failure)
            }
        }
    }

    async fn earlier<R: prost::Message + Default>(
        &self,
        transaction: &mut Write,
        now: Millis,
    ) -> Result<Option<Result<R, Failure>>, Failure> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let operation = transaction.operation("SELECT", "idempotency_keys");
        let row = telemetry::db::observe(
            operation,
            sqlx::query(
                "SELECT request_hash, answer FROM idempotency_keys \
                 WHERE account_id = $1 AND method = $2 AND idempotency_key = $3 AND created_at_ms > $4",
            )
            .bind(&self.account_id)
            .bind(self.method)
            .bind(key)
            .bind(now - RETENTION_MS)
            .fetch_optional(transaction.connection()),
        )
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        if row.try_get::<String, _>("request_hash")? != self.request_hash {
            return Ok(Some(Err(Failure::new(
                Kind::KeyReused,
                "idempotency.key_reused",
                "this key was used before with another body",
            )
            .at("Idempotency-Key"))));
        }
        let answer: String = row.try_get("answer")?;
        Ok(Some(
            match serde_json::from_str(&answer).map_err(Failure::internal)? {
                Answer::Response(bytes) => R::decode(bytes.as_slice()).map_err(Failure::internal),
                Answer::Refusal {
                    kind,
                    code,
                    message,
                    field,
                } => Err(Failure {
                    field: field.map(Into::into),
                    ..Failure::new(kind, code, message)
                }),
            },
        ))
    }

    async fn keep(
        &self,
        transaction: &mut Write,
        answer: &Answer,
        now: Millis,
    ) -> Result<(), Failure> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        let operation = transaction.operation("INSERT", "idempotency_keys");
        let answer = serde_json::to_string(answer).map_err(Failure::internal)?;
        // An expired answer under the same key is replaced; a live one was found by `earlier`, but on PostgreSQL a
        // concurrent twin may have committed since: then the unique key makes this transaction fail and roll back.
        telemetry::db::observe(
            operation,
            sqlx::query(
                "INSERT INTO idempotency_keys \
                 (account_id, method, idempotency_key, request_hash, answer, created_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (account_id, method, idempotency_key) DO UPDATE \
                 SET request_hash = excluded.request_hash, answer = excluded.answer, \
                     created_at_ms = excluded.created_at_ms \
                 WHERE idempotency_keys.created_at_ms <= $7",
            )
            .bind(&self.account_id)
            .bind(self.method)
            .bind(key)
            .bind(&self.request_hash)
            .bind(answer)
            .bind(now)
            .bind(now - RETENTION_MS)
            .execute(transaction.connection()),
        )
        .await
        .map_err(Failure::from)
        .and_then(|done| {
            if done.rows_affected() == 1 {
                Ok(())
            } else {
                Err(Failure::new(
                    Kind::Unavailable,
                    "idempotency.in_progress",
                    "the same request is being answered just now; try again",
                ))
            }
        })
    }
}

/// Forgets the answers that are older than [`RETENTION_MS`].
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, now: Millis) -> Result<u64, Failure> {
    let mut transaction = database.write().await?;
    let done = sqlx::query("DELETE FROM idempotency_keys WHERE created_at_ms <= $1")
        .bind(now - RETENTION_MS)
        .execute(transaction.connection())
        .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
