//! The tables of orders and of the logs of their settlements.

use api::common::{Caller, Role};
use api::events::{Event, OrderConfirmed, OrderFailed};
use chassis::clock::Clock;
use chassis::database::{Database, Write, optional_text};
use chassis::money::Money;
use chassis::{Failure, outbox};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use telemetry::context::SavedContext;
use telemetry::db::{Operation, observe};
use uuid::Uuid;

use crate::domain::{Award, Order, State};
use crate::saga::{Entry, Log, Outcome, Step};

const COLUMNS: &str = "id, award_id, auction_id, customer_account_id, restaurant_id, restaurant_account_id, \
    restaurant_name, price_minor, discount_minor, currency, coupon_code, points_to_use, payment_method, state, \
    failure_code, trace_context, created_at_ms, settled_at_ms";

/// The maximum number of unsettled orders that one query returns.
const RESUME_BATCH: i64 = 500;

/// The order service's database.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    clock: Clock,
}

/// Which orders to list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only the orders of this auction.
    pub auction_id: Option<String>,
    /// Only the orders that are older than this one.
    pub after: Option<String>,
    /// The maximum number of orders.
    pub limit: u32,
}

// === impl Store ===

impl Store {
    /// A store in a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Creates the order of an award, with the current trace context, unless the award has one. Returns the order's id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create(&self, award: &Award) -> Result<String, Failure> {
        let mut write = self.database.write().await?;
        observe(
            write.operation("INSERT", "orders"),
            sqlx::query(
                "INSERT INTO orders (id, award_id, auction_id, customer_account_id, restaurant_id, \
                 restaurant_account_id, restaurant_name, price_minor, discount_minor, currency, coupon_code, \
                 points_to_use, payment_method, state, failure_code, trace_context, created_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13, '', $14, $15) \
                 ON CONFLICT (award_id) DO NOTHING",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(&award.id)
            .bind(&award.auction_id)
            .bind(&award.customer_account_id)
            .bind(&award.restaurant_id)
            .bind(&award.restaurant_account_id)
            .bind(&award.restaurant_name)
            .bind(award.price.minor)
            .bind(&award.price.currency)
            .bind(award.coupon_code.as_deref().unwrap_or_default())
            .bind(award.points_to_use)
            .bind(&award.payment_method)
            .bind(State::Settling.name())
            .bind(SavedContext::current().to_text())
            .bind(self.clock.now())
            .execute(write.connection()),
        )
        .await?;
        let row = observe(
            write.operation("SELECT", "orders"),
            sqlx::query("SELECT id FROM orders WHERE award_id = $1")
                .bind(&award.id)
                .fetch_one(write.connection()),
        )
        .await?;
        write.commit().await?;
        Ok(row.try_get("id")?)
    }

    /// The order with this id, and its log. Records no span: a settlement calls it before its span starts.
    ///
    /// # Errors
    /// `order.unknown`.
    pub async fn load(&self, id: &str) -> Result<Order, Failure> {
        self.read(id, Operation::quiet(), Operation::quiet()).await
    }

    /// The order with this id, and its log.
    ///
    /// # Errors
    /// `order.unknown`, also when the caller may not see the order.
    pub async fn get(&self, caller: &Caller, id: &str) -> Result<Order, Failure> {
        let orders = self.database.operation("SELECT", "orders");
        let steps = self.database.operation("SELECT", "saga_steps");
        let order = self.read(id, orders, steps).await?;
        if order.is_visible_to(&caller.account_id, caller.role()) {
            return Ok(order);
        }
        Err(unknown())
    }

