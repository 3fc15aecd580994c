//! Runs the settlement sagas: each order's in a task of its own, never two at once for one order, and each goes on
//! from its log, also after a crash.

use crate::{
    domain::{Order, State},
    partners::Partners,
    saga::{Attempt, Next, Outcome, Step},
    store::Store,
};
use chassis::{Failure, clock::Clock, failure::chain, fault};
use registry::{OrderSagaSteps, OrderSettled, OrderSettledOutcome, OrderSettlementDuration};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, field};
use uuid::Uuid;

/// How often the log is searched for settlements that nobody runs.
const RESUME_INTERVAL: Duration = Duration::from_secs(2);

/// How many steps run at once; settlements that wait for a retry take no place.
const STEPS_AT_ONCE: usize = 64;

/// Runs the sagas of this process. Clones run the same ones.
#[derive(Clone)]
pub struct Settlements(Arc<Shared>);

struct Shared {
    store: Store,
    partners: Partners,
    clock: Clock,
    shutdown: CancellationToken,
    running: Mutex<HashSet<String>>,
    places: Semaphore,
    tasks: TaskTracker,
}

/// The right to run one order's saga; there is one of a kind.
struct Turn {
    settlements: Settlements,
    order_id: String,
}

// === impl Settlements ===

impl Settlements {
    /// Settlements over `store` with `partners`, until `shutdown`.
    pub fn new(
        store: Store,
        partners: Partners,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            partners,
            clock,
            shutdown,
            running: Mutex::default(),
            places: Semaphore::new(STEPS_AT_ONCE),
            tasks: TaskTracker::new(),
        }))
    }

    /// Settles the order in a task, unless one is at it or it is settled.
    pub fn start(&self, order_id: String) {
        if self.0.shutdown.is_cancelled() {
            return;
        }
        if let Some(turn) = self.take_turn(order_id) {
            self.0.tasks.spawn(async move { turn.run().await });
        }
    }

    /// Takes up what a crash or an accident left behind, at once and then again and again until shutdown; then waits
    /// for the steps in hand.
    pub async fn resume(self) {
        loop {
            if let Err(failure) = self.start_unsettled().await {
                tracing::warn!(error = %chain(&failure), "cannot look for unsettled orders; trying again");
            }
            if self.wait(RESUME_INTERVAL).await.is_break() {
                break;
            }
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn start_unsettled(&self) -> Result<(), Failure> {
        let mut after = String::new();
        loop {
            let orders = self.0.store.unsettled(&after).await?;
            let Some(last) = orders.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for order in orders {
                self.start(order);
            }
        }
    }

    /// Waits, and says whether to stop instead of going on.
    async fn wait(&self, time: Duration) -> std::ops::ControlFlow<()> {
        tokio::select! {
            () = self.0.shutdown.cancelled() => std::ops::ControlFlow::Break(()),
            () = tokio::time::sleep(time) => std::ops::ControlFlow::Continue(()),
        }
    }

    fn take_turn(&self, order_id: String) -> Option<Turn> {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !running.insert(order_id.clone()) {
            return None;
        }
        show_running(&running);
        Some(Turn {
            settlements: self.clone(),
            order_id,
        })
    }
}

fn show_running(running: &HashSet<String>) {
    let count = u32::try_from(running.len()).unwrap_or(u32::MAX);
    registry::OrderSettling.set(f64::from(count));
}

// === impl Turn ===

impl Turn {
    async fn run(&self) {
        let settlements = &self.settlements.0;
        let settled = match settlements.store.load(&self.order_id).await {
            Ok(order) if order.settled_at_ms.is_some() => return,
            Ok(order) => {
                let span = tracing::info_span!(
                    "order.settle",
                    order.id = %order.id,
                    auction.id = %order.award.auction_id,
                    order.state = field::Empty,
                );
                telemetry::context::set_parent(&span, &order.context);
                self.settle(order).instrument(span).await
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = settled {
            tracing::warn!(order.id = %self.order_id, error = %chain(&failure), "a settlement is interrupted; it is taken up again");
        }
    }

    /// Runs step after step until the saga's end or shutdown.
    async fn settle(&self, mut order: Order) -> Result<(), Failure> {
        let shared = &self.settlements.0;
        while let Next::Run(step) = order.log.next() {
            if shared.shutdown.is_cancelled() {
                return Ok(());
            }
            self.run_step(&mut order, step).await?;
            let retried = order.log.outcome(step) == Some(Outcome::Retried);
            if retried
                && self
                    .settlements
                    .wait(order.log.back_off(step))
                    .await
                    .is_break()
            {
                return Ok(());
            }
        }
        tracing::Span::current().record("order.state", order.state.name());
        shared.store.settled(&order).await
    }

    /// Runs one step and stores what it came to.
    async fn run_step(&self, order: &mut Order, step: Step) -> Result<(), Failure> {
        let shared = &self.settlements.0;
        let _place = shared.places.acquire().await.map_err(Failure::internal)?;
        let span = tracing::info_span!(
            "order.saga.step",
            otel.name = format!("order.saga.{}", step.name()),
            otel.status_code = field::Empty,
            order.id = %order.id,
            saga.step = step.name(),
            saga.outcome = field::Empty,
            error.type = field::Empty,
        );
        let stepped = async {
            fault_point(step, Moment::Before);
            let (attempt, discount) = self.attempt(order, step).await;
            let mut after = order.clone();
            let entry = after.log.record(step, attempt, shared.clock.now());
            if step == Step::Reserve {
                after.discount_minor = discount;
            }
            let (outcome, code) = (entry.outcome, entry.code.clone());
            match step {
                Step::Confirm => {
                    if shared.store.confirm(&after, &entry).await? {
                        count_settled(&after, State::Confirmed, shared.clock.now());
                    }
                    after.state = State::Confirmed;
                    fault_point(step, Moment::After);
                }
                Step::Fail => {
                    if shared.store.fail(&after, &entry).await? {
                        count_settled(&after, State::Failed, shared.clock.now());
                    }
                    after.state = State::Failed;
                    fault_point(step, Moment::After);
                }
                _ => {
                    fault_point(step, Moment::After);
                    shared.store.record(&after, step, &entry).await?;
                }
            }
            *order = after;
            Ok::<_, Failure>((outcome, code))
        }
        .instrument(span.clone())
        .await;
        let (outcome, code) = match &stepped {
            Ok((outcome, code)) => (*outcome, code.as_str()),
            Err(failure) => (Outcome::Retried, failure.code.as_ref()),
        };
        span.record("saga.outcome", outcome.name());
        if !code.is_empty() {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", code);
        }
        OrderSagaSteps {
            saga_step: step.into(),
            saga_outcome: outcome.into(),
        }
        .add(1);
        if outcome == Outcome::Refused && step > Step::Authorise {
            span.in_scope(|| tracing::error!(order.id = %order.id, saga.step = step.name(), code, "a step was refused that cannot be"));
        }
        stepped.map(drop)
    }

    /// What a step does outside our database. Gives the discount beside it, which only reserving brings.
    async fn attempt(&self, order: &Order, step: Step) -> (Attempt, i64) {
        let partners = &self.settlements.0.partners;
        let attempt = match step {
            Step::Reserve => return partners.reserve(order).await,
            Step::Authorise => partners.authorise(order).await,
            Step::Commit => partners.commit(order).await,
            Step::Void => partners.void(order).await,
            Step::Release => partners.release(order).await,
            Step::Revoke => partners.revoke(order).await,
            Step::Confirm | Step::Fail => Attempt::Done,
        };
        (attempt, order.discount_minor)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self
            .settlements
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.order_id);
        show_running(&running);
    }
}

fn count_settled(order: &Order, state: State, now: i64) {
    let outcome = match state {
        State::Confirmed => OrderSettledOutcome::Confirmed,
        State::Failed => OrderSettledOutcome::Failed,
        State::Settling => return,
    };
    OrderSettled { outcome }.add(1);
    let awarded = awarded_at_ms(&order.award.id).unwrap_or(order.created_at_ms);
    let lasted = u64::try_from(now - awarded).unwrap_or(0);
    OrderSettlementDuration { outcome }.record(Duration::from_millis(lasted).as_secs_f64());
}

/// When the award was made: its id says so, as every id of ours does.
fn awarded_at_ms(award_id: &str) -> Option<i64> {
    let (seconds, nanoseconds) = Uuid::parse_str(award_id).ok()?.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    Some(seconds * 1000 + i64::from(nanoseconds / 1_000_000))
}

/// Which side of a step's effect.
#[derive(Clone, Copy)]
enum Moment {
    /// Nothing has happened yet.
    Before,
    /// The effect is there; for steps at other services the log does not know it yet.
    After,
}

fn fault_point(step: Step, moment: Moment) {
    use Moment::{After, Before};
    fault::point(match (step, moment) {
        (Step::Reserve, Before) => "order.reserve.before",
        (Step::Reserve, After) => "order.reserve.after",
        (Step::Authorise, Before) => "order.authorise.before",
        (Step::Authorise, After) => "order.authorise.after",
        (Step::Confirm, Before) => "order.confirm.before",
        (Step::Confirm, After) => "order.confirm.after",
        (Step::Commit, Before) => "order.commit.before",
        (Step::Commit, After) => "order.commit.after",
        (Step::Void | Step::Release | Step::Fail, Before) => "order.compensate.before",
        (Step::Void | Step::Release | Step::Fail, After) => "order.compensate.after",
        (Step::Revoke, Before) => "order.revoke.before",
        (Step::Revoke, After) => "order.revoke.after",
    });
}
