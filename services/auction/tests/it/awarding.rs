//! Awards and revocations. At most one award of an auction is not revoked, also after a crash.

use std::sync::Arc;

use auction::auctioneer::Auctioneer;
use auction::awarding::{self, Revocation};
use auction::domain::State;
use auction::{closing, store};

use crate::support::{DURATION, Fixture, fixtures};

const AWARDED: &str = "events.auction.awarded";
const REVOKED: &str = "events.auction.award_revoked";
const ENDED: &str = "events.auction.ended";

async fn with_bids(fixture: &Fixture, prices: &[i64]) -> String {
    let auction = fixture.open(prices.len()).await;
    for (number, price) in prices.iter().enumerate() {
        fixture
            .bid(&auction, number, *price)
            .await
            .expect("accepted");
    }
    auction
}

fn revocation(auction_id: &str, award_id: &str) -> Revocation {
    Revocation {
        auction_id: auction_id.to_owned(),
        award_id: award_id.to_owned(),
        reason: "payment.declined".to_owned(),
    }
}

#[tokio::test]
async fn at_the_deadline_the_lowest_bid_is_awarded_once() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000, 17_000]).await;
        closing::end_due(&fixture.auctioneer).await.expect("a look");
        assert_eq!(
            fixture.snapshot(&auction).await.auction.state,
            State::Open,
            "not before the deadline"
        );
        fixture.end().await;
        fixture.end().await;
        let snapshot = fixture.snapshot(&auction).await;
        assert_eq!(snapshot.auction.state, State::Awarded);
        assert_eq!(snapshot.award.expect("an award").bid.price_minor, 17_000);
        let events = fixture.events().await;
        assert_eq!(events.len(), 1);
        let (subject, body) = &events[0];
        assert_eq!(subject, AWARDED);
        assert_eq!(body["price"]["amount_minor"], 17_000);
        assert_eq!(body["restaurant_account_id"], "account-2");
        assert_eq!(body["payment_method"], "tok_ok");
        assert_eq!(body["coupon_code"], "WELCOME");
        assert!(body["replaces_award_id"].is_null());
    }
}

#[tokio::test]
async fn an_auction_without_bids_expires() {
    for fixture in fixtures().await {
        let auction = fixture.open(1).await;
        fixture.end().await;
        assert_eq!(
            fixture.snapshot(&auction).await.auction.state,
            State::Expired
        );
        let events = fixture.events().await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].0, ENDED);
        assert_eq!(events[0].1["outcome"], "expired");
    }
}

#[tokio::test]
async fn a_process_that_dies_before_the_commit_has_decided_nothing_and_the_next_one_decides_once() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000]).await;
        fixture.clock.advance(DURATION);
        let mut write = fixture.database.write().await.expect("a transaction");
        awarding::end_at_deadline(&mut write, &fixture.clock, &auction)
            .await
            .expect("decided")
            .expect("due");
        // A process that dies here never commits its transaction.
        drop(write);
        assert_eq!(fixture.awards(&auction).await, (0, 0));
        let restarted = fixture.restarted().await;
        closing::end_due(&restarted).await.expect("ended");
        assert_eq!(fixture.awards(&auction).await, (1, 1));
        assert_eq!(fixture.subjects().await, [AWARDED]);
    }
}

#[tokio::test]
async fn a_process_that_dies_after_the_commit_leaves_nothing_to_decide() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000]).await;
        fixture.clock.advance(DURATION);
        let mut write = fixture.database.write().await.expect("a transaction");
        awarding::end_at_deadline(&mut write, &fixture.clock, &auction)
            .await
            .expect("decided");
        write.commit().await.expect("committed");
        let restarted = fixture.restarted().await;
        closing::end_due(&restarted).await.expect("a look");
        assert_eq!(fixture.awards(&auction).await, (1, 1));
        assert_eq!(fixture.subjects().await, [AWARDED]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_end_an_auction_at_once_make_one_award() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000]).await;
        fixture.clock.advance(DURATION);
        let mut processes: Vec<Arc<Auctioneer>> = Vec::new();
        for _ in 0..4 {
            processes.push(fixture.restarted().await);
        }
        let endings = processes.iter().map(|process| closing::end_due(process));
        for ended in futures::future::join_all(endings).await {
            assert_eq!(ended.expect("a look"), 0);
        }
        assert_eq!(fixture.awards(&auction).await, (1, 1));
        assert_eq!(fixture.subjects().await, [AWARDED]);
    }
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_standing_award() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000]).await;
        fixture.end().await;
        let first = fixture.snapshot(&auction).await.award.expect("an award");
        let mut write = fixture.database.write().await.expect("a transaction");
        let rest = store::bids::unawarded(&mut write, &auction)
            .await
            .expect("bids");
        let second = auction::domain::Award {
            id: "second".to_owned(),
            bid: rest.into_iter().next().expect("a bid"),
            ..first
        };
        store::awards::insert(&mut write, &second)
            .await
            .expect_err("one stands already");
    }
}

