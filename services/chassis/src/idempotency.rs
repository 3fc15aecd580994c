//! Idempotency keys: the service that owns a write stores the answer under the key, in the transaction of the write.
//!
//! For 24 hours a request with the same key, from the same account and for the same method, gets the stored answer: a
//! response, or the failure when that was a [decision](Kind::is_decision). Other failures (time-outs, defects) are not
//! stored, so the request can be retried. The same key with another body fails with `idempotency.key_reused`, 422 over
//! HTTP. See the IETF draft `draft-ietf-httpapi-idempotency-key-header`.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row as _;

use crate::clock::{Clock, Millis};
use crate::database::{Database, Write};
use crate::failure::{Failure, Kind};
use crate::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_TITLE};

/// How long an answer is kept.
pub const RETENTION_MS: Millis = 24 * 60 * 60 * 1000;

/// The maximum length of a key, in bytes.
pub const MAX_KEY_LENGTH: usize = 255;

/// A claim to make a write once: the account, the method, the key and a hash of the request.
#[derive(Debug, Clone)]
pub struct Claim {
    account_id: String,
    method: &'static str,
    key: Option<String>,
    request_hash: String,
}

/// The outcome of [`Claim::execute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution<R, T> {
    /// The write was made by this call.
    Ran {
        /// The response, which is stored under the key.
        response: R,
        /// What the write returned besides the response. It is not stored.
        effect: T,
    },
    /// The write was made by an earlier call with the same key.
    Replayed {
        /// The stored response.
        response: R,
    },
}

/// A stored answer.
#[derive(Serialize, Deserialize)]
enum Answer {
    Response(Vec<u8>),
    // The variant's name is part of the stored format.
    Refusal {
        kind: Kind,
        code: String,
        message: String,
        field: Option<String>,
    },
}

// === impl Execution ===

impl<R, T> Execution<R, T> {
    /// The response, whether it is new or stored.
    pub fn into_response(self) -> R {
        match self {
            Self::Ran { response, .. } | Self::Replayed { response } => response,
        }
    }
}

// === impl Claim ===

impl Claim {
    /// The claim for `request`, with the key in its metadata. A request without a key is never replayed.
    ///
    /// # Errors
    /// `idempotency.bad_key` when the key is empty, too long or not printable ASCII.
    pub fn new<T: prost::Message>(
        account_id: &str,
        method: &'static str,
        request: &tonic::Request<T>,
    ) -> Result<Self, Failure> {
        let key = match request.metadata().get(IDEMPOTENCY_KEY) {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .filter(|key| !key.is_empty() && key.len() <= MAX_KEY_LENGTH)
                    .ok_or_else(|| {
                        Failure::invalid(
                            "idempotency.bad_key",
                            IDEMPOTENCY_KEY_TITLE,
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

    /// Makes the write once. `write` runs in a transaction that also stores its response, which is the first value that
    /// it returns. When an answer is stored already, `write` does not run.
    ///
    /// # Errors
    /// The failure of `write`, new or stored; `idempotency.key_reused`.
    pub async fn execute<R, T, F>(
        self,
        database: &Database,
        clock: &Clock,
        write: F,
    ) -> Result<Execution<R, T>, Failure>
    where
        R: prost::Message + Default,
        F: for<'t> FnOnce(&'t mut Write) -> BoxFuture<'t, Result<(R, T), Failure>>,
    {
        let mut transaction = database.write().await?;
        if let Some(stored) = self.stored(&mut transaction, clock.now()).await? {
            return stored.map(|response| Execution::Replayed { response });
        }
        match write(&mut transaction).await {
            Ok((response, effect)) => {
                let answer = Answer::Response(response.encode_to_vec());
                self.store(&mut transaction, &answer, clock.now()).await?;
                transaction.commit().await?;
                Ok(Execution::Ran { response, effect })
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
                    self.store(&mut transaction, &answer, clock.now()).await?;
                    transaction.commit().await?;
                }
                Err(failure)
            }
        }
    }

    /// The answer that is stored under the key.
    async fn stored<R: prost::Message + Default>(
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
            return Ok(Some(Err(key_reused())));
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

    async fn store(
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
        // An expired answer is replaced. `stored` has found one that has not expired, but on PostgreSQL a concurrent
        // request with the same key may have committed since: then no row is written and this transaction rolls back.
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

/// The failure of a request whose key was used before with another body.
pub fn key_reused() -> Failure {
    Failure::new(
        Kind::KeyReused,
        "idempotency.key_reused",
        "this key was used before with another body",
    )
    .at(IDEMPOTENCY_KEY_TITLE)
}

/// Deletes the answers that are older than [`RETENTION_MS`], and returns their number.
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
