//! `bidtrace.reward.v1.Rewards`.

use ::api::common::Role;
use ::api::reward as wire;
use ::api::reward::rewards_server::Rewards;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::idempotency::{Claim, Execution};
use chassis::{Failure, caller, fault};
use registry::{RewardReservations, RewardReservationsOutcome as Outcome};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::domain::{self, Coupon, Effect, MAX_POINTS, ReservationRequest, Wallet};
use crate::settlement::{self, Action};
use crate::store::{self, Entry, EntryKind, NewEntry};

pub(crate) const RESERVE_BEFORE_COMMIT: &str = "reward.reserve.before_commit";
pub(crate) const RESERVE_COMMITTED: &str = "reward.reserve.committed";
pub(crate) const COMMIT_BEFORE_COMMIT: &str = "reward.commit.before_commit";
pub(crate) const COMMIT_COMMITTED: &str = "reward.commit.committed";
pub(crate) const RELEASE_BEFORE_COMMIT: &str = "reward.release.before_commit";
pub(crate) const RELEASE_COMMITTED: &str = "reward.release.committed";

/// The account of the idempotency keys of settlement steps, which the order service calls without a caller.
const SETTLEMENT: &str = "order";

/// The maximum length of a grant's reason, in characters.
const MAX_REASON: usize = 200;

/// The service over gRPC.
pub struct RewardsApi {
    database: Database,
    clock: Clock,
}

/// The names of a settlement step: its method, its outcome in the metrics, and its fault points.
struct SettlementStep {
    method: &'static str,
    outcome: Outcome,
    before_commit: &'static str,
    committed: &'static str,
}

const RESERVE: SettlementStep = SettlementStep {
    method: "Reserve",
    outcome: Outcome::Reserved,
    before_commit: RESERVE_BEFORE_COMMIT,
    committed: RESERVE_COMMITTED,
};

const COMMIT: SettlementStep = SettlementStep {
    method: "Commit",
    outcome: Outcome::Committed,
    before_commit: COMMIT_BEFORE_COMMIT,
    committed: COMMIT_COMMITTED,
};

const RELEASE: SettlementStep = SettlementStep {
    method: "Release",
    outcome: Outcome::Released,
    before_commit: RELEASE_BEFORE_COMMIT,
    committed: RELEASE_COMMITTED,
};

/// Initialises every series of the service's metrics to zero.
pub(crate) fn declare_series() {
    RewardReservations::zero();
}

fn count(outcome: Outcome) {
    RewardReservations { outcome }.add(1);
}

