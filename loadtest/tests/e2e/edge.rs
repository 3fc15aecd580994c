//! The edge: whose trace is trusted, what a repeated write does, how refusals look, who may do what, live bids.

use crate::{
    forced::{Forced, KEEP, PARENT, fresh_trace_id, traceparent},
    play::{self, code_of, newcomer},
    stack::{self, Stack},
};
use http::{Method, StatusCode, header};
use loadtest::{
    client::{Auction, AuctionState, IDEMPOTENCY_KEY, Reply, Role, TRACE_AUTHORIZATION},
    jaeger::ARRIVAL,
    scenario::PAYS,
    traces::Span,
    transport::TRACE_ID_HEADER,
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// The gateway's span of a trace, once it has arrived.
async fn gateway_span(stack: &Stack, trace_id: &str) -> Span {
    let (trace, _) = stack
        .jaeger
        .settled(trace_id, ARRIVAL, |trace| {
            let there = trace.spans().iter().any(|span| span.service == "gateway");
            if there { vec![] } else { vec![()] }
        })
        .await
        .expect("Jaeger answers");
    let found = trace.spans().iter().find(|span| span.service == "gateway");
    found.expect("the gateway's span").clone()
}

#[test]
fn a_strangers_trace_context_is_linked_and_not_inherited() {
    stack::run(async |stack| {
        let stranger = newcomer(&stack, Role::Customer).await;
        stack.cast().await;
        let mut request = play::script(0, Duration::from_secs(1), PAYS).request;
        request.points_to_use = 0;
        let strange = fresh_trace_id();
        // A token of ours is no credential for a trace, unless it says so.
        let credentials = ["", &format!("Bearer {}", stranger.token), "Bearer forged"];
        for credential in credentials {
            // An opening, since the traces of openings are all kept; that the stranger asks for it counts for nothing.
            let mut call = stranger
                .write(Method::POST, "/v1/auctions")
                .header("traceparent", &traceparent(&strange))
                .header("tracestate", KEEP)
                .header("baggage", "tenant=stranger");
            if !credential.is_empty() {
                call = call.header(TRACE_AUTHORIZATION, credential);
            }
            let reply = call.json::<Value>(&request).await.expect("an answer");
            assert_ne!(reply.trace_id, strange);
            let span = gateway_span(&stack, &reply.trace_id).await;
            assert_eq!(span.parent, None);
            assert!(
                span.links
                    .iter()
                    .any(|link| link.trace_id == strange && link.span_id == PARENT),
                "{span:?}"
            );
        }
        let inherited = stack.jaeger.trace(&strange).await.expect("Jaeger answers");
        assert!(inherited.spans().is_empty(), "{inherited:?}");
    });
}

#[test]
fn the_load_generators_trace_context_is_inherited() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let load = cast.load.as_ref().expect("the load generator's account");
        let forced = Forced::by(load);
        let reply = forced
            .headers(load.call(Method::GET, "/v1/me"))
            .send::<Value>()
            .await
            .expect("an answer");
        assert_eq!(reply.trace_id, forced.trace_id);
        let span = gateway_span(&stack, &forced.trace_id).await;
        assert_eq!(span.parent.as_deref(), Some(PARENT));
        assert_eq!(span.attribute("telemetry.keep"), "true");
    });
}