    async fn read(&self, id: &str, orders: Operation, steps: Operation) -> Result<Order, Failure> {
        let row = observe(
            orders,
            sqlx::query(AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM orders WHERE id = $1"
            )))
            .bind(id)
            .fetch_optional(self.database.reads()),
        )
        .await?;
        let mut order = row.as_ref().map_or_else(|| Err(unknown()), order)?;
        self.read_logs(std::slice::from_mut(&mut order), steps)
            .await?;
        Ok(order)
    }

    /// The orders that the caller may see, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, caller: &Caller, page: &Page) -> Result<Vec<Order>, Failure> {
        // An admin sees every order; the statement needs `$4` in any case.
        let whose = match caller.role() {
            Role::Admin => "$4 = $4",
            Role::Restaurant => "restaurant_account_id = $4",
            Role::Customer | Role::Unspecified => "customer_account_id = $4",
        };
        let rows = observe(
            self.database.operation("SELECT", "orders"),
            sqlx::query(AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM orders WHERE ($1 = '' OR auction_id = $1) AND ($2 = '' OR id < $2) \
                 AND {whose} ORDER BY id DESC LIMIT $3"
            )))
            .bind(page.auction_id.as_deref().unwrap_or_default())
            .bind(page.after.as_deref().unwrap_or_default())
            .bind(i64::from(page.limit))
            .bind(&caller.account_id)
            .fetch_all(self.database.reads()),
        )
        .await?;
        let mut orders = rows.iter().map(order).collect::<Result<Vec<_>, _>>()?;
        let steps = self.database.operation("SELECT", "saga_steps");
        self.read_logs(&mut orders, steps).await?;
        Ok(orders)
    }

    /// Reads the logs of these orders with one query.
    async fn read_logs(&self, orders: &mut [Order], operation: Operation) -> Result<(), Failure> {
        if orders.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = (1..=orders.len())
            .map(|place| format!("${place}"))
            .collect();
        let statement = format!(
            "SELECT order_id, step, outcome, code, tries, at_ms FROM saga_steps WHERE order_id IN ({})",
            places.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for order in &*orders {
            query = query.bind(order.id.clone());
        }
        let rows = observe(operation, query.fetch_all(self.database.reads())).await?;
        for row in rows {
            let order_id: String = row.try_get("order_id")?;
            let (step, entry) = step(&row)?;
            if let Some(order) = orders.iter_mut().find(|order| order.id == order_id) {
                order.log.insert(step, entry);
            }
        }
        Ok(())
    }

    /// Some orders whose settlement has not ended, with ids greater than `after`. A poll: it records no span and no metric.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled(&self, after: Option<&str>) -> Result<Vec<String>, Failure> {
        let rows = observe(
            Operation::quiet(),
            sqlx::query(
                "SELECT id FROM orders WHERE settled_at_ms IS NULL AND id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after.unwrap_or_default())
            .bind(RESUME_BATCH)
            .fetch_all(self.database.unmeasured_pool()),
        )
        .await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Stores the log entry of a step, and the discount when the step is [`Step::Reserve`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, order: &Order, step: Step, entry: &Entry) -> Result<(), Failure> {
        let mut write = self.database.write().await?;
        if step == Step::Reserve {
            observe(
                write.operation("UPDATE", "orders"),
                sqlx::query("UPDATE orders SET discount_minor = $2 WHERE id = $1")
                    .bind(&order.id)
                    .bind(order.discount_minor)
                    .execute(write.connection()),
            )
            .await?;
        }
        log(&mut write, &order.id, step, entry).await?;
        write.commit().await
    }

    /// Confirms the order, and adds the event and the step's log entry in the same transaction. Returns false, and does not
    /// change the order, when it has been confirmed or failed before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm(&self, order: &Order, entry: &Entry) -> Result<bool, Failure> {
        let event = OrderConfirmed {
            order_id: order.id.clone(),
            auction_id: order.award.auction_id.clone(),
            award_id: order.award.id.clone(),
            customer_account_id: order.award.customer_account_id.clone(),
            restaurant_account_id: order.award.restaurant_account_id.clone(),
            restaurant_name: order.award.restaurant_name.clone(),
            paid: order.paid().into(),
        };
        self.end(order, Step::Confirm, entry, State::Confirmed, None, &event)
            .await
    }

    /// Fails the order, as [`Store::confirm`] confirms it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail(&self, order: &Order, entry: &Entry) -> Result<bool, Failure> {
        let reason = order.log.failure_code();
        let event = OrderFailed {
            order_id: order.id.clone(),
            auction_id: order.award.auction_id.clone(),
            award_id: order.award.id.clone(),
            customer_account_id: order.award.customer_account_id.clone(),
            restaurant_account_id: order.award.restaurant_account_id.clone(),
            reason: reason.unwrap_or_default().to_owned(),
        };
        self.end(order, Step::Fail, entry, State::Failed, reason, &event)
            .await
    }

    async fn end<E: Event>(
        &self,
        order: &Order,
        step: Step,
        entry: &Entry,
        state: State,
        failure_code: Option<&str>,
        event: &E,
    ) -> Result<bool, Failure> {
        let mut write = self.database.write().await?;
        let ended = observe(
            write.operation("UPDATE", "orders"),
            sqlx::query(
                "UPDATE orders SET state = $2, failure_code = $3 WHERE id = $1 AND state = $4 RETURNING id",
            )
            .bind(&order.id)
            .bind(state.name())
            .bind(failure_code.unwrap_or_default())
            .bind(State::Settling.name())
            .fetch_optional(write.connection()),
        )
        .await?
        .is_some();
        if ended {
            outbox::append(&mut write, &self.clock, event).await?;
        }
        log(&mut write, &order.id, step, entry).await?;
        write.commit().await?;
        Ok(ended)
    }

    /// Marks the settlement as ended, so that it is not resumed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settled(&self, order: &Order) -> Result<(), Failure> {
        let mut write = self.database.write().await?;
        observe(
            write.operation("UPDATE", "orders"),
            sqlx::query(
                "UPDATE orders SET settled_at_ms = $2 WHERE id = $1 AND settled_at_ms IS NULL",
            )
            .bind(&order.id)
            .bind(self.clock.now())
            .execute(write.connection()),
        )
        .await?;
        write.commit().await
    }
}