impl RewardsApi {
    /// A service over a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    async fn reserve(
        &self,
        request: Request<wire::ReserveRequest>,
    ) -> Result<wire::Reservation, Failure> {
        let claim = Claim::new(SETTLEMENT, RESERVE.method, &request)?;
        let id = reservation_id(&request.get_ref().reservation_id)?;
        let reserved = match ReservationRequest::parse(request.get_ref()) {
            Ok(requested) => {
                self.run_step(RESERVE, claim, id, Action::Reserve(requested))
                    .await
            }
            Err(failure) => Err(failure),
        };
        if reserved
            .as_ref()
            .is_err_and(|failure| failure.kind.is_decision())
        {
            count(Outcome::Refused);
        }
        reserved
    }

    async fn commit(
        &self,
        request: Request<wire::CommitRequest>,
    ) -> Result<wire::Reservation, Failure> {
        let claim = Claim::new(SETTLEMENT, COMMIT.method, &request)?;
        let id = reservation_id(&request.get_ref().reservation_id)?;
        let earned = request.get_ref().points_earned;
        if !(0..=MAX_POINTS).contains(&earned) {
            return Err(domain::bad_points("points_earned", 0));
        }
        self.run_step(COMMIT, claim, id, Action::Commit { earned })
            .await
    }

    async fn release(
        &self,
        request: Request<wire::ReleaseRequest>,
    ) -> Result<wire::Reservation, Failure> {
        let claim = Claim::new(SETTLEMENT, RELEASE.method, &request)?;
        let id = reservation_id(&request.get_ref().reservation_id)?;
        self.run_step(RELEASE, claim, id, Action::Release).await
    }

    /// Runs a settlement step in a transaction, and counts it unless it is a repetition.
    async fn run_step(
        &self,
        step: SettlementStep,
        claim: Claim,
        id: String,
        action: Action,
    ) -> Result<wire::Reservation, Failure> {
        let now = self.clock.now();
        let execution = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    let outcome = settlement::run(write, id, action, now).await?;
                    fault::point(step.before_commit);
                    Ok((outcome.reservation.into(), outcome.effect))
                })
            })
            .instrument(tracing::info_span!(
                "reward.settle",
                reward.step = step.method
            ))
            .await?;
        if let Execution::Ran {
            effect: Effect::Applied,
            ..
        } = execution
        {
            fault::point(step.committed);
            count(step.outcome);
        }
        Ok(execution.into_response())
    }

    async fn balance(&self, body: wire::GetBalanceRequest) -> Result<wire::Balance, Failure> {
        let caller = caller::require(body.caller)?;
        let (wallet, entries) = store::balance(&self.database, &caller.account_id).await?;
        Ok(balance(wallet, entries))
    }

    async fn issue(
        &self,
        request: Request<wire::IssueCouponRequest>,
    ) -> Result<wire::Coupon, Failure> {
        let caller = caller::require_role(request.get_ref().caller.clone(), &[Role::Admin])?;
        let claim = Claim::new(&caller.account_id, "IssueCoupon", &request)?;
        let now = self.clock.now();
        let coupon = Coupon::parse(request.get_ref(), now)?;
        let execution = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    if store::insert_coupon(write, &coupon, now).await? {
                        Ok((coupon.into(), ()))
                    } else {
                        Err(Failure::conflict(
                            "reward.coupon_exists",
                            "a coupon of this code was issued before; choose another",
                        )
                        .at("code"))
                    }
                })
            })
            .await?;
        Ok(execution.into_response())
    }

    async fn grant(
        &self,
        request: Request<wire::GrantPointsRequest>,
    ) -> Result<wire::Balance, Failure> {
        let caller = caller::require_role(request.get_ref().caller.clone(), &[Role::Admin])?;
        let claim = Claim::new(&caller.account_id, "GrantPoints", &request)?;
        let body = request.into_inner();
        let account_id = domain::id("reward.bad_account", "account_id", &body.account_id)?;
        let points = body.points;
        if !(1..=MAX_POINTS).contains(&points) {
            return Err(domain::bad_points("points", 1));
        }
        let reason = body.reason.trim().to_owned();
        if !(1..=MAX_REASON).contains(&reason.chars().count()) {
            return Err(Failure::invalid(
                "reward.bad_reason",
                "reason",
                format!("expected 1 to {MAX_REASON} characters"),
            ));
        }
        let now = self.clock.now();
        let execution = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    let wallet = store::change_wallet(write, &account_id, points, 0).await?;
                    let entry = NewEntry {
                        account_id: &account_id,
                        kind: EntryKind::Granted,
                        points,
                        reason: &reason,
                        reservation_id: None,
                    };
                    let entry = store::append(write, entry, now).await?;
                    Ok((balance(wallet, vec![entry]), ()))
                })
            })
            .await?;
        Ok(execution.into_response())
    }
}

fn reservation_id(text: &str) -> Result<String, Failure> {
    domain::id("reward.bad_reservation", "reservation_id", text)
}

fn balance(wallet: Wallet, entries: Vec<Entry>) -> wire::Balance {
    wire::Balance {
        points: wallet.points,
        points_reserved: wallet.points_reserved,
        recent: entries
            .into_iter()
            .map(|entry| wire::LedgerEntry {
                id: entry.id,
                points: entry.points,
                reason: entry.reason,
                at_ms: entry.at_ms,
            })
            .collect(),
    }
}

#[tonic::async_trait]
impl Rewards for RewardsApi {
    async fn reserve(
        &self,
        request: Request<wire::ReserveRequest>,
    ) -> Result<Response<wire::Reservation>, Status> {
        Ok(Response::new(self.reserve(request).await?))
    }

    async fn commit(
        &self,
        request: Request<wire::CommitRequest>,
    ) -> Result<Response<wire::Reservation>, Status> {
        Ok(Response::new(self.commit(request).await?))
    }

    async fn release(
        &self,
        request: Request<wire::ReleaseRequest>,
    ) -> Result<Response<wire::Reservation>, Status> {
        Ok(Response::new(self.release(request).await?))
    }

    async fn get_balance(
        &self,
        request: Request<wire::GetBalanceRequest>,
    ) -> Result<Response<wire::Balance>, Status> {
        Ok(Response::new(self.balance(request.into_inner()).await?))
    }

    async fn issue_coupon(
        &self,
        request: Request<wire::IssueCouponRequest>,
    ) -> Result<Response<wire::Coupon>, Status> {
        Ok(Response::new(self.issue(request).await?))
    }

    async fn grant_points(
        &self,
        request: Request<wire::GrantPointsRequest>,
    ) -> Result<Response<wire::Balance>, Status> {
        Ok(Response::new(self.grant(request).await?))
    }
}