#[test]
fn a_repeated_write_is_made_once_and_another_body_is_refused() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let customer = newcomer(&stack, Role::Customer).await;
        let mut request = play::script(2, Duration::from_secs(3), PAYS).request;
        request.points_to_use = 0;
        let key = Uuid::now_v7().to_string();
        let send = async |request: Value| {
            customer
                .call(Method::POST, "/v1/auctions")
                .idempotency_key(&key)
                .json::<Auction>(&request)
                .await
        };
        let first = send(json!(request)).await.expect("it opens");
        let again = send(json!(request)).await.expect("the same answer");
        assert_eq!(first.value, again.value);
        assert_eq!(first.status, again.status);
        request.duration_ms += 1;
        let other = send(json!(request)).await.expect_err("another body");
        assert_eq!(other.code(), "idempotency.key_reused");
        assert_eq!(other.problem().map(|problem| problem.status), Some(422));

        let mine: Value = customer
            .call(Method::GET, "/v1/auctions")
            .send()
            .await
            .expect("my auctions")
            .value;
        assert_eq!(mine["auctions"].as_array().map(Vec::len), Some(1), "{mine}");

        // A bid that is sent again is the same bid.
        let bid = &play::script(2, Duration::from_secs(3), PAYS).bids[0];
        let place = async || {
            cast.restaurants[bid.restaurant]
                .call(
                    Method::POST,
                    format!("/v1/auctions/{}/bids", first.value.id),
                )
                .idempotency_key(&key)
                .json::<Value>(&json!({ "price": bid.price }))
                .await
        };
        let (first_bid, second_bid) = (
            place().await.expect("a bid"),
            place().await.expect("the same"),
        );
        assert_eq!(first_bid.value["id"], second_bid.value["id"]);
        let now = customer
            .auction(&first.value.id)
            .await
            .expect("the auction")
            .value;
        assert_eq!(now.bid_count, 1);

        let bad = customer
            .call(Method::POST, "/v1/auctions")
            .header(IDEMPOTENCY_KEY, &"k".repeat(300))
            .json::<Value>(&json!(request))
            .await;
        assert_eq!(code_of(bad), "idempotency.bad_key");
    });
}

#[test]
fn every_refusal_is_a_problem_document_with_its_trace() {
    stack::run(async |stack| {
        let customer = newcomer(&stack, Role::Customer).await;
        let post = || customer.call(Method::POST, "/v1/auctions");
        let calls = [
            (
                stack.gateway.call(Method::GET, "/v1/nowhere"),
                StatusCode::NOT_FOUND,
            ),
            (
                stack.gateway.call(Method::DELETE, "/v1/me"),
                StatusCode::METHOD_NOT_ALLOWED,
            ),
            (
                stack.gateway.call(Method::GET, "/v1/me"),
                StatusCode::UNAUTHORIZED,
            ),
            (
                stack
                    .gateway
                    .call(Method::GET, "/v1/me")
                    .header(header::AUTHORIZATION.as_str(), "Bearer x.y.z"),
                StatusCode::UNAUTHORIZED,
            ),
            (
                customer.call(Method::GET, "/v1/admin/accounts"),
                StatusCode::FORBIDDEN,
            ),
            (
                customer.call(Method::GET, format!("/v1/auctions/{}", Uuid::now_v7())),
                StatusCode::NOT_FOUND,
            ),
            (post().body("{\"dishes\": 7"), StatusCode::BAD_REQUEST),
            (
                post().body(vec![b' '; 100 * 1024]),
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
            (
                post().header("content-type", "text/plain").body("{}"),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
        ];
        for (call, status) in calls {
            let told = format!("{call:?}");
            let answer = call.raw().await.expect("an answer");
            assert_eq!(answer.status, status, "{told}");
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{told}"
            );
            let problem: chassis::problem::Problem = answer.json().expect("a problem document");
            assert_eq!(problem.status, status.as_u16(), "{told}");
            assert!(
                !problem.code.is_empty() && !problem.detail.is_empty(),
                "{told}"
            );
            assert_eq!(
                problem.trace_id.as_deref(),
                Some(answer.header(TRACE_ID_HEADER)),
                "{told}"
            );
        }
    });
}

#[test]
fn a_wrong_field_is_named() {
    stack::run(async |stack| {
        let customer = newcomer(&stack, Role::Customer).await;
        let mut request = play::script(0, Duration::from_secs(3), PAYS).request;
        request.points_to_use = 0;
        request.duration_ms = 1;
        let refusal = customer
            .open_auction(&request)
            .await
            .expect_err("too short");
        let problem = refusal.problem().expect("a problem document");
        assert_eq!(problem.status, 400);
        assert_eq!(problem.field.as_deref(), Some("duration_ms"));
    });
}

#[test]
fn each_role_does_its_own_and_no_more() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let admin = cast.admin.as_ref().expect("the stack has an admin");
        let customer = newcomer(&stack, Role::Customer).await;
        let script = play::script(3, Duration::from_secs(30), PAYS);
        let mut request = script.request.clone();
        request.points_to_use = 0;
        let restaurant = &cast.restaurants[script.bids[0].restaurant];
        let price = script.bids[0].price.clone();

        let auction = customer
            .open_auction(&request)
            .await
            .expect("a customer opens")
            .value;
        let refused = restaurant
            .open_auction(&request)
            .await
            .expect_err("a restaurant does not");
        assert_eq!(refused.problem().map(|problem| problem.status), Some(403));
        let refused = customer
            .place_bid(&auction.id, price.clone())
            .await
            .expect_err("a customer does not bid");
        assert_eq!(refused.problem().map(|problem| problem.status), Some(403));
        restaurant
            .place_bid(&auction.id, price)
            .await
            .expect("a restaurant bids");

        let stranger = newcomer(&stack, Role::Customer).await;
        let refused = stranger
            .auction(&auction.id)
            .await
            .expect_err("not the stranger's");
        assert!(
            matches!(
                refused.problem().map(|problem| problem.status),
                Some(403 | 404)
            ),
            "{refused}"
        );

        let closing = format!("/v1/admin/auctions/{}/close", auction.id);
        let refused = customer
            .write(Method::POST, closing.clone())
            .send::<Value>()
            .await;
        assert_eq!(
            refused
                .expect_err("no admin")
                .problem()
                .map(|problem| problem.status),
            Some(403)
        );
        let closed: Reply<Auction> = admin
            .write(Method::POST, closing)
            .send()
            .await
            .expect("an admin closes");
        assert_eq!(closed.value.state, AuctionState::Closed);

        let page: Value = admin
            .call(Method::GET, "/v1/admin/accounts?limit=5")
            .send()
            .await
            .expect("an admin looks")
            .value;
        assert_eq!(page["accounts"].as_array().map(Vec::len), Some(5));
    });
}

