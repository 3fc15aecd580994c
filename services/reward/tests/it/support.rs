use std::sync::Arc;

use api::common::{Caller, Money, Role};
use api::reward::rewards_server::Rewards as _;
use api::reward::{
    Balance, CommitRequest, Coupon, GetBalanceRequest, GrantPointsRequest, IssueCouponRequest,
    ReleaseRequest, Reservation, ReserveRequest,
};
use chassis::Failure;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::testing::TestDatabase;
use reward::MIGRATIONS;
use reward::api::RewardsApi;
use sqlx::Row as _;
use tonic::{Request, Response, Status};

pub(crate) const NOW: i64 = 1_700_000_000_000;
pub(crate) const AN_HOUR: i64 = 3_600_000;

/// The service with its clock and its database. Clones share them.
#[derive(Clone)]
pub(crate) struct Rewards {
    pub(crate) api: Arc<RewardsApi>,
    pub(crate) clock: Clock,
    pub(crate) database: Arc<TestDatabase>,
}

/// The service on each engine.
pub(crate) async fn services() -> Vec<Rewards> {
    chassis::testing::databases("reward", &MIGRATIONS)
        .await
        .into_iter()
        .map(|database| {
            let clock = Clock::manual(NOW);
            Rewards {
                api: Arc::new(RewardsApi::new((*database).clone(), clock.clone())),
                clock,
                database: Arc::new(database),
            }
        })
        .collect()
}

#[expect(clippy::unnecessary_wraps, reason = "so messages have it")]
pub(crate) fn caller(account_id: &str, role: Role) -> Option<Caller> {
    Some(Caller {
        account_id: account_id.to_owned(),
        role: role.into(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "so messages have it")]
pub(crate) fn won(amount_minor: i64) -> Option<Money> {
    Some(Money {
        amount_minor,
        currency: "KRW".to_owned(),
    })
}

pub(crate) fn reserve_request(
    reservation_id: &str,
    account_id: &str,
    coupon_code: &str,
    points: i64,
) -> ReserveRequest {
    ReserveRequest {
        reservation_id: reservation_id.to_owned(),
        account_id: account_id.to_owned(),
        coupon_code: coupon_code.to_owned(),
        points,
        price: won(18_000),
    }
}

pub(crate) fn coupon(code: &str, uses: u32) -> IssueCouponRequest {
    IssueCouponRequest {
        caller: caller("the-admin", Role::Admin),
        code: code.to_owned(),
        discount: won(3_000),
        uses,
        expires_at_ms: NOW + AN_HOUR,
    }
}

pub(crate) fn grant(account_id: &str, points: i64) -> GrantPointsRequest {
    GrantPointsRequest {
        caller: caller("the-admin", Role::Admin),
        account_id: account_id.to_owned(),
        points,
        reason: "welcome".to_owned(),
    }
}

fn answer<T>(result: Result<Response<T>, Status>) -> Result<T, Failure> {
    result.map(Response::into_inner).map_err(Failure::from)
}

impl Rewards {
    pub(crate) async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, Failure> {
        answer(self.api.reserve(Request::new(request)).await)
    }

    pub(crate) async fn commit(
        &self,
        id: &str,
        points_earned: i64,
    ) -> Result<Reservation, Failure> {
        let request = CommitRequest {
            reservation_id: id.to_owned(),
            points_earned,
        };
        answer(self.api.commit(Request::new(request)).await)
    }

    pub(crate) async fn release(&self, id: &str) -> Result<Reservation, Failure> {
        let request = ReleaseRequest {
            reservation_id: id.to_owned(),
        };
        answer(self.api.release(Request::new(request)).await)
    }

    pub(crate) async fn balance(&self, account_id: &str) -> Balance {
        let request = GetBalanceRequest {
            caller: caller(account_id, Role::Customer),
        };
        answer(self.api.get_balance(Request::new(request)).await).expect("a balance")
    }

    /// The points of an account, and how many of them are reserved.
    pub(crate) async fn points(&self, account_id: &str) -> (i64, i64) {
        let balance = self.balance(account_id).await;
        (balance.points, balance.points_reserved)
    }

    pub(crate) async fn issue(&self, request: IssueCouponRequest) -> Result<Coupon, Failure> {
        answer(self.api.issue_coupon(Request::new(request)).await)
    }

    pub(crate) async fn grant(&self, request: GrantPointsRequest) -> Result<Balance, Failure> {
        answer(self.api.grant_points(Request::new(request)).await)
    }

    pub(crate) async fn uses_left(&self, code: &str) -> i64 {
        number(
            &self.database,
            "SELECT uses_left FROM coupons WHERE code = $1",
            code,
        )
        .await
    }

    /// Checks that the wallet of an account equals the sums of its ledger and its reservations.
    pub(crate) async fn audit(&self, account_id: &str) {
        let (points, reserved) = self.points(account_id).await;
        let ledger = number(
            &self.database,
            "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) FROM ledger WHERE account_id = $1",
            account_id,
        )
        .await;
        let held = number(
            &self.database,
            "SELECT CAST(COALESCE(SUM(points_reserved), 0) AS BIGINT) FROM reservations \
             WHERE account_id = $1 AND state = 'reserved'",
            account_id,
        )
        .await;
        assert_eq!(points, ledger, "the ledger's sum");
        assert_eq!(reserved, held, "the reservations' sum");
        assert!((0..=points).contains(&reserved), "{reserved} of {points}");
    }

    /// Checks that each use of a coupon belongs to a reservation that was not released.
    pub(crate) async fn audit_coupon(&self, code: &str, uses: i64) {
        let in_use = number(
            &self.database,
            "SELECT COUNT(*) FROM reservations WHERE coupon_code = $1 AND state <> 'released'",
            code,
        )
        .await;
        assert_eq!(self.uses_left(code).await, uses - in_use);
    }
}

/// The number that this query returns.
pub(crate) async fn number(database: &Database, query: &'static str, value: &str) -> i64 {
    sqlx::query(query)
        .bind(value)
        .fetch_one(database.reads())
        .await
        .expect("a row")
        .get(0)
}
