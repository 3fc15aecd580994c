//! A server that stalls: an open-loop generator must measure the stall in full, which a closed loop would not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::Method;
use loadtest::client::Gateway;
use loadtest::latency::Latencies;
use loadtest::schedule::{Lateness, Schedule};
use serde_json::{Value, json};
use tokio::time::Instant;

const STALL: Duration = Duration::from_secs(1);
const SCHEDULE: Schedule = Schedule {
    rate: 200.0,
    duration: Duration::from_secs(3),
    max_in_flight: 10_000,
};

/// Responds at once, except during one second in the middle of the run.
async fn answer(State(begin): State<Instant>) -> Json<Value> {
    let (from, until) = (begin + STALL, begin + 2 * STALL);
    if (from..until).contains(&Instant::now()) {
        tokio::time::sleep_until(until).await;
    }
    Json(json!({}))
}

#[tokio::test]
async fn a_stall_of_the_server_is_fully_visible_in_the_quantiles() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new()
        .route("/v1/me", get(answer))
        .with_state(Instant::now());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let gateway = Gateway::new(&address).expect("an address");
    let latencies = Arc::new(Mutex::new(Latencies::default()));
    let started = SCHEDULE
        .run(&Lateness::default(), |arrival| {
            let (gateway, latencies) = (gateway.clone(), latencies.clone());
            async move {
                gateway
                    .call(Method::GET, "/v1/me")
                    .raw()
                    .await
                    .expect("a response, however late");
                let latency = arrival.intended.elapsed();
                latencies.lock().expect("no panic").record(latency);
            }
        })
        .await;
    let latencies = latencies.lock().expect("no panic");
    assert_eq!(started.planned, 600);
    assert_eq!(started.started, started.planned);
    assert_eq!(
        latencies.count(),
        600,
        "every arrival was sent and measured"
    );
    // A third of the requests were sent during the stall. They waited half of it on average, and at most all of it.
    let (p99, p50) = (latencies.quantile(0.99), latencies.quantile(0.5));
    assert!(p99 >= STALL.mul_f64(0.9), "{:?}", latencies.quantiles());
    assert!(p50 < STALL.mul_f64(0.3), "{:?}", latencies.quantiles());
}
