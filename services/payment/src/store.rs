//! The provider's own database. One row per idempotency key: it says what the key came to, for good.

use chassis::clock::Clock;
use chassis::database::{Database, Write};
use chassis::money::Money;
use chassis::{Failure, Kind};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use telemetry::db::observe;
use uuid::Uuid;

use crate::domain::{Behaviour, Charge, Verdict};

const TABLE: &str = "authorisations";

/// The provider's database.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    clock: Clock,
}

/// What has become of an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Asked for, not decided: its first try stalled or failed.
    Pending,
    /// The money is set aside.
    Authorised,
    /// Refused for good.
    Declined,
    /// Given back, or never to be authorised.
    Voided,
}

/// An authorisation as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// Its id at the provider.
    pub id: String,
    /// What has become of it.
    pub status: Status,
    /// What was asked for; empty when the key was voided before it was used.
    pub charge: Charge,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It is decided, now or earlier.
    Decided(Authorisation),
    /// It is not answered for now.
    Stalled,
    /// It fails for now.
    Failed,
}

// === impl Status ===

impl Status {
    const ALL: [Self; 4] = [
        Self::Pending,
        Self::Authorised,
        Self::Declined,
        Self::Voided,
    ];

    /// Its name in JSON and in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::Declined => "declined",
            Self::Voided => "voided",
        }
    }

    fn from_name(name: &str) -> Result<Self, Failure> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| Failure::internal(format!("no authorisation has the status {name:?}")))
    }
}

// === impl Store ===

impl Store {
    /// A store over a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// One try to authorise `charge` under `key`. A key that is decided gives its answer again.
    ///
    /// # Errors
    /// `idempotency.key_reused` when the key was used for another charge.
    pub async fn authorise(&self, key: &str, charge: &Charge) -> Result<Tried, Failure> {
        let mut write = self.database.write().await?;
        let (mut authorisation, attempt) = self.claim(&mut write, key, charge).await?;
        let untouched = authorisation.charge.reference.is_empty();
        if authorisation.charge != *charge && !untouched {
            return Err(Failure::new(
                Kind::KeyReused,
                "idempotency.key_reused",
                "this key was used before with another body",
            )
            .at("Idempotency-Key"));
        }
        if authorisation.status != Status::Pending {
            write.commit().await?;
            return Ok(Tried::Decided(authorisation));
        }
        let declined_before = declined_before(&mut write, &charge.group).await?;
        let behaviour = Behaviour::of(&charge.payment_method);
        let tried = match behaviour.decide(attempt == 1, declined_before) {
            Verdict::Stall => Tried::Stalled,
            Verdict::Fail => Tried::Failed,
            verdict => {
                authorisation.status = match verdict {
                    Verdict::Authorise => Status::Authorised,
                    _ => Status::Declined,
                };
                self.decide(&mut write, &authorisation).await?;
                Tried::Decided(authorisation)
            }
        };
        write.commit().await?;
        Ok(tried)
    }

