//! Runs the settlement sagas: each in a task of its own, at most one per order, and each from its log, also after a crash.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::{Clock, time_of_id};
use chassis::failure::chain;
use chassis::{Failure, fault};
use registry::{OrderSagaSteps, OrderSettled, OrderSettledOutcome, OrderSettlementDuration};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, field};

use crate::domain::{Order, State};
use crate::partners::{Partners, Reserved};
use crate::saga::{Attempt, Next, Outcome, Step};
use crate::store::Store;

/// How often sagas of unsettled orders that do not run are resumed.
const RESUME_INTERVAL: Duration = Duration::from_secs(2);

/// The maximum number of steps that run at the same time. A saga that waits for a retry is not counted.
const CONCURRENT_STEPS: usize = 64;

/// The sagas that run in this process. Clones share them.
#[derive(Clone)]
pub struct Settlements(Arc<Shared>);

struct Shared {
    store: Store,
    partners: Partners,
    clock: Clock,
    shutdown: CancellationToken,
    running: Mutex<HashSet<String>>,
    step_permits: Semaphore,
    tasks: TaskTracker,
}

/// The running saga of an order. There is at most one per order.
struct RunningSaga {
    settlements: Settlements,
    order_id: String,
}

// === impl Settlements ===

impl Settlements {
    /// Settlements of the orders in `store`, until `shutdown`.
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
            step_permits: Semaphore::new(CONCURRENT_STEPS),
            tasks: TaskTracker::new(),
        }))
    }

    /// Starts a task that settles the order, unless its saga is running or the order is settled.
    pub fn start(&self, order_id: String) {
        if self.0.shutdown.is_cancelled() {
            return;
        }
        if let Some(saga) = self.begin(order_id) {
            self.0.tasks.spawn(async move { saga.run().await });
        }
    }

    /// Resumes the settlements that a crash or a failure has interrupted, now and at intervals until shutdown. Then waits
    /// for the running steps.
    pub async fn resume(self) {
        loop {
            if let Err(failure) = self.start_unsettled().await {
                tracing::warn!(error = %chain(&failure), "reading the unsettled orders failed; retrying");
            }
            if self.wait(RESUME_INTERVAL).await.is_break() {
                break;
            }
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn start_unsettled(&self) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let orders = self.0.store.unsettled(after.as_deref()).await?;
            let Some(last) = orders.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for order in orders {
                self.start(order);
            }
        }
    }

    /// Waits for `time`, or breaks at shutdown.
    async fn wait(&self, time: Duration) -> std::ops::ControlFlow<()> {
        tokio::select! {
            () = self.0.shutdown.cancelled() => std::ops::ControlFlow::Break(()),
            () = tokio::time::sleep(time) => std::ops::ControlFlow::Continue(()),
        }
    }

    /// Registers the order's saga as running, unless it is running already.
    fn begin(&self, order_id: String) -> Option<RunningSaga> {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !running.insert(order_id.clone()) {
            return None;
        }
        update_gauge(&running);
        Some(RunningSaga {
            settlements: self.clone(),
            order_id,
        })
    }
}

fn update_gauge(running: &HashSet<String>) {
    let count = u32::try_from(running.len()).unwrap_or(u32::MAX);
    registry::OrderSettling.set(f64::from(count));
}

// === impl RunningSaga ===

impl RunningSaga {
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
            tracing::warn!(order.id = %self.order_id, error = %chain(&failure), "a settlement was interrupted and will be resumed");
        }
    }

    /// Runs the steps until the end of the saga or shutdown.
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

    /// Runs one step and stores its result.
    async fn run_step(&self, order: &mut Order, step: Step) -> Result<(), Failure> {
        let shared = &self.settlements.0;
        let _permit = shared
            .step_permits
            .acquire()
            .await
            .map_err(Failure::internal)?;
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
            let mut after = order.clone();
            let attempt = self.attempt(&mut after, step).await;
            let entry = after.log.record(step, attempt, shared.clock.now());
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
            Ok((outcome, code)) => (*outcome, code.as_deref()),
            Err(failure) => (Outcome::Retried, Some(failure.code.as_ref())),
        };
        span.record("saga.outcome", outcome.name());
        if let Some(code) = code {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", code);
        }
        OrderSagaSteps {
            saga_step: step.into(),
            saga_outcome: outcome.into(),
        }
        .add(1);
        if outcome == Outcome::Refused && step > Step::Authorise {
            span.in_scope(|| tracing::error!(order.id = %order.id, saga.step = step.name(), code, "a step was refused that must not be refused"));
        }
        stepped.map(drop)
    }

    /// The part of a step that happens at other services. Reserving sets the discount of the order.
    async fn attempt(&self, order: &mut Order, step: Step) -> Attempt {
        let partners = &self.settlements.0.partners;
        match step {
            Step::Reserve => match partners.reserve(order).await {
                Reserved::Discount { minor } => {
                    order.discount_minor = minor;
                    Attempt::Done
                }
                Reserved::No(attempt) => attempt,
            },
            Step::Authorise => partners.authorise(order).await,
            Step::Commit => partners.commit(order).await,
            Step::Void => partners.void(order).await,
            Step::Release => partners.release(order).await,
            Step::Revoke => partners.revoke(order).await,
            Step::Confirm | Step::Fail => Attempt::Done,
        }
    }
}

impl Drop for RunningSaga {
    fn drop(&mut self) {
        let mut running = self
            .settlements
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.order_id);
        update_gauge(&running);
    }
}

fn count_settled(order: &Order, state: State, now: i64) {
    let outcome = match state {
        State::Confirmed => OrderSettledOutcome::Confirmed,
        State::Failed => OrderSettledOutcome::Failed,
        State::Settling => return,
    };
    OrderSettled { outcome }.add(1);
    let awarded = time_of_id(&order.award.id).unwrap_or(order.created_at_ms);
    let lasted = u64::try_from(now - awarded).unwrap_or(0);
    OrderSettlementDuration { outcome }.record(Duration::from_millis(lasted).as_secs_f64());
}

/// The moment of a fault point, relative to a step's effect.
#[derive(Clone, Copy)]
enum Moment {
    /// Before the effect.
    Before,
    /// After the effect. A step at another service is not in the log yet.
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
