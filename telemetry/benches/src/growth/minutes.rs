//! What a request costs, and what the process holds, minute by minute under the same load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode, Uri};
use malloc_info::info::{SystemType, TotalType};
use rustix::time::ClockId;
use telemetry::Telemetry;
use tokio::runtime::Runtime;
use tokio::time::MissedTickBehavior;

use super::scrapes::percentile;
use super::{answer, case};
use crate::measure::{Case, Protocol, clock};
use crate::request::{self, Requests};

/// Requests come in bursts of this size, one burst each `PAUSE`: 5,000 a second.
const BURST: usize = 50;
const PAUSE: Duration = Duration::from_millis(10);
/// After each burst so many requests without telemetry show what the machine is like: others have it, too.
const BARE: usize = 20;
const BURSTS_A_MINUTE: usize = 6_000;
/// As often as the platform's Prometheus.
const SCRAPED_EVERY: Duration = Duration::from_secs(5);

/// Has no factor in common with the number of kinds, so that each of them fails in its turn.
const ONE_FAILS_IN: usize = 21;

/// Half of them sampled; of both halves half have one span and half six; some fail.
struct Mix {
    kinds: [Requests; 4],
    number: usize,
}

/// One row.
struct Minute {
    requests: usize,
    /// Nanoseconds of CPU of a bare request: what the machine was like in this minute.
    bare: f64,
    /// CPU per request of the thread that serves, in multiples of that.
    serving: f64,
    /// The same of the whole process, exporting and scrapes included.
    process: f64,
    p99: Duration,
    /// Bytes of memory that the process has.
    resident: f64,
    /// Bytes that are allocated and not freed, once everything is exported.
    live: f64,
}

/// Prints a row for each minute, and the last one in multiples of the second: the first has what is made once.
pub fn run(
    minutes: u32,
    telemetry: &Arc<Telemetry>,
    runtime: &Runtime,
    serving: &Runtime,
) -> anyhow::Result<()> {
    let scraped = runtime.spawn(scrape(Arc::clone(telemetry)));
    let mut service = service();
    let mut mix = Mix::new();
    println!(
        "\n{} requests a second, half of them sampled, half with six spans, one in {ONE_FAILS_IN} failing; a scrape \
         every {SCRAPED_EVERY:?}:\n\n\
         | minute | requests | bare, ns | a request, x bare | with export and scrapes | p99, µs | resident, MiB | live heap, MiB |\n\
         |---|---|---|---|---|---|---|---|",
        BURST * 100
    );
    let (mut second, mut last) = (None, None);
    for number in 1..=minutes {
        let minute = minute(&mut service, &mut mix, telemetry, runtime, serving)?;
        minute.print(number);
        if number <= 2 {
            second = Some(minute);
        } else {
            last = Some(minute);
        }
    }
    if let (Some(second), Some(last)) = (second, last) {
        println!(
            "| last / second | | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            last.bare / second.bare,
            last.serving / second.serving,
            last.process / second.process,
            last.p99.as_secs_f64() / second.p99.as_secs_f64(),
            last.resident / second.resident,
            last.live / second.live,
        );
    }
    scraped.abort();
    let spans = telemetry.spans();
    println!(
        "\n{} spans exported, {} lost.",
        spans.exported,
        spans.lost.total()
    );
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn minute(
    service: &mut Router,
    mix: &mut Mix,
    telemetry: &Telemetry,
    runtime: &Runtime,
    serving: &Runtime,
) -> anyhow::Result<Minute> {
    let process = clock(ClockId::ProcessCPUTime);
    let mut load = serving.block_on(load(service, mix));
    runtime.block_on(telemetry.flush())?;
    let process = clock(ClockId::ProcessCPUTime).saturating_sub(process);
    load.latencies.sort_unstable();
    let p99 = percentile(&load.latencies, 0.99);
    let requests = load.latencies.len();
    drop(load.latencies);
    let bare = load.bare.as_nanos() as f64 / (BARE * BURSTS_A_MINUTE) as f64;
    let per_request = |time: Duration| time.as_nanos() as f64 / requests as f64 / bare;
    Ok(Minute {
        requests,
        bare,
        serving: per_request(load.serving),
        process: per_request(process.saturating_sub(load.bare)),
        p99,
        resident: resident()?,
        live: live()?,
    })
}

/// What a minute of bursts took.
struct Load {
    /// CPU time of this thread while it served.
    serving: Duration,
    /// The same for the bare requests.
    bare: Duration,
    /// By the wall clock, without those of the bare requests.
    latencies: Vec<Duration>,
}

async fn load(service: &mut Router, mix: &mut Mix) -> Load {
    let mut load = Load {
        serving: Duration::ZERO,
        bare: Duration::ZERO,
        latencies: Vec::with_capacity(BURST * BURSTS_A_MINUTE),
    };
    let (mut plain, plain_requests) = (request::http(None), Requests::new(case()));
    let mut ticks = tokio::time::interval(PAUSE);
    // A burst that comes late is not left out: every minute has as many.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..BURSTS_A_MINUTE {
        ticks.tick().await;
        let burst: Vec<_> = (0..BURST).map(|_| mix.next()).collect();
        let bare: Vec<_> = (0..BARE).map(|_| plain_requests.next()).collect();
        let started = clock(ClockId::ThreadCPUTime);
        for request in burst {
            let started = Instant::now();
            answer(service, request).await;
            load.latencies.push(started.elapsed());
        }
        let served = clock(ClockId::ThreadCPUTime);
        for request in bare {
            answer(&mut plain, request).await;
        }
        load.serving += served.saturating_sub(started);
        load.bare += clock(ClockId::ThreadCPUTime).saturating_sub(served);
    }
    load
}

