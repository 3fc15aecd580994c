//! A server that stands still for a while: a closed loop would hardly notice, an open one must.

use axum::{Json, Router, extract::State, routing::get};
use http::Method;
use loadtest::{
    client::Gateway,
    latency::Latencies,
    schedule::{Lateness, Plan},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

const STALL: Duration = Duration::from_secs(1);
const PLAN: Plan = Plan {
    rate: 200.0,
    duration: Duration::from_secs(3),
    most_at_once: 10_000,
};

/// Answers at once, but for one second in the middle of the run.
async fn answer(State(begin): State<Instant>) -> Json<Value> {
    let (from, until) = (begin + STALL, begin + 2 * STALL);
    if (from..until).contains(&Instant::now()) {
        tokio::time::sleep_until(until).await;
    }
    Json(json!({}))
}

#[tokio::test]
async fn a_stall_of_the_server_shows_in_the_quantiles_in_full() {
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
    let started = PLAN
        .run(&Lateness::default(), |arrival| {
            let (gateway, latencies) = (gateway.clone(), latencies.clone());
            async move {
                gateway
                    .call(Method::GET, "/v1/me")
                    .raw()
                    .await
                    .expect("an answer, however late");
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
    // A third of the requests met the stall; they waited half of it on average, and the unluckiest nearly all of it.
    let (p99, p50) = (latencies.quantile(0.99), latencies.quantile(0.5));
    assert!(p99 >= STALL.mul_f64(0.9), "{:?}", latencies.quantiles());
    assert!(p50 < STALL.mul_f64(0.3), "{:?}", latencies.quantiles());
}
