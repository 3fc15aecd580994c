//! Each service is killed with SIGKILL at each of its fault points and at moments of the auction. The auction must still be
//! settled once, correctly, and in one trace.

use std::collections::BTreeSet;

use chassis::platform::Service;
use http::Method;
use loadtest::client::{Restaurant, Role, SignUp};
use loadtest::seed::city::RESTAURANTS;
use uuid::Uuid;

use crate::support::stack::{self, Stack, wait_until_replaced};
use crate::support::{auctions, processes};

mod kill;
mod survivor;

use kill::{ArmedFault, Kill, Moment};
use survivor::SurvivingAuction;

#[test]
fn the_auction_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Auction, ::auction::FAULT_POINTS);
}

#[test]
fn the_order_service_dies_at_each_step_of_the_saga() {
    at_each_point(Service::Order, ::order::FAULT_POINTS);
}

#[test]
fn the_reward_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Reward, ::reward::FAULT_POINTS);
}

#[test]
fn the_payment_provider_dies_before_it_answers() {
    at_each_point(Service::Payment, ::payment::FAULT_POINTS);
}

#[test]
fn the_notification_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Notification, ::notification::FAULT_POINTS);
}

#[test]
fn the_gateway_dies_before_it_answers_the_opening() {
    at_each_point(Service::Gateway, ::gateway::FAULT_POINTS);
}

#[test]
fn a_service_dies_between_publishing_an_event_and_noting_so() {
    at_each_point(Service::Auction, &["outbox.published"]);
}

#[test]
fn every_service_dies_while_bids_come_in() {
    each_from(Moment::Bidding);
}

#[test]
fn every_service_dies_at_the_deadline() {
    each_from(Moment::Deadline);
}

#[test]
fn every_service_dies_during_the_settlement() {
    each_from(Moment::Settling);
}

#[test]
fn a_sign_up_whose_service_dies_is_made_once() {
    stack::run(async |stack| {
        for point in ::account::FAULT_POINTS {
            let old = processes::process_of(Service::Account).expect("the victim runs");
            let armed = ArmedFault::new(point);
            let customer = auctions::new_account(&stack, Role::Customer).await;
            assert!(armed.was_reached(), "{point}");
            wait_until_replaced(Service::Account, old).await;
            let again = SignUp {
                email: customer.account.email.clone(),
                password: "another password".to_owned(),
                name: "Again".to_owned(),
                role: Role::Customer,
            };
            let refused = stack::retry(|| stack.gateway.sign_up(&again)).await;
            assert_eq!(auctions::error_code(refused.result), "account.email_taken");
        }
    });
}

#[test]
fn a_restaurant_whose_service_dies_is_put_once() {
    stack::run(async |stack| {
        let owner = auctions::new_account(&stack, Role::Restaurant).await;
        let description = RESTAURANTS[0].description();
        let mut ids = BTreeSet::new();
        for point in ::catalog::FAULT_POINTS {
            let old = processes::process_of(Service::Catalog).expect("the victim runs");
            let armed = ArmedFault::new(point);
            let key = Uuid::now_v7().to_string();
            let put = stack::retry(|| {
                owner
                    .call(Method::PUT, "/v1/restaurant")
                    .idempotency_key(&key)
                    .json::<Restaurant>(&description)
            })
            .await
            .expect("a restaurant");
            assert!(armed.was_reached(), "{point}");
            wait_until_replaced(Service::Catalog, old).await;
            ids.insert(put.value.id);
        }
        assert_eq!(ids.len(), 1, "one account has one restaurant");
    });
}

/// Kills the service at each of these fault points, each in an auction of its own.
fn at_each_point(victim: Service, points: &'static [&'static str]) {
    stack::run(async |stack| {
        let mut survivors = Vec::new();
        for point in points {
            survivors.push(survivor::run(&stack, victim, Kill::At(point)).await);
        }
        assert_traces(&stack, &survivors).await;
    });
}

/// Kills every service at this moment, each in an auction of its own.
fn each_from(moment: Moment) {
    stack::run(async |stack| {
        let mut survivors = Vec::new();
        for victim in Service::ALL {
            survivors.push(survivor::run(&stack, victim, Kill::From(moment)).await);
        }
        assert_traces(&stack, &survivors).await;
    });
}

/// Asserts the traces of all auctions at the end, since none can be read before Jaeger has decided about it.
async fn assert_traces(stack: &Stack, survivors: &[SurvivingAuction]) {
    for survivor in survivors {
        survivor.assert_traces(stack).await;
    }
}
