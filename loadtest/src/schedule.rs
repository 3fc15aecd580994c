//! An open loop: what is to be started starts on schedule, whatever the answers do, and every latency counts from the
//! intended start. A generator that is itself late measures its own delay, not the service's; so it measures that too.

use crate::latency::Latencies;
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// When something is to happen.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// 0 for the first.
    pub index: u64,
    /// When it should start: latencies count from here.
    pub intended: Instant,
}

/// How late the generator itself was.
#[derive(Debug, Clone, Default)]
pub struct Lateness(Arc<Mutex<Latencies>>);

/// What a schedule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// How many arrivals the schedule had.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
}

/// How many arrivals there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Arrivals per second.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// How many may be under way at once; more are not started, which makes the result worthless and says so.
    pub most_at_once: usize,
}

// === impl Lateness ===

impl Lateness {
    /// Notes that what was intended for `intended` starts now.
    pub fn note(&self, intended: Instant) {
        let late = Instant::now().saturating_duration_since(intended);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(late);
    }

    /// Waits for `intended` and notes how late the waking was.
    pub async fn wait_until(&self, intended: Instant) {
        tokio::time::sleep_until(intended).await;
        self.note(intended);
    }

    /// What was noted so far.
    pub fn so_far(&self) -> Latencies {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

// === impl Plan ===

impl Plan {
    /// How many arrivals that makes; at least one.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a product of a rate and a duration that people wait for"
    )]
    pub fn arrivals(&self) -> u64 {
        ((self.rate * self.duration.as_secs_f64()).round() as u64).max(1)
    }

    /// When the arrival of this index is intended, counted from the start.
    #[allow(
        clippy::cast_precision_loss,
        reason = "no run has so many arrivals that a double cannot count them"
    )]
    pub fn offset(&self, index: u64) -> Duration {
        Duration::from_secs_f64(index as f64 / self.rate)
    }

    /// Starts every arrival on time and waits until all have ended.
    pub async fn run<F>(&self, lateness: &Lateness, mut start: impl FnMut(Arrival) -> F) -> Started
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let begin = Instant::now();
        let planned = self.arrivals();
        let mut started = 0;
        let mut under_way = JoinSet::new();
        for index in 0..planned {
            let intended = begin + self.offset(index);
            tokio::time::sleep_until(intended).await;
            while under_way.try_join_next().is_some() {}
            if under_way.len() >= self.most_at_once {
                continue;
            }
            let work = start(Arrival { index, intended });
            let lateness = lateness.clone();
            under_way.spawn(async move {
                lateness.note(intended);
                work.await;
            });
            started += 1;
        }
        while under_way.join_next().await.is_some() {}
        Started { planned, started }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lateness, Plan, Started};
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };
    use tokio::time::Instant;

    fn plan(rate: f64, seconds: u64) -> Plan {
        Plan {
            rate,
            duration: Duration::from_secs(seconds),
            most_at_once: 1000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn arrivals_come_on_schedule_though_no_answer_does() {
        let begin = Instant::now();
        let starts = Arc::new(Mutex::new(Vec::new()));
        let seen = starts.clone();
        let started = plan(10.0, 2)
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
    async fn a_generator_that_is_busy_elsewhere_knows_that_it_was_late() {
        let lateness = Lateness::default();
        plan(10.0, 1)
            .run(&lateness, |arrival| async move {
                if arrival.index == 5 {
                    // The clock jumps over several arrivals, as on a machine with too much to do.
                    tokio::time::advance(Duration::from_millis(400)).await;
                }
            })
            .await;
        let noted = lateness.so_far();
        assert_eq!(noted.count(), 10);
        assert!(
            noted.quantile(1.0) >= Duration::from_millis(250),
            "{:?}",
            noted.quantiles()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_at_once_is_not_started_and_told() {
        let few = Plan {
            most_at_once: 3,
            ..plan(10.0, 1)
        };
        let started = few
            .run(&Lateness::default(), |_| async {
                tokio::time::sleep(Duration::from_mins(1)).await;
            })
            .await;
        assert_eq!((started.planned, started.started), (10, 3));
    }
}
