//! Stand-ins for the reward and the auction service, which are as idempotent as the real ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ::api::auction::auctions_server::{Auctions, AuctionsServer};
use ::api::auction::{self, RevokeAwardRequest};
use ::api::common::Money;
use ::api::reward::rewards_server::{Rewards, RewardsServer};
use ::api::reward::{
    self, CommitRequest, ReleaseRequest, Reservation, ReservationState, ReserveRequest,
};
use chassis::Failure;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// The behaviour of the stand-ins, and the calls that they received.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The discount of a reservation.
    pub(crate) discount: i64,
    /// The code with which every reservation is refused, if any.
    pub(crate) refusal: Option<&'static str>,
    /// The number of next calls that fail with UNAVAILABLE.
    pub(crate) unavailable: u32,
    /// The reservations by id; `false` when released.
    pub(crate) reserved: BTreeMap<String, bool>,
    /// The points credited, by reservation.
    pub(crate) committed: BTreeMap<String, i64>,
    /// The reasons of revoked awards, by award.
    pub(crate) revoked: BTreeMap<String, String>,
}

/// The reward and the auction service in one server.
#[derive(Debug, Clone, Default)]
pub(crate) struct StandIn(pub(crate) Arc<Mutex<Seen>>);

impl StandIn {
    /// Serves on a free port.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let server = tonic::transport::Server::builder()
            .layer(telemetry::grpc::ServerLayer::new().methods(api::METHODS))
            .add_service(RewardsServer::new(self.clone()))
            .add_service(AuctionsServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        address
    }

    /// Reads or changes the state.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Seen) -> R) -> R {
        work(&mut self.0.lock().expect("nobody panicked"))
    }

    fn answering(&self) -> Result<(), Status> {
        self.with(|seen| match seen.unavailable.checked_sub(1) {
            None => Ok(()),
            Some(left) => {
                seen.unavailable = left;
                Err(Status::unavailable("not now"))
            }
        })
    }
}

fn reservation(id: String, state: ReservationState, discount: i64) -> Response<Reservation> {
    Response::new(Reservation {
        id,
        state: state.into(),
        discount: Some(Money {
            amount_minor: discount,
            currency: "KRW".to_owned(),
        }),
        points_reserved: 0,
    })
}

fn unasked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no settlement asks for this"))
}

#[tonic::async_trait]
impl Rewards for StandIn {
    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<Reservation>, Status> {
        self.answering()?;
        let id = request.into_inner().reservation_id;
        self.with(|seen| {
            if let Some(code) = seen.refusal {
                return Err(Failure::conflict(code, "refused").into());
            }
            if !*seen.reserved.entry(id.clone()).or_insert(true) {
                return Err(Failure::conflict("reward.released", "released before").into());
            }
            Ok(reservation(id, ReservationState::Reserved, seen.discount))
        })
    }

    async fn commit(
        &self,
        request: Request<CommitRequest>,
    ) -> Result<Response<Reservation>, Status> {
        self.answering()?;
        let request = request.into_inner();
        let id = request.reservation_id;
        self.with(|seen| {
            if seen.reserved.get(&id) != Some(&true) {
                return Err(Failure::conflict("reward.not_reserved", "not reserved").into());
            }
            let credited = seen
                .committed
                .entry(id.clone())
                .or_insert(request.points_earned);
            assert_eq!(
                *credited, request.points_earned,
                "two answers to one commit"
            );
            Ok(reservation(id, ReservationState::Committed, seen.discount))
        })
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<Reservation>, Status> {
        self.answering()?;
        let id = request.into_inner().reservation_id;
        self.with(|seen| seen.reserved.insert(id.clone(), false));
        Ok(reservation(id, ReservationState::Released, 0))
    }

    async fn get_balance(
        &self,
        _: Request<reward::GetBalanceRequest>,
    ) -> Result<Response<reward::Balance>, Status> {
        unasked()
    }

    async fn issue_coupon(
        &self,
        _: Request<reward::IssueCouponRequest>,
    ) -> Result<Response<reward::Coupon>, Status> {
        unasked()
    }

    async fn grant_points(
        &self,
        _: Request<reward::GrantPointsRequest>,
    ) -> Result<Response<reward::Balance>, Status> {
        unasked()
    }
}

#[tonic::async_trait]
impl Auctions for StandIn {
    type WatchAuctionStream = tokio_stream::Empty<Result<auction::AuctionEvent, Status>>;

    async fn revoke_award(
        &self,
        request: Request<RevokeAwardRequest>,
    ) -> Result<Response<auction::Auction>, Status> {
        self.answering()?;
        let request = request.into_inner();
        self.with(|seen| seen.revoked.insert(request.award_id, request.reason));
        Ok(Response::new(auction::Auction::default()))
    }

    async fn open_auction(
        &self,
        _: Request<auction::OpenAuctionRequest>,
    ) -> Result<Response<auction::Auction>, Status> {
        unasked()
    }

    async fn get_auction(
        &self,
        _: Request<auction::GetAuctionRequest>,
    ) -> Result<Response<auction::Auction>, Status> {
        unasked()
    }

    async fn list_auctions(
        &self,
        _: Request<auction::ListAuctionsRequest>,
    ) -> Result<Response<auction::ListAuctionsResponse>, Status> {
        unasked()
    }

    async fn place_bid(
        &self,
        _: Request<auction::PlaceBidRequest>,
    ) -> Result<Response<auction::Bid>, Status> {
        unasked()
    }

    async fn watch_auction(
        &self,
        _: Request<auction::WatchAuctionRequest>,
    ) -> Result<Response<Self::WatchAuctionStream>, Status> {
        unasked()
    }

    async fn close_auction(
        &self,
        _: Request<auction::CloseAuctionRequest>,
    ) -> Result<Response<auction::Auction>, Status> {
        unasked()
    }
}
