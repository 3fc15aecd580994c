//! Open-loop scheduling: tasks start at their intended times, however slow the responses are, and latencies are measured
//! from the intended start. The generator's own delay would be counted as latency, so it is measured too.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::latency::Latencies;

/// One scheduled start.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// 0 for the first.
    pub index: u64,
    /// When it should start. Latencies are measured from here.
    pub intended: Instant,
}

/// How late the generator started its tasks. Clones share the measurements.
#[derive(Debug, Clone, Default)]
pub struct Lateness(Arc<Mutex<Latencies>>);

/// How many tasks of a schedule were started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// How many it had.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
}

/// When tasks start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Starts per second.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// Maximum number of tasks that run at the same time. Further tasks are not started, which makes the result
    /// untrustworthy.
    pub max_in_flight: usize,
}

// === impl Lateness ===

impl Lateness {
    /// Records that a task with this intended start starts now.
    pub fn record(&self, intended: Instant) {
        let late = Instant::now().saturating_duration_since(intended);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(late);
    }

    /// Waits until `intended`, and records how late this task woke up.
    pub async fn wait_until(&self, intended: Instant) {
        tokio::time::sleep_until(intended).await;
        self.record(intended);
    }

    /// The delays recorded so far.
    pub fn latencies(&self) -> Latencies {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

// === impl Schedule ===

impl Schedule {
    /// The number of starts; at least one.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product of a rate and a duration that fits a test run"
    )]
    pub fn arrivals(&self) -> u64 {
        ((self.rate * self.duration.as_secs_f64()).round() as u64).max(1)
    }

    /// The intended start of the arrival with this index, relative to the first.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a run has fewer arrivals than a double can count exactly"
    )]
    pub fn offset(&self, index: u64) -> Duration {
        Duration::from_secs_f64(index as f64 / self.rate)
    }

    /// Starts a task for each arrival at its time, and waits until all have ended.
    pub async fn run<F>(&self, lateness: &Lateness, mut start: impl FnMut(Arrival) -> F) -> Started
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let begin = Instant::now();
        let planned = self.arrivals();
        let mut started = 0;
        let mut in_flight = JoinSet::new();
        for index in 0..planned {
            let intended = begin + self.offset(index);
            tokio::time::sleep_until(intended).await;
            while in_flight.try_join_next().is_some() {}
            if in_flight.len() >= self.max_in_flight {
                continue;
            }
            let work = start(Arrival { index, intended });
            let lateness = lateness.clone();
            in_flight.spawn(async move {
                lateness.record(intended);
                work.await;
            });
            started += 1;
        }
        while in_flight.join_next().await.is_some() {}
        Started { planned, started }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Lateness, Schedule, Started};

    fn schedule(rate: f64, seconds: u64) -> Schedule {
        Schedule {
            rate,
            duration: Duration::from_secs(seconds),
            max_in_flight: 1000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_start_on_schedule_although_none_ends() {
        let begin = Instant::now();
        let starts = Arc::new(Mutex::new(Vec::new()));
        let seen = starts.clone();
        let started = schedule(10.0, 2)
            .run(&Lateness::default(), move |_| {
                let seen = seen.clone();
                async move {
                    seen.lock().expect("no panic").push(begin.elapsed());
                    tokio::time::sleep(Duration::from_mins(1)).await;
                }
            })
            .await;
        assert_eq!(
            started,
            Started {
                planned: 20,
                started: 20
            }
        );
        let starts = starts.lock().expect("no panic");
        for (index, start) in starts.iter().enumerate() {
            let intended = Duration::from_millis(100 * u64::try_from(index).expect("small"));
            assert!(
                start.abs_diff(intended) <= Duration::from_millis(2),
                "{starts:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_generator_that_is_late_records_its_lateness() {
        let lateness = Lateness::default();
        schedule(10.0, 1)
            .run(&lateness, |arrival| async move {
                if arrival.index == 5 {
                    // The clock jumps over several arrivals, as on an overloaded machine.
                    tokio::time::advance(Duration::from_millis(400)).await;
                }
            })
            .await;
        let recorded = lateness.latencies();
        assert_eq!(recorded.count(), 10);
        assert!(
            recorded.quantile(1.0) >= Duration::from_millis(250),
            "{:?}",
            recorded.quantiles()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_above_the_maximum_is_not_started_and_is_counted() {
        let small = Schedule {
            max_in_flight: 3,
            ..schedule(10.0, 1)
        };
        let started = small
            .run(&Lateness::default(), |_| async {
                tokio::time::sleep(Duration::from_mins(1)).await;
            })
            .await;
        assert_eq!((started.planned, started.started), (10, 3));
    }
}
