//! One contender, one case, in a process of its own.

use std::time::Duration;

use futures::FutureExt;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::{Order, contenders, request};

/// Requests between two flushes: what they make fits into every contender's queue.
const CHUNK: usize = 2000;

/// Requests that are made at once: so few that they are in the processor's cache when they are served, and their memory at
/// the allocator's hand when the next ones are made, as with those that a server has just read.
const BATCH: usize = 5;

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    Http,
    Grpc,
}

/// One column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    pub protocol: Protocol,
    /// What the caller's `traceparent` says.
    pub sampled: bool,
    /// Whether the handler opens five spans of its own.
    pub nested: bool,
}

/// Per request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sample {
    /// Of the thread that serves.
    pub nanoseconds: f64,
    /// By the binary that counts them.
    pub allocations: Option<f64>,
    /// Of the whole process, exporting included.
    pub cpu_nanoseconds: f64,
}

impl Case {
    /// The same without spans of the handler: those that nobody takes cost a bare service next to nothing.
    pub fn plain(self) -> Self {
        Self {
            nested: false,
            ..self
        }
    }

    pub fn all() -> impl Iterator<Item = Self> {
        [Protocol::Http, Protocol::Grpc]
            .into_iter()
            .flat_map(|protocol| {
                [(true, false), (true, true), (false, false), (false, true)].map(
                    |(sampled, nested)| Self {
                        protocol,
                        sampled,
                        nested,
                    },
                )
            })
    }
}

pub fn run(order: &Order) -> anyhow::Result<Sample> {
    let contender = contenders::named(&order.contender)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    // What a contender does in the background has the runtime's worker; requests are served on this thread.
    let _entered = runtime.enter();
    let mut target = contender.start(&runtime, order)?;
    let requests = request::Requests::new(order.case);
    let looking = looking();
    let mut chunk = |count: usize| {
        let mut elapsed = Duration::ZERO;
        for _ in 0..count.div_ceil(BATCH) {
            // Whoever sends a request pays for making it.
            let batch: Vec<_> = (0..BATCH).map(|_| requests.next()).collect();
            let started = clock(ClockId::ThreadCPUTime);
            for request in batch {
                // Nothing here waits, so that no runtime has to be asked.
                let served = target.serve(request).now_or_never();
                served.expect("the answer is there at once");
            }
            let ended = clock(ClockId::ThreadCPUTime);
            elapsed += ended.saturating_sub(started).saturating_sub(looking);
        }
        target.flush();
        elapsed
    };
    chunk(CHUNK);
    let allocations = allocations(|| {
        chunk(CHUNK);
    });
    let chunks = order.requests.div_ceil(CHUNK);
    let cpu = clock(ClockId::ProcessCPUTime);
    let elapsed: Duration = (0..chunks).map(|_| chunk(CHUNK)).sum();
    let cpu = clock(ClockId::ProcessCPUTime).saturating_sub(cpu);
    #[allow(clippy::cast_precision_loss)]
    let per = |total: u128, count: usize| total as f64 / count as f64;
    Ok(Sample {
        nanoseconds: per(elapsed.as_nanos(), chunks * CHUNK),
        allocations: allocations.map(|count| per(u128::from(count), CHUNK)),
        cpu_nanoseconds: per(cpu.as_nanos(), chunks * CHUNK),
    })
}

#[cfg(feature = "counting")]
fn allocations(work: impl FnOnce()) -> Option<u64> {
    Some(allocation_counter::measure(work).count_total)
}

#[cfg(not(feature = "counting"))]
fn allocations(_: impl FnOnce()) -> Option<u64> {
    None
}

/// What two looks at the thread's clock take of the time between them.
fn looking() -> Duration {
    let mut all: Vec<_> = (0..1001)
        .map(|_| {
            let started = clock(ClockId::ThreadCPUTime);
            clock(ClockId::ThreadCPUTime).saturating_sub(started)
        })
        .collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// CPU time, so that what else the machine does disturbs little.
pub fn clock(id: ClockId) -> Duration {
    let now = clock_gettime(id);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}
