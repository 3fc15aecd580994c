use ::api::common::{Caller, Role};
use ::api::events::AuctionAwarded;
use ::api::order::orders_server::Orders as _;
use ::api::order::{GetOrderRequest, ListOrdersRequest, OrderState};
use chassis::Failure;
use order::api::OrdersApi;
use tonic::Request;

use crate::support::{Fixture, award, fixture};

fn caller(account_id: &str, role: Role) -> Caller {
    Caller {
        account_id: account_id.to_owned(),
        role: role.into(),
    }
}

fn api(fixture: &Fixture) -> OrdersApi {
    OrdersApi {
        store: fixture.store.clone(),
    }
}

async fn list(fixture: &Fixture, request: ListOrdersRequest) -> Vec<String> {
    let orders = api(fixture).list_orders(Request::new(request)).await;
    let orders = orders.expect("a list").into_inner().orders;
    orders.into_iter().map(|order| order.id).collect()
}

#[tokio::test]
async fn an_order_is_seen_by_its_customer_its_restaurant_and_admins_only() {
    for fixture in crate::support::fixtures().await {
        let settled = fixture.settle(&award("tok_ok")).await;
        for (caller, sees) in [
            (caller("customer", Role::Customer), true),
            (caller("account-of-the-restaurant", Role::Restaurant), true),
            (caller("anyone", Role::Admin), true),
            (caller("another", Role::Customer), false),
            (caller("another", Role::Restaurant), false),
            (caller("customer", Role::Restaurant), false),
        ] {
            let asked = api(&fixture)
                .get_order(Request::new(GetOrderRequest {
                    caller: Some(caller.clone()),
                    order_id: settled.id.clone(),
                }))
                .await;
            assert_eq!(asked.is_ok(), sees, "{caller:?}");
            let request = ListOrdersRequest {
                caller: Some(caller.clone()),
                ..ListOrdersRequest::default()
            };
            assert_eq!(
                list(&fixture, request).await.len(),
                usize::from(sees),
                "{caller:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_order_shows_its_saga_and_what_was_taken_off() {
    let fixture = fixture().await;
    fixture.stand_in.with(|seen| seen.discount = 500);
    let settled = fixture.settle(&award("tok_ok")).await;
    let request = GetOrderRequest {
        caller: Some(caller("customer", Role::Customer)),
        order_id: settled.id,
    };
    let order = api(&fixture).get_order(Request::new(request)).await;
    let order = order.expect("the order").into_inner();
    assert_eq!(order.state(), OrderState::Confirmed);
    assert_eq!(order.discount.map(|money| money.amount_minor), Some(500));
    let steps: Vec<&str> = order.saga.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["reserve", "authorise", "confirm", "commit"]);
}

#[tokio::test]
async fn orders_are_listed_newest_first_page_by_page_and_by_auction() {
    let fixture = fixture().await;
    let mut newest_first = Vec::new();
    let mut awards: Vec<AuctionAwarded> = Vec::new();
    for _ in 0..5 {
        let award = award("tok_ok");
        newest_first.insert(0, fixture.settle(&award).await.id);
        awards.push(award);
    }
    let page = |after: &str, auction_id: &str| ListOrdersRequest {
        caller: Some(caller("customer", Role::Customer)),
        limit: 3,
        after: after.to_owned(),
        auction_id: auction_id.to_owned(),
    };
    assert_eq!(list(&fixture, page("", "")).await, newest_first[..3]);
    assert_eq!(
        list(&fixture, page(&newest_first[2], "")).await,
        newest_first[3..]
    );
    assert_eq!(
        list(&fixture, page("", &awards[0].auction_id)).await,
        newest_first[4..]
    );
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_which_field() {
    let fixture = fixture().await;
    let request = ListOrdersRequest {
        caller: Some(caller("customer", Role::Customer)),
        limit: 201,
        ..ListOrdersRequest::default()
    };
    let status = api(&fixture).list_orders(Request::new(request)).await;
    let failure = Failure::from(status.expect_err("too many"));
    assert_eq!(failure.field.as_deref(), Some("limit"));
    let status = api(&fixture)
        .get_order(Request::new(GetOrderRequest::default()))
        .await;
    assert_eq!(
        Failure::from(status.expect_err("nobody asks")).code,
        "caller.missing"
    );
}
