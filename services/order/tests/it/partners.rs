//! Stand-ins for the services that an order is settled with; they keep the promises of the real ones.

use ::api::{
    auction::{
        self, RevokeAwardRequest, auctions_server::Auctions, auctions_server::AuctionsServer,
    },
    common::Money,
    reward::{
        self, CommitRequest, ReleaseRequest, Reservation, ReservationState, ReserveRequest,
        rewards_server::Rewards, rewards_server::RewardsServer,
    },
};
use chassis::Failure;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What the stand-ins do and what they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What a reservation takes off the price.
    pub(crate) discount: i64,
    /// The code with which every reservation is refused.
    pub(crate) refusal: Option<&'static str>,
    /// How many calls more are not answered.
    pub(crate) unavailable: u32,
    /// Reservations by id; `false` when they were released.
    pub(crate) reserved: BTreeMap<String, bool>,
    /// Points credited by reservation.
    pub(crate) committed: BTreeMap<String, i64>,
    /// Awards revoked, with their reason.
    pub(crate) revoked: BTreeMap<String, String>,
}

/// Reward and auction in one.
#[derive(Debug, Clone, Default)]
pub(crate) struct StandIn(pub(crate) Arc<Mutex<Seen>>);

impl StandIn {
    /// Serves both on a free port.
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

    /// Looks at it, or changes it.
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