async fn log(write: &mut Write, order_id: &str, step: Step, entry: &Entry) -> Result<(), Failure> {
    observe(
        write.operation("INSERT", "saga_steps"),
        sqlx::query(
            "INSERT INTO saga_steps (order_id, step, outcome, code, tries, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (order_id, step) DO UPDATE SET \
             outcome = excluded.outcome, code = excluded.code, tries = excluded.tries, at_ms = excluded.at_ms",
        )
        .bind(order_id)
        .bind(step.name())
        .bind(entry.outcome.name())
        .bind(entry.code.as_deref().unwrap_or_default())
        .bind(i64::from(entry.tries))
        .bind(entry.at_ms)
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

fn order(row: &AnyRow) -> Result<Order, Failure> {
    let currency: String = row.try_get("currency")?;
    let state: String = row.try_get("state")?;
    Ok(Order {
        id: row.try_get("id")?,
        award: Award {
            id: row.try_get("award_id")?,
            auction_id: row.try_get("auction_id")?,
            customer_account_id: row.try_get("customer_account_id")?,
            restaurant_id: row.try_get("restaurant_id")?,
            restaurant_account_id: row.try_get("restaurant_account_id")?,
            restaurant_name: row.try_get("restaurant_name")?,
            price: Money {
                minor: row.try_get("price_minor")?,
                currency,
            },
            coupon_code: optional_text(row, "coupon_code")?,
            points_to_use: row.try_get("points_to_use")?,
            payment_method: row.try_get("payment_method")?,
        },
        discount_minor: row.try_get("discount_minor")?,
        state: State::from_name(&state).ok_or_else(|| unreadable("state", &state))?,
        failure_code: optional_text(row, "failure_code")?,
        created_at_ms: row.try_get("created_at_ms")?,
        settled_at_ms: row.try_get("settled_at_ms")?,
        context: SavedContext::from_text(&row.try_get::<String, _>("trace_context")?),
        log: Log::default(),
    })
}

fn step(row: &AnyRow) -> Result<(Step, Entry), Failure> {
    let step: String = row.try_get("step")?;
    let outcome: String = row.try_get("outcome")?;
    let entry = Entry {
        outcome: Outcome::from_name(&outcome).ok_or_else(|| unreadable("outcome", &outcome))?,
        code: optional_text(row, "code")?,
        tries: u32::try_from(row.try_get::<i64, _>("tries")?).map_err(Failure::internal)?,
        at_ms: row.try_get("at_ms")?,
    };
    let step = Step::from_name(&step).ok_or_else(|| unreadable("step", &step))?;
    Ok((step, entry))
}

fn unreadable(what: &str, value: &str) -> Failure {
    Failure::internal(format!("no order has the {what} {value:?}"))
}

fn unknown() -> Failure {
    Failure::not_found("order.unknown", "there is no order of this id")
}
