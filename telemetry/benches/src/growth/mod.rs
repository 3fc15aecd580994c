//! How the cost of a request grows with the number of series and of open requests and with time, and what a scrape
//! costs.

mod minutes;
mod scrapes;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use rustix::time::ClockId;
use telemetry::Telemetry;
use tokio::sync::Semaphore;
use tower::{Service, ServiceExt};

use crate::measure::{Case, Protocol, clock};
use crate::request::{self, Requests};

const STEPS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const REQUESTS: usize = 20_000;
/// A metric takes 2,000 series; more need more metrics.
const METRICS: [&str; 5] = ["bench_a", "bench_b", "bench_c", "bench_d", "bench_e"];
const OF_ONE: usize = 2_000;
/// A latency histogram's label set is seventeen series to Prometheus: buckets, count and sum.
const HISTOGRAMS: usize = 10_000 / 17;

/// `minutes` is for how long the load of [`minutes`] goes on.
pub fn run(collector: &str, minutes: u32) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let telemetry = Arc::new(
        telemetry::builder("bench")
            .collector(collector.to_owned())
            .init()?,
    );
    let serving = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    println!("\n| series | ns per request | rendering, ms of CPU |\n|---|---|---|");
    let mut there = 0;
    for step in STEPS {
        make_series(there, step);
        there = step;
        let nanoseconds = serving.block_on(serve(&mut service(), REQUESTS));
        let rendering = rendering(&telemetry);
        println!("| {step} | {nanoseconds:.0} | {:.1} |", rendering * 1e3);
    }
    println!("\n| open requests | ns per request | bytes of memory each |\n|---|---|---|");
    for step in STEPS {
        let (nanoseconds, bytes) = serving.block_on(among_open(step));
        println!("| {step} | {nanoseconds:.0} | {bytes:.0} |");
    }
    for number in 0..HISTOGRAMS {
        metrics::histogram!("bench_histogram", "number" => number.to_string()).record(0.1);
    }
    println!(
        "\nWith {HISTOGRAMS} label sets of a histogram, 17 series each, beside them: {:.1} ms of CPU.",
        rendering(&telemetry) * 1e3
    );
    scrapes::run(&telemetry, &serving);
    if minutes > 0 {
        minutes::run(minutes, &telemetry, &runtime, &serving)?;
    }
    runtime.block_on(telemetry.flush())?;
    Ok(())
}

fn make_series(from: usize, to: usize) {
    for number in from..to {
        let metric = METRICS[number / OF_ONE];
        metrics::counter!(metric, "number" => number.to_string()).increment(1);
    }
}

/// CPU seconds of one rendering, the least of some.
fn rendering(telemetry: &Telemetry) -> f64 {
    (0..5)
        .map(|_| {
            let started = clock(ClockId::ThreadCPUTime);
            std::hint::black_box(telemetry.render_open_metrics());
            clock(ClockId::ThreadCPUTime)
                .saturating_sub(started)
                .as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn service() -> Router {
    request::http(None).layer(telemetry::http::ServerLayer::new())
}

const fn case() -> Case {
    Case {
        protocol: Protocol::Http,
        sampled: false,
        nested: false,
    }
}

async fn answer(service: &mut Router, request: Request<Body>) {
    let Ok(response) = Service::call(service, request).await;
    let _ = response.into_body().collect().await;
}

/// CPU nanoseconds of a request.
#[allow(clippy::cast_precision_loss)]
async fn serve(service: &mut Router, count: usize) -> f64 {
    let requests = Requests::new(case());
    let batch: Vec<_> = (0..count).map(|_| requests.next()).collect();
    for request in (0..1_000).map(|_| requests.next()) {
        answer(service, request).await;
    }
    let started = clock(ClockId::ThreadCPUTime);
    for request in batch {
        answer(service, request).await;
    }
    let elapsed = clock(ClockId::ThreadCPUTime).saturating_sub(started);
    elapsed.as_nanos() as f64 / count as f64
}

/// The same while so many requests are open, and what each of those holds.
#[allow(clippy::cast_precision_loss)]
async fn among_open(count: usize) -> (f64, f64) {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let open = Router::new()
        .route(
            "/open",
            get(async move || {
                let _ = waiting.acquire().await;
            }),
        )
        .layer(telemetry::http::ServerLayer::new());
    let before = allocation_counter::measure(|| {}).bytes_current;
    let mut futures = Vec::with_capacity(count);
    let held = allocation_counter::measure(|| {
        for _ in 0..count {
            let request = Request::get("/open").body(Body::empty());
            let request = request.expect("a sound request");
            let mut future = Box::pin(open.clone().oneshot(request));
            let _ = futures::FutureExt::now_or_never(&mut future);
            futures.push(future);
        }
    });
    let nanoseconds = serve(&mut service(), REQUESTS).await;
    gate.close();
    for future in futures {
        let _ = future.await;
    }
    let bytes = held.bytes_current.saturating_sub(before);
    (nanoseconds, bytes as f64 / count as f64)
}