#[test]
fn a_closed_account_can_neither_log_in_nor_write() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let admin = cast.admin.as_ref().expect("the stack has an admin");
        let customer = newcomer(&stack, Role::Customer).await;
        let path = format!("/v1/admin/accounts/{}/close", customer.account.id);
        admin
            .write(Method::POST, path)
            .send::<Value>()
            .await
            .expect("an admin closes");
        let login = stack
            .gateway
            .log_in(&customer.account.email, "whatever it was")
            .await;
        assert!(login.is_err());
        let mut request = play::script(0, Duration::from_secs(3), PAYS).request;
        request.points_to_use = 0;
        stack::eventually(Duration::from_secs(10), "writes refused", || async {
            let refused = customer.open_auction(&request).await.err()?;
            (refused.code() == "account.closed").then_some(())
        })
        .await;
    });
}

#[test]
fn live_bids_reach_a_client_in_order_until_the_auction_ends() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let customer = newcomer(&stack, Role::Customer).await;
        let mut script = play::script(4, Duration::from_secs(2), PAYS);
        script.request.points_to_use = 0;
        let auction = customer
            .open_auction(&script.request)
            .await
            .expect("it opens")
            .value;
        let follower = &cast.restaurants[script.bids[1].restaurant];
        let mut watch = follower.watch(&auction.id).await.expect("it is live");
        let standing = watch
            .next()
            .await
            .expect("a stream")
            .expect("the standing state first");
        assert_eq!(
            (standing.auction.state, standing.auction.bid_count),
            (AuctionState::Open, 0)
        );
        for bid in &script.bids {
            let restaurant = &cast.restaurants[bid.restaurant];
            let placed = restaurant
                .place_bid(&auction.id, bid.price.clone())
                .await
                .expect("a good bid");
            let seen = watch.next().await.expect("a stream").expect("a change");
            let lowest = seen.auction.lowest_bid.as_ref().expect("a bid");
            assert_eq!(lowest.price, bid.price);
            assert_eq!(
                seen.trace_id(),
                placed.trace_id,
                "the bid's trace caused it"
            );
        }
        let last = watch.next().await.expect("a stream").expect("the award");
        assert_eq!(last.auction.state, AuctionState::Awarded);
        assert_eq!(watch.next().await.expect("a stream"), None, "then it ends");
    });
}
