//! Stand-ins for the services. Each call is recorded and gets a sample as its response, unless a test configures another.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};

use api::account::accounts_server::Accounts;
use api::auction::auctions_server::Auctions;
use api::catalog::catalog_server::Catalog;
use api::notification::notifications_server::Notifications;
use api::order::orders_server::Orders;
use api::reward::rewards_server::Rewards;
use api::{account, auction, catalog, notification, order, reward};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::support::samples;

type Answer<T> = Result<Response<T>, Status>;
type Change = Result<auction::AuctionEvent, Status>;

/// A call that a service has received.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The method's name.
    pub(crate) method: &'static str,
    /// Its metadata.
    pub(crate) metadata: MetadataMap,
    /// The message, as `Debug` shows it.
    pub(crate) message: String,
}

/// All services. Clones share the state.
#[derive(Clone, Default)]
pub(crate) struct Platform(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    refusals: HashMap<&'static str, Status>,
    stalled: HashSet<&'static str>,
    closed: HashSet<String>,
    keys: Vec<account::VerifyingKey>,
    changes: Option<mpsc::Receiver<Change>>,
}

impl Platform {
    /// The calls of `method` so far.
    pub(crate) fn calls(&self, method: &str) -> Vec<Call> {
        let state = self.state();
        state
            .calls
            .iter()
            .filter(|call| call.method == method)
            .cloned()
            .collect()
    }

    /// Makes `method` fail with this status.
    pub(crate) fn refuse(&self, method: &'static str, status: impl Into<Status>) {
        self.state().refusals.insert(method, status.into());
    }

    /// Makes `method` never respond.
    pub(crate) fn stall(&self, method: &'static str) {
        self.state().stalled.insert(method);
    }

    /// Closes an account without this gateway.
    pub(crate) fn close(&self, account_id: &str) {
        self.state().closed.insert(account_id.to_owned());
    }

    /// Adds a verifying key.
    pub(crate) fn add_key(&self, (key_id, public_key): (&str, &[u8; 32])) {
        self.state().keys.push(account::VerifyingKey {
            key_id: key_id.to_owned(),
            public_key: public_key.to_vec(),
        });
    }

    /// The sender of the events that the next watcher of an auction receives.
    pub(crate) fn changes(&self) -> mpsc::Sender<Change> {
        let (sender, receiver) = mpsc::channel(8);
        self.state().changes = Some(receiver);
        sender
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }

    async fn answer<M: Debug, T>(
        &self,
        method: &'static str,
        request: Request<M>,
        answer: impl FnOnce(M) -> T,
    ) -> Answer<T> {
        let (metadata, _, message) = request.into_parts();
        let (refusal, stalled) = {
            let mut state = self.state();
            state.calls.push(Call {
                method,
                metadata,
                message: format!("{message:?}"),
            });
            (
                state.refusals.get(method).cloned(),
                state.stalled.contains(method),
            )
        };
        if stalled {
            std::future::pending::<()>().await;
        }
        match refusal {
            Some(status) => Err(status),
            None => Ok(Response::new(answer(message))),
        }
    }

    fn account(&self, id: &str) -> account::Account {
        let state = if self.state().closed.contains(id) {
            account::AccountState::Closed
        } else {
            account::AccountState::Open
        };
        samples::account(id, state)
    }
}

#[tonic::async_trait]
impl Accounts for Platform {
    async fn sign_up(&self, request: Request<account::SignUpRequest>) -> Answer<account::Account> {
        self.answer("SignUp", request, |_| self.account("a1")).await
    }

    async fn log_in(&self, request: Request<account::LogInRequest>) -> Answer<account::Session> {
        self.answer("LogIn", request, |_| account::Session {
            token: "token".to_owned(),
            expires_at_ms: 9,
            account: Some(self.account("a1")),
        })
        .await
    }

    async fn get_account(
        &self,
        request: Request<account::GetAccountRequest>,
    ) -> Answer<account::Account> {
        self.answer("GetAccount", request, |message| {
            self.account(&message.account_id)
        })
        .await
    }

    async fn list_accounts(
        &self,
        request: Request<account::ListAccountsRequest>,
    ) -> Answer<account::ListAccountsResponse> {
        self.answer("ListAccounts", request, |message| {
            let ids = (0..message.limit).map(|index| format!("a{index}"));
            account::ListAccountsResponse {
                accounts: ids.map(|id| self.account(&id)).collect(),
            }
        })
        .await
    }

    async fn close_account(
        &self,
        request: Request<account::CloseAccountRequest>,
    ) -> Answer<account::Account> {
        self.answer("CloseAccount", request, |message| {
            self.close(&message.account_id);
            self.account(&message.account_id)
        })
        .await
    }

    async fn get_verifying_keys(
        &self,
        request: Request<account::GetVerifyingKeysRequest>,
    ) -> Answer<account::VerifyingKeys> {
        self.answer("GetVerifyingKeys", request, |_| account::VerifyingKeys {
            keys: self.state().keys.clone(),
        })
        .await
    }
}

#[tonic::async_trait]
impl Catalog for Platform {
    async fn put_restaurant(
        &self,
        request: Request<catalog::PutRestaurantRequest>,
    ) -> Answer<catalog::Restaurant> {
        self.answer("PutRestaurant", request, |_| samples::restaurant("r1"))
            .await
    }