async fn scrape(telemetry: Arc<Telemetry>) {
    // Never at the end of a minute, when the heap is looked at: it would have the text.
    let first = tokio::time::Instant::now() + SCRAPED_EVERY / 2;
    let mut ticks = tokio::time::interval_at(first, SCRAPED_EVERY);
    loop {
        ticks.tick().await;
        std::hint::black_box(telemetry.render_open_metrics());
    }
}

fn service() -> Router {
    Router::new()
        .merge(request::http(None))
        .nest("/six", request::http(Some(request::tracing_steps)))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(telemetry::http::ServerLayer::new())
}

/// Bytes of memory that the process has.
fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next());
    let kib: f64 = kib
        .ok_or_else(|| anyhow::anyhow!("the kernel tells no VmRSS"))?
        .parse()?;
    Ok(kib * 1024.0)
}

/// Bytes that are allocated and not freed in the whole process, by glibc's account: what its arenas have, without the
/// free chunks in them, and what it has mapped apart.
#[allow(clippy::cast_precision_loss)]
fn live() -> anyhow::Result<f64> {
    let heap = malloc_info::malloc_info()?;
    let held: usize = heap
        .system
        .iter()
        .filter(|system| system.r#type == SystemType::Current)
        .map(|system| system.size)
        .sum();
    let sum = |wanted: &[TotalType]| -> usize {
        let of_it = heap
            .total
            .iter()
            .filter(|total| wanted.contains(&total.r#type));
        of_it.map(|total| total.size).sum()
    };
    let free = sum(&[TotalType::Fast, TotalType::Rest]);
    let mapped = sum(&[TotalType::Mmap]);
    Ok((held + mapped).saturating_sub(free) as f64)
}

// === impl Mix ===

impl Mix {
    fn new() -> Self {
        let kinds = [(true, false), (false, false), (true, true), (false, true)];
        Self {
            kinds: kinds.map(|(sampled, nested)| {
                Requests::new(Case {
                    protocol: Protocol::Http,
                    sampled,
                    nested,
                })
            }),
            number: 0,
        }
    }

    fn next(&mut self) -> Request<Body> {
        let number = self.number;
        self.number += 1;
        let kind = number % self.kinds.len();
        let mut request = self.kinds[kind].next();
        *request.uri_mut() = Uri::from_static(if number.is_multiple_of(ONE_FAILS_IN) {
            "/broken"
        } else if kind < 2 {
            "/dishes/42"
        } else {
            "/six/dishes/42"
        });
        request
    }
}

// === impl Minute ===

impl Minute {
    fn print(&self, number: u32) {
        const MIB: f64 = 1024.0 * 1024.0;
        println!(
            "| {number} | {} | {:.0} | {:.2} | {:.2} | {:.1} | {:.2} | {:.3} |",
            self.requests,
            self.bare,
            self.serving,
            self.process,
            self.p99.as_secs_f64() * 1e6,
            self.resident / MIB,
            self.live / MIB,
        );
    }
}
