//! The provider's database. It has one row per idempotency key, with the final decision about it.

use chassis::clock::Clock;
use chassis::database::{Database, Write};
use chassis::money::Money;
use chassis::{Failure, idempotency};
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

/// The status of an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not decided yet: the first attempt stalled or failed.
    Pending,
    /// Authorised.
    Authorised,
    /// Declined permanently.
    Declined,
    /// Voided, before or after it was authorised.
    Voided,
}

/// An authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// The charge. A key that was voided before it was used has none.
    pub charge: Option<Charge>,
}

/// The result of an attempt to authorise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The authorisation is decided, by this attempt or an earlier one.
    Decided(Authorisation),
    /// The answer is delayed.
    Stalled,
    /// The attempt fails.
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
    /// A store in a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Makes one attempt to authorise `charge` with the idempotency key `key`. A key that is decided keeps its decision.
    ///
    /// # Errors
    /// `idempotency.key_reused` when the key was used for another charge.
    pub async fn authorise(&self, key: &str, charge: &Charge) -> Result<Tried, Failure> {
        let mut write = self.database.write().await?;
        let (mut authorisation, attempt) = self.claim(&mut write, key, charge).await?;
        if authorisation
            .charge
            .as_ref()
            .is_some_and(|stored| stored != charge)
        {
            return Err(idempotency::key_reused());
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
            Verdict::Authorise => {
                authorisation.status = Status::Authorised;
                self.decide(&mut write, &authorisation).await?;
                Tried::Decided(authorisation)
            }
            Verdict::Decline => {
                authorisation.status = Status::Declined;
                self.decide(&mut write, &authorisation).await?;
                count_declined(&mut write, &charge.group).await?;
                Tried::Decided(authorisation)
            }
        };
        write.commit().await?;
        Ok(tried)
    }

    /// Locks the key's row and counts the attempt. Creates the row at the first attempt.
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
        Ok(())
    }

    /// The authorisation with this id.
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
            .fetch_optional(self.database.reads()),
        )
        .await?;
        row.as_ref().map_or_else(|| Err(unknown()), authorisation)
    }

    /// Voids the authorisation with this id. Voiding it again changes nothing, and one that was declined stays declined.
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

    /// Voids the authorisation with the key `key`, for callers that do not know its id. When there is none, the key is
    /// stored as voided, so that a request that arrives later authorises nothing.
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

/// Whether an authorisation of the group was declined before. Locks the group's row, which is created at first, so that
/// authorisations of a group are decided one at a time.
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

async fn count_declined(write: &mut Write, group: &str) -> Result<(), Failure> {
    observe(
        write.operation("UPDATE", "payment_groups"),
        sqlx::query("UPDATE payment_groups SET declined = declined + 1 WHERE id = $1")
            .bind(group)
            .execute(write.connection()),
    )
    .await?;
    Ok(())
}

fn authorisation(row: &AnyRow) -> Result<Authorisation, Failure> {
    let reference: String = row.try_get("reference")?;
    // Every charge has a reference.
    let charge = if reference.is_empty() {
        None
    } else {
        Some(Charge {
            reference,
            group: row.try_get("payment_group")?,
            amount: Money {
                minor: row.try_get("amount_minor")?,
                currency: row.try_get("currency")?,
            },
            payment_method: row.try_get("payment_method")?,
        })
    };
    Ok(Authorisation {
        id: row.try_get("id")?,
        status: Status::from_name(&row.try_get::<String, _>("status")?)?,
        charge,
    })
}

fn unknown() -> Failure {
    Failure::not_found(
        "payment.unknown_authorisation",
        "there is no authorisation of this id",
    )
}
