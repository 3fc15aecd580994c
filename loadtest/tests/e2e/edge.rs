//! The gateway: trusted trace contexts, repeated writes, refusals, roles, and the event stream.

use std::time::Duration;

use chassis::headers::{IDEMPOTENCY_KEY, TRACE_AUTHORIZATION, TRACE_ID};
use http::{Method, StatusCode, header};
use loadtest::client::{Auction, AuctionState, Reply, Role};
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;
use loadtest::traces::Span;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::auctions::{self, error_code, new_account};
use crate::support::forced::{ForcedTrace, KEEP, PARENT, fresh_trace_id, traceparent};
use crate::support::stack::{self, Stack};

/// The gateway's span of a trace, once it is in Jaeger.
async fn gateway_span(stack: &Stack, trace_id: &str) -> Span {
    let (trace, _) = stack
        .jaeger
        .wait_for_trace(trace_id, ARRIVAL_LIMIT, |trace| {
            let there = trace.spans().iter().any(|span| span.service == "gateway");
            if there { vec![] } else { vec![()] }
        })
        .await
        .expect("Jaeger responds");
    let found = trace.spans().iter().find(|span| span.service == "gateway");
    found.expect("the gateway's span").clone()
}

#[test]
fn an_untrusted_trace_context_is_linked_and_not_inherited() {
    stack::run(async |stack| {
        let stranger = new_account(&stack, Role::Customer).await;
        stack.accounts().await;
        let mut request = auctions::plan(0, Duration::from_secs(1), payment::AUTHORISED).request;
        request.points_to_use = 0;
        let strange = fresh_trace_id();
        // A token of the platform is only a trace credential if it has the claim.
        let credentials = ["", &format!("Bearer {}", stranger.token), "Bearer forged"];
        for credential in credentials {
            // The request is an opening, since all traces of openings are kept; the KEEP header must have no effect.
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
        let inherited = stack.jaeger.trace(&strange).await.expect("Jaeger responds");
        assert!(inherited.spans().is_empty(), "{inherited:?}");
    });
}

#[test]
fn the_load_generators_trace_context_is_inherited() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let load = &accounts.load;
        let forced = ForcedTrace::by(load);
        let reply = forced
            .headers(load.call(Method::GET, "/v1/me"))
            .send::<Value>()
            .await
            .expect("an answer");
        assert_eq!(reply.trace_id, forced.trace_id);
        let span = gateway_span(&stack, &forced.trace_id).await;
        assert_eq!(span.parent.as_deref(), Some(PARENT));
        assert_eq!(span.attribute("telemetry.keep"), Some("true"));
    });
}

#[test]
fn a_repeated_write_is_made_once_and_another_body_is_refused() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let customer = new_account(&stack, Role::Customer).await;
        let mut request = auctions::plan(2, Duration::from_secs(3), payment::AUTHORISED).request;
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

        // A bid that is sent again must not be another bid.
        let bid = &auctions::plan(2, Duration::from_secs(3), payment::AUTHORISED).bids[0];
        let place = async || {
            accounts.restaurants[bid.restaurant]
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
        assert_eq!(error_code(bad), "idempotency.bad_key");
    });
}

#[test]
fn every_refusal_is_a_problem_document_with_its_trace() {
    stack::run(async |stack| {
        let customer = new_account(&stack, Role::Customer).await;
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
                Some("application/problem+json"),
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
                answer.header(TRACE_ID),
                "{told}"
            );
        }
    });
}

#[test]
fn a_wrong_field_is_named() {
    stack::run(async |stack| {
        let customer = new_account(&stack, Role::Customer).await;
        let mut request = auctions::plan(0, Duration::from_secs(3), payment::AUTHORISED).request;
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
fn each_role_may_do_its_own_operations_only() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let admin = accounts.admin.as_ref().expect("the stack has an admin");
        let customer = new_account(&stack, Role::Customer).await;
        let plan = auctions::plan(3, Duration::from_secs(30), payment::AUTHORISED);
        let mut request = plan.request.clone();
        request.points_to_use = 0;
        let restaurant = &accounts.restaurants[plan.bids[0].restaurant];
        let price = plan.bids[0].price.clone();

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

        let stranger = new_account(&stack, Role::Customer).await;
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
        let accounts = stack.accounts().await;
        let admin = accounts.admin.as_ref().expect("the stack has an admin");
        let customer = new_account(&stack, Role::Customer).await;
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
        let mut request = auctions::plan(0, Duration::from_secs(3), payment::AUTHORISED).request;
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
        let accounts = stack.accounts().await;
        let customer = new_account(&stack, Role::Customer).await;
        let mut plan = auctions::plan(4, Duration::from_secs(2), payment::AUTHORISED);
        plan.request.points_to_use = 0;
        let auction = customer
            .open_auction(&plan.request)
            .await
            .expect("it opens")
            .value;
        let watcher = &accounts.restaurants[plan.bids[1].restaurant];
        let mut watch = watcher.watch(&auction.id).await.expect("it is live");
        let standing = watch
            .next()
            .await
            .expect("a stream")
            .expect("the standing state first");
        assert_eq!(
            (standing.auction.state, standing.auction.bid_count),
            (AuctionState::Open, 0)
        );
        for bid in &plan.bids {
            let restaurant = &accounts.restaurants[bid.restaurant];
            let placed = restaurant
                .place_bid(&auction.id, bid.price.clone())
                .await
                .expect("a good bid");
            let seen = watch.next().await.expect("a stream").expect("a change");
            let lowest = seen.auction.lowest_bid.as_ref().expect("a bid");
            assert_eq!(lowest.price, bid.price);
            assert_eq!(
                seen.trace_id(),
                Some(placed.trace_id.as_str()),
                "the event names the bid's trace"
            );
        }
        let last = watch.next().await.expect("a stream").expect("the award");
        assert_eq!(last.auction.state, AuctionState::Awarded);
        assert_eq!(watch.next().await.expect("a stream"), None, "then it ends");
    });
}