    /// Takes the key's row, making it at the first try, and counts the try.
    async fn claim(
        &self,
        write: &mut Write,
        key: &str,
        charge: &Charge,
    ) -> Result<(Authorisation, i64), Failure> {
        let row = observe(
            write.operation("INSERT", TABLE),
            sqlx::query(
                "INSERT INTO authorisations (id, idempotency_key, reference, payment_group, payment_method, \
                 amount_minor, currency, status, tries, created_at_ms, updated_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) \
                 ON CONFLICT (idempotency_key) DO UPDATE SET tries = authorisations.tries + 1 \
                 RETURNING id, reference, payment_group, payment_method, amount_minor, currency, status, tries",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(key)
            .bind(&charge.reference)
            .bind(&charge.group)
            .bind(&charge.payment_method)
            .bind(charge.amount.minor)
            .bind(&charge.amount.currency)
            .bind(Status::Pending.name())
            .bind(self.clock.now())
            .fetch_one(write.connection()),
        )
        .await?;
        Ok((authorisation(&row)?, row.try_get("tries")?))
    }

    async fn decide(
        &self,
        write: &mut Write,
        authorisation: &Authorisation,
    ) -> Result<(), Failure> {
        observe(
            write.operation("UPDATE", TABLE),
            sqlx::query("UPDATE authorisations SET status = $2, updated_at_ms = $3 WHERE id = $1")
                .bind(&authorisation.id)
                .bind(authorisation.status.name())
                .bind(self.clock.now())
                .execute(write.connection()),
        )
        .await?;
        if authorisation.status == Status::Declined {
            observe(
                write.operation("UPDATE", "payment_groups"),
                sqlx::query("UPDATE payment_groups SET declined = declined + 1 WHERE id = $1")
                    .bind(&authorisation.charge.group)
                    .execute(write.connection()),
            )
            .await?;
        }
        Ok(())
    }

    /// The authorisation of that id.
    ///
    /// # Errors
    /// `payment.unknown_authorisation`.
    pub async fn get(&self, id: &str) -> Result<Authorisation, Failure> {
        let row = observe(
            self.database.operation("SELECT", TABLE),
            sqlx::query(
                "SELECT id, reference, payment_group, payment_method, amount_minor, currency, status \
                 FROM authorisations WHERE id = $1",
            )
            .bind(id)
            .fetch_optional(self.database.pool()),
        )
        .await?;
        row.as_ref().map_or_else(|| Err(unknown()), authorisation)
    }

    /// Gives the money back. Voiding again changes nothing, and what was declined stays so.
    ///
    /// # Errors
    /// `payment.unknown_authorisation`.
    pub async fn void(&self, id: &str) -> Result<Authorisation, Failure> {
        let mut write = self.database.write().await?;
        let row = observe(
            write.operation("UPDATE", TABLE),
            sqlx::query(
                "UPDATE authorisations SET updated_at_ms = $2, \
                 status = CASE WHEN status = 'declined' THEN 'declined' ELSE 'voided' END WHERE id = $1 \
                 RETURNING id, reference, payment_group, payment_method, amount_minor, currency, status",
            )
            .bind(id)
            .bind(self.clock.now())
            .fetch_optional(write.connection()),
        )
        .await?;
        let authorisation = row.as_ref().map_or_else(|| Err(unknown()), authorisation)?;
        write.commit().await?;
        Ok(authorisation)
    }

    /// Gives back what was authorised under `key`. When nothing was, the key is kept as voided, so that a request
    /// which is still on its way authorises nothing: for callers that never learned the id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn void_key(&self, key: &str) -> Result<Authorisation, Failure> {
        let mut write = self.database.write().await?;
        let row = observe(
            write.operation("INSERT", TABLE),
            sqlx::query(
                "INSERT INTO authorisations (id, idempotency_key, reference, payment_group, payment_method, \
                 amount_minor, currency, status, tries, created_at_ms, updated_at_ms) \
                 VALUES ($1, $2, '', '', '', 0, '', 'voided', 0, $3, $3) \
                 ON CONFLICT (idempotency_key) DO UPDATE SET updated_at_ms = $3, \
                 status = CASE WHEN authorisations.status = 'declined' THEN 'declined' ELSE 'voided' END \
                 RETURNING id, reference, payment_group, payment_method, amount_minor, currency, status",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(key)
            .bind(self.clock.now())
            .fetch_one(write.connection()),
        )
        .await?;
        let authorisation = authorisation(&row)?;
        write.commit().await?;
        Ok(authorisation)
    }
}

/// Takes the group's row, making it at first, so that two authorisations of a group are decided one after the other.
async fn declined_before(write: &mut Write, group: &str) -> Result<bool, Failure> {
    let row = observe(
        write.operation("INSERT", "payment_groups"),
        sqlx::query(
            "INSERT INTO payment_groups (id, declined) VALUES ($1, 0) \
             ON CONFLICT (id) DO UPDATE SET declined = payment_groups.declined RETURNING declined",
        )
        .bind(group)
        .fetch_one(write.connection()),
    )
    .await?;
    Ok(row.try_get::<i64, _>("declined")? > 0)
}

fn authorisation(row: &AnyRow) -> Result<Authorisation, Failure> {
    Ok(Authorisation {
        id: row.try_get("id")?,
        status: Status::from_name(&row.try_get::<String, _>("status")?)?,
        charge: Charge {
            reference: row.try_get("reference")?,
            group: row.try_get("payment_group")?,
            amount: Money {
                minor: row.try_get("amount_minor")?,
                currency: row.try_get("currency")?,
            },
            payment_method: row.try_get("payment_method")?,
        },
    })
}

fn unknown() -> Failure {
    Failure::not_found(
        "payment.unknown_authorisation",
        "there is no authorisation of this id",
    )
}