    async fn get_restaurant(
        &self,
        request: Request<catalog::GetRestaurantRequest>,
    ) -> Answer<catalog::Restaurant> {
        self.answer("GetRestaurant", request, |message| {
            let id = message.restaurant_id;
            samples::restaurant(if id.is_empty() { "own" } else { &id })
        })
        .await
    }

    async fn find_eligible(
        &self,
        request: Request<catalog::FindEligibleRequest>,
    ) -> Answer<catalog::FindEligibleResponse> {
        self.answer("FindEligible", request, |_| {
            catalog::FindEligibleResponse::default()
        })
        .await
    }
}

#[tonic::async_trait]
impl Auctions for Platform {
    async fn open_auction(
        &self,
        request: Request<auction::OpenAuctionRequest>,
    ) -> Answer<auction::Auction> {
        self.answer("OpenAuction", request, |_| {
            samples::auction("au1", auction::AuctionState::Open)
        })
        .await
    }

    async fn get_auction(
        &self,
        request: Request<auction::GetAuctionRequest>,
    ) -> Answer<auction::Auction> {
        self.answer("GetAuction", request, |message| {
            samples::auction(&message.auction_id, auction::AuctionState::Open)
        })
        .await
    }

    async fn list_auctions(
        &self,
        request: Request<auction::ListAuctionsRequest>,
    ) -> Answer<auction::ListAuctionsResponse> {
        self.answer("ListAuctions", request, |_| auction::ListAuctionsResponse {
            auctions: vec![samples::auction("au1", auction::AuctionState::Expired)],
        })
        .await
    }

    async fn place_bid(&self, request: Request<auction::PlaceBidRequest>) -> Answer<auction::Bid> {
        self.answer("PlaceBid", request, |message| {
            let price = message.price.expect("a price");
            samples::bid("b1", &message.auction_id, price)
        })
        .await
    }

    type WatchAuctionStream = ReceiverStream<Change>;

    async fn watch_auction(
        &self,
        request: Request<auction::WatchAuctionRequest>,
    ) -> Answer<Self::WatchAuctionStream> {
        self.answer("WatchAuction", request, |_| {
            let changes = self.state().changes.take();
            ReceiverStream::new(changes.expect("the test has prepared the changes"))
        })
        .await
    }

    async fn close_auction(
        &self,
        request: Request<auction::CloseAuctionRequest>,
    ) -> Answer<auction::Auction> {
        self.answer("CloseAuction", request, |message| {
            samples::auction(&message.auction_id, auction::AuctionState::Closed)
        })
        .await
    }

    async fn revoke_award(
        &self,
        request: Request<auction::RevokeAwardRequest>,
    ) -> Answer<auction::Auction> {
        self.answer("RevokeAward", request, |message| {
            samples::auction(&message.auction_id, auction::AuctionState::Failed)
        })
        .await
    }
}

#[tonic::async_trait]
impl Rewards for Platform {
    async fn reserve(
        &self,
        request: Request<reward::ReserveRequest>,
    ) -> Answer<reward::Reservation> {
        self.answer("Reserve", request, |_| reward::Reservation::default())
            .await
    }

    async fn commit(&self, request: Request<reward::CommitRequest>) -> Answer<reward::Reservation> {
        self.answer("Commit", request, |_| reward::Reservation::default())
            .await
    }

    async fn release(
        &self,
        request: Request<reward::ReleaseRequest>,
    ) -> Answer<reward::Reservation> {
        self.answer("Release", request, |_| reward::Reservation::default())
            .await
    }

    async fn get_balance(
        &self,
        request: Request<reward::GetBalanceRequest>,
    ) -> Answer<reward::Balance> {
        self.answer("GetBalance", request, |_| samples::balance(700))
            .await
    }

    async fn issue_coupon(
        &self,
        request: Request<reward::IssueCouponRequest>,
    ) -> Answer<reward::Coupon> {
        self.answer("IssueCoupon", request, |message| reward::Coupon {
            code: message.code,
            discount: message.discount,
            uses: message.uses,
            uses_left: message.uses,
            expires_at_ms: message.expires_at_ms,
        })
        .await
    }

    async fn grant_points(
        &self,
        request: Request<reward::GrantPointsRequest>,
    ) -> Answer<reward::Balance> {
        self.answer("GrantPoints", request, |message| {
            samples::balance(message.points)
        })
        .await
    }
}

#[tonic::async_trait]
impl Orders for Platform {
    async fn get_order(&self, request: Request<order::GetOrderRequest>) -> Answer<order::Order> {
        self.answer("GetOrder", request, |message| {
            samples::order(&message.order_id)
        })
        .await
    }

    async fn list_orders(
        &self,
        request: Request<order::ListOrdersRequest>,
    ) -> Answer<order::ListOrdersResponse> {
        self.answer("ListOrders", request, |_| order::ListOrdersResponse {
            orders: vec![samples::order("o1")],
        })
        .await
    }
}

#[tonic::async_trait]
impl Notifications for Platform {
    async fn list_notifications(
        &self,
        request: Request<notification::ListNotificationsRequest>,
    ) -> Answer<notification::ListNotificationsResponse> {
        self.answer("ListNotifications", request, |_| {
            notification::ListNotificationsResponse {
                notifications: vec![samples::notification("n1")],
            }
        })
        .await
    }

    async fn put_webhook(
        &self,
        request: Request<notification::PutWebhookRequest>,
    ) -> Answer<notification::Webhook> {
        self.answer("PutWebhook", request, |message| notification::Webhook {
            url: message.url,
        })
        .await
    }
}
