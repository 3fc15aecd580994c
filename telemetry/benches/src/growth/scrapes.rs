//! What a scrape does to the requests beside it: wall-clock latencies with and without one.
//!
//! One run of each after the other would compare two moments of the machine, and one percentile of a tight distribution
//! says little: many clocks count in steps of 10 ns, so two percentiles may agree to the nanosecond. So the ways of
//! scraping take turns, each is told with the far end of its distribution, and requests that a scrape went on beside are
//! told apart. How often the scheduler took the thread away says which of the longest are the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use axum::Router;
use telemetry::Telemetry;

use super::{answer, case, service};
use crate::request::Requests;

const ROUNDS: usize = 5;
/// How long each way of scraping has in a round.
const TURN: Duration = Duration::from_millis(300);
/// Prometheus asks fifty times more rarely; what a scrape does to the requests beside it stays the same.
const PAUSE: Duration = Duration::from_millis(100);
/// Requests that are made at once, outside the measurement.
const BATCH: usize = 500;

/// Of one way of scraping.
#[derive(Default)]
struct Latencies {
    /// No scrape went on, neither at the beginning of the request nor at its end.
    apart: Vec<Duration>,
    beside: Vec<Duration>,
    scrapes: usize,
    preempted: u64,
}

/// Scrapes from a thread of its own.
struct Scraping {
    seen: Arc<Seen>,
    stop: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    at_it: AtomicBool,
    scrapes: AtomicUsize,
}

/// The pauses between two scrapes, none when there is no scrape.
const WAYS: [(&str, Option<Duration>); 3] = [
    ("none", None),
    ("one every 100 ms", Some(PAUSE)),
    ("one after the other", Some(Duration::ZERO)),
];

pub fn run(telemetry: &Arc<Telemetry>, serving: &tokio::runtime::Runtime) {
    let mut service = service();
    let mut found: [Latencies; WAYS.len()] = Default::default();
    serving.block_on(take(
        &mut service,
        &Seen::default(),
        &mut Latencies::default(),
    ));
    for round in 0..ROUNDS {
        for turn in 0..WAYS.len() {
            let way = (round + turn) % WAYS.len();
            let scraping = Scraping::start(Arc::clone(telemetry), WAYS[way].1);
            serving.block_on(take(&mut service, &scraping.seen, &mut found[way]));
            found[way].scrapes += scraping.stop();
        }
    }
    println!(
        "\nLatency by the wall clock, in µs, while all of that is scraped:\n\n\
         | scrapes | requests | p50 | p99 | p99.9 | longest | thread preempted |\n|---|---|---|---|---|---|---|"
    );
    for ((name, pause), mut latencies) in WAYS.into_iter().zip(found) {
        let (scrapes, preempted) = (latencies.scrapes, latencies.preempted);
        match pause {
            None => row(name, &mut latencies.apart, &preempted.to_string()),
            Some(Duration::ZERO) => {
                let name = format!("{name}, {scrapes}");
                latencies.beside.append(&mut latencies.apart);
                row(&name, &mut latencies.beside, &preempted.to_string());
            }
            Some(_) => {
                row(
                    &format!("{name}, {scrapes}: requests between them"),
                    &mut latencies.apart,
                    &preempted.to_string(),
                );
                row("requests during one of those", &mut latencies.beside, "");
            }
        }
    }
}

/// Serves requests for the time of a turn.
async fn take(service: &mut Router, seen: &Seen, latencies: &mut Latencies) {
    let requests = Requests::new(case());
    let before = preempted();
    let started = Instant::now();
    while started.elapsed() < TURN {
        let batch: Vec<_> = (0..BATCH).map(|_| requests.next()).collect();
        for request in batch {
            let beside = seen.at_it.load(Ordering::Relaxed);
            let started = Instant::now();
            answer(service, request).await;
            let elapsed = started.elapsed();
            if beside || seen.at_it.load(Ordering::Relaxed) {
                latencies.beside.push(elapsed);
            } else {
                latencies.apart.push(elapsed);
            }
        }
    }
    latencies.preempted += preempted().saturating_sub(before);
}

fn row(name: &str, latencies: &mut [Duration], preempted: &str) {
    latencies.sort_unstable();
    let of = |share| percentile(latencies, share).as_secs_f64() * 1e6;
    println!(
        "| {name} | {} | {:.2} | {:.2} | {:.2} | {:.0} | {preempted} |",
        latencies.len(),
        of(0.5),
        of(0.99),
        of(0.999),
        of(1.0),
    );
}

/// The latency that this share of the sorted ones is at most.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// How often the scheduler has taken this thread off its processor for another.
fn preempted() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or_default()
}

// === impl Scraping ===

impl Scraping {
    fn start(telemetry: Arc<Telemetry>, pause: Option<Duration>) -> Self {
        let seen = Arc::new(Seen::default());
        let (stop, stopped) = mpsc::channel();
        let noted = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            let Some(pause) = pause else { return };
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                noted.at_it.store(true, Ordering::Relaxed);
                std::hint::black_box(telemetry.render_open_metrics());
                noted.at_it.store(false, Ordering::Relaxed);
                noted.scrapes.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { seen, stop, thread }
    }

    /// How many scrapes there were.
    fn stop(self) -> usize {
        // The thread that never scraped is gone already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
        self.seen.scrapes.load(Ordering::Relaxed)
    }
}