#[tokio::test]
async fn revoking_awards_the_next_lowest_bid_until_none_is_left() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000, 17_000]).await;
        fixture.end().await;
        let mut replaced = None;
        for price in [17_000, 18_000, 19_000] {
            let standing = fixture.snapshot(&auction).await.award.expect("an award");
            assert_eq!(standing.bid.price_minor, price);
            assert_eq!(standing.replaces_award_id, replaced);
            let sequence = fixture.snapshot(&auction).await.auction.sequence;
            for _ in 0..2 {
                fixture
                    .auctioneer
                    .revoke(revocation(&auction, &standing.id))
                    .await
                    .expect("revoked, now or before");
            }
            assert_eq!(
                fixture.snapshot(&auction).await.auction.sequence,
                sequence + 1,
                "the second call changes nothing"
            );
            replaced = Some(standing.id);
        }
        let snapshot = fixture.snapshot(&auction).await;
        assert_eq!(snapshot.auction.state, State::Failed);
        assert!(snapshot.award.is_none());
        assert_eq!(fixture.awards(&auction).await, (3, 0));
        assert_eq!(
            fixture.subjects().await,
            [AWARDED, REVOKED, AWARDED, REVOKED, AWARDED, REVOKED, ENDED]
        );
        let events = fixture.events().await;
        assert_eq!(events[1].1["reason"], "payment.declined");
        assert_eq!(events[2].1["replaces_award_id"], events[0].1["award_id"]);
        assert_eq!(events[6].1["outcome"], "failed");
    }
}

#[tokio::test]
async fn a_revocation_that_dies_before_its_commit_leaves_the_award_standing() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000]).await;
        fixture.end().await;
        let award = fixture.snapshot(&auction).await.award.expect("an award");
        let mut write = fixture.database.write().await.expect("a transaction");
        awarding::revoke(&mut write, &fixture.clock, &revocation(&auction, &award.id))
            .await
            .expect("revoked");
        drop(write);
        let restarted = fixture.restarted().await;
        let standing = fixture.snapshot(&auction).await.award.expect("an award");
        assert_eq!(standing.id, award.id);
        let answer = restarted
            .revoke(revocation(&auction, &award.id))
            .await
            .expect("revoked");
        assert_eq!(answer.award.expect("the next").replaces_award_id, award.id);
        assert_eq!(fixture.awards(&auction).await, (2, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_revocation_many_times_at_once_revokes_once() {
    for fixture in fixtures().await {
        let auction = with_bids(&fixture, &[19_000, 18_000, 17_000]).await;
        fixture.end().await;
        let award = fixture.snapshot(&auction).await.award.expect("an award");
        let processes = [fixture.restarted().await, fixture.restarted().await];
        let calls = (0..20).map(|call| {
            let process = processes[call % 2].clone();
            let revocation = revocation(&auction, &award.id);
            tokio::spawn(async move { process.revoke(revocation).await })
        });
        for answer in futures::future::join_all(calls).await {
            let auction = answer.expect("no panic").expect("the current state");
            assert_eq!(auction.award.expect("an award").replaces_award_id, award.id);
        }
        assert_eq!(fixture.awards(&auction).await, (2, 1));
        assert_eq!(fixture.subjects().await, [AWARDED, REVOKED, AWARDED]);
    }
}

#[tokio::test]
async fn an_award_of_another_auction_cannot_be_revoked_here() {
    for fixture in fixtures().await {
        let first = with_bids(&fixture, &[19_000]).await;
        let second = with_bids(&fixture, &[18_000]).await;
        fixture.end().await;
        let award = fixture.snapshot(&first).await.award.expect("an award");
        let failure = fixture
            .auctioneer
            .revoke(revocation(&second, &award.id))
            .await
            .expect_err("not its award");
        assert_eq!(failure.code, "auction.unknown_award");
        assert_eq!(fixture.awards(&first).await, (1, 1));
        assert_eq!(fixture.awards(&second).await, (1, 1));
    }
}
