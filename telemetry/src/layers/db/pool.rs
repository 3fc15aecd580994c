//! A pool of connections, as its user sees it.

use std::future::Future;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram};

use crate::layers::names::FirstNames;
use crate::metrics::gauge::Held;
use crate::metrics::signals::{
    DbClientConnectionCount, DbClientConnectionMax, DbClientConnectionPendingRequests,
    DbClientConnectionState, DbClientConnectionTimeouts, DbClientConnectionUseTime,
    DbClientConnectionWaitTime,
};

/// The names of pools that are labels, as many as the registry declares.
static POOLS: FirstNames = FirstNames::new(50);

/// The metrics of a pool of connections.
///
/// It is given two things: [`observe`](Self::observe) with what the pool says of itself, now and then, and
/// [`acquire`](Self::acquire) around each wait for a connection. Idle polls go around both.
pub struct Pool {
    idle: Gauge,
    used: Gauge,
    pending: Gauge,
    timeouts: Counter,
    wait_time: Histogram,
    use_time: Histogram,
}

/// The time for which a connection is borrowed: it ends, and is recorded, when this is dropped.
#[must_use = "it measures until it is dropped"]
pub struct Borrowed {
    since: Instant,
    use_time: Histogram,
}

// === impl Pool ===

impl Pool {
    /// The metrics of the pool of this name, which may hold `max` connections.
    ///
    /// Past the first 50 names of a process, any other is `_OTHER`.
    pub fn new(name: &str, max: u32) -> Self {
        let name = POOLS.label(name);
        let count = |state| {
            DbClientConnectionCount {
                db_client_connection_pool_name: name,
                db_client_connection_state: state,
            }
            .gauge()
        };
        DbClientConnectionMax {
            db_client_connection_pool_name: name,
        }
        .set(f64::from(max));
        let all = Self {
            idle: count(DbClientConnectionState::Idle),
            used: count(DbClientConnectionState::Used),
            pending: DbClientConnectionPendingRequests {
                db_client_connection_pool_name: name,
            }
            .gauge(),
            timeouts: DbClientConnectionTimeouts {
                db_client_connection_pool_name: name,
            }
            .counter(),
            wait_time: DbClientConnectionWaitTime {
                db_client_connection_pool_name: name,
            }
            .histogram(),
            use_time: DbClientConnectionUseTime {
                db_client_connection_pool_name: name,
            }
            .histogram(),
        };
        // So that they are there before the first of them happens.
        all.pending.increment(0.0);
        all.timeouts.increment(0);
        all
    }

    /// Sets how many connections are idle and used now.
    pub fn observe(&self, idle: u32, used: u32) {
        self.idle.set(f64::from(idle));
        self.used.set(f64::from(used));
    }

    /// Waits for a connection. Returns with it what measures its use, to be kept as long as the connection is.
    ///
    /// A wait is measured when it succeeds; `timed_out` says of an error whether the wait was too long.
    ///
    /// # Errors
    /// Those of `connection`.
    pub async fn acquire<C, E>(
        &self,
        connection: impl Future<Output = Result<C, E>>,
        timed_out: impl FnOnce(&E) -> bool,
    ) -> Result<(C, Borrowed), E> {
        let asked = Instant::now();
        let pending = Held::new(self.pending.clone());
        let acquired = connection.await;
        drop(pending);
        match acquired {
            Ok(connection) => {
                self.wait_time.record(asked.elapsed().as_secs_f64());
                let borrowed = Borrowed {
                    since: Instant::now(),
                    use_time: self.use_time.clone(),
                };
                Ok((connection, borrowed))
            }
            Err(error) => {
                if timed_out(&error) {
                    self.timeouts.increment(1);
                }
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

// === impl Borrowed ===

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.use_time.record(self.since.elapsed().as_secs_f64());
    }
}

impl std::fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Borrowed")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}
