//! What must hold in a cell, and the table of what was seen.

use std::time::Duration;

use crate::cell::{Cell, Seen};
use crate::service::{Pipeline, SPANS_PER_REQUEST};

/// A shutdown's default time, and what a busy machine may add.
const SHUTDOWN: Duration = Duration::from_millis(5_500);
/// Of the memory of a service whose collector is healthy.
const MEMORY: f64 = 1.5;

/// When an outage begins, so many spans may be on their way: a queue and a batch.
const PENDING: u64 = 2048 + 512;

/// What healthy services are like in this run: what the others are held against.
#[derive(Debug, Default)]
pub struct Healthy {
    /// By how much the 99th percentiles of two healthy windows of one service differ at most.
    band: f64,
    /// In KiB, of each pipeline's control.
    memory: Vec<(Pipeline, u64)>,
}

#[derive(Debug)]
pub struct Row {
    pub cell: Cell,
    pub seen: Seen,
}

// === impl Healthy ===

impl Healthy {
    pub fn learn(&mut self, rows: &[Row]) {
        for Row { cell, seen } in rows {
            let p99s = seen.healthy.iter().map(Duration::as_secs_f64);
            let most = p99s.clone().fold(0.0, f64::max);
            let least = p99s.fold(f64::INFINITY, f64::min);
            self.band = self.band.max(most / least);
            if cell.is_control() {
                self.memory.push((cell.pipeline, seen.peak_memory));
            }
        }
    }

    pub fn band(&self) -> f64 {
        self.band
    }
}

// === impl Row ===

impl Row {
    /// The worst window of the outage against the median of the healthy ones before it.
    pub fn slowdown(&self) -> f64 {
        let mut healthy = self.seen.healthy.clone();
        healthy.sort_unstable();
        let median = healthy[healthy.len() / 2];
        let worst = self.seen.outage.iter().max().copied().unwrap_or_default();
        worst.as_secs_f64() / median.as_secs_f64()
    }

    /// Whether the percentile is out of the band: worth a second look, since it is a percentile.
    pub fn is_slow(&self, healthy: &Healthy) -> bool {
        self.slowdown() > healthy.band
    }

    /// What does not hold.
    pub fn failures(&self, healthy: &Healthy) -> Vec<String> {
        let Seen {
            sent,
            sent_healthy,
            failed,
            last_words: words,
            received,
            recovered,
            ..
        } = &self.seen;
        let mut failures = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                failures.push(what);
            }
        };
        must(*failed == 0, format!("{failed} of {sent} requests failed"));
        must(
            !self.is_slow(healthy),
            format!("p99 is {:.2} times the healthy one", self.slowdown()),
        );
        must(
            self.memory(healthy) <= MEMORY,
            format!(
                "memory is {:.2} times the healthy one",
                self.memory(healthy)
            ),
        );
        must(
            words.shutdown <= SHUTDOWN,
            format!("the shutdown took {:?}", words.shutdown),
        );
        must(*recovered, "no span came after the recovery".to_owned());
        let expected = sent * SPANS_PER_REQUEST;
        must(
            words.started == expected,
            format!("{} spans were started, not {expected}", words.started),
        );
        let Some(account) = &words.account else {
            return failures;
        };
        let lost: u64 = account.lost.iter().map(|(_, count)| count).sum();
        must(
            account.is_balanced && account.is_settled && account.exported + lost == words.started,
            format!("the account does not add up: {account:?}"),
        );
        must(
            (account.exported..=account.exported + account.in_doubt).contains(received),
            format!("the collector received {received}: {account:?}"),
        );
        let well = sent_healthy * SPANS_PER_REQUEST;
        must(
            account.exported + PENDING >= well && (lost == 0 || !self.cell.is_control()),
            format!(
                "of {well} spans of a healthy time {} were exported",
                account.exported
            ),
        );
        must(
            account.lost_before + account.lost_at_shutdown == lost,
            format!("the shutdown said {:?}: {account:?}", words.said),
        );
        failures
    }

    fn memory(&self, healthy: &Healthy) -> f64 {
        let control = healthy
            .memory
            .iter()
            .find(|(pipeline, _)| *pipeline == self.cell.pipeline);
        let reference = control.map_or(self.seen.peak_memory, |(_, memory)| *memory);
        self.seen.peak_memory as f64 / reference as f64
    }

    pub fn print(&self, healthy: &Healthy, verdict: &str) {
        let words = &self.seen.last_words;
        let spans = match &words.account {
            Some(account) => {
                let lost: Vec<_> = account
                    .lost
                    .iter()
                    .map(|(reason, count)| format!("{count} {reason}"))
                    .collect();
                format!(
                    "{} exported, {} received, lost: {}",
                    account.exported,
                    self.seen.received,
                    if lost.is_empty() {
                        "none".to_owned()
                    } else {
                        lost.join(", ")
                    }
                )
            }
            None => format!(
                "{} received, lost without a count: {}; it said: {}",
                self.seen.received,
                words.started.saturating_sub(self.seen.received),
                words.said
            ),
        };
        println!(
            "{:<27} {:>6} {:>6} {:>5.2} {:>6.2} {:>8} {:>6.1}s  {:<8} {} started, {spans}",
            self.cell.name(),
            self.seen.sent,
            self.seen.failed,
            self.slowdown(),
            self.memory(healthy),
            format!("{} MiB", self.seen.peak_memory >> 10),
            words.shutdown.as_secs_f64(),
            verdict,
            words.started,
        );
    }
}

pub fn print_head(healthy: &Healthy) {
    println!(
        "\np99: the worst 2 s window of the outage against the median healthy window of the same service; the band is the\n\
         largest ratio of two healthy windows of one service in this run: {:.2}. Memory: peak, against the control's.\n",
        healthy.band()
    );
    println!(
        "{:<27} {:>6} {:>6} {:>5} {:>6} {:>8} {:>7}  {:<8} spans",
        "cell", "sent", "failed", "p99", "memory", "peak", "end", "verdict"
    );
}
